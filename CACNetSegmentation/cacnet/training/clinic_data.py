"""A clinic's own reviewed cases, split once and for all into those to learn from and those that are held out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cacnet.dataset.held_out import HELD_OUT_SHARE, first_to_hold_out, is_held_out
from cacnet.dataset.layouts import list_cases
from cacnet.dataset.run import CaseReport, Outcome, import_cases
from cacnet.dataset.source import SourceCase
from cacnet.errors import CacnetError
from cacnet.progress import Progress, silent
from cacnet.training.from_dataset import TrainingCases

TRAINING, HELD_OUT = "real", "held-out"
STAGE = "prepare the cases"


class NoUsableCasesError(CacnetError):
    """Data sets without one case to learn from."""


class HeldOutShareError(CacnetError):
    """A share of cases to hold out that cannot be."""


@dataclass(frozen=True)
class ClinicData:
    """Cases on the model's grid.

    Attributes:
        training, held_out: folders of cases, as `cacnet.training.cases` describes them.
        training_ids, held_out_ids: pseudonyms of the cases in them.
        left_out: the reports of cases that cannot be used, such as those that nobody has approved.
    """

    training: Path
    held_out: Path
    training_ids: tuple[str, ...]
    held_out_ids: tuple[str, ...]
    left_out: tuple[CaseReport, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Why cases were left out, one sentence for each."""
        return tuple(f"{report.case_id or 'A case'} is left out: {report.error}" for report in self.left_out)


def prepare_data(
    folders: Sequence[Path],
    output: Path,
    share: float = HELD_OUT_SHARE,
    any_state: bool = False,
    seen: Collection[str] = (),
    progress: Progress = silent,
) -> ClinicData:
    """Bring the cases of data sets to the model's grid, in `output`; what is there and has not changed is kept.

    Whether a case is held out depends on its id alone (`is_held_out`), so it stays held out when cases are added. Where
    that leaves none, one of two or more cases is held out all the same.

    Args:
        folders: data sets in any layout that `cacnet dataset` reads.
        any_state: take cases that nobody has approved, too.
        seen: ids that the model to start from has learned from; they are never held out.

    Raises:
        NoUsableCasesError: no case to learn from is left.
        HeldOutShareError: a share below 0, or of 1 and more.
        InputNotFoundError, DatasetError: a folder is no data set. UnwritableOutputError: `output` cannot be written to.
    """
    if not 0 <= share < 1:
        raise HeldOutShareError(f"{share} of the cases to be held out", "at least 0 and below 1, such as 0.2")
    cases = [case for folder in folders for case in list_cases(folder)]
    held_out = {i for i in map(_id, cases) if i is not None and i not in seen and is_held_out(i, share)}
    groups = {
        TRAINING: [case for case in cases if _id(case) not in held_out],
        HELD_OUT: [case for case in cases if _id(case) in held_out],
    }
    reports: dict[str, list[CaseReport]] = {name: [] for name in groups}
    progress(STAGE, 0.0)
    for name, group in groups.items():
        for report in import_cases(group, output / name, TrainingCases(), any_state):
            reports[name].append(report)
            progress(STAGE, sum(map(len, reports.values())) / len(cases))
    ids = {name: _kept(output / name, found) for name, found in reports.items()}
    if share > 0 and not ids[HELD_OUT]:
        ids = _with_one_held_out(output, ids[TRAINING], seen)
    left_out = tuple(r for found in reports.values() for r in found if r.outcome is Outcome.REFUSED)
    data = ClinicData(output / TRAINING, output / HELD_OUT, ids[TRAINING], ids[HELD_OUT], left_out)
    if not data.training_ids:
        raise NoUsableCasesError(
            f"no case of {', '.join(repr(folder.name) for folder in folders)} can be learned from"
            + (f" ({data.sentences[0].rstrip('.')})" if data.sentences else ""),
            "at least one approved case that is not held out",
            "Approve reviews and export them, or include cases nobody has approved",
        )
    return data


def _with_one_held_out(output: Path, ids: Sequence[str], seen: Collection[str]) -> dict[str, tuple[str, ...]]:
    """One of several cases taken out of those to learn from: the first in the order by which a share is held out."""
    chosen = first_to_hold_out(ids, seen)
    if chosen is None:
        return {TRAINING: tuple(ids), HELD_OUT: ()}
    (output / HELD_OUT).mkdir(exist_ok=True)
    os.replace(output / TRAINING / chosen, output / HELD_OUT / chosen)
    return {TRAINING: tuple(i for i in ids if i != chosen), HELD_OUT: (chosen,)}


def _id(case: SourceCase) -> str | None:
    """Its pseudonym; None for a case whose import will say what is wrong with it."""
    try:
        return case.case_id()
    except (CacnetError, OSError):
        return None


def _kept(folder: Path, reports: Sequence[CaseReport]) -> tuple[str, ...]:
    """The ids of the cases that are there; what an earlier run left beside them goes."""
    ids = {report.case_id for report in reports if report.case_id and report.outcome is not Outcome.REFUSED}
    for case in _folders(folder):
        if case.name not in ids:
            shutil.rmtree(case)
    return tuple(sorted(ids))


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if path.is_dir())
