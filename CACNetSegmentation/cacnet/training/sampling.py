"""Patches for training: where they are centred, and how they become network input and target."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch.utils.data import Dataset

from cacnet.network.configuration import CHANNELS
from cacnet.network.loss import UNKNOWN
from cacnet.prepare import REMOVED_HU, normalise_hu
from cacnet.training.augmentation import augment_hu, cut_field, random_matrix, resample, source_edge, table_step
from cacnet.training.cases import Case, CaseError, list_cases, read_case
from cacnet.training.configuration import TrainingConfig
from cacnet.training.mining import mined_positions

MAX_POSITIONS = 5000
"""Vessel and distractor voxels remembered for each case; plenty to centre patches on."""

KINDS = ("calcium", "vessel", "distractor", "mined", "anywhere")
"""What a patch may be centred on; the names of the shares in SamplingConfig."""

BY_SIZE = 0.35
"""How often a lesion is chosen by its size, so that large ones are also seen at other places than one."""

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
        """A voxel (z, y, x) of that kind; where the case has none, of what is likest it.

        That is a vessel for 'calcium', a distractor for 'mined', and anywhere for all.
        """
        groups: list[np.ndarray] = []
        if kind == "calcium":
            groups = self.lesions
        elif kind == "mined" and len(self.mined):
            groups = [self.mined]
        elif kind in ("distractor", "mined"):
            groups = self.distractors
        if kind == "vessel" or (kind == "calcium" and not groups):
            groups = [self.vessel] if len(self.vessel) else []
        if not groups:
            return random.integers(0, self.case.hu.shape)
        number = int(random.integers(len(groups)))
        if kind == "calcium" and random.random() < BY_SIZE:
            size = np.array([len(group) for group in groups], float)
            number = int(random.choice(len(groups), p=size / size.sum()))
        group = groups[number]
        return group[random.integers(len(group))]


class PatchDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Patch number i of a run, as (image (1, e, e, e) float32, target (classes, e, e, e) uint8).

    Every patch depends on the seed, its number and the cases at hand only, so a resumed run goes on with the very
    patches that the interrupted one would have drawn. New cases in the folders, and new positions in the folder
    `mined`, are noticed every `rescan_patches`. Raises CaseError where there is no case, or two of one name.
    """

    def __init__(self, folders: Sequence[Path], config: TrainingConfig, mined: Path | None = None) -> None:
        self.folders = folders
        self.config = config
        self.mined = mined
        self.samplers: dict[Path, CaseSampler] = {}
        self.by_folder: list[list[CaseSampler]] = []
        self.last_scan = -1

    def __len__(self) -> int:
        return self.config.total_steps * self.config.batch

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        settings = self.config.sampling
        scan = number // settings.rescan_patches
        if scan != self.last_scan:
            self._scan(step=scan * settings.rescan_patches // self.config.batch)
            self.last_scan = scan
        random = np.random.default_rng([self.config.seed, number])
        samplers = self.by_folder[_draw(folder_shares(settings.mix, self.by_folder), random)]
        sampler = samplers[random.integers(len(samplers))]
        kind = KINDS[_draw([getattr(settings, kind) for kind in KINDS], random)]
        return draw_patch(sampler, kind, self.config, random)

    def _scan(self, step: int) -> None:
        cases = [list_cases(folder) for folder in self.folders]
        require_cases(self.folders, cases, self.config.sampling.mix)
        for folder in (case for group in cases for case in group):
            if folder not in self.samplers:
                self.samplers[folder] = CaseSampler(folder)
        self.by_folder = [[self.samplers[case] for case in group] for group in cases]
        for sampler in self.samplers.values():
            if self.mined is not None:
                sampler.mined = mined_positions(self.mined, sampler.case.name, step)


def require_cases(folders: Sequence[Path], cases: Sequence[Sequence[Path]], mix: Sequence[float]) -> None:
    """Raise CaseError unless patches can be drawn from these cases of the folders, with `mix` as their shares."""
    names = [case.name for group in cases for case in group]
    twice = {name for name in names if names.count(name) > 1}
    if twice:  # what is mined in a case is kept by its name
        raise CaseError(f"the case '{min(twice)}' is in two folders", "names of their own", "Rename one of them")
    if mix and len(mix) != len(folders):
        raise CaseError(f"{len(folders)} folders of cases", f"as many as sampling.mix has shares, {len(mix)}")
    if not any(folder_shares(mix, cases)):
        raise CaseError(
            f"no case in {' or '.join(repr(str(folder)) for folder in folders)}",
            "folders made by cacnet.training.make_cases",
        )


def folder_shares(mix: Sequence[float], groups: Sequence[Sequence[object]]) -> list[float]:
    """How often each folder's cases are seen: as `mix` says, or by their number; an empty folder never."""
    shares = mix or [float(len(group)) for group in groups]
    return [share if group else 0.0 for share, group in zip(shares, groups, strict=True)]


def draw_patch(
    sampler: CaseSampler, kind: str, config: TrainingConfig, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """One patch around a voxel of that kind, augmented; shapes as in PatchDataset, UNKNOWN where nobody labelled."""
    changes = config.augmentation
    channels = CHANNELS[: config.network.classes]
    hu, target = _look(sampler, kind, config, random)
    if changes.enabled:
        hu = augment_hu(hu, changes, random)
        cut_field(hu, target, changes, random)
        mirrored = tuple(axis for axis in range(3) if random.random() < changes.flip)
        hu, target = np.flip(hu, mirrored), np.flip(target, tuple(axis + 1 for axis in mirrored))
    target = np.ascontiguousarray(target)
    target[[channel in sampler.case.unknown_channels for channel in channels]] = UNKNOWN
    image = np.ascontiguousarray(normalise_hu(hu)[None], np.float32)
    return torch.from_numpy(image), torch.from_numpy(target)


def _look(
    sampler: CaseSampler, kind: str, config: TrainingConfig, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """HU (e, e, e) float32 and labels (classes, e, e, e) uint8 around a voxel of that kind, turned and zoomed."""
    changes, edge, case = config.augmentation, config.patch_voxels, sampler.case
    matrix = random_matrix(changes, random) if changes.enabled else None
    seen = edge if matrix is None else source_edge(matrix, edge)
    jitter = random.uniform(-CENTRE_JITTER, CENTRE_JITTER, 3) * edge
    centre = sampler.choose(kind, random) + (jitter if matrix is None else matrix @ jitter)
    corner = np.rint(centre - seen / 2).astype(int)
    step = table_step(changes, seen, random) if changes.enabled else None

    def crop(array: np.ndarray, outside: int) -> np.ndarray:
        cube = _crop(array, corner, seen, outside)
        if step is None:
            return cube
        return np.concatenate([cube[: step[0]], _crop(array, corner + step[1], seen, outside)[step[0] :]])

    hu = crop(case.hu, REMOVED_HU).astype(np.float32)
    labels = [case.calcium, case.coronary][: config.network.classes]
    target = np.stack([crop(label, 0) > 0 for label in labels]).astype(np.uint8)
    if matrix is None:
        return hu, target
    turned = resample(target, matrix, edge, "nearest").astype(np.uint8)
    return resample(hu[None], matrix, edge, "bilinear")[0], turned


def _draw(shares: Sequence[float], random: np.random.Generator) -> int:
    weights = np.asarray(shares, float)
    return int(random.choice(len(weights), p=weights / weights.sum()))


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
