"""What a data set would give to further training, without reading a scan: how many cases, reviewed how far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cacnet.dataset import corrections
from cacnet.dataset.corrections import CorrectedCase
from cacnet.dataset.held_out import HELD_OUT_SHARE, held_out_ids
from cacnet.dataset.layouts import list_cases
from cacnet.dataset.scan import ReviewState
from cacnet.errors import CacnetError


@dataclass(frozen=True)
class Contents:
    """The cases of a data set.

    Attributes:
        by_state: how many cases are in which state of review; only states that occur.
        foreign: cases of another data set than our own export, which are not reviewed case by case.
        damaged: cases whose record cannot be read.
        usable: cases that training would take, held out or not.
        held_out: how many of them it would hold out; None where that is known only after reading them.
    """

    by_state: Mapping[ReviewState, int] = field(default_factory=dict)
    foreign: int = 0
    damaged: int = 0
    usable: int = 0
    held_out: int | None = 0

    @property
    def cases(self) -> int:
        """All of them."""
        return sum(self.by_state.values()) + self.foreign + self.damaged

    @property
    def learned_from(self) -> int:
        """How many would be learned from, as far as that is known before reading them."""
        return self.usable - (self.held_out or 0)


def contents_of(
    folder: Path, any_state: bool = False, seen: Collection[str] = (), share: float = HELD_OUT_SHARE
) -> Contents:
    """Count the cases of a data set.

    Args:
        any_state: as if cases that nobody has approved were taken, too.
        seen: ids that the model to start from has learned from.

    Raises:
        InputNotFoundError, DatasetError: the folder is no data set.
    """
    cases = list_cases(folder)
    own = [case for case in cases if isinstance(case, CorrectedCase)]
    states = {case.name: _state(case) for case in own}
    foreign = len(cases) - len(own)
    usable = [name for name, state in states.items() if state is not None and (any_state or _approved(state))]
    return Contents(
        by_state=Counter(state for state in states.values() if state is not None),
        foreign=foreign,
        damaged=sum(state is None for state in states.values()),
        usable=len(usable) + foreign,
        held_out=None if foreign else len(held_out_ids(usable, share, seen)),
    )


def _approved(state: ReviewState) -> bool:
    return state is ReviewState.APPROVED


def _state(case: CorrectedCase) -> ReviewState | None:
    """How far a case was reviewed; None where its record cannot be read."""
    try:
        case.case_id()
        return ReviewState(corrections.review_state(case.folder) or "")
    except (CacnetError, OSError, ValueError):
        return None
