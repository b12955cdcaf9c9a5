"""Small synthetic DICOM series for tests: every header field that a test cares about is an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
PATIENT_NAME = "Secret^Name"


def write_slice(path: Path, stored: np.ndarray, position_mm: tuple[float, float, float], **tags: Any) -> Path:
    """One CT image of int16 `stored` values (HU = stored − 1024 by default); `tags` override or, if None, remove."""
    dataset = _dataset(stored, CTImageStorage)
    dataset.ImagePositionPatient = list(position_mm)
    _apply(dataset, tags)
    return _save(dataset, path)


def write_series(folder: Path, hu: np.ndarray, *, increment_mm: float = 0.5, **tags: Any) -> str:
    """An axial series of the (z, y, x) volume `hu`, feet first in space, in shuffled file names; returns its UID."""
    folder.mkdir(parents=True, exist_ok=True)
    uid = tags.pop("SeriesInstanceUID", generate_uid())
    for z in np.random.default_rng(0).permutation(len(hu)):
        position_mm = (-10.0, -20.0, 100.0 + increment_mm * int(z))
        stored = (hu[z] + 1024).astype(np.int16)
        name = f"{uid[-6:]}_{(int(z) * 7) % 101:03d}_{z}"
        write_slice(folder / name, stored, position_mm, SeriesInstanceUID=uid, InstanceNumber=int(z) + 1, **tags)
    return uid


def write_enhanced(path: Path, hu: np.ndarray, *, increment_mm: float = 0.5) -> Path:
    """One enhanced multi-frame CT file of `hu`, its frames from head to feet."""
    stored = (hu[::-1] + 1024).astype(np.int16)
    dataset = _dataset(stored, EnhancedCTImageStorage)
    for tag in ("PixelSpacing", "ImageOrientationPatient", "SliceThickness", "RescaleSlope", "RescaleIntercept"):
        delattr(dataset, tag)
    dataset.NumberOfFrames = len(hu)
    dataset.SharedFunctionalGroupsSequence = [
        _item(
            PixelMeasuresSequence=[_item(PixelSpacing=[0.4, 0.5], SliceThickness=0.6)],
            PlaneOrientationSequence=[_item(ImageOrientationPatient=list(AXIAL))],
            PixelValueTransformationSequence=[_item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(PlanePositionSequence=[_item(ImagePositionPatient=[-10.0, -20.0, 100.0 + increment_mm * z])])
        for z in reversed(range(len(hu)))
    ]
    return _save(dataset, path)


def _item(**tags: Any) -> pydicom.Dataset:
    item = pydicom.Dataset()
    _apply(item, tags)
    return item


def _apply(dataset: pydicom.Dataset, tags: dict[str, Any]) -> None:
    for tag, value in tags.items():
        if value is not None:
            setattr(dataset, tag, value)
        elif tag in dataset:
            delattr(dataset, tag)


def _dataset(stored: np.ndarray, sop_class: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = generate_uid()
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientName = PATIENT_NAME
    dataset.PatientID = "Secret-ID"
    dataset.PatientAge = "063Y"
    dataset.PatientSex = "F"
    dataset.SeriesDescription = "CCTA 75%"
    dataset.Manufacturer = "Maker"
    dataset.ConvolutionKernel = "Bv40"
    dataset.KVP = 120
    dataset.SliceThickness = 0.6
    dataset.ContrastBolusAgent = "Iodine"
    dataset.PixelSpacing = [0.4, 0.5]
    dataset.ImageOrientationPatient = list(AXIAL)
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PixelData = stored.astype("<i2").tobytes()
    return dataset


def _save(dataset: FileDataset, path: Path) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path
