"""What is said of a result: one row per lesion, and one JSON document with totals, rules, model, input and findings."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cacnet
from cacnet.anatomy import Vessel
from cacnet.files import replacing, write_json
from cacnet.findings import Finding
from cacnet.lesions import Lesion, LesionSet
from cacnet.scoring import ResolvedProtocol, Totals, hoff_percentile, per_vessel, total
from cacnet.scoring.agatston import AgatstonGrid
from cacnet.volume import Volume

SCHEMA_VERSION = 1
RESEARCH_USE = "Research use only, not for diagnosis."
NO_ARTERIES, FEW_ARTERIES = "no-coronary-arteries", "few-coronary-arteries"
INCONCLUSIVE = frozenset({NO_ARTERIES, FEW_ARTERIES})
"""Codes of findings after which a score of 0 is one for want of a result, not of calcium."""
SIMULATION = "The bundled network was trained on simulated CCTA only; its accuracy on patients is not known."

LESION_COLUMNS = (
    "id",
    "vessel",
    "volume_mm3",
    "agatston",
    "mass_mg",
    "max_hu",
    "mean_hu",
    "slices",
    "r",
    "a",
    "s",
    "mask_volume_mm3",
    "confidence",
    "counts",
    "isotropic_volume_mm3",
    "density",
    "third",
    "from_ostium_mm",
    "to_wall_mm",
)
"""Columns of lesions.csv; r, a, s is the centroid in RAS mm."""


@dataclass(frozen=True)
class ModelStatement:
    """Which network made the labels; all None where a person's mask was scored."""

    id: str | None = None
    weights_sha256: str | None = None
    statement: str | None = None
    device: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scores:
    """Everything a report needs beside the images.

    Attributes:
        lesions: as found, ids from 1.
        resolved: the protocol with this scan's numbers.
        findings: on the input, then on the result.
        model: what made the labels.
        timing_s: seconds by stage.
        age_years, sex: of the patient, for the percentile; None where not known.
    """

    lesions: LesionSet
    resolved: ResolvedProtocol
    findings: tuple[Finding, ...] = ()
    model: ModelStatement = field(default_factory=ModelStatement)
    timing_s: tuple[tuple[str, float], ...] = ()
    age_years: float | None = None
    sex: str | None = None
    dominance: str | None = None

    @property
    def conclusive(self) -> bool:
        """Whether a score of 0 would mean that no calcium was found, rather than that too little was seen."""
        return all(finding.code not in INCONCLUSIVE for finding in self.findings)

    @property
    def totals(self) -> Totals:
        """Sums over all lesions; a mask that no network made counts as reviewed by who made it."""
        return total(self.lesions.lesions, self.resolved.protocol.equivalent, reviewed=self.model.id is None)


def counted(number: int, noun: str) -> str:
    """'1 lesion', '2 lesions'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counted_lesions(totals: Totals) -> str:
    """'2 lesions in 1 vessel', and what stands in the list of lesions and adds nothing to the sums."""
    return ", ".join(
        (f"{counted(totals.lesions, 'lesion')} in {counted(totals.vessels, 'vessel')}", *below_the_rule(totals))
    )


def below_the_rule(totals: Totals) -> tuple[str, ...]:
    """How many lesions stand in the list and add nothing to the sums; nothing where there are none."""
    number = totals.lesions_below_rule
    return (f"{number} more below the protocol's minimum",) if number else ()


def write_lesions_csv(path: Path, lesions: Sequence[Lesion]) -> None:
    """One row per lesion, LESION_COLUMNS, comma-separated, decimal points."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(LESION_COLUMNS)
        writer.writerows(lesion_row(lesion) for lesion in lesions)


def lesion_row(lesion: Lesion) -> tuple[Any, ...]:
    """The values of LESION_COLUMNS, rounded for reading."""
    right, anterior, superior = lesion.centroid_mm_ras
    return (
        lesion.id,
        lesion.vessel.label,
        round(lesion.volume_mm3, 3),
        round(lesion.agatston, 3),
        round(lesion.mass_mg, 4),
        round(lesion.max_hu, 1),
        round(lesion.mean_hu, 1),
        lesion.slices,
        round(right, 2),
        round(anterior, 2),
        round(superior, 2),
        round(lesion.mask_volume_mm3, 3),
        "" if lesion.confidence is None else round(lesion.confidence, 3),
        "yes" if lesion.counts else "no",
        round(lesion.isotropic_volume_mm3, 3),
        round(lesion.density, 2),
        lesion.place.third or "",
        _known(lesion.place.from_ostium_mm),
        _known(lesion.place.to_wall_mm),
    )


def _known(value_mm: float | None) -> float | str:
    return "" if value_mm is None else round(value_mm, 1)


def write_report_json(path: Path, volume: Volume, scores: Scores) -> None:
    """The report as JSON (see `report_document`)."""
    write_json(path, report_document(volume, scores))


def report_document(volume: Volume, scores: Scores) -> dict[str, Any]:
    """Totals, per vessel, lesions, protocol, acquisition, model, findings, timing: plain values, ready for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "software": f"CACNet {cacnet.__version__}",
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "statement": RESEARCH_USE,
        "totals": _totals(scores),
        "per_vessel": {
            "unassigned" if vessel is Vessel.UNASSIGNED else vessel.label: asdict(sums)
            for vessel, sums in per_vessel(scores.lesions.lesions).items()
        },
        "lesions": [_lesion(lesion) for lesion in scores.lesions.lesions],
        "protocol": _protocol(volume, scores.resolved),
        "acquisition": _acquisition(volume),
        "model": asdict(scores.model),
        "dominance": scores.dominance,
        "findings": [{"code": f.code, "severity": f.severity.value, "message": f.message} for f in scores.findings],
        "timing_s": {stage: round(seconds, 3) for stage, seconds in scores.timing_s},
    }


def _lesion(lesion: Lesion) -> dict[str, Any]:
    """As in the table, but what is not known is null and `counts` true or false."""
    row = dict(zip(LESION_COLUMNS, lesion_row(lesion), strict=True))
    return {**{name: None if value == "" else value for name, value in row.items()}, "counts": lesion.counts}


def _totals(scores: Scores) -> dict[str, Any]:
    """The sums over the lesions that are listed; what they would mean for the patient only where they mean it."""
    totals = scores.totals
    beside = totals.equivalent
    meaning = {
        "category": totals.category.value,
        "cac_drs": totals.cac_drs,
        "very_high": totals.very_high,
        "percentile": _percentile(scores, totals.agatston),
        "equivalent": beside and {**asdict(beside), "percentile": _percentile(scores, beside.estimate)},
    }
    if not scores.conclusive:
        meaning = dict.fromkeys(meaning)
    return {**asdict(totals), "conclusive": scores.conclusive, **meaning}


def _percentile(scores: Scores, agatston: float) -> dict[str, Any] | None:
    if scores.age_years is None or scores.sex is None:
        return None
    return asdict(hoff_percentile(agatston, scores.age_years, scores.sex))


def _protocol(volume: Volume, resolved: ResolvedProtocol) -> dict[str, Any]:
    protocol = resolved.protocol
    grid = AgatstonGrid.of(volume.geometry)
    return {
        "name": protocol.name,
        "source": protocol.source,
        "description": protocol.description,
        "sentence": resolved.sentence,
        "threshold_hu": round(resolved.threshold_hu, 1),
        "bands_hu": list(resolved.bands_hu),
        "island_connectivity": protocol.island_connectivity,
        "lesion_connectivity": protocol.lesion_connectivity,
        "minimum": protocol.minimum.describe(),
        "increment_mm": grid.increment_mm,
        "agatston_factor": resolved.agatston_factor,
        "mass_factor_mg_per_mm3_hu": protocol.mass_factor,
    }


def _acquisition(volume: Volume) -> dict[str, Any]:
    geometry = volume.geometry
    return {
        "source": volume.source,
        **{name: value for name, value in asdict(volume.acquisition).items() if not name.startswith("patient_")},
        "voxels_xyz": list(geometry.shape_zyx[::-1]),
        "spacing_mm_xyz": list(geometry.spacing_mm_zyx[::-1]),
        "origin_mm_lps": list(geometry.origin_mm_lps),
        "direction_lps": list(geometry.direction_lps),
    }
