"""What moves while it is scanned: how the scan shows it, and where its labels then lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from cacnet.bounding_box import Box
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.scan_settings import Motion, ScanSettings
from cacnet.phantom.separable import FWHM_PER_SD, axes_of, overlap, resample
from cacnet.volume import Geometry

__all__ = ["move_labels", "move_slabs", "seen_share", "seen_way", "smear_by_motion"]

OVERLAP = 0.15
"""Part of a half rotation that is measured twice."""
AT_REST = 0.6
"""Of a double contour's dose."""
ARTERY_RADIUS_MM = 1.5
"""Typical, with the wall: how much of a double contour is one in the image depends on it."""
AROUND_VESSEL_MM = 14.0
"""Over this much around a moving vessel the motion fades out."""
AROUND_HEART_MM = 20.0
PLAQUE_LAYERS = ("calcium", "calcium_fraction")
LEAST_SHOWN = 0.02
"""What shows less of a plaque than this, no one would outline."""
AROUND_PLAQUE_MM = 8.0
"""Farther than this, beyond the whole way, nothing of a moving plaque is looked for."""


@dataclass(frozen=True)
class _Move:
    """One motion on a canvas.

    Attributes:
        way_zyx: the whole way, in voxels.
        box: what moves.
        ramps_zyx: how much of the motion each plane, row and column of the box takes part in, 0 to 1.
    """

    motion: Motion
    way_zyx: np.ndarray
    box: Box
    ramps_zyx: tuple[np.ndarray, np.ndarray, np.ndarray]


def smear_by_motion(canvas: Canvas, settings: ScanSettings) -> np.ndarray:
    """The canvas's HU as the phases of each vessel's motion show them; (z, y, x), the canvas's own where none moves."""
    moves = _moves(canvas, settings)
    return _smeared(canvas.hu, (0, 0, 0), moves) if moves else canvas.hu


def _smeared(part: np.ndarray, first_zyx: tuple[int, int, int], moves: Sequence[_Move]) -> np.ndarray:
    """A part of a canvas that begins at the voxel `first_zyx`, after all motions."""
    result = part.copy()
    for move in moves:
        begin = [max(side.start, first) for side, first in zip(move.box, first_zyx, strict=True)]
        end = [min(side.stop, first + n) for side, first, n in zip(move.box, first_zyx, part.shape, strict=True)]
        if any(b >= e for b, e in zip(begin, end, strict=True)):
            continue
        z, y, x = (slice(b - first, e - first) for b, e, first in zip(begin, end, first_zyx, strict=True))
        ramps = [
            ramp[b - side.start : e - side.start]
            for ramp, b, e, side in zip(move.ramps_zyx, begin, end, move.box, strict=True)
        ]
        if move.motion.double:
            result[z, y, x] = _doubled(result[z, y, x], move.way_zyx, ramps)
        else:
            result[z, y, x] = _half_scan(result[z, y, x], move.way_zyx, ramps, move.motion.start_deg)
    return result


def _moves(canvas: Canvas, settings: ScanSettings) -> list[_Move]:
    """Every motion that shows on the canvas: of half a voxel or more, of an artery that lies there."""
    coronary = canvas.layers.get("coronary")
    if coronary is None or not settings.motion:
        return []
    boxes: dict[int, tuple[slice, ...] | None] = dict(enumerate(ndimage.find_objects(coronary, max_label=4), start=1))
    boxes[0] = _around([box for box in boxes.values() if box is not None])
    moves = []
    for motion in settings.motion:
        way_zyx = np.array(motion.displacement_mm_xyz)[::-1] / canvas.spacing_mm
        found = boxes[motion.vessel]
        if found is None or np.linalg.norm(way_zyx) < 0.5:
            continue
        margin = int(np.ceil((AROUND_VESSEL_MM if motion.vessel else AROUND_HEART_MM) / canvas.spacing_mm))
        z, y, x = (
            slice(max(s.start - margin, 0), min(s.stop + margin, n))
            for s, n in zip(found, canvas.hu.shape, strict=True)
        )
        ramps = (_tent(z.stop - z.start, margin), _tent(y.stop - y.start, margin), _tent(x.stop - x.start, margin))
        moves.append(_Move(motion, way_zyx, (z, y, x), ramps))
    return moves


def move_labels(canvas: Canvas, settings: ScanSettings) -> None:
    """Put the layers where the motion shows what they name, as a reader would outline it.

    A plaque keeps its volume and takes the shape that the scan shows of it (`_seen_plaques`), at rest as well. The
    arteries and all else keep their shape and lie where the image is most like them: of a double contour at the
    stronger one, or between the two where the scanner's blur makes them one (`seen_share`), and in the midst of the
    crescents and tails of a half rotation (`seen_way`).
    """
    moves = _moves(canvas, settings)
    plaques = _seen_plaques(canvas, settings.geometry, moves)
    if plaques is not None:
        canvas.layers["calcium"], canvas.layers["calcium_fraction"] = plaques
    if not moves:
        return
    others = [layer for name, layer in canvas.layers.items() if plaques is None or name not in PLAQUE_LAYERS]
    _displace(others, moves, _seen_width_mm(settings.psf_fwhm_mm) / canvas.spacing_mm)


def _seen_width_mm(psf_fwhm_mm: float) -> float:
    """Standard deviation of an artery's image, compared with itself: of its disc and the scanner's blur, twice."""
    return float(np.sqrt(2 * ((ARTERY_RADIUS_MM / 2) ** 2 + (psf_fwhm_mm / FWHM_PER_SD) ** 2)))


def _seen_plaques(canvas: Canvas, grid: Geometry, moves: Sequence[_Move]) -> tuple[np.ndarray, np.ndarray] | None:
    """Number and fraction of the calcium after the moves: half or more filled is what shows most of each plaque.

    As much of a plaque as its own volume, where the scan shows most of it, is what a reader who knows the plaque's size
    would outline. What the scan shows is its fraction after the same motion as the tissue's. By the fraction alone, a
    plaque that is thinner than the canvas's voxels, or that moved, would be nowhere half of one. Fractions may come out
    above 1. None where the canvas has no calcium.

    Args:
        grid: the scan's, on which the volume is kept.
    """
    number, fraction = canvas.layers.get("calcium"), canvas.layers.get("calcium_fraction")
    if number is None or fraction is None:
        return None
    filled = np.where(number > 0, fraction, np.float32(0))
    plaque_of, _ = ndimage.label(filled > 0, np.ones((3, 3, 3)))
    seen_number, seen_fraction = np.zeros_like(number), np.zeros_like(fraction)
    reach_zyx = np.zeros(3, int)
    if moves:
        reach_zyx += np.ceil(sum(np.abs(move.way_zyx) for move in moves)).astype(int)
        reach_zyx[1:] += int(np.ceil(AROUND_PLAQUE_MM / canvas.spacing_mm))
    for plaque, box in enumerate(ndimage.find_objects(plaque_of), start=1):
        around = tuple(
            slice(max(side.start - reach, 0), min(side.stop + reach, n))
            for side, reach, n in zip(box, reach_zyx, number.shape, strict=True)
        )
        onto_grid = overlap(around, axes_of(canvas.geometry), axes_of(grid))
        if onto_grid is None:
            continue
        part, _, weights = onto_grid
        first_z, first_y, first_x = (side.start for side in part)
        own = plaque_of[part] == plaque
        still = np.where(own, filled[part], np.float32(0))
        shown = _smeared(still, (first_z, first_y, first_x), moves)
        seen = np.maximum(shown * np.float32(_factor(still, shown, weights)), 0)
        ahead = seen > seen_fraction[part]
        seen_fraction[part][ahead] = seen[ahead]
        # What lies beyond the plaque at rest has the number of most of it.
        numbers = np.where(own, number[part], np.bincount(number[part][own]).argmax())
        seen_number[part][ahead] = numbers[ahead]
    return seen_number, seen_fraction


def _factor(still: np.ndarray, shown: np.ndarray, weights_zyx: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """What makes as many voxels of a grid at least half filled by `shown` as `still` fills in sum; 1 where none is."""
    count = round(float(resample(still, weights_zyx).sum()))
    if not count:
        return 1.0
    levels, voxels = np.unique(resample(shown, weights_zyx), return_counts=True)
    # Of equal places all are labelled or none, whichever is nearer to the volume; above the highest lies nothing.
    levels = np.append(levels, 2 * levels[-1])
    labelled = np.append(np.cumsum(voxels[::-1])[::-1], 0)
    least = len(levels) - 1 - int(np.argmin(np.abs(labelled[::-1] - count)))
    between = (levels[least] + levels[max(least - 1, 0)]) / 2
    return 0.5 / float(max(between, LEAST_SHOWN))


def _displace(layers: Sequence[np.ndarray], moves: Sequence[_Move], width: float) -> None:
    """Displace numbers by what the moves show; in place.

    Args:
        width: of an artery's image, as `seen_share` takes it, in voxels.
    """
    before = [layer.copy() for layer in layers]
    depth, ny, nx = layers[0].shape if layers else (0, 0, 0)
    for k in range(depth):
        way_zyx = np.zeros((3, ny, nx), np.float32)
        for move in moves:
            z, y, x = move.box
            if z.start <= k < z.stop:
                way_zyx[:, y, x] += _seen_in_plane(move, k - z.start, width)
        reach_z, reach_yx = int(np.ceil(np.abs(way_zyx[0]).max())), int(np.ceil(np.abs(way_zyx[1:]).max()))
        if not reach_z and not reach_yx:
            continue
        first = max(k - reach_z, 0)
        for layer, still in zip(layers, before, strict=True):
            planes = still[first : k + reach_z + 1]
            near = _box_of_plane(np.max(planes, axis=0), reach_yx)
            if near is not None:
                layer[k] = 0
                layer[k][near] = _moved_numbers(planes, k - first, way_zyx, near)


def _seen_in_plane(move: _Move, k: int, width: float) -> np.ndarray:
    """(zyx, y, x) float32: what a move shows of its way in the plane `k` of its box, in voxels."""
    weight = move.ramps_zyx[0][k] * move.ramps_zyx[1][:, None] * move.ramps_zyx[2][None, :]
    if not move.motion.double:
        seen_zyx = np.array([0.0, *seen_way(move.way_zyx, move.motion.start_deg)])
        return (seen_zyx[:, None, None] * weight).astype(np.float32)
    part = np.linspace(0, 1, 41)
    seen = part * seen_share(part * float(np.linalg.norm(move.way_zyx)) / width)
    # The second contour lies against the way: `_doubled` looks up what comes from there.
    return (-move.way_zyx[:, None, None] * np.interp(weight, part, seen)).astype(np.float32)


def _moved_numbers(planes: np.ndarray, k: int, way_zyx: np.ndarray, near: tuple[slice, slice]) -> np.ndarray:
    """A part of the plane `k` after the move: the number that fills most of each place, where all fill half of it."""
    rows, columns = np.ogrid[near]
    start = np.broadcast_arrays(np.float32(k), rows.astype(np.float32), columns.astype(np.float32))
    where = np.stack(start) - way_zyx[:, near[0], near[1]]
    total = np.zeros(where.shape[1:], np.float32)
    most, winner = np.zeros_like(total), np.zeros(where.shape[1:], planes.dtype)
    for number in np.unique(planes[planes > 0]):
        share = ndimage.map_coordinates((planes == number).astype(np.float32), where, order=1)
        total += share
        ahead = share > most
        winner[ahead], most[ahead] = number, share[ahead]
    winner[total < 0.5] = 0
    return winner


def _box_of_plane(plane: np.ndarray, margin: int) -> tuple[slice, slice] | None:
    """The part of a plane with everything in it, and a margin; None where nothing is."""
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not len(rows):
        return None
    y, x = (
        slice(max(int(at[0]) - margin, 0), min(int(at[-1]) + margin + 1, size))
        for at, size in zip((rows, columns), plane.shape, strict=True)
    )
    return y, x


def seen_share(way_in_widths: np.ndarray) -> np.ndarray:
    """The share of a double contour's way at which the image is most like what moved.

    Both contours are taken for Gaussians. Where they lie close they are one, in their middle by dose; far apart, the
    stronger one stands alone.

    Args:
        way_in_widths: (n,) the way, in standard deviations of what moved compared with itself.
    """
    share = np.linspace(0, 1 - AT_REST, 81)
    way = np.asarray(way_in_widths, float)[:, None]
    like = AT_REST * np.exp(-((share * way) ** 2) / 2) + (1 - AT_REST) * np.exp(-(((1 - share) * way) ** 2) / 2)
    # Of a way of 0 every share is right; the last is that of the smallest ways.
    best: np.ndarray = share[::-1][np.argmax(like[:, ::-1], axis=1)]
    return best


def seen_way(way_zyx: np.ndarray, start_deg: float) -> np.ndarray:
    """(y, x): the displacement that a half rotation shows, of a whole way that ends half of it beyond the middle.

    Each projection sees only the displacement along its own direction, at its own moment. The one displacement that
    fits them all best, by least squares, is what the eye takes for the place.
    """
    angle = np.pi * (np.arange(360) + 0.5) / 360
    direction = np.stack([np.sin(angle), np.cos(angle)])
    along = direction.T @ way_zyx[1:]
    return 2 * np.mean(direction * along * _moment(angle, start_deg), axis=1)


def _moment(angle: np.ndarray, start_deg: float) -> np.ndarray:
    """When a direction of a half rotation is measured, on average: −0.5 first, 0.5 last."""
    turn, early, late = _half_rotation(angle, start_deg)
    moment: np.ndarray = turn - 0.5 - late + early
    return moment


def _half_rotation(angle: np.ndarray, start_deg: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When a direction is measured, from 0 to 1, and the shares that the turns after and before have in it."""
    turn = np.mod(angle - np.radians(start_deg), np.pi) / np.pi
    # Over the last projections, those of the next half rotation are faded in, as scanners weight them.
    late = np.clip((turn - 1 + OVERLAP) / OVERLAP, 0, 1) * 0.5
    early = np.clip((OVERLAP - turn) / OVERLAP, 0, 1) * 0.5
    return turn, early, late


def _around(boxes: list[tuple[slice, ...]]) -> tuple[slice, ...] | None:
    if not boxes:
        return None
    return tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))


def _doubled(hu: np.ndarray, way_zyx: np.ndarray, ramps_zyx: Sequence[np.ndarray]) -> np.ndarray:
    """Most of the dose at rest, the rest of it after the move."""
    still = ramps_zyx[0][:, None, None] * ramps_zyx[1][None, :, None] * ramps_zyx[2][None, None, :]
    grid = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in hu.shape], indexing="ij", sparse=True)
    where = np.stack([g + np.float32(w) * still for g, w in zip(grid, way_zyx, strict=True)])
    return AT_REST * hu + (1 - AT_REST) * ndimage.map_coordinates(hu, where, order=1, mode="nearest")


def _half_scan(hu: np.ndarray, way_zyx: np.ndarray, ramps_zyx: Sequence[np.ndarray], start_deg: float) -> np.ndarray:
    """Crescents and tails: each direction of a slice's spectrum is a projection, taken at its own moment of the move.

    Central slice theorem: a projection at angle θ fills the line at θ in the slice's Fourier plane, so a move during
    the half rotation is a phase there that depends on θ, with a seam at the first and last projection.
    """
    shape = hu.shape[1:]
    fy, fx = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    turn, early, late = _half_rotation(np.arctan2(fy, fx), start_deg)
    along = -2j * np.pi * (fy * way_zyx[1] + fx * way_zyx[2])
    phase = (1 - late - early) * np.exp(along * (turn - 0.5))
    phase += late * np.exp(along * (turn - 1.5)) + early * np.exp(along * (turn + 0.5))
    phase = phase.astype(np.complex64)
    inside = ramps_zyx[1][:, None] * ramps_zyx[2][None, :]
    result = hu.copy()
    for k in np.flatnonzero(ramps_zyx[0] > 0):
        moved = fft.irfft2(fft.rfft2(hu[k]) * phase, s=shape)
        result[k] += ramps_zyx[0][k] * inside * (moved - hu[k])
    return result


def _tent(size: int, margin: int) -> np.ndarray:
    index = np.arange(size, dtype=np.float32)
    ramp = np.clip(np.minimum(index, size - 1 - index) / margin, 0.0, 1.0)
    return ramp * ramp * (3 - 2 * ramp)


def move_slabs(canvas: Canvas, settings: ScanSettings) -> None:
    """Displace the heart slab by slab, attenuation and labels alike: the steps of a step-and-shoot scan."""
    if settings.slab_mm <= 0:
        return
    z_mm = axes_of(canvas.geometry)[0].centres_mm
    slab_of = ((z_mm - settings.geometry.origin_mm_lps[2]) // settings.slab_mm).astype(int)
    slab_of = np.clip(slab_of, 0, len(settings.slab_steps_mm_xy) - 1)
    _, ny, nx = canvas.hu.shape
    margin = int(np.ceil(8.0 / canvas.spacing_mm))
    still = _tent(ny, margin)[:, None] * _tent(nx, margin)[None, :]
    rows, columns = np.meshgrid(np.arange(ny, dtype=np.float32), np.arange(nx, dtype=np.float32), indexing="ij")
    for k in range(len(z_mm)):
        dx, dy = (v / canvas.spacing_mm for v in settings.slab_steps_mm_xy[slab_of[k]])
        where = np.stack([rows + dy * still, columns + dx * still])
        for name, layer in (("hu", canvas.hu), *canvas.layers.items()):
            if name != "hu" and not layer[k].any():
                continue
            smooth = layer.dtype == np.float32
            layer[k] = ndimage.map_coordinates(layer[k], where, order=1 if smooth else 0, mode="nearest")
        bright = canvas.hu[k] > 150
        canvas.hu[k][bright] *= 1.0 + settings.slab_hu[slab_of[k]]
