"""One case: a scan through the whole chain that a user's scan goes through, and every comparison with its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.evaluation.lesion_matching import LESION_HU, LesionCounts, match_lesions
from cacnet.evaluation.lesion_rows import LesionRow, lesion_rows
from cacnet.evaluation.metrics import Overlap, overlap
from cacnet.evaluation.truth import Origin, TrueLabels, read_truth
from cacnet.labelling import Labels, lumen_hu
from cacnet.lesions import LesionSet, find_lesions
from cacnet.pipeline import Request, Result, resolve_for, segment_with_labels
from cacnet.postprocessing import DEFAULT_SETTINGS
from cacnet.scoring import ResolvedProtocol, per_vessel, total
from cacnet.volume import Volume

TOTAL = "total"
ANY_VESSEL = "any"
LEFT_MAIN_AND_LAD = "LM+LAD"
"""orCaScore labels the left main as LAD."""
SCOPES: Mapping[str, tuple[Vessel, ...]] = {
    ANY_VESSEL: tuple(Vessel),
    **{vessel.label: (vessel,) for vessel in NAMED_VESSELS},
    LEFT_MAIN_AND_LAD: (Vessel.LM, Vessel.LAD),
}
"""Which labels count as one in a comparison of lesions; 'any' is orCaScore's label-independent comparison."""
LEAST_VOLUME_MM3: Mapping[str, float] = {"all": 0.0, "visible": 1.0}
"""orCaScore has no least volume. Below 1 mm³, a lesion is smaller than what a score counts (1 mm² in a slice)."""


@dataclass(frozen=True)
class Score:
    """Scores of a patient or of one artery."""

    agatston: float
    volume_mm3: float
    mass_mg: float


@dataclass(frozen=True)
class Naming:
    """How many of the things that were found carry the right artery's name."""

    right: int
    asked: int


@dataclass(frozen=True)
class CaseResult:
    """One case: the result against the truth.

    Attributes:
        case: its name.
        origin: what truth.json tells.
        slice_spacing_mm: of the CT.
        structures: names of the dense structures that the truth knows besides coronary calcium, such as 'stent'; None
            where it labels none of them.
        calcium_before: of the network's answer at its threshold, before post-processing; calcium: of the result. These
            and coronary are None where the truth does not label it.
        lesions: every lesion, true and found, of any artery.
        lesion_counts: by scope (see SCOPES), then by least volume (see LEAST_VOLUME_MM3); an artery's only where the
            truth names arteries; empty where it labels no calcium.
        named_voxels: of the coronary voxels that both have; named_lesions: of the true lesions found. None where the
            truth names no arteries.
        found_scores: by 'total' and artery; None where too few arteries were recognised, so that 0 would be no finding.
        true_scores: of the true calcium by the same protocol, its threshold measured in the true lumen, or in the
            found one where the truth does not label arteries; None where it labels no calcium.
        protocol: name of the protocol; threshold_hu, true_threshold_hu: what it came to.
        findings: codes of what the chain remarked.
        seconds: of the chain.
    """

    case: str
    origin: Origin
    slice_spacing_mm: float
    structures: tuple[str, ...] | None
    calcium: Overlap | None
    calcium_before: Overlap | None
    coronary: Overlap | None
    lesions: tuple[LesionRow, ...]
    lesion_counts: Mapping[str, Mapping[str, LesionCounts]]
    named_voxels: Naming | None
    named_lesions: Naming | None
    found_scores: Mapping[str, Score] | None
    true_scores: Mapping[str, Score] | None
    protocol: str
    threshold_hu: float
    true_threshold_hu: float | None
    findings: tuple[str, ...]
    seconds: float

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> CaseResult:
        """What `to_plain` gave, after a trip through JSON; raises KeyError or TypeError where it is something else."""
        voxels, lesions = plain["named_voxels"], plain["named_lesions"]
        rebuilt = {
            "origin": Origin(**plain["origin"]),
            "structures": None if plain["structures"] is None else tuple(plain["structures"]),
            **{name: plain[name] and Overlap(**plain[name]) for name in ("calcium", "calcium_before", "coronary")},
            "lesions": tuple(LesionRow.from_plain(row) for row in plain["lesions"]),
            "lesion_counts": {
                scope: {rule: LesionCounts(**counts) for rule, counts in by_rule.items()}
                for scope, by_rule in plain["lesion_counts"].items()
            },
            "named_voxels": None if voxels is None else Naming(**voxels),
            "named_lesions": None if lesions is None else Naming(**lesions),
            **{side: _scores_from(plain[side]) for side in ("found_scores", "true_scores")},
            "findings": tuple(plain["findings"]),
        }
        return cls(**{**plain, **rebuilt})


def _scores_from(plain: Mapping[str, Any] | None) -> dict[str, Score] | None:
    return None if plain is None else {name: Score(**score) for name, score in plain.items()}


def evaluate_case(name: str, folder: Path, model: str, device: str = "auto", protocol: str | None = None) -> CaseResult:
    """Segment the scan in `folder` and compare the result with the truth beside it.

    Raises CacnetErrors of the chain and of `read_truth`.
    """
    result, labels = segment_with_labels(Request(folder / "ct.nii.gz", model=model, device=device, protocol=protocol))
    truth = read_truth(folder, result.volume.geometry)
    rows = _lesion_rows(result, truth)
    return CaseResult(
        case=name,
        origin=truth.origin,
        slice_spacing_mm=result.volume.geometry.spacing_mm_zyx[0],
        structures=_structures(truth),
        calcium=_overlap(result.calcium > 0, truth.calcium),
        calcium_before=_overlap(_answer(labels), truth.calcium),
        coronary=_overlap(result.coronary > 0, truth.coronary),
        lesions=rows,
        lesion_counts=_lesion_counts(result, truth),
        named_voxels=_named_voxels(result, truth),
        named_lesions=_named_lesions(rows) if truth.names_vessels and truth.calcium is not None else None,
        found_scores=_scores(result.scores.lesions) if result.scores.conclusive else None,
        **_reference(result.volume, truth, result.scores.resolved),
        protocol=result.scores.resolved.protocol.name,
        threshold_hu=result.scores.resolved.threshold_hu,
        findings=tuple(finding.code for finding in result.scores.findings),
        seconds=sum(seconds for _, seconds in result.scores.timing_s),
    )


def _structures(truth: TrueLabels) -> tuple[str, ...] | None:
    if truth.distractors is None:
        return None
    return tuple(truth.distractor_name(int(kind)) for kind in np.unique(truth.distractors) if kind)


def _answer(labels: Labels) -> np.ndarray:
    """The network's own calcium, on the CT's grid."""
    answer: np.ndarray = labels.probability >= DEFAULT_SETTINGS.threshold
    return answer


def _overlap(found: np.ndarray, truth: np.ndarray | None) -> Overlap | None:
    return None if truth is None else overlap(found, truth > 0)


def _reference(volume: Volume, truth: TrueLabels, found: ResolvedProtocol) -> dict[str, Any]:
    """The score that a perfect segmentation would have; nothing in it depends on the model if arteries are labelled."""
    if truth.calcium is None:
        return {"true_scores": None, "true_threshold_hu": None}
    resolved = found
    if truth.coronary is not None:
        blood_hu = lumen_hu(volume.hu, truth.coronary > 0, truth.calcium > 0, volume.geometry)
        resolved = resolve_for(volume, found.protocol.name, blood_hu)
    lesions = find_lesions(truth.calcium, volume.hu, volume.geometry, resolved)
    return {"true_scores": _scores(lesions), "true_threshold_hu": resolved.threshold_hu}


def _scores(lesions: LesionSet) -> dict[str, Score]:
    whole = total(lesions.lesions)
    return {
        TOTAL: Score(whole.agatston, whole.volume_mm3, whole.mass_mg),
        **{v.label: Score(s.agatston, s.volume_mm3, s.mass_mg) for v, s in per_vessel(lesions.lesions).items()},
    }


def _lesion_rows(result: Result, truth: TrueLabels) -> tuple[LesionRow, ...]:
    if truth.calcium is None:
        return ()
    hu, geometry = result.volume.hu, result.volume.geometry
    bright = hu > LESION_HU
    matching = match_lesions((result.calcium > 0) & bright, (truth.calcium > 0) & bright, geometry.voxel_volume_mm3)
    return lesion_rows(matching, result.calcium, truth, hu, geometry)


def _lesion_counts(result: Result, truth: TrueLabels) -> dict[str, dict[str, LesionCounts]]:
    if truth.calcium is None:
        return {}
    bright = result.volume.hu > LESION_HU
    voxel_mm3 = result.volume.geometry.voxel_volume_mm3
    counts = {}
    for scope, vessels in SCOPES.items():
        if scope != ANY_VESSEL and not truth.names_vessels:
            continue
        found, true = (np.isin(labels, vessels) & bright for labels in (result.calcium, truth.calcium))
        matching = match_lesions(found, true, voxel_mm3)
        counts[scope] = {rule: matching.counts(least) for rule, least in LEAST_VOLUME_MM3.items()}
    return counts


def _named_voxels(result: Result, truth: TrueLabels) -> Naming | None:
    if not truth.names_vessels or truth.coronary is None:
        return None
    both = (result.coronary > 0) & (truth.coronary > 0)
    return Naming(int((result.coronary[both] == truth.coronary[both]).sum()), int(both.sum()))


def _named_lesions(rows: tuple[LesionRow, ...]) -> Naming:
    found = [row for row in rows if row.side == "true" and row.partners]
    return Naming(sum(row.vessel == row.other_vessel for row in found), len(found))
