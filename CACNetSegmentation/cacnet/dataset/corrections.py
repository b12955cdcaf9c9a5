"""Our own exports, 'cacnet-corrections': scans whose labels somebody corrected, to train and evaluate on.

<data set>/
  dataset.json                 "schema_version", "layout": "cacnet-corrections", "cases": [{"id", "folder", "state"}]
  cases/<pseudonymous id>/
    ct.nii.gz calcium.nii.gz coronary.nii.gz
    hard_negatives.nii.gz      what the model took for calcium and somebody rejected, by kind
    record.json                state of the review, protocol, model and hash, geometry, acquisition (see case_folder)
    journal.json               the network's own lesions and every correction, where they are known (see export)

Labels lie in files of their own, so overlaps and numbers survive. Case folders are complete or absent; the index is
made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cacnet.dataset.case_folder import RECORD_FILE, read_case_folder, write_case_files
from cacnet.dataset.errors import DatasetFileError, IncompleteCaseError, LabelError, UnsafeNameError
from cacnet.dataset.scan import LabelledScan
from cacnet.dataset.source import SourceCase, path_inside, read_json, require_safe_id
from cacnet.dataset.update import updating
from cacnet.errors import CacnetError
from cacnet.files import write_json

LAYOUT = "cacnet"
LAYOUT_NAME = "cacnet-corrections"
SCHEMA_VERSION = 1
INDEX_FILE = "dataset.json"
CASES = "cases"
HARD_NEGATIVES_FILE = "hard_negatives.nii.gz"


@dataclass(frozen=True)
class CorrectedCase:
    """A case folder of an export; `problem` is why it must not be touched."""

    name: str
    folder: Path
    problem: CacnetError | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the folder."""
        if self.problem is not None or not self.folder.is_dir():
            return ()
        return tuple(sorted(path for path in self.folder.iterdir() if path.is_file()))

    def case_id(self) -> str:
        """The folder's name, which the export made a pseudonym."""
        if self.problem is not None:
            raise self.problem
        return require_safe_id(self.name)

    def read(self) -> LabelledScan:
        """The scan as it was written."""
        case_id = self.case_id()
        if not self.folder.is_dir():
            raise IncompleteCaseError(f"there is no folder '{CASES}/{case_id}'", "one for each case of the index")
        scan = read_case_folder(self.folder, HARD_NEGATIVES_FILE)
        if scan.case_id != case_id:
            raise DatasetFileError(f"the record of '{case_id}' is that of '{scan.case_id}'", "the case's own record")
        if scan.provenance.review is None:
            raise DatasetFileError(f"the record of '{case_id}' does not say whether it was reviewed", "its state")
        return scan


def write_corrected_case(
    dataset: Path,
    scan: LabelledScan,
    extra: Mapping[str, Any] | None = None,
    documents: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Add a case to an export, or replace it, and bring the index up to date, both or neither; returns its folder.

    Args:
        extra: further entries of the record.
        documents: further JSON files of the case, by name.

    Raises:
        UnsafeNameError: its id cannot be a folder's name.
        LabelError: its provenance has no review.
        DatasetFileError: the folder holds another data set.
        UnwritableOutputError: the folder cannot be written to; the data set is as it was.
    """
    require_safe_id(scan.case_id)
    review = scan.provenance.review
    if review is None:
        raise LabelError(f"the case '{scan.case_id}' has no review state", "unreviewed, partly or approved")
    _require_own(dataset)
    relative = Path(CASES) / scan.case_id
    before = {path.name for path in (dataset / relative).glob("*") if path.is_file()}
    with updating(dataset) as update:
        staging = update.path(relative / RECORD_FILE).parent
        write_case_files(staging, scan, extra, HARD_NEGATIVES_FILE)
        for name, document in (documents or {}).items():
            write_json(staging / name, dict(document))
        update.removed += [relative / name for name in sorted(before - {path.name for path in staging.iterdir()})]
        states = {**_states(dataset), scan.case_id: review.state.value}
        write_json(update.path(INDEX_FILE), _index(states))
    return dataset / relative


def _require_own(dataset: Path) -> None:
    if (dataset / INDEX_FILE).exists() and not recognises(dataset):
        raise DatasetFileError(
            f"'{dataset.name}' holds a data set of another layout",
            f"an empty folder, or one with '{LAYOUT_NAME}' in its {INDEX_FILE}",
            "Choose another folder",
        )


def _index(states: Mapping[str, str | None]) -> dict[str, Any]:
    cases = [{"id": name, "folder": f"{CASES}/{name}", "state": state} for name, state in sorted(states.items())]
    return {"schema_version": SCHEMA_VERSION, "layout": LAYOUT_NAME, "cases": cases}


def _states(dataset: Path) -> dict[str, str | None]:
    """The review state of every case at hand."""
    return {path.parent.name: review_state(path.parent) for path in (dataset / CASES).glob(f"[!.]*/{RECORD_FILE}")}


def review_state(case: Path) -> str | None:
    """The review state in the record of a case folder; None where it is damaged, which reading that case will say."""
    try:
        review = read_json(case / RECORD_FILE).get("review")
    except DatasetFileError:
        return None
    return review.get("state") if isinstance(review, dict) else None


def recognises(folder: Path) -> bool:
    """Whether the folder's index says that it is an export of ours."""
    try:
        return read_json(folder / INDEX_FILE).get("layout") == LAYOUT_NAME
    except DatasetFileError:
        return False


def list_cases(folder: Path) -> tuple[SourceCase, ...]:
    """The cases of the index, and those that lie beside them, by id.

    Raises:
        DatasetFileError: there is no index, or one of another version.
    """
    index = read_json(folder / INDEX_FILE)
    if index.get("schema_version") != SCHEMA_VERSION or not isinstance(index.get("cases"), list):
        raise DatasetFileError(f"{INDEX_FILE} has another version", f"schema_version {SCHEMA_VERSION} and 'cases'")
    cases: dict[str, SourceCase] = {}
    for entry in index["cases"]:
        case = _indexed_case(folder, entry)
        cases[case.name] = case
    for record in (folder / CASES).glob(f"[!.]*/{RECORD_FILE}"):
        cases.setdefault(record.parent.name, CorrectedCase(record.parent.name, record.parent))
    return tuple(cases[name] for name in sorted(cases))


def _indexed_case(folder: Path, entry: object) -> CorrectedCase:
    if not isinstance(entry, dict):
        raise DatasetFileError(f"{INDEX_FILE} lists {entry!r}", "a table with 'id' and 'folder'")
    name = str(entry.get("id"))
    try:
        return CorrectedCase(require_safe_id(entry.get("id")), path_inside(folder, entry.get("folder")))
    except UnsafeNameError as error:
        return CorrectedCase(name, folder, error)
