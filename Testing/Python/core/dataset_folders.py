"""Tiny data sets in the layouts of others, for tests: a block of soft tissue with one calcification per artery."""

from __future__ import annotations

import json
import plistlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from cacnet.dataset.scan import LabelledScan, Provenance, Review, ReviewState
from cacnet.volume import Acquisition, Geometry, Volume, to_sitk
from dicom_files import write_series

SHAPE_ZYX = (16, 20, 22)
GEOMETRY = Geometry(SHAPE_ZYX, (3.0, 2.5, 2.5), (-20.0, -30.0, 100.0))
SPOTS = {1: (3, 5, 6), 2: (6, 8, 9), 3: (9, 11, 12), 4: (12, 14, 15)}
"""First voxel (z, y, x) of the 1 × 2 × 2 calcification of LM, LAD, LCx and RCA."""


def hu() -> np.ndarray:
    """(z, y, x) int16: tissue at 40 HU, fat around it, calcium of 400 HU at SPOTS."""
    values = np.full(SHAPE_ZYX, -100, np.int16)
    values[:, 2:-2, 2:-2] = 40
    values[spots() > 0] = 400
    return values


def spots(numbers: dict[int, int] | None = None) -> np.ndarray:
    """uint8 labels of the calcifications, with their numbers replaced as given (0 leaves one out)."""
    labels = np.zeros(SHAPE_ZYX, np.uint8)
    for vessel, (z, y, x) in SPOTS.items():
        labels[z, y : y + 2, x : x + 2] = vessel if numbers is None else numbers.get(vessel, 0)
    return labels


def write_image(path: Path, array: np.ndarray, geometry: Geometry = GEOMETRY) -> Path:
    """A volume or label map in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(to_sitk(array, geometry), str(path))
    return path


def write_nnunet(
    folder: Path,
    labels: dict[str, Any] | None = None,
    cases: tuple[str, ...] = ("Smith_John",),
    label_map: np.ndarray | None = None,
    ending: str = ".nii.gz",
    **index: Any,
) -> Path:
    """An nnU-Net v2 raw data set; every case has a CT of its own (a voxel of fat differs)."""
    for number, name in enumerate(cases):
        values = hu()
        values[0, 0, 0] -= number
        write_image(folder / "imagesTr" / f"{name}_0000{ending}", values)
        write_image(folder / "labelsTr" / f"{name}{ending}", spots({1: 1, 2: 1}) if label_map is None else label_map)
    content = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "calcium": 1} if labels is None else labels,
        "numTraining": len(cases),
        "file_ending": ending,
        **index,
    }
    (folder / "dataset.json").write_text(json.dumps({k: v for k, v in content.items() if v is not None}), "utf-8")
    return folder


def write_orcascore(folder: Path, name: str = "TRV1P2", reference: np.ndarray | None = None, offset: int = 0) -> Path:
    """A patient of the challenge, its CT stored with an offset."""
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / f"{name}CTI.mhd", hu() + np.int16(offset))
    write_image(folder / f"{name}R.mhd", spots({2: 1, 3: 2, 4: 3}) if reference is None else reference)
    return folder


COCA_NAMES = {
    1: "Left Coronary Artery",
    2: "Left Anterior Descending Artery",
    3: "Left Circumflex Artery",
    4: "Right Coronary Artery",
}
COCA_FEET_MM = 100.0
COCA_INCREMENT_MM = 3.0


def outline(vessel: int, *, centre: bool = True, **changes: Any) -> dict[str, Any]:
    """The region around one of SPOTS: a square half a pixel wider than the calcification."""
    z, y, x = SPOTS[vessel]
    corners = [(x - 0.6, y - 0.6), (x + 1.6, y - 0.6), (x + 1.6, y + 1.6), (x - 0.6, y + 1.6)]
    roi: dict[str, Any] = {
        "Name": COCA_NAMES[vessel],
        "NumberOfPoints": 4,
        "Point_px": [f"({column:.6f}, {row:.6f})" for column, row in corners],
    }
    if centre:
        roi["Center"] = f"(1.0, 2.0, {COCA_FEET_MM + COCA_INCREMENT_MM * z:.4f})"
    roi.update(changes)
    return {name: value for name, value in roi.items() if value is not None}


def write_outlines(path: Path, images: list[Any]) -> Path:
    """A plist of regions, as the release has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(plistlib.dumps({"Images": images}))
    return path


def coca_images(vessels: tuple[int, ...] = (1, 2, 3, 4), **options: Any) -> list[dict[str, Any]]:
    """'Images' with one region per artery, its slice counted from the feet."""
    return [
        {"ImageIndex": SPOTS[vessel][0], "NumberOfROIs": 1, "ROIs": [outline(vessel, **options)]} for vessel in vessels
    ]


def write_coca(folder: Path, name: str = "7", images: list[Any] | None = None, series: str = "Gated") -> Path:
    """A patient of COCA: a DICOM series and its outlines."""
    write_coca_series(folder / "patient" / name / series, hu())
    write_outlines(folder / "calcium_xml" / f"{name}.xml", coca_images() if images is None else images)
    return folder


def write_coca_series(folder: Path, values: np.ndarray, **tags: Any) -> str:
    """A series of COCA_INCREMENT_MM from COCA_FEET_MM on."""
    return write_series(
        folder, values, increment_mm=COCA_INCREMENT_MM, PixelSpacing=[2.5, 2.5], SliceThickness=3.0, **tags
    )


def corrected_scan(case_id: str = "case-0a1b", **changes: Any) -> LabelledScan:
    """A scan of an oblique grid with overlapping labels of all kinds, reviewed."""
    tilt = np.radians(3.0)
    direction = (np.cos(tilt), -np.sin(tilt), 0.0, np.sin(tilt), np.cos(tilt), 0.0, 0.0, 0.0, 1.0)
    geometry = Geometry(SHAPE_ZYX, (3.0, 2.5 + 1e-9, 2.5), (-20.123456789, -30.0, 100.0), direction)
    coronary = spots()
    coronary[:, 4, 4] = 5
    distractor = np.zeros(SHAPE_ZYX, np.uint8)
    distractor[3, 5, 6] = 200
    distractor[1, 3, 3] = 7
    fields: dict[str, Any] = {
        "case_id": case_id,
        "volume": Volume(hu(), geometry, Acquisition("CT", 120.0, 0.6, "Bv40", "Maker"), case_id),
        "calcium": spots({1: 1, 2: 2, 3: 5, 4: 4}),
        "coronary": coronary,
        "distractor": distractor,
        "provenance": Provenance(
            "cacnet",
            "the model's labels, corrected",
            review=Review(ReviewState.APPROVED, "ccta-adaptive", "cacnet-simulated-v1", "ab" * 32),
        ),
    }
    return LabelledScan(**{**fields, **changes})
