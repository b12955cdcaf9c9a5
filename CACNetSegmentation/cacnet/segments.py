"""The segments of a result: names, label values, colours, terminology; and the file that 3D Slicer opens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.errors import CacnetError
from cacnet.files import replacing
from cacnet.image_files import write_nrrd_layers
from cacnet.volume import Geometry, GeometryMismatchError

TERMINOLOGY_CONTEXT = "Segmentation category and type - CACNet"
"""Name of the terminology in Resources/Terminology; Slicer's own lists have no calcification."""
REGION_CONTEXT = "Anatomic codes - DICOM master list"

ALGORITHM_TYPE_TAG = "DICOM.SegmentAlgorithmType"
ALGORITHM_NAME_TAG = "DICOM.SegmentAlgorithmName"
TERMINOLOGY_TAG = "TerminologyEntry"
AUTOMATIC, SEMIAUTOMATIC = "AUTOMATIC", "SEMIAUTOMATIC"
"""DICOM PS3.3 C.8.20.2, Segment Algorithm Type; SEMIAUTOMATIC once a person has edited the segment."""

CALCIUM_LAYER, CORONARY_LAYER = 0, 1
"""Calcium lies inside the arteries, and one label map cannot hold both: each has a layer of its own."""


class SegmentLabelError(CacnetError):
    """A label map holds values that stand for no segment."""


@dataclass(frozen=True)
class Code:
    """A coded concept (DICOM PS3.3, 8.8)."""

    scheme: str
    value: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.scheme}^{self.value}^{self.meaning}"


ALTERED_STRUCTURE = Code("SCT", "49755003", "Morphologically Altered Structure")
ANATOMICAL_STRUCTURE = Code("SCT", "123037004", "Anatomical Structure")
CALCIFICATION = Code("SCT", "18115005", "Pathologic calcification")
CORONARY_ARTERY = Code("SCT", "41801008", "Coronary artery")


@dataclass(frozen=True)
class SegmentDefinition:
    """One segment of every result.

    Attributes:
        segment_id: stable identifier inside a Slicer segmentation; survives renaming.
        name: what the reader sees.
        label_value: value in `calcium.nii.gz` (1 to 5) and in exported label maps.
        color_rgb: each 0 to 1; from the palette of Okabe and Ito (2008), which stays apart for colour-blind readers.
        category, type: what it is.
        region: where it is.
    """

    segment_id: str
    name: str
    label_value: int
    color_rgb: tuple[float, float, float]
    category: Code
    type: Code
    region: Code

    @property
    def terminology_entry(self) -> str:
        """As 3D Slicer serialises it: context ~ category ~ type ~ modifier ~ region context ~ region ~ modifier."""
        none = "^^"
        parts = (TERMINOLOGY_CONTEXT, self.category, self.type, none, REGION_CONTEXT, self.region, none)
        return "~".join(str(part) for part in parts)


def _rgb(red: int, green: int, blue: int) -> tuple[float, float, float]:
    return red / 255, green / 255, blue / 255


def _calcium(vessel: Vessel, color_rgb: tuple[float, float, float], region: Code) -> SegmentDefinition:
    return SegmentDefinition(
        vessel.label, vessel.label, vessel.value, color_rgb, ALTERED_STRUCTURE, CALCIFICATION, region
    )


CALCIUM_SEGMENTS = (
    _calcium(Vessel.LM, _rgb(204, 121, 167), Code("SCT", "3227004", "Left Main Coronary Artery")),
    _calcium(Vessel.LAD, _rgb(230, 159, 0), Code("SCT", "59438005", "Left Anterior Descending Coronary Artery")),
    _calcium(Vessel.LCX, _rgb(86, 180, 233), Code("SCT", "57396003", "Circumflex Coronary Artery")),
    _calcium(Vessel.RCA, _rgb(0, 158, 115), Code("SCT", "13647002", "Right Coronary Artery")),
    _calcium(Vessel.UNASSIGNED, _rgb(240, 228, 66), CORONARY_ARTERY),
)
"""Calcium by the artery it lies in, ordered by label value. "Unassigned" is calcium whose artery is not known."""

CORONARY_SEGMENT = SegmentDefinition(
    "CoronaryArteries",
    "Coronary arteries",
    6,
    _rgb(190, 30, 45),
    ANATOMICAL_STRUCTURE,
    CORONARY_ARTERY,
    CORONARY_ARTERY,
)
"""The whole tree, lumen and calcium together; dark, so that the calcium inside stands out."""

SEGMENTS = (*CALCIUM_SEGMENTS, CORONARY_SEGMENT)


def coronary_with_calcium(calcium_vessel: np.ndarray, coronary: np.ndarray) -> np.ndarray:
    """(z, y, x) bool: the coronary arteries including the calcium in them, as the segment shows them."""
    return (coronary > 0) | (calcium_vessel > 0)


def check_labels(labels: np.ndarray, geometry: Geometry, name: str) -> None:
    """Refuse a per-vessel label map, called `name` in the message, that does not fit.

    Raises:
        SegmentLabelError: it holds other values than 0 to 5.
        GeometryMismatchError: its shape is not that of `geometry`.
    """
    if labels.shape != geometry.shape_zyx:
        raise GeometryMismatchError(
            found=f"the {name} label map has the shape {labels.shape} (z, y, x)",
            expected=f"the CT's shape, {geometry.shape_zyx}",
        )
    highest = CALCIUM_SEGMENTS[-1].label_value
    if labels.size and (labels.min() < 0 or labels.max() > highest):
        raise SegmentLabelError(
            found=f"the {name} label map has values from {labels.min()} to {labels.max()}",
            expected=f"0 for background and 1 to {highest} for {', '.join(s.name for s in CALCIUM_SEGMENTS)}",
        )


def write_seg_nrrd(
    path: str | Path,
    calcium_vessel: np.ndarray,
    coronary: np.ndarray,
    geometry: Geometry,
    algorithm_name: str,
    algorithm_type: str = AUTOMATIC,
) -> None:
    """Write a `.seg.nrrd` that 3D Slicer opens with names, colours, terminology and DICOM algorithm tags in place.

    Args:
        path: ends in `.seg.nrrd`; replaced in one step, so that no half-written file is ever seen.
        calcium_vessel: (z, y, x) label values of CALCIUM_SEGMENTS, 0 elsewhere.
        coronary: (z, y, x), above 0 inside the coronary arteries; the calcium is added to it.
        geometry: the grid of both.
        algorithm_name: the model, for DICOM's Segment Algorithm Name.
        algorithm_type: AUTOMATIC, or SEMIAUTOMATIC once edited.

    Raises:
        SegmentLabelError: a label stands for no segment.
        GeometryMismatchError: an array is not on `geometry`.
        UnwritableOutputError: the folder cannot be written to.

    Source: vtkMRMLSegmentationStorageNode of 3D Slicer (keys `Segment<n>_*`), NRRD 4 with gzip.
    """
    for labels, name in ((calcium_vessel, "calcium"), (coronary, "coronary")):
        check_labels(labels, geometry, name)
    planes = (_both_layers(labels, arteries) for labels, arteries in zip(calcium_vessel, coronary, strict=True))
    fields = _nrrd_fields(geometry, algorithm_name, algorithm_type)
    with replacing(Path(path)) as temporary:
        write_nrrd_layers(temporary, planes, 2, geometry, fields)


def _both_layers(calcium_vessel_yx: np.ndarray, coronary_yx: np.ndarray) -> np.ndarray:
    """(y, x, 2) uint8 of one plane: a voxel's two values side by side."""
    layers = np.zeros((*calcium_vessel_yx.shape, 2), np.uint8)
    layers[..., CALCIUM_LAYER] = calcium_vessel_yx
    inside = coronary_with_calcium(calcium_vessel_yx, coronary_yx)
    layers[..., CORONARY_LAYER][inside] = CORONARY_SEGMENT.label_value
    return layers


def _nrrd_fields(geometry: Geometry, algorithm_name: str, algorithm_type: str) -> dict[str, str]:
    extent = " ".join(f"0 {n - 1}" for n in geometry.shape_zyx[::-1])
    fields = {
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
        "Segmentation_ConversionParameters": f"Reference image geometry|{_reference_geometry(geometry)}||&",
    }
    for number, segment in enumerate(SEGMENTS):
        tags = {
            ALGORITHM_NAME_TAG: algorithm_name,
            ALGORITHM_TYPE_TAG: algorithm_type,
            TERMINOLOGY_TAG: segment.terminology_entry,
        }
        fields |= {
            f"Segment{number}_ID": segment.segment_id,
            f"Segment{number}_Name": segment.name,
            f"Segment{number}_NameAutoGenerated": "0",
            f"Segment{number}_Color": " ".join(f"{channel:.6f}" for channel in segment.color_rgb),
            f"Segment{number}_ColorAutoGenerated": "0",
            f"Segment{number}_LabelValue": str(segment.label_value),
            f"Segment{number}_Layer": str(CORONARY_LAYER if segment is CORONARY_SEGMENT else CALCIUM_LAYER),
            f"Segment{number}_Extent": extent,
            f"Segment{number}_Tags": "".join(f"{tag}:{value}|" for tag, value in tags.items()),
        }
    return fields


def _reference_geometry(geometry: Geometry) -> str:
    """The grid on which Slicer continues to paint: row-major IJK to RAS matrix, then the extent, all ended by ';'."""
    ijk_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ geometry.affine_zyx_to_lps[:, [2, 1, 0, 3]]
    extent = [bound for n in geometry.shape_zyx[::-1] for bound in (0, n - 1)]
    return "".join(f"{float(value)!r};" for value in ijk_to_ras.ravel()) + "".join(f"{bound};" for bound in extent)
