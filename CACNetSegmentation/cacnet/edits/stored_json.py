"""A stored review as one JSON document: review.json of `cacnet segment`, and what 3D Slicer keeps in the scene."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.edits.journal import MOST_BYTES, UPDATE
from cacnet.edits.stored_review import ModelIdentity, ReviewFileError, Rules, StoredReview
from cacnet.files import replacing
from cacnet.findings import Finding, Severity
from cacnet.plain_json import parse_json
from cacnet.scoring import protocol_named
from cacnet.stored_records import geometry_from
from cacnet.vessels.places import Courses

SCHEMA_VERSION = 1
MOST_COURSE_POINTS = 200_000
"""The centre lines of a heart have some thousand points."""
MOST_FINDINGS, LONGEST_MESSAGE = 100, 4000


def as_document(stored: StoredReview) -> dict[str, Any]:
    """The review as plain values, ready for JSON."""
    return {**head_document(stored), "rules": rules_document(stored.rules), "journal": dict(stored.journal)}


def head_document(stored: StoredReview) -> dict[str, Any]:
    """What a reader's work never changes."""
    grid, courses = stored.geometry, stored.courses
    return {
        "schema_version": SCHEMA_VERSION,
        "geometry": {
            "shape_zyx": list(grid.shape_zyx),
            "spacing_mm_zyx": list(grid.spacing_mm_zyx),
            "origin_mm_lps": list(grid.origin_mm_lps),
            "direction_lps": list(grid.direction_lps),
        },
        "hu_sha256": stored.hu_sha256,
        "threshold_hu": stored.threshold_hu,
        "blood_median_hu": stored.blood_median_hu,
        "blood_sd_hu": stored.blood_sd_hu,
        "kvp": stored.kvp,
        "model": {"id": stored.model.id, "weights_sha256": stored.model.weights_sha256},
        "dominance": stored.dominance,
        "confidence": {str(i): value for i, value in stored.confidence.items()},
        "courses": None if courses is None else _courses_document(courses),
        "findings": [
            {"code": finding.code, "severity": finding.severity.value, "message": finding.message}
            for finding in stored.findings
        ],
    }


def rules_document(rules: Rules) -> dict[str, Any]:
    """The rules as plain values."""
    return {"protocol": rules.protocol, "age_years": rules.age_years, "sex": rules.sex}


def write_review(path: Path, stored: StoredReview) -> None:
    """Write the review as compact JSON, whole or not at all; raises UnwritableOutputError."""
    with replacing(path) as temporary:
        temporary.write_text(to_text(stored), "utf-8")


def to_text(stored: StoredReview) -> str:
    """The review as compact JSON."""
    return json.dumps(as_document(stored), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_review(path: Path) -> StoredReview:
    """The review in a file; raises ReviewFileError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ReviewFileError(f"'{path.name}' has {path.stat().st_size} bytes", f"at most {MOST_BYTES}")
        return from_text(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewFileError(f"'{path.name}' cannot be read ({error})", "a review that CACNet has written") from error


def from_text(text: str) -> StoredReview:
    """The review in a JSON text; every value is checked.

    Raises:
        ReviewFileError: see the class.
    """
    if len(text) > MOST_BYTES:
        raise ReviewFileError(f"a stored review of {len(text)} characters", f"at most {MOST_BYTES}")
    try:
        content = parse_json(text)
    except ValueError as error:
        raise ReviewFileError(f"the stored review is no JSON ({error})", "an unchanged one") from error
    return from_document(content)


def from_document(content: Any) -> StoredReview:
    """The review in plain values; raises ReviewFileError."""
    try:
        if content["schema_version"] != SCHEMA_VERSION:
            raise ReviewFileError(
                f"a stored review of version {content['schema_version']!r}", f"version {SCHEMA_VERSION}", UPDATE
            )
        stored = StoredReview(
            geometry=geometry_from(content["geometry"]),
            hu_sha256=_text(content["hu_sha256"]) or "",
            rules=read_rules(content["rules"]),
            threshold_hu=_finite(content["threshold_hu"]),
            blood_median_hu=_number(content["blood_median_hu"]),
            blood_sd_hu=_number(content["blood_sd_hu"]),
            kvp=_number(content["kvp"]),
            model=ModelIdentity(_text(content["model"]["id"]), _text(content["model"]["weights_sha256"])),
            dominance=_text(content["dominance"]),
            confidence={int(i): _probability(value) for i, value in content["confidence"].items()},
            courses=None if content["courses"] is None else _courses(content["courses"]),
            findings=_findings(content.get("findings", [])),  # reviews of earlier versions have none
            journal=dict(content["journal"]),
        )
        protocol_named(stored.rules.protocol)
        stored.original()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ReviewFileError(
            f"the stored review is damaged ({type(error).__name__}: {error})", "an unchanged one"
        ) from error
    return stored


def read_rules(raw: Any) -> Rules:
    """The rules in plain values; raises KeyError, TypeError or ValueError."""
    sex = _text(raw["sex"])
    if sex not in (None, "M", "F"):
        raise ValueError(f"the sex {sex!r}")
    return Rules(_text(raw["protocol"]) or "", _number(raw["age_years"]), sex)


def _courses_document(courses: Courses) -> dict[str, Any]:
    """Hundredths of a millimetre are far below a voxel; a length that is not known is null."""
    known = [None if math.isnan(mm) else round(mm, 2) for mm in courses.from_ostium_mm.tolist()]
    return {
        "points_mm_lps": np.round(courses.points_mm_lps.astype(float), 2).ravel().tolist(),
        "vessel": [int(v) for v in courses.vessel],
        "from_ostium_mm": known,
        "radius_mm": np.round(courses.radius_mm.astype(float), 2).tolist(),
    }


def _courses(raw: Any) -> Courses:
    points = np.array([_finite(v) for v in raw["points_mm_lps"]]).reshape(-1, 3)
    vessel = np.array([int(v) for v in raw["vessel"]], dtype=np.uint8)
    lengths = np.array([math.nan if mm is None else _finite(mm) for mm in raw["from_ostium_mm"]], float)
    radius = np.array([_finite(mm) for mm in raw["radius_mm"]], float)
    if not len(points) == len(vessel) == len(lengths) == len(radius) <= MOST_COURSE_POINTS:
        raise ValueError("centre lines whose columns differ in length")
    if not np.isin(vessel, [0, *Vessel]).all():
        raise ValueError("centre lines of no artery")
    return Courses(points, vessel, lengths, radius)


def _findings(raw: Any) -> tuple[Finding, ...]:
    findings = tuple(Finding(entry["code"], Severity(entry["severity"]), entry["message"]) for entry in raw)
    texts = [text for finding in findings for text in (finding.code, finding.message)]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a finding without words")
    if len(findings) > MOST_FINDINGS or any(len(text) > LONGEST_MESSAGE for text in texts):
        raise ValueError("more findings than a run has")
    return findings


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} where a number belongs")
    return float(value)


def _number(value: Any) -> float | None:
    return None if value is None else _finite(value)


def _probability(value: Any) -> float:
    if not 0 <= _finite(value) <= 1:
        raise ValueError(f"the confidence {value!r}")
    return float(value)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} where a text belongs")
    return value
