"""Training cases from simulated CT angiograms: `python -m cacnet.training.make_cases --seeds A:B --output DIR`.

Each seed is simulated over the heart's box and a random margin, brought to the model's grid exactly as a real scan is
(`cacnet.prepare`), and written as a case. Seeds already there are skipped, so a run can be stopped and taken up again.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cacnet.errors import CacnetError
from cacnet.heart_region import HeartRegion
from cacnet.phantom.heart import build_heart
from cacnet.phantom.patient import draw_patient
from cacnet.phantom.scanner import ScanSettings, crop_scan, draw_scan
from cacnet.phantom.simulate import Anatomy, label, paint_anatomy, scan_anatomy, truth_of, truth_record
from cacnet.prepare import MODEL_SPACING_MM, remove_lungs, to_model_grid
from cacnet.training.cases import RECORD_FILE, write_case
from cacnet.volume import Geometry, Volume

MARGIN_MM = (5.0, 20.0)
"""How much of the chest around the heart a case shows, drawn for each of its six sides."""

log = logging.getLogger(__name__)


class SeedRangeError(CacnetError):
    """Seeds that are not given as A:B."""


@dataclass(frozen=True)
class SimulatedHeart:
    """A simulated patient and the scan of its heart; `grid` is the model's over the scan's box."""

    anatomy: Anatomy
    settings: ScanSettings
    volume: Volume
    grid: Geometry


def case_folder(output: Path, seed: int) -> Path:
    """Where the case of a seed is written."""
    return output / f"seed-{seed:06d}"


def make_case(seed: int, output: Path, canvas_spacing_mm: float = 0.5) -> Path | None:
    """Simulate one seed and write it to output/seed-NNNNNN; None where it is already there."""
    folder = case_folder(output, seed)
    if (folder / RECORD_FILE).is_file():
        return None
    started = time.perf_counter()
    heart = simulate_heart(seed, canvas_spacing_mm)
    hu = remove_lungs(to_model_grid(heart.volume, heart.grid))
    calcium, coronary, distractor = label(heart.anatomy, heart.settings, heart.grid)
    truth = truth_record(truth_of(heart.anatomy, heart.settings), heart.volume.source)
    record = {"origin_mm_lps": list(heart.grid.origin_mm_lps), "truth": truth}
    write_case(folder, hu, calcium, coronary, distractor, record)
    log.info(
        "%s: %s voxels, calcium %.0f mm3, %.1f s",
        folder.name,
        "x".join(str(n) for n in hu.shape),
        np.count_nonzero(calcium) * MODEL_SPACING_MM**3,
        time.perf_counter() - started,
    )
    return folder


def simulate_heart(seed: int, canvas_spacing_mm: float = 0.5) -> SimulatedHeart:
    """A patient's scan of the heart's box and a random margin on each of its six sides."""
    patient = draw_patient(seed)
    heart = build_heart(patient)
    margin = patient.rng("case margin").uniform(*MARGIN_MM, (2, 3))
    settings = crop_scan(draw_scan(patient), heart.lower_mm_xyz - margin[0], heart.upper_mm_xyz + margin[1])
    anatomy = paint_anatomy(patient, heart, settings.geometry, canvas_spacing_mm)
    volume = scan_anatomy(anatomy, settings)
    lower, upper = (tuple(float(v) for v in corner) for corner in volume.geometry.bounds_mm_lps)
    grid = HeartRegion(lower, upper, found=True).grid(MODEL_SPACING_MM)  # type: ignore[arg-type]
    return SimulatedHeart(anatomy, settings, volume, grid)


def parse_seeds(text: str) -> range:
    """The seeds of 'A:B' (B excluded); raises SeedRangeError."""
    first, _, last = text.partition(":")
    try:
        return range(int(first), int(last))
    except ValueError as error:
        raise SeedRangeError(f"seeds '{text}'", "two whole numbers as A:B, B excluded") from error


def parse_seed_ranges(text: str) -> list[int]:
    """The seeds of 'A:B', or of several such ranges with commas between them; raises SeedRangeError."""
    return [seed for part in text.split(",") for seed in parse_seeds(part)]


def end_with_parent() -> None:
    """Let this process end when the one that started it does, even where that one is killed."""
    threading.Thread(target=_wait_for_end_of_parent, daemon=True).start()


def _wait_for_end_of_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make training cases from simulated CT angiograms.")
    parser.add_argument("--seeds", required=True, help="A:B, B excluded")
    parser.add_argument("--output", required=True, type=Path, help="folder of cases; those already there are kept")
    parser.add_argument("--workers", type=int, default=1, help="processes (each needs about 2 GB)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        seeds = parse_seeds(options.seeds)
    except CacnetError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    options.output.mkdir(parents=True, exist_ok=True)
    make = partial(make_case, output=options.output)
    if options.workers <= 1:
        for seed in seeds:
            make(seed)
        return 0
    with ProcessPoolExecutor(options.workers, initializer=end_with_parent) as pool:
        for _ in pool.map(make, seeds):
            pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
