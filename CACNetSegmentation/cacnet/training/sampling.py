"""Patches for training: where they are centred, and how they become network input and target."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch.utils.data import Dataset

from cacnet.prepare import REMOVED_HU, normalise_hu
from cacnet.training.augmentation import augment_hu, resize
from cacnet.training.cases import Case, CaseError, list_cases, read_case
from cacnet.training.configuration import TrainingConfig
from cacnet.training.mining import mined_positions

MAX_POSITIONS = 5000
"""Vessel and distractor voxels remembered for each case; plenty to centre patches on."""

KINDS = ("calcium", "vessel", "distractor", "mined", "anywhere")
"""What a patch may be centred on; the names of the shares in SamplingConfig."""

ZOOM_RANGE = (0.88, 1.14)
CENTRE_JITTER = 0.35
"""How far from the patch's centre, as a fraction of its edge, the chosen voxel may come to lie."""


class CaseSampler:
    """Where the interesting voxels of one case are; found at first use, then kept."""

    def __init__(self, folder: Path) -> None:
        self.case: Case = read_case(folder)
        self.mined = np.zeros((0, 3), np.int64)
        """Voxels (n, 3) where the network saw calcium that is none (mining.py)."""

    @cached_property
    def lesions(self) -> list[np.ndarray]:
        """Voxels (n, 3) of every connected calcium lesion (26 neighbours)."""
        labels, count = ndimage.label(np.asarray(self.case.calcium) > 0, np.ones((3, 3, 3)))
        boxes = ndimage.find_objects(labels)
        return [np.argwhere(labels[box] == i + 1) + [s.start for s in box] for i, box in enumerate(boxes[:count])]

    @cached_property
    def vessel(self) -> np.ndarray:
        """Some coronary voxels (n, 3)."""
        return _some_positions(np.asarray(self.case.coronary) > 0)

    @cached_property
    def distractors(self) -> list[np.ndarray]:
        """Some voxels (n, 3) of every kind of distractor."""
        codes = np.asarray(self.case.distractor)
        present = np.flatnonzero(np.bincount(codes.ravel(), minlength=256))
        return [_some_positions(codes == code) for code in present if code > 0]

    def choose(self, kind: str, random: np.random.Generator) -> np.ndarray:
        """A voxel (z, y, x) of that kind; for 'mined' a distractor, and for all anywhere, where the case has none."""
        groups: list[np.ndarray] = []
        if kind == "calcium":
            groups = self.lesions
        elif kind == "mined" and len(self.mined):
            groups = [self.mined]
        elif kind in ("distractor", "mined"):
            groups = self.distractors
        elif kind == "vessel" and len(self.vessel):
            groups = [self.vessel]
        if not groups:
            return random.integers(0, self.case.hu.shape)
        group = groups[random.integers(len(groups))]
        return group[random.integers(len(group))]


class PatchDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Patch number i of a run, as (image (1, e, e, e) float32, target (classes, e, e, e) uint8).

    Every patch depends on the seed, its number and the cases at hand only, so a resumed run goes on with the very
    patches that the interrupted one would have drawn. New cases in the folder, and new positions in the folder
    `mined`, are noticed every `rescan_patches`.
    """

    def __init__(self, folder: Path, config: TrainingConfig, mined: Path | None = None) -> None:
        self.folder = folder
        self.config = config
        self.mined = mined
        self.samplers: dict[Path, CaseSampler] = {}
        self.last_scan = -1

    def __len__(self) -> int:
        return self.config.total_steps * self.config.batch

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        scan = number // self.config.sampling.rescan_patches
        if scan != self.last_scan:
            self._scan(step=scan * self.config.sampling.rescan_patches // self.config.batch)
            self.last_scan = scan
        random = np.random.default_rng([self.config.seed, number])
        sampler = list(self.samplers.values())[random.integers(len(self.samplers))]
        shares = np.array([getattr(self.config.sampling, kind) for kind in KINDS])
        kind = KINDS[random.choice(len(KINDS), p=shares / shares.sum())]
        return draw_patch(sampler, kind, self.config, random)

    def _scan(self, step: int) -> None:
        for folder in list_cases(self.folder):
            if folder not in self.samplers:
                self.samplers[folder] = CaseSampler(folder)
        self.samplers = dict(sorted(self.samplers.items()))
        if not self.samplers:
            raise CaseError(f"no case in '{self.folder}'", "folders made by cacnet.training.make_cases")
        for sampler in self.samplers.values():
            if self.mined is not None:
                sampler.mined = mined_positions(self.mined, sampler.case.name, step)


def draw_patch(
    sampler: CaseSampler, kind: str, config: TrainingConfig, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """One patch around a voxel of that kind, augmented; shapes as in PatchDataset."""
    settings, edge = config.sampling, config.patch_voxels
    zoomed = settings.augment and random.random() < settings.zoom
    source_edge = round(edge * random.uniform(*ZOOM_RANGE)) if zoomed else edge
    jitter = random.uniform(-CENTRE_JITTER, CENTRE_JITTER, 3) * source_edge
    corner = np.rint(sampler.choose(kind, random) - source_edge / 2 + jitter).astype(int)
    case = sampler.case
    hu = _crop(case.hu, corner, source_edge, REMOVED_HU).astype(np.float32)
    labels = [case.calcium, case.coronary][: config.network.classes]
    target = np.stack([resize(_crop(label, corner, source_edge, 0) > 0, edge, 0) for label in labels])
    hu = resize(hu, edge, 1)
    if settings.augment:
        hu = augment_hu(hu, settings, random)
        mirrored = tuple(axis for axis in range(3) if random.random() < settings.flip)
        hu, target = np.flip(hu, mirrored), np.flip(target, tuple(axis + 1 for axis in mirrored))
    image = np.ascontiguousarray(normalise_hu(hu)[None], np.float32)
    return torch.from_numpy(image), torch.from_numpy(np.ascontiguousarray(target, np.uint8))


def _crop(array: np.ndarray, corner: np.ndarray, edge: int, outside: int) -> np.ndarray:
    """A cube of an array that may reach beyond it, where it is `outside`."""
    low = np.clip(corner, 0, array.shape)
    high = np.clip(corner + edge, 0, array.shape)
    inside = np.asarray(array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
    if inside.shape == (edge, edge, edge):
        return inside
    cube = np.full((edge, edge, edge), outside, array.dtype)
    cube[tuple(slice(a, b) for a, b in zip(low - corner, high - corner, strict=True))] = inside
    return cube


def _some_positions(mask: np.ndarray) -> np.ndarray:
    flat = np.flatnonzero(mask)
    flat = flat[:: max(1, len(flat) // MAX_POSITIONS)]
    return np.stack(np.unravel_index(flat, mask.shape), axis=-1)
