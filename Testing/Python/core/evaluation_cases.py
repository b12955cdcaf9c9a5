"""Small masks and case results for tests of the evaluation."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from cacnet.evaluation.case import ANY_VESSEL, LEAST_VOLUME_MM3, SCOPES, TOTAL, CaseResult, Naming, Score
from cacnet.evaluation.lesion_matching import LesionCounts
from cacnet.evaluation.lesion_rows import LesionRow
from cacnet.evaluation.metrics import Overlap
from cacnet.evaluation.truth import Origin
from cacnet.volume import to_sitk
from schematic import schematic_ccta

VESSELS = ("LM", "LAD", "LCx", "RCA", "Unassigned")


def line(text: str) -> np.ndarray:
    """'.##.' as a (1, 1, n) mask."""
    return np.array([[[c == "#" for c in text]]])


def scores(agatston: float) -> dict[str, Score]:
    """A patient's scores, all in the LAD."""
    whole = Score(agatston, agatston / 2, agatston / 4)
    return {TOTAL: whole, **{v: whole if v == "LAD" else Score(0.0, 0.0, 0.0) for v in VESSELS}}


def lesion(side: str, **changes: Any) -> LesionRow:
    """A lesion of 2 mm³ in the LAD that the other side has as well."""
    row = LesionRow(side, 1, "LAD", 2.0, 700.0, 1.0, 2.0, 3.0, (1,), 1.5, "LAD", "")
    return dataclasses.replace(row, **changes)


def case_result(case: str = "one", found: float | None = 12.0, true: float = 10.0, **changes: Any) -> CaseResult:
    """A case with one lesion, found; `found` and `true` are Agatston scores, None for a case without a score."""
    counts = LesionCounts(1, 1, 1, 1, 2.0, 1.5, 3.0, 1.5)
    result = CaseResult(
        case=case,
        origin=Origin(True, 9100, 20.0, 0.0),
        slice_spacing_mm=0.5,
        structures=("bone",),
        calcium=Overlap(3, 1, 1),
        calcium_before=Overlap(3, 3, 1),
        coronary=Overlap(8, 2, 2),
        lesions=(lesion("true"), lesion("found", volume_mm3=3.0)),
        lesion_counts={scope: dict.fromkeys(LEAST_VOLUME_MM3, counts) for scope in SCOPES},
        named_voxels=Naming(6, 8),
        named_lesions=Naming(1, 1),
        found_scores=None if found is None else scores(found),
        true_scores=scores(true),
        protocol="ccta-adaptive",
        threshold_hu=420.0,
        true_threshold_hu=410.0,
        findings=("kvp-unknown",),
        seconds=20.0,
    )
    return dataclasses.replace(result, **changes)


def without_calcium(case: str = "zero", found: float | None = 0.0) -> CaseResult:
    """A case whose truth has no calcium; the result has none either, unless `found` is above 0."""
    false = 1 if found else 0
    counts = LesionCounts(0, 0, false, 0, 0.0, 0.0, float(false), 0.0)
    return case_result(
        case,
        found,
        0.0,
        calcium=Overlap(0, false, 0),
        calcium_before=Overlap(0, false, 0),
        lesions=(lesion("found", partners=(), lies_on="valve"),) if found else (),
        lesion_counts={scope: dict.fromkeys(LEAST_VOLUME_MM3, counts) for scope in SCOPES},
        named_lesions=Naming(0, 0),
    )


def without_names(case: str = "plain") -> CaseResult:
    """A case whose truth does not tell the arteries apart."""
    whole = case_result(case)
    only_any = {ANY_VESSEL: whole.lesion_counts[ANY_VESSEL]}
    return dataclasses.replace(whole, lesion_counts=only_any, named_voxels=None, named_lesions=None)


def without_true_calcium(case: str = "arteries") -> CaseResult:
    """A case whose truth labels the arteries and says nothing of calcium."""
    nothing = dict.fromkeys(("calcium", "calcium_before", "named_lesions", "true_scores", "true_threshold_hu"))
    return case_result(case, lesions=(), lesion_counts={}, **nothing)


def without_true_arteries(case: str = "calcium") -> CaseResult:
    """A case whose truth labels calcium, by artery, and nothing else."""
    return case_result(case, coronary=None, named_voxels=None)


def write_schematic_case(folder: Path) -> Path:
    """The schematic CCTA with its truth, which names no arteries."""
    scan = schematic_ccta()
    folder.mkdir(parents=True)
    for name, array in {"ct": scan.volume.hu, "calcium": scan.calcium, "coronary": scan.coronary}.items():
        sitk.WriteImage(to_sitk(array, scan.volume.geometry), str(folder / f"{name}.nii.gz"))
    return folder
