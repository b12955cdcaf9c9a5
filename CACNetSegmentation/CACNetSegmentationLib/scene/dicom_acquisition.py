"""How a scan was made, from the DICOM files that a volume was loaded from. Never reads who the patient is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import slicer
from cacnet.reading.headers import age_years
from cacnet.volume import Acquisition

INSTANCES_ATTRIBUTE = "DICOM.instanceUIDs"
"""Where Slicer's DICOM module notes the files of a volume."""

MODALITY, MANUFACTURER, CONTRAST_AGENT = "0008,0060", "0008,0070", "0018,0010"
SLICE_THICKNESS, KVP, KERNEL = "0018,0050", "0018,0060", "0018,1210"
PATIENT_SEX, PATIENT_AGE = "0010,0040", "0010,1010"


class Database(Protocol):
    """The part of `slicer.dicomDatabase` (ctkDICOMDatabase) that is used."""

    def instanceValue(self, instance_uid: str, tag: str) -> str: ...


def acquisition_of_node(volume_node: slicer.vtkMRMLScalarVolumeNode | None, database: Database | None) -> Acquisition:
    """What the first DICOM file of the volume says of the scan; nothing where it does not come from DICOM."""
    uids = (volume_node.GetAttribute(INSTANCES_ATTRIBUTE) or "").split() if volume_node is not None else []
    if not uids or database is None:
        return Acquisition()

    def text(tag: str) -> str | None:
        return (database.instanceValue(uids[0], tag) or "").strip() or None

    sex = (text(PATIENT_SEX) or "").upper()
    return Acquisition(
        modality=text(MODALITY),
        kvp=_positive(text, KVP),
        slice_thickness_mm=_positive(text, SLICE_THICKNESS),
        kernel=text(KERNEL),
        manufacturer=text(MANUFACTURER),
        contrast_agent=text(CONTRAST_AGENT),
        patient_age_years=age_years(text(PATIENT_AGE) or ""),
        patient_sex=sex if sex in ("M", "F") else None,
    )


def _positive(text: Callable[[str], str | None], tag: str) -> float | None:
    try:
        number = float(text(tag) or 0)
    except ValueError:
        return None
    return number if number > 0 else None
