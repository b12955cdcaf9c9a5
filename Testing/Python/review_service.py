"""A review without a scene: the service that the widgets ask, on a real editing session over a tiny scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.growing import cut_at_waist, cut_by_plane
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import EditError, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.strokes import repaint
from cacnet.edits.summary import summarize
from cacnet.findings import Finding
from cacnet.left_out import LeftOutLesion, RejectReason
from cacnet.lesions import LesionSet, find_lesions
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Geometry

LESION_HU = 250.0
BLOOD_MEDIAN_HU, BLOOD_SD_HU = 60.0, 30.0


def scan(lesions: int, columns: int = 6):
    """Labels, HU and grid: squares of 4 × 4 pixels in one slice each, arteries in turn, brighter from one to the next.

    Pixels of 0.5 mm and slices of 3 mm, so that a lesion at 250 HU (density factor 2) has an Agatston score of 8.
    """
    rows = -(-lesions // columns)
    shape = (3, 8 * rows + 4, 8 * columns + 4)
    labels, hu = np.zeros(shape, np.uint8), np.full(shape, 40.0, np.float32)
    for number in range(lesions):
        y, x = 3 + 8 * (number // columns), 3 + 8 * (number % columns)
        at = (1, slice(y, y + 4), slice(x, x + 4))
        labels[at] = (LAD_FIRST[number % len(LAD_FIRST)]).value
        hu[at] = LESION_HU + number
    return labels, hu, Geometry(shape, (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))


LAD_FIRST = (Vessel.LAD, Vessel.RCA, Vessel.LCX, Vessel.LM, Vessel.UNASSIGNED)


class FakeService:
    """`ReviewService` on a session; keeps what it was asked in `calls`."""

    def __init__(self, lesions: int = 5, volume_node=None, segmentation_node=None, probability=None, left_out: int = 0):
        """`left_out` of the lesions, the last ones, are such as the program does not believe."""
        labels, self.hu, self.grid = scan(lesions) if lesions else scan_without_lesions()
        resolved = resolve(protocol_named("literature"))
        self._probability = probability
        live = LiveScores(self.hu, self.grid, resolved, probability)
        found = find_lesions(labels, self.hu, self.grid, resolved)
        believed = lesions - left_out
        others = [
            LeftOutLesion(lesion.vessel, index, RejectReason.VALVE, 0.5)
            for lesion, index in zip(found.lesions[believed:], found.indices[believed:], strict=True)
        ]
        found = LesionSet(found.lesions[:believed], found.shape_zyx, found.indices[:believed])
        self.session = Session(review_of(found, others), live)
        self.resolved, self.age_years, self.sex = resolved, None, None
        self.volume_node, self.segmentation_node = volume_node, segmentation_node
        self.findings: tuple[Finding, ...] = ()
        self.calls: list = []
        self.jumps: list[int] = []
        self._listeners: list = []
        self._stroke_listeners: list = []
        self._painted: list = []

    @property
    def summary(self):
        return summarize(self.session, self.resolved, self.age_years, self.sex)

    def on_change(self, listener):
        self._listeners.append(listener)

    def on_pending_strokes(self, listener):
        self._stroke_listeners.append(listener)

    def tell(self):
        for listener in self._listeners:
            listener(self.summary)

    def paint(self, voxels_zyx, vessel):
        """Somebody paints; the review follows when it is absorbed."""
        index = np.sort(np.ravel_multi_index(np.array(voxels_zyx).T, self.grid.shape_zyx).astype(np.int64))
        self._painted.append((index, np.full(len(index), int(vessel), np.uint8)))
        for listener in self._stroke_listeners:
            listener()

    def absorb_strokes(self):
        self.calls.append(("absorb", len(self._painted)))
        painted, self._painted = self._painted, []
        for index, vessel in painted:
            self.session.apply(Action.PAINT, repaint(self.session.review, index, vessel))
        self.tell()

    def _apply(self, action, change, details=None):
        self.session.apply(action, change, details)
        self.tell()

    def accept(self, ids):
        self._apply(Action.ACCEPT, operations.accept(self.session.review, ids))

    def accept_all(self):
        self._apply(Action.ACCEPT_ALL, operations.accept_all(self.session.review))

    def reject(self, ids, reason):
        self._apply(Action.REJECT, operations.reject(self.session.review, ids, reason))

    def restore(self, ids):
        self._apply(Action.RESTORE, operations.restore(self.session.review, ids))

    def relabel(self, ids, vessel):
        self._apply(Action.RELABEL, operations.relabel(self.session.review, ids, vessel))

    def merge(self, ids):
        self._apply(Action.MERGE, operations.merge(self.session.review, ids))

    def split(self, lesion_id):
        parts = cut_at_waist(self.session.review.lesion(lesion_id).index, self.grid)
        self._apply(Action.SPLIT, operations.split(self.session.review, lesion_id, parts))

    def split_by_plane(self, lesion_id, point_ras, normal_ras):
        index = self.session.review.lesion(lesion_id).index
        point, normal = ((-p[0], -p[1], p[2]) for p in (point_ras, normal_ras))
        parts = cut_by_plane(index, self.grid, point, normal)
        self._apply(Action.SPLIT, operations.split(self.session.review, lesion_id, parts))

    def erase(self, ids):
        index = np.concatenate([self.session.review.lesion(i).index for i in ids])
        self._apply(Action.ERASE, operations.erase(self.session.review, index))

    def add_at(self, point_ras, vessel):
        self.calls.append(("add", point_ras, vessel))
        z, y, x = (int(i) for i in point_ras)
        index = np.array([np.ravel_multi_index((z, y, x + step), self.grid.shape_zyx) for step in range(2)])
        self._apply(Action.ADD, operations.add(self.session.review, index, vessel))

    def undo(self):
        self.session.undo()
        self.tell()

    def redo(self):
        self.session.redo()
        self.tell()

    def approve(self, initials):
        self.session.approve(initials)
        self.tell()

    def reopen(self):
        self.session.reopen()
        self.tell()

    def use_protocol(self, name):
        self.resolved = resolve(protocol_named(name), BLOOD_MEDIAN_HU, BLOOD_SD_HU)
        self.session.use(LiveScores(self.hu, self.grid, self.resolved, self._probability))
        self.tell()

    def set_patient(self, age_years, sex):
        self.calls.append(("patient", age_years, sex))
        self.age_years, self.sex = age_years, sex
        self.tell()

    def jump_to(self, lesion_id):
        self.jumps.append(lesion_id)

    def lesion_at(self, point_ras):
        return None

    def close(self):
        self._listeners.clear()


def scan_without_lesions():
    labels, hu, grid = scan(1)
    return np.zeros_like(labels), np.full_like(hu, 40.0), grid


class FailingService(FakeService):
    """Refuses to reject, as a service may for a reason of its own."""

    def reject(self, ids, reason):
        raise EditError("the segment is locked", "one that can be written", "Unlock it")


__all__ = ["LAD_FIRST", "FailingService", "FakeService", "replace", "scan"]
