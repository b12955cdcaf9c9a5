"""How patches are varied, so that the network does not learn one scanner, one contrast phase or one orientation.

Shape first (`random_matrix`, `resample`, `table_step`), while labels can follow; then `augment_hu`, the way a scanner
makes its picture: what tissue attenuates, then the kernel, then the slices, then noise; at last `cut_field`.
Every function draws from the generator that it is given. The interpolation is torch's, the filters are scipy's.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from scipy.spatial.transform import Rotation

from cacnet.prepare import DENSE_HU, HU_RANGE, MODEL_SPACING_MM, REMOVED_HU
from cacnet.training.configuration import AugmentationConfig

SHADING_KNOTS = 4
"""Points a side between which a shading is interpolated; it varies over centimetres."""


def random_matrix(config: AugmentationConfig, random: np.random.Generator) -> np.ndarray | None:
    """From voxels of a patch to voxels of its case, both from the centre, (3, 3) in (z, y, x); None to leave it."""
    if random.random() >= config.affine:
        return None
    angles_deg = random.uniform(-config.rotation_deg, config.rotation_deg, 3)
    return Rotation.from_euler("ZYX", angles_deg, degrees=True).as_matrix() / random.uniform(*config.zoom, 3)


def source_edge(matrix_zyx: np.ndarray, edge: int) -> int:
    """Edge of the cube that holds every voxel a patch of `edge` voxels sees through the matrix."""
    return int(np.ceil(np.abs(matrix_zyx).sum(1).max() * edge)) + 2


def resample(arrays: np.ndarray, matrix_zyx: np.ndarray, edge: int, mode: str) -> np.ndarray:
    """Cubes (n, e, e, e) seen through the matrix, (n, edge, edge, edge) float32; mode 'bilinear' or 'nearest'."""
    scaled = matrix_zyx[::-1, ::-1] * (edge / arrays.shape[-1])  # grid_sample counts x, y, z from -1 to 1
    theta = torch.zeros(1, 3, 4)
    theta[0, :, :3] = torch.from_numpy(scaled.copy())
    grid = F.affine_grid(theta, [1, 1, edge, edge, edge], align_corners=False)
    cubes = torch.from_numpy(np.ascontiguousarray(arrays, np.float32))[None]
    return F.grid_sample(cubes, grid, mode=mode, padding_mode="border", align_corners=False)[0].numpy()


def table_step(config: AugmentationConfig, edge: int, random: np.random.Generator) -> tuple[int, np.ndarray] | None:
    """The slice from which on the patch is moved, and by how many voxels (z, y, x); None to leave it."""
    if random.random() >= config.table_step:
        return None
    shift_mm = random.uniform(-config.table_step_mm, config.table_step_mm, 3) * (0, 1, 1)
    return int(random.integers(1, edge)), np.rint(shift_mm / MODEL_SPACING_MM).astype(int)


def augment_hu(hu: np.ndarray, config: AugmentationConfig, random: np.random.Generator) -> np.ndarray:
    """Vary a float32 HU patch (z, y, x): contrast, shading, sharpness, slices, noise; removed lung stays removed."""
    removed = hu <= HU_RANGE[0]
    if random.random() < config.intensity:
        hu = _change_intensity(hu, config, random)
    if random.random() < config.shading:
        hu = hu + _shading(hu.shape, random) * np.float32(config.shading_hu)
    if random.random() < config.blur:
        hu = ndimage.gaussian_filter(hu, random.uniform(*config.blur_voxels), truncate=2.5)
    if random.random() < config.sharpen:
        smooth = ndimage.gaussian_filter(hu, random.uniform(0.7, 1.3), truncate=2.5)
        hu = hu + (hu - smooth) * np.float32(random.uniform(*config.sharpening))
    if random.random() < config.thick_slices:
        hu = _thicken(hu, random.uniform(*config.slice_factor))
    if random.random() < config.noise:
        hu = hu + _noise(hu.shape, random) * np.float32(random.uniform(*config.noise_hu))
    return np.where(removed, np.float32(HU_RANGE[0]), hu)


def cut_field(hu: np.ndarray, target: np.ndarray, config: AugmentationConfig, random: np.random.Generator) -> None:
    """Let the scan end within the patch, in place: beyond, `hu` (z, y, x) is removed, `target` (classes, z, y, x) 0."""
    if random.random() >= config.cut:
        return
    axis, edge = random.integers(3), hu.shape[0]
    depth = round(random.uniform(0, config.cut_fraction) * edge)
    lost = [slice(None)] * 3
    lost[axis] = slice(0, depth) if random.random() < 0.5 else slice(edge - depth, edge)
    hu[tuple(lost)] = REMOVED_HU
    target[(slice(None), *lost)] = 0


def _change_intensity(hu: np.ndarray, config: AugmentationConfig, random: np.random.Generator) -> np.ndarray:
    low, high = HU_RANGE[0], DENSE_HU
    changed = hu * np.float32(random.uniform(*config.gain)) + np.float32(random.uniform(*config.offset_hu))
    if random.random() < 0.5:
        unit = np.maximum((changed - low) / np.float32(high - low), 0)
        changed = np.power(unit, np.float32(random.uniform(*config.gamma))) * np.float32(high - low) + np.float32(low)
    return changed.astype(np.float32, copy=False)


def _shading(shape_zyx: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    knots = torch.from_numpy(random.uniform(-1, 1, (1, 1, *[SHADING_KNOTS] * 3)).astype(np.float32))
    return F.interpolate(knots, shape_zyx, mode="trilinear", align_corners=True)[0, 0].numpy()


def _noise(shape_zyx: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Noise of standard deviation 1, white or, as reconstruction leaves it, correlated between neighbours."""
    noise = random.standard_normal(shape_zyx, np.float32)
    if random.random() < 0.5:
        return noise
    noise = ndimage.gaussian_filter(noise, random.uniform(0.5, 1.2), truncate=2.5)
    return noise / noise.std()


def _thicken(hu: np.ndarray, factor: float) -> np.ndarray:
    """What remains along z of slices `factor` times as thick: averaged, sampled, interpolated back."""
    averaged = ndimage.uniform_filter1d(hu, max(2, round(factor)), axis=0)
    slices = np.arange(len(hu)) / factor
    share = (slices - np.floor(slices)).astype(np.float32)[:, None, None]
    lower, upper = (np.rint((np.floor(slices) + k) * factor).astype(int).clip(0, len(hu) - 1) for k in (0, 1))
    return averaged[lower] * (1 - share) + averaged[upper] * share
