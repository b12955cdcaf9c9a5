"""The files of an evaluation: evaluation.json, cases.csv, lesions.csv, summary.md and plots; all appear, or none."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cacnet
from cacnet.anatomy import Vessel
from cacnet.evaluation.agreement import F_INTERVAL, F_INTERVAL_SOURCE
from cacnet.evaluation.case import ANY_VESSEL, LEAST_VOLUME_MM3, TOTAL, CaseResult
from cacnet.evaluation.estimates import CONFIDENCE, METHODS, Estimate
from cacnet.evaluation.evaluate import Evaluation
from cacnet.evaluation.figures import CATEGORIES, Figures, compute_figures
from cacnet.evaluation.plots import draw_plots
from cacnet.evaluation.provenance import chain_sha256
from cacnet.evaluation.strata import strata
from cacnet.evaluation.summary import headline, markdown, statements
from cacnet.files import staged_folder, write_json
from cacnet.reporting.delimited import as_text
from cacnet.scoring import protocol_named
from cacnet.weights import BUNDLED_MODELS, load_bundle, save_bundle

SCHEMA_VERSION = 3
LESION_RULE = "orCaScore: 6-connected voxels above 130 HU; matched by any shared voxel"
LESION_COLUMNS = (
    *("case", "side", "number", "verdict", "vessel", "volume_mm3", "max_hu", "r", "a", "s"),
    *("partners", "shared_mm3", "other_vessel", "lies_on"),
)


def write_evaluation(output: Path, evaluation: Evaluation) -> Figures:
    """Compute all figures and write every file into `output`; raises UnwritableOutputError."""
    figures = compute_figures(evaluation.cases)
    with staged_folder(output) as staging:
        write_json(staging / "evaluation.json", evaluation_document(evaluation, figures))
        _write_csv(staging / "cases.csv", [case_row(case) for case in evaluation.cases])
        rows = [lesion_row(case.case, row) for case in evaluation.cases for row in case.lesions]
        _write_csv(staging / "lesions.csv", rows, LESION_COLUMNS)
        (staging / "summary.md").write_text(markdown(evaluation, figures), "utf-8")
        draw_plots(staging, evaluation.cases, figures)
    return figures


def evaluation_document(evaluation: Evaluation, figures: Figures) -> dict[str, Any]:
    """Everything about an evaluation but its single cases, as plain values."""
    card = evaluation.card
    return {
        "schema_version": SCHEMA_VERSION,
        "software": f"CACNet {cacnet.__version__}",
        "program_sha256": chain_sha256(),
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "statements": list(statements(evaluation)),
        "model": {
            "id": card.id,
            "weights_sha256": card.weights.sha256 if card.weights else None,
            "statement": card.statement,
        },
        "dataset": {
            "description": evaluation.dataset.description,
            "cases": len(evaluation.cases),
            "simulated": sum(case.origin.simulated for case in evaluation.cases),
            "seeds": sorted(case.origin.seed for case in evaluation.cases if case.origin.seed is not None),
            "training_seeds": list(evaluation.training_seeds),
            "failed": [asdict(failure) for failure in evaluation.failures],
        },
        "device": evaluation.device,
        "protocol": _protocols(evaluation.cases),
        "lesion_rule": LESION_RULE,
        "least_lesion_mm3": dict(LEAST_VOLUME_MM3),
        "intervals": {"confidence": CONFIDENCE, **METHODS, F_INTERVAL: F_INTERVAL_SOURCE},
        "risk_categories": [category.value for category in CATEGORIES],
        "figures": _plain(figures),
        "strata": _plain(strata(evaluation.cases)),
    }


def case_row(case: CaseResult) -> dict[str, Any]:
    """One row of cases.csv; an empty cell is a figure that is not defined for this case, or a score not given."""
    lesions = case.lesion_counts.get(ANY_VESSEL, dict.fromkeys(LEAST_VOLUME_MM3))
    row: dict[str, Any] = {"case": case.case, "seed": "" if case.origin.seed is None else case.origin.seed}
    for name in ("calcium", "calcium_before", "coronary"):
        overlap = getattr(case, name)
        shown = (None, None, None) if overlap is None else (overlap.dice, overlap.sensitivity, overlap.precision)
        row |= dict(zip((f"{name}_dice", f"{name}_se", f"{name}_pe"), shown, strict=True))
    for rule, counts in lesions.items():
        row |= {
            f"true_lesions_{rule}": counts and counts.true,
            f"true_lesions_found_{rule}": counts and counts.true_found,
            f"false_positives_{rule}": counts and counts.false_positives,
        }
    for name, naming in (("voxels", case.named_voxels), ("lesions", case.named_lesions)):
        row[f"{name}_named_right"] = naming.right / naming.asked if naming and naming.asked else None
    for scope in (TOTAL, *(vessel.label for vessel in Vessel)):
        found = case.found_scores[scope] if case.found_scores is not None else None
        for quantity in ("agatston", "volume_mm3", "mass_mg"):
            label = quantity if scope == TOTAL else f"{scope}_{quantity}"
            row[label] = getattr(found, quantity) if found is not None else None
            row[f"true_{label}"] = getattr(case.true_scores[scope], quantity) if case.true_scores is not None else None
    row["agatston_without_contrast"] = case.origin.agatston_without_contrast
    row |= {"slice_spacing_mm": case.slice_spacing_mm, "motion_mm": case.origin.motion_mm}
    row["structures"] = None if case.structures is None else " ".join(s.replace(" ", "-") for s in case.structures)
    row |= {"protocol": case.protocol, "threshold_hu": case.threshold_hu, "true_threshold_hu": case.true_threshold_hu}
    return {**row, "findings": " ".join(case.findings), "seconds": case.seconds}


def lesion_row(case: str, row: Any) -> dict[str, Any]:
    """One row of lesions.csv."""
    values = {**row.to_plain(), "case": case, "verdict": row.verdict, "partners": " ".join(map(str, row.partners))}
    return {column: values[column] for column in LESION_COLUMNS}


def record_accuracy(model: str, evaluation: Evaluation, figures: Figures, measured_on: str) -> None:
    """Write the headline figures into the card of an installed model, with a statement of what they come from."""
    folder = BUNDLED_MODELS / model if (BUNDLED_MODELS / model).is_dir() else Path(model)
    loaded = load_bundle(folder)
    accuracy = {
        "schema_version": SCHEMA_VERSION,
        "measured_on": measured_on,
        "statements": list(statements(evaluation)),
        "software": f"CACNet {cacnet.__version__}",
        "cases": len(evaluation.cases),
        "protocol": sorted({case.protocol for case in evaluation.cases}),
        "lesion_rule": LESION_RULE,
        "figures": {row.key: {"label": row.label, **_plain(row.estimate)} for row in headline(figures)},
    }
    card = dataclasses.replace(loaded.card, accuracy=accuracy)
    save_bundle(loaded.network, card, folder.parent, loaded.companions)


def _protocols(cases: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Each protocol that a case was scored by, and the thresholds that it came to."""
    described = []
    for name in sorted({case.protocol for case in cases}):
        of_it = [case for case in cases if case.protocol == name]
        protocol = protocol_named(name)
        described.append(
            {
                "name": name,
                "source": protocol.source,
                "description": protocol.description,
                "cases": len(of_it),
                "threshold_hu_range": [min(c.threshold_hu for c in of_it), max(c.threshold_hu for c in of_it)],
                "true_threshold_hu_range": _range([c.true_threshold_hu for c in of_it]),
            }
        )
    return described


def _range(values: Sequence[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return [min(known), max(known)] if known else None


def _plain(value: Any) -> Any:
    """For JSON; what is not defined is null with its reason beside it."""
    if isinstance(value, Estimate):
        if value.value is None:
            return {"value": None, "not_defined": value.note, "n": value.n}
        plain = {key: v for key, v in asdict(value).items() if v not in ("", None) and key != "note"}
        return (
            plain
            | ({"note": value.note} if value.low is not None and value.note else {})
            | ({"interval_not_defined": value.note} if value.low is None else {})
        )
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]))
        writer.writeheader()
        writer.writerows({key: _rounded(value) for key, value in row.items()} for row in rows)


def _rounded(value: Any) -> Any:
    return "" if value is None else round(value, 4) if isinstance(value, float) else as_text(value)
