"""Scans whose results are stored, so that a change of any number shows as a readable difference.

Three are drawn from geometry, and their lesions are those of the true labels; three are simulated patients
(golden_scans.py), on which everything after the network runs. None is of a patient.

`python Testing/Python/core/golden_cases.py` writes core/golden/*.json anew: do it only for a change that is meant, and
say in the commit what changed. With --fingerprints it prints what two runs must have in common to the last bit.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cacnet.labelling import Labels
    from cacnet.lesions import LesionSet

FOLDER = Path(__file__).parent / "golden"
PRODUCT = Path(__file__).resolve().parents[3] / "CACNetSegmentation"
ORIGIN = (
    "Results of a scan made by golden_cases.py or golden_scans.py; not of a patient. Made by "
    "`python Testing/Python/core/golden_cases.py`."
)
DRAWN = ("axial", "oblique", "thin-slices")
SIMULATED = ("four arteries", "co-dominant", "few voxels")
CASES = (*DRAWN, *SIMULATED)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def result(name: str) -> dict[str, Any]:
    """Lesions, totals and whatever else of a case's result can be read as plain values."""
    content = _of_labels(name) if name in DRAWN else _of_chain(name)
    return json.loads(json.dumps({"origin": ORIGIN, **content}, default=_plain))


def rounded(content: Any) -> Any:
    """The same with numbers of nine digits: the last ones may differ between processors."""
    if isinstance(content, dict):
        return {name: rounded(value) for name, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return float(f"{content:.9g}") if isinstance(content, float) else content


def stored(name: str) -> dict[str, Any]:
    """The result as it was stored."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def chain(name: str) -> tuple[Labels, LesionSet, dict[str, Any]]:
    """Labels, lesions and totals of a simulated case, from the same probabilities each time."""
    from cacnet.labelling import label
    from cacnet.lesions import find_lesions
    from cacnet.pipeline import resolve_for
    from cacnet.prepare import prepare
    from cacnet.scoring import total
    from golden_scans import probabilities, stored_scan

    scan = stored_scan(name)
    volume, prepared = scan.volume, prepare(scan.volume)
    labels = label(volume, prepared, probabilities(scan, prepared))
    resolved = resolve_for(volume, "ccta-adaptive", labels.blood_hu)
    lesions = find_lesions(labels.calcium, volume.hu, volume.geometry, resolved, labels.probability, labels.courses)
    return labels, lesions, asdict(total(lesions.lesions, resolved.protocol.equivalent))


def part_with_calcium() -> np.ndarray:
    """64 × 64 × 64 voxels of HU on the model's grid, around the largest lesion of a simulated case."""
    from cacnet.prepare import prepare
    from golden_scans import stored_scan

    scan = stored_scan("four arteries")
    prepared = prepare(scan.volume)
    lesion = max(stored("four arteries")["lesions"], key=lambda lesion: lesion["voxels"])
    centre = np.rint(prepared.grid.lps_to_index(np.array(lesion["centroid_mm_lps"]))).astype(int)
    start = np.clip(centre - 32, 0, np.array(prepared.grid.shape_zyx) - 64)
    return prepared.hu[tuple(slice(at, at + 64) for at in start)]


def fingerprint(name: str) -> dict[str, str]:
    """SHA-256 of every part of a simulated case's result, unrounded."""
    labels, lesions, totals = chain(name)
    courses = labels.courses
    assert courses is not None, name
    parts: dict[str, Iterable[Any]] = {
        "labels": (labels.calcium, labels.coronary, labels.probability, labels.blood_hu),
        "centre lines": (courses.points_mm_lps, courses.vessel, courses.from_ostium_mm, courses.radius_mm),
        "lesions": (*lesions.indices, repr(lesions.lesions)),
        "scores": (repr(totals), labels.dominance, labels.notes, labels.borders),
    }
    return {part: sha256_of(values) for part, values in parts.items()}


def fingerprints_in_a_process(names: Iterable[str], threads: int) -> dict[str, dict[str, str]]:
    """The fingerprints as an interpreter of its own finds them, in which every library has so many threads."""
    command = [sys.executable, __file__, "--fingerprints", str(threads), *names]
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads)), "PYTHONPATH": str(PRODUCT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def sha256_of(values: Iterable[Any]) -> str:
    """Of arrays with their type and shape, and of whatever else as it is written."""
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif value is None or isinstance(value, str | tuple):
            digest.update(repr(value).encode())
        else:
            raise TypeError(f"{type(value).__name__} has no bytes that are the same in every run")
    return digest.hexdigest()


def _of_chain(name: str) -> dict[str, Any]:
    from cacnet.anatomy import Vessel

    labels, lesions, totals = chain(name)
    courses = labels.courses
    assert courses is not None, name
    voxels = {
        what: {vessel.name: int((array == vessel).sum()) for vessel in Vessel}
        for what, array in (("calcium", labels.calcium), ("coronary", labels.coronary))
    }
    return {
        "voxels": voxels,
        "blood_hu": {"voxels": len(labels.blood_hu), "median": float(np.median(labels.blood_hu))},
        "centre_line_points": {vessel.name: int((courses.vessel == vessel).sum()) for vessel in Vessel},
        "farthest_from_ostium_mm": float(np.nanmax(courses.from_ostium_mm)),
        "dominance": labels.dominance,
        "notes": labels.notes,
        "borders": labels.borders,
        "lesions": [asdict(lesion) for lesion in lesions.lesions],
        "totals": totals,
    }


def _of_labels(name: str) -> dict[str, Any]:
    from cacnet.lesions import find_lesions
    from cacnet.scoring import protocol_named, resolve, total

    hu, labels, geometry = _drawn(name)
    resolved = resolve(protocol_named("ccta-adaptive"), 380.0, 25.0, 120.0)
    lesions = find_lesions(labels, hu, geometry, resolved).lesions
    return {
        "lesions": [asdict(lesion) for lesion in lesions],
        "totals": asdict(total(lesions, resolved.protocol.equivalent)),
    }


def _drawn(name: str) -> tuple[np.ndarray, np.ndarray, Any]:
    from cacnet.anatomy import Vessel
    from schematic import schematic_ccta

    direction, spacing, shape = np.eye(3), (1.8, 1.6, 1.4), (42, 46, 52)
    if name == "oblique":
        turn = np.radians(20.0)
        direction = np.array([[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    elif name == "thin-slices":
        spacing, shape = (0.75, 1.6, 1.4), (90, 46, 52)
    scan = schematic_ccta(direction, spacing, shape)
    labels = np.where(scan.calcium, np.uint8(Vessel.LAD), np.uint8(0))
    labels[:, :, : shape[2] // 2] = np.where(scan.calcium[:, :, : shape[2] // 2], np.uint8(Vessel.RCA), np.uint8(0))
    return scan.volume.hu, labels, scan.volume.geometry


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def main() -> None:
    """Write what is computed now, or print fingerprints."""
    if sys.argv[1:2] == ["--fingerprints"]:
        import SimpleITK as sitk
        import torch

        torch.set_num_threads(int(sys.argv[2]))
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(int(sys.argv[2]))
        print(json.dumps({name: fingerprint(name) for name in sys.argv[3:]}))
        return
    FOLDER.mkdir(exist_ok=True)
    for name in CASES:
        text = json.dumps(rounded(result(name)), indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(PRODUCT), str(Path(__file__).parent)]
    main()
