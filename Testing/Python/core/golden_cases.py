"""Three tiny scans whose lesions and scores are stored, so that a change of any of them shows as a readable difference.

`python Testing/Python/core/golden_cases.py` writes core/golden/*.json anew: do it only for a change that is meant, and
say in the commit what changed. The scans are made here from geometry and a fixed seed; the labels are their truth.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "golden"
ORIGIN = (
    "Lesions and scores of a scan made by golden_cases.py from geometry; not of a patient. Made by "
    "`python Testing/Python/core/golden_cases.py`."
)
CASES = ("axial", "oblique", "thin-slices")


def result(name: str) -> dict[str, Any]:
    """Lesions, totals and sums of each artery of a case, as plain values."""
    from cacnet.lesions import find_lesions
    from cacnet.scoring import protocol_named, resolve, total

    hu, labels, geometry = _scan(name)
    resolved = resolve(protocol_named("ccta-adaptive"), 380.0, 25.0, 120.0)
    lesions = find_lesions(labels, hu, geometry, resolved).lesions
    content = {
        "origin": ORIGIN,
        "lesions": [asdict(lesion) for lesion in lesions],
        "totals": asdict(total(lesions, resolved.protocol.equivalent)),
    }
    return json.loads(json.dumps(content, default=_plain))


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


def _scan(name: str) -> tuple[np.ndarray, np.ndarray, Any]:
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
    """Write what is computed now."""
    FOLDER.mkdir(exist_ok=True)
    for name in CASES:
        text = json.dumps(rounded(result(name)), indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[3] / "CACNetSegmentation"), str(Path(__file__).parent)]
    main()
