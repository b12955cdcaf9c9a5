"""The common case folder: what `cacnet evaluate` reads, as `cacnet phantom` writes it, with a record of its origin.

ct.nii.gz            HU
calcium.nii.gz       1 LM, 2 LAD, 3 LCx, 4 RCA, 5 unassigned; absent where unknown
coronary.nii.gz      the same numbers; absent where unknown
distractors.nii.gz   0 or the kind of what looks like calcium and is not; absent where unknown
record.json          where the labels come from and what is "unknown"; no names, paths or dates

"unknown" lists what nobody labelled: 'calcium', 'coronary', 'distractor', 'vessels' (labels that name no artery). It
is no empty truth: whoever evaluates must leave out every figure that needs it (coronary Dice; the artery of lesions),
and whoever trains must leave that channel out of the loss, as `cacnet train` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.dataset.errors import DatasetFileError
from cacnet.dataset.label_maps import read_label_map
from cacnet.dataset.scan import LabelledScan, Provenance, Review, ReviewState
from cacnet.dataset.source import read_json, require_safe_id
from cacnet.files import replaced_folder, write_json
from cacnet.image_files import write_image
from cacnet.reading import read_ct
from cacnet.stored_records import acquisition_from, geometry_from
from cacnet.volume import Acquisition, Geometry, Volume, to_sitk

SCHEMA_VERSION = 1
RECORD_FILE = "record.json"
CT_FILE, CALCIUM_FILE, CORONARY_FILE = "ct.nii.gz", "calcium.nii.gz", "coronary.nii.gz"
DISTRACTOR_FILE = "distractors.nii.gz"
CONTRAST_GIVEN = "given"
"""Instead of the agent's name, which is free text."""
OLDEST_YEARS = 90.0
STATEMENT = "Labels of a data set for research. Not for diagnosis."


def write_case_folder(
    folder: Path, scan: LabelledScan, extra: Mapping[str, Any] | None = None, distractor_file: str = DISTRACTOR_FILE
) -> Path:
    """Write a scan and its labels to `folder`, whole or not at all; what was there before is replaced.

    Args:
        extra: entries for the record besides those of `record_of`.
        distractor_file: name of the file of hard negatives.

    Raises:
        UnwritableOutputError: the folder cannot be written to.
    """
    with replaced_folder(folder) as staging:
        write_case_files(staging, scan, extra, distractor_file)
    return folder


def write_case_files(
    folder: Path, scan: LabelledScan, extra: Mapping[str, Any] | None = None, distractor_file: str = DISTRACTOR_FILE
) -> None:
    """Write the files of `write_case_folder` one by one into a folder that nobody reads yet."""
    arrays = {
        CT_FILE: scan.volume.hu,
        CALCIUM_FILE: scan.calcium,
        CORONARY_FILE: scan.coronary,
        distractor_file: scan.distractor,
    }
    for name, array in arrays.items():
        if array is not None:
            write_array(folder / name, array, scan.volume.geometry)
    write_json(folder / RECORD_FILE, {**record_of(scan), **(extra or {})})


def write_array(path: Path, array_zyx: np.ndarray, geometry: Geometry) -> None:
    """A compressed NIfTI file whose header says nothing beside the grid."""
    write_image(to_sitk(array_zyx, geometry), path)


def record_of(scan: LabelledScan) -> dict[str, Any]:
    """What is known of a labelled scan, as JSON holds it: nothing in it says who or where the patient is."""
    origin = scan.provenance
    merged = origin.left_main_counted_as
    return {
        "schema_version": SCHEMA_VERSION,
        "statement": STATEMENT,
        "case": scan.case_id,
        "simulated": False,
        "layout": origin.layout,
        "label_rule": origin.label_rule,
        "named_vessels": [vessel.label for vessel in origin.named_vessels],
        "left_main_counted_as": None if merged is None else merged.label,
        "unknown": list(scan.unknown),
        "review": None if origin.review is None else _review_record(origin.review),
        "geometry": asdict(scan.volume.geometry),
        "acquisition": asdict(anonymous(scan.volume.acquisition)),
        # Messages may quote file names of the source, which may be names of patients; codes never do.
        "findings": sorted({finding.code for finding in (*scan.volume.reading_findings, *scan.findings)}),
    }


def anonymous(acquisition: Acquisition) -> Acquisition:
    """What of the headers may leave: no free text, into which names get typed (DICOM PS3.15 E cleans it), no rare age
    (those from 90 on are one group in the USA's 45 CFR 164.514)."""
    age_years = acquisition.patient_age_years
    return replace(
        acquisition,
        series_description=None,
        contrast_agent=None if acquisition.contrast_agent is None else CONTRAST_GIVEN,
        patient_age_years=None if age_years is None else min(age_years, OLDEST_YEARS),
    )


@dataclass(frozen=True)
class CaseRecord:
    """What `record_of` wrote, as it is used again; `unknown` is what nobody labelled."""

    case_id: str
    geometry: Geometry
    acquisition: Acquisition
    provenance: Provenance
    unknown: frozenset[str]


def read_record(folder: Path) -> CaseRecord:
    """The record in a folder.

    Raises:
        DatasetFileError: it is missing, damaged or of another version. UnsafeNameError: its id leads elsewhere.
    """
    record = read_json(folder / RECORD_FILE)
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        raise DatasetFileError(f"'{folder.name}/{RECORD_FILE}' has the version {version!r}", f"{SCHEMA_VERSION}")
    try:
        return CaseRecord(
            case_id=require_safe_id(record["case"]),
            geometry=geometry_from(record["geometry"]),
            acquisition=acquisition_from(record["acquisition"]),
            provenance=_provenance(record),
            unknown=frozenset(record["unknown"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetFileError(f"'{folder.name}/{RECORD_FILE}' is damaged ({error})", "a record as written") from error


def read_case_folder(folder: Path, distractor_file: str = DISTRACTOR_FILE) -> LabelledScan:
    """A case that `write_case_folder` wrote: the same labels, geometry, acquisition and provenance.

    Raises:
        DatasetError: the record or a file is missing, damaged or of another version.
        ReadingError, GeometryMismatchError: a damaged volume, or one on another grid than the record says.
    """
    record = read_record(folder)
    volume = read_recorded_ct(folder / CT_FILE, record)
    names = {"calcium": CALCIUM_FILE, "coronary": CORONARY_FILE, "distractor": distractor_file}
    labels = {
        name: None if name in record.unknown else read_labels(folder / file, record.geometry)
        for name, file in names.items()
    }
    return LabelledScan(
        record.case_id, volume, labels["calcium"], labels["coronary"], labels["distractor"], record.provenance
    )


def read_recorded_ct(path: Path, record: CaseRecord) -> Volume:
    """The CT of a record, on the exact grid that the record holds: NIfTI rounds positions to 32 bits."""
    read = read_ct(path)
    record.geometry.require_same_grid(read.geometry, "CT")
    return Volume(read.hu, record.geometry, record.acquisition, record.case_id, read.reading_findings)


def unknown_labels(folder: Path) -> frozenset[str]:
    """What nobody labelled in a case folder: of 'calcium', 'coronary', 'distractor', 'vessels'.

    Empty for a folder without a record, as `cacnet phantom` writes it: the simulator knows everything.

    Raises:
        DatasetFileError: the record is damaged.
    """
    if not (folder / RECORD_FILE).is_file():
        return frozenset()
    unknown = read_json(folder / RECORD_FILE).get("unknown", [])
    if not isinstance(unknown, list):
        raise DatasetFileError(f"'unknown' in '{folder.name}/{RECORD_FILE}' is {unknown!r}", "a list")
    return frozenset(str(name) for name in unknown)


def read_labels(path: Path, geometry: Geometry) -> np.ndarray:
    """A label map of 8 bits on that grid; raises as `read_label_map`, and DatasetFileError for larger numbers."""
    values = read_label_map(path, geometry, f"labels '{path.name}'")
    if values.max(initial=0) > np.iinfo(np.uint8).max:
        raise DatasetFileError(f"'{path.name}' goes up to {values.max()}", "numbers of 8 bits")
    return values.astype(np.uint8)


def _provenance(record: Mapping[str, Any]) -> Provenance:
    by_label = {vessel.label: vessel for vessel in Vessel}
    merged, review = record["left_main_counted_as"], record["review"]
    return Provenance(
        layout=str(record["layout"]),
        label_rule=str(record["label_rule"]),
        named_vessels=tuple(by_label[label] for label in record["named_vessels"]),
        left_main_counted_as=None if merged is None else by_label[merged],
        review=None if review is None else _review(review),
    )


def _review_record(review: Review) -> dict[str, Any]:
    return {
        "state": review.state.value,
        "protocol": review.protocol,
        "reviewer": review.reviewer,
        "model": {"id": review.model_id, "weights_sha256": review.model_sha256},
    }


def _review(record: Mapping[str, Any]) -> Review:
    model = record["model"]
    return Review(
        ReviewState(record["state"]),
        record["protocol"],
        model["id"],
        model["weights_sha256"],
        record.get("reviewer"),
    )
