"""How long a score takes to follow a brush stroke, and a first scoring: `python Testing/Benchmark/rescore.py`.

Sixty lesions of about 30 mm³ in volumes of growing size. A stroke adds voxels to one lesion or erases them;
other edits split a lesion or reject it. Prints a Markdown table: medians of many repetitions, one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from cacnet.edits import operations
from cacnet.edits.growing import cut_by_plane
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason, review_of
from cacnet.edits.session import Action, Session
from cacnet.edits.strokes import repaint_box
from cacnet.lesions import find_lesions
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Geometry

SIZES_ZYX = ((200, 256, 256), (400, 512, 512), (600, 512, 512), (800, 768, 768))
SPACING_MM_ZYX = (0.5, 0.35, 0.35)
LESIONS = 60


def scan_of(shape_zyx: tuple[int, int, int], lesions: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, HU, and the lesions' centres: balls of 4 voxels' radius on a jittered lattice, so that none touch."""
    random = np.random.default_rng(seed)
    hu, labels = np.full(shape_zyx, 350, np.int16), np.zeros(shape_zyx, np.uint8)
    cells = int(np.ceil(lesions ** (1 / 3)))
    pitch = np.array(shape_zyx) // (cells + 1)
    lattice = np.array([(i, j, k) for i in range(cells) for j in range(cells) for k in range(cells)])[:lesions]
    centres = (lattice + 1) * pitch + random.integers(-3, 4, (lesions, 3))
    ball = np.sum(np.square(np.mgrid[-4:5, -4:5, -4:5]), axis=0) <= 16
    for number, centre in enumerate(centres):
        box = tuple(slice(c - 4, c + 5) for c in centre)
        labels[box][ball] = number % 4 + 1
        hu[box][ball] = random.integers(500, 1200, int(ball.sum()))
    return labels, hu, centres


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median wall time of a call in ms, after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def measure(shape_zyx: tuple[int, int, int], lesions: int, repeats: int) -> list[str]:
    """One row of the table."""
    labels, hu, centres = scan_of(shape_zyx, lesions)
    geometry = Geometry(shape_zyx, SPACING_MM_ZYX, (0.0, 0.0, 0.0))
    resolved = resolve(protocol_named("ccta-adaptive"), 350.0, 25.0)
    first_ms = median_ms(lambda: find_lesions(labels, hu, geometry, resolved), 3)
    session = Session(review_of(find_lesions(labels, hu, geometry, resolved)), LiveScores(hu, geometry, resolved))
    z, y, x = (int(c) for c in centres[lesions // 2])
    box = (slice(z - 12, z + 13), slice(y - 12, y + 13), slice(x - 12, x + 13))
    start = (z - 12, y - 12, x - 12)
    plain, painted = labels[box].copy(), labels[box].copy()
    painted[12 + 4 : 12 + 9, 10:15, 10:15] = labels[z, y, x]

    def stroke() -> None:
        session.apply(Action.PAINT, repaint_box(session.review, start, painted))
        session.apply(Action.PAINT, repaint_box(session.review, start, plain))

    lesion_id = session.review.id_at((z, y, x)) or 0
    point = tuple(float(v) for v in geometry.index_to_lps(centres[lesions // 2]))

    def cut() -> None:
        parts = cut_by_plane(session.review.lesion(lesion_id).index, geometry, point, (0.0, 0.0, 1.0))
        session.apply(Action.SPLIT, operations.split(session.review, lesion_id, parts))
        session.undo()

    def reject() -> None:
        session.apply(Action.REJECT, operations.reject(session.review, [lesion_id], RejectReason.NOISE))
        session.undo()

    halves = [median_ms(work, repeats) / 2 for work in (stroke, cut, reject)]
    size = " × ".join(str(n) for n in reversed(shape_zyx))
    return [size, str(lesions), *(f"{ms:.1f}" for ms in halves), f"{first_ms:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    head = ["Volume", "Lesions", "Brush stroke, ms", "Split or undo, ms", "Reject or undo, ms", "First scoring, ms"]
    rows = [measure(shape, LESIONS, arguments.repeats) for shape in SIZES_ZYX]
    rows += [measure(SIZES_ZYX[2], lesions, arguments.repeats) for lesions in (10, 200, 500)]
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
