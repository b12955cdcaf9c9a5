"""A reader who corrects at random: every kind of correction, and undo, redo, approval."""

from __future__ import annotations

import random

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.edits import growing, operations
from cacnet.edits.review import Change, EditError, RejectReason, flat_index
from cacnet.edits.session import Action, Session
from cacnet.edits.strokes import repaint
from review_case import GRID

VESSELS = tuple(Vessel)


def correct_at_random(session: Session, rng: random.Random) -> Action:
    """One step that changes something; which kinds are possible depends on where the review stands."""
    while True:
        if session.locked:
            session.reopen()
            return Action.REOPEN
        before = len(session.audit)
        action = rng.choice(list(Action))
        try:
            _do(session, action, rng)
        except EditError:  # not possible now: nothing to undo, no waist to split at
            continue
        if len(session.audit) > before:
            return action


def _do(session: Session, action: Action, rng: random.Random) -> None:
    match action:
        case Action.UNDO:
            session.undo()
        case Action.REDO:
            session.redo()
        case Action.APPROVE:
            session.approve("TB")
        case Action.REOPEN:
            session.reopen()
        case _:
            session.apply(action, _change(session, action, rng))


def _change(session: Session, action: Action, rng: random.Random) -> Change:
    review = session.review
    ids = list(review.lesions)
    if not ids and action not in (Action.PAINT, Action.ADD, Action.ERASE):
        raise EditError("no lesion is left")
    some = rng.sample(ids, min(len(ids), rng.randint(1, 2)))
    match action:
        case Action.ACCEPT:
            return operations.accept(review, some)
        case Action.ACCEPT_ALL:
            return operations.accept_all(review)
        case Action.REJECT:
            return operations.reject(review, some, rng.choice(list(RejectReason)))
        case Action.RESTORE:
            return operations.restore(review, some)
        case Action.RELABEL:
            return operations.relabel(review, some, rng.choice(VESSELS))
        case Action.MERGE:
            return operations.merge(review, some)
        case Action.SPLIT:
            return operations.split(review, some[0], _halves(session, some[0], rng))
        case Action.ADD:
            return operations.add(review, _stroke(session, rng), rng.choice(VESSELS))
        case Action.ERASE:
            return operations.erase(review, _stroke(session, rng))
        case _:
            index = _stroke(session, rng)
            vessels = np.full(len(index), int(rng.choice(VESSELS)), np.uint8)
            return repaint(review, index, vessels)


def _stroke(session: Session, rng: random.Random) -> np.ndarray:
    """Flat indices of a small box anywhere in the scan, its border included."""
    shape = session.review.shape_zyx
    start = [rng.randrange(n) for n in shape]
    stop = [min(n, a + rng.randint(1, 3)) for n, a in zip(shape, start, strict=True)]
    voxels = np.stack(np.meshgrid(*map(np.arange, start, stop), indexing="ij"), axis=-1).reshape(-1, 3)
    return flat_index(voxels, shape)


def _halves(session: Session, lesion_id: int, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    lesion = session.review.lesion(lesion_id)
    if rng.random() < 0.3:
        return growing.cut_at_waist(lesion.index, GRID)
    centre = np.stack(np.unravel_index(lesion.index, GRID.shape_zyx), axis=-1).mean(axis=0)
    point = tuple(float(p) for p in GRID.index_to_lps(centre))
    return growing.cut_by_plane(lesion.index, GRID, point, tuple(rng.uniform(-1, 1) for _ in range(3)))
