"""Which cases of a data set are held out from training: by their ids alone, so adding cases changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

HELD_OUT_SHARE = 0.2


def is_held_out(case_id: str, share: float) -> bool:
    """Whether a case belongs to the share that is held out: by its id, whatever other cases there are."""
    return _place(case_id) < share


def first_to_hold_out(case_ids: Iterable[str], seen: Collection[str] = ()) -> str | None:
    """The one case to hold out where the share leaves none; None where there is but one case or all were `seen`."""
    ids = list(case_ids)
    free = [case_id for case_id in ids if case_id not in seen]
    return min(free, key=_place) if len(ids) > 1 and free else None


def held_out_ids(case_ids: Iterable[str], share: float, seen: Collection[str] = ()) -> frozenset[str]:
    """The usable cases that further training holds out.

    Args:
        seen: ids that the model to start from has learned from; they are never held out.
    """
    ids = list(case_ids)
    chosen = {case_id for case_id in ids if case_id not in seen and is_held_out(case_id, share)}
    one = first_to_hold_out(ids, seen) if share > 0 and not chosen else None
    return frozenset(chosen if one is None else {one})


def _place(case_id: str) -> float:
    """A number from 0 to 1 that an id always has."""
    return int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:8], "big") / 2**64
