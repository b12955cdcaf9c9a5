"""Files that fuzzing (Testing/fuzz) or thought found to do harm: each ends in an error with a name, at once."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.dataset.case_folder import read_record
from cacnet.dataset.coca_outlines import read_outlines
from cacnet.dataset.corrections import write_corrected_case
from cacnet.dataset.errors import DatasetFileError, LabelError
from cacnet.edits.stored_json import as_document, from_document
from cacnet.edits.stored_review import ReviewFileError
from cacnet.errors import CacnetError
from cacnet.jobs import UnreadableJobError, read_job
from cacnet.masks import UnreadableMaskError, read_labels
from cacnet.reading import UnreadableImageError, read_ct
from cacnet.reading.headers import BoundedFile
from cacnet.training.configuration import TrainingConfigError, load_config
from cacnet.volume import Geometry
from dataset_folders import coca_images, corrected_scan, outline, write_outlines
from dicom_files import write_series
from review_case import stored_review

META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = False\nOffset = 0 0 0\nElementSpacing = 1 1 1\n"
    "DimSize = 4 4 4\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)
NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 4 4\n"
    "space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
)
VOXELS = bytes(128)

FORGED_HEADERS = {
    "so many axes that MetaIO writes beyond its arrays": ("ct.mha", META.replace("NDims = 3", "NDims = 2147483647")),
    "axes that are no number": ("ct.mha", META.replace("NDims = 3", "NDims = nan")),
    "a MetaImage field of 9000 numbers": ("ct.mha", META.replace("1 1 1", "1 " * 9000)),
    "so many directions that NrrdIO writes beyond its arrays": ("ct.nrrd", NRRD.replace("(0,1,0)", "(0,1,0) " * 500)),
    "NRRD axes": ("ct.nrrd", NRRD.replace("dimension: 3", "dimension: 99999999999")),
    "a matrix on which ITK computes for ever": (
        "ct.mha",
        f"TransformMatrix = 1 0 0 0 1 0 1e308 0 1\n{META}",
    ),
    "a NRRD direction beyond any room": ("ct.nrrd", NRRD.replace("(0,1,0)", "(0,1e308,0)")),
    "a MetaImage spacing of 0": ("ct.mha", META.replace("ElementSpacing = 1 1 1", "ElementSpacing = 1 0 1")),
    "no MetaImage spacing, for which ITK would take 1 mm": ("ct.mha", META.replace("ElementSpacing = 1 1 1\n", "")),
    "a NRRD direction of no length": ("ct.nrrd", NRRD.replace("(0,1,0)", "(0,0,0)")),
    "no NRRD spacing": ("ct.nrrd", NRRD.replace("space directions: (1,0,0) (0,1,0) (0,0,1)\n", "")),
    "NRRD directions that are none": ("ct.nrrd", NRRD.replace("(1,0,0) (0,1,0) (0,0,1)", "none none none")),
    "an origin that is no number": ("ct.nrrd", NRRD.replace("(0,0,0)", "(nan,0,0)")),
    "voxels by an absolute path": ("ct.mhd", META.replace("LOCAL", "/dev/zero")),
    "voxels above the folder": ("ct.mhd", META.replace("LOCAL", "../ct.raw")),
    "voxels on a drive": ("ct.mhd", META.replace("LOCAL", "C:\\ct.raw")),
    "voxels in a file with an impossible name": ("ct.mhd", META.replace("LOCAL", "x" * 300)),
    "NRRD voxels above the folder": ("ct.nhdr", NRRD.replace("\n\n", "\ndata file: ../ct.raw\n")),
}


@pytest.mark.parametrize("name", FORGED_HEADERS)
def test_a_forged_image_header_never_reaches_the_native_reader(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "ct.raw").write_bytes(VOXELS)
    file, header = FORGED_HEADERS[name]
    (tmp_path / "in" / file).write_bytes(header.encode() + VOXELS)
    with pytest.raises(UnreadableImageError, match=r"ct\."):
        read_ct(tmp_path / "in" / file)


@pytest.mark.parametrize("file", ["ct.mha", "ct.nrrd"])
def test_the_header_that_the_others_are_forged_from_is_read(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes((META if file == "ct.mha" else NRRD).encode() + VOXELS)
    assert read_ct(tmp_path / file).hu.shape == (4, 4, 4)


@pytest.mark.parametrize("sizes_mm", [(0.0, 0.5, 0.75), (-0.4, 0.5, 0.75)], ids=["ITK takes 1 mm", "ITK mirrors x"])
def test_nifti_voxels_without_a_size_are_refused(sizes_mm: tuple[float, ...], tmp_path: Path) -> None:
    path = tmp_path / "ct.nii"
    write_nifti(path, 80, "<3f", *sizes_mm)
    with pytest.raises(UnreadableImageError, match="voxels of"):
        read_ct(path)


def test_a_nifti_matrix_of_another_voxel_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ct.nii"
    write_nifti(path, 252, "<2h", 0, 1)  # the matrix alone says where the voxels lie
    assert read_ct(path).geometry.spacing_mm_zyx == pytest.approx((0.75, 0.5, 0.4))
    write_nifti(path, 252, "<2h", 0, 1, then=(80, "<f", 0.8))
    with pytest.raises(UnreadableImageError, match="two sizes"):
        read_ct(path)


def write_nifti(path: Path, at: int, kind: str, *values: float, then: tuple | None = None) -> None:
    """A NIfTI file of 0.4 × 0.5 × 0.75 mm with something else at a place of its header."""
    image = sitk.GetImageFromArray(np.zeros((4, 4, 4), np.int16))
    image.SetSpacing((0.4, 0.5, 0.75))
    sitk.WriteImage(image, str(path))
    data = bytearray(path.read_bytes())
    struct.pack_into(kind, data, at, *values)
    if then is not None:
        struct.pack_into(then[1], data, then[0], *then[2:])
    path.write_bytes(data)


def test_a_nifti_grid_that_is_no_number_is_refused(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 4, 4), np.int16)), str(tmp_path / "ct.nii"))
    data = bytearray((tmp_path / "ct.nii").read_bytes())
    data[284:288] = np.array([np.nan], "<f4").tobytes()  # the second number of srow_x
    (tmp_path / "ct.nii").write_bytes(bytes(data))
    with pytest.raises(UnreadableImageError):
        read_ct(tmp_path / "ct.nii")


def test_a_mask_that_declares_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "mask.nrrd").write_bytes(NRRD.replace("4 4 4", "1200 1200 1200").encode() + VOXELS)
    tracemalloc.start()
    with pytest.raises(UnreadableMaskError, match=r"mask\.nrrd"):
        read_labels(tmp_path / "mask.nrrd", Geometry((1200, 1200, 1200), (1.0, 1.0, 1.0)), "calcium mask")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_a_dicom_length_that_the_file_does_not_have_takes_no_memory(tmp_path: Path) -> None:
    write_series(tmp_path / "series", np.zeros((4, 8, 8), np.int16))
    first = sorted((tmp_path / "series").iterdir())[0]
    data = first.read_bytes()
    at = data.index(b"\x08\x00\x60\x00CS")  # Modality, made a value of 2 GB: OB with a 32-bit length
    first.write_bytes(data[: at + 4] + b"OB\0\0\xff\xff\xff\x7f" + data[at + 8 :])
    tracemalloc.start()
    volume = read_ct(tmp_path / "series")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert {finding.code for finding in volume.reading_findings} & {"files-unreadable", "objects-skipped"}


def test_an_element_behind_the_pixels_that_is_longer_than_the_file_marks_it_as_damaged(tmp_path: Path) -> None:
    write_series(tmp_path / "series", np.zeros((5, 8, 8), np.int16))
    first = sorted((tmp_path / "series").iterdir())[0]
    first.write_bytes(first.read_bytes() + b"\xfc\xff\xfc\xffOB\0\0\xff\xff\xff\x7f" + bytes(20))
    codes = {finding.code for finding in read_ct(tmp_path / "series").reading_findings}
    assert "files-unreadable" in codes


def test_an_unknown_representation_in_the_meta_information_marks_the_file_as_damaged(tmp_path: Path) -> None:
    """GDCM would take the text behind it for a length, and 775 MB."""
    write_series(tmp_path / "series", np.zeros((5, 8, 8), np.int16))
    first = sorted((tmp_path / "series").iterdir())[0]
    first.write_bytes(first.read_bytes().replace(b"\x02\0\x12\0UI", b"\x02\0\x12\0UY"))
    codes = {finding.code for finding in read_ct(tmp_path / "series").reading_findings}
    assert "files-unreadable" in codes


def test_a_large_deflated_dicom_file_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "bomb.dcm").write_bytes(bytes(128) + b"DICM" + b"1.2.840.10008.1.2.1.99" + bytes(2 << 20))
    with pytest.raises(ValueError, match="deflated"):
        BoundedFile(tmp_path / "bomb.dcm")


FORGED_GRIDS = {
    "two axes": {"shape_zyx": [9, 9]},
    "more voxels than any scan": {"shape_zyx": [10**6, 10**6, 10**6]},
    "half a voxel": {"shape_zyx": [9.5, 9, 9]},
    "ten cosines": {"direction_lps": [1.0] * 10},
    "sheared axes": {"direction_lps": [1.0, 0.5, 0, 0, 1, 0, 0, 0, 1]},
    "no spacing": {"spacing_mm_zyx": [0.0, 1.0, 1.0]},
    "a truth value": {"origin_mm_lps": [True, 0.0, 0.0]},
}


@pytest.mark.parametrize("name", FORGED_GRIDS)
def test_a_review_on_a_grid_that_cannot_be_is_refused(name: str) -> None:
    document = as_document(stored_review())
    document["geometry"] |= FORGED_GRIDS[name]
    with pytest.raises(ReviewFileError):
        from_document(document)


@pytest.mark.parametrize("name", FORGED_GRIDS)
def test_a_record_on_a_grid_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    folder = write_corrected_case(tmp_path, corrected_scan())
    record = json.loads((folder / "record.json").read_text())
    record["geometry"] |= FORGED_GRIDS[name]
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(DatasetFileError):
        read_record(folder)


@pytest.mark.parametrize("forged", [{"kvp": "120"}, {"patient_age_years": [60]}, {"patient_name": "A^B"}])
def test_a_record_of_an_acquisition_that_cannot_be_is_refused(forged: dict, tmp_path: Path) -> None:
    folder = write_corrected_case(tmp_path, corrected_scan())
    record = json.loads((folder / "record.json").read_text())
    record["acquisition"] |= forged
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(DatasetFileError):
        read_record(folder)


@pytest.mark.parametrize("runs", [[0, 10**12], [0, 2**25], [2**62, 2**62, 2**62, 2**62], [0, 1e300]])
def test_a_lesion_larger_than_a_heart_takes_no_memory(runs: list) -> None:
    document = as_document(stored_review())
    document["geometry"]["shape_zyx"] = document["journal"]["shape_zyx"] = [1000, 1000, 1000]
    document["journal"]["original"][0]["runs"] = runs
    with pytest.raises(CacnetError):
        from_document(document)


@pytest.mark.parametrize(
    "forged",
    [{"protocol": 3}, {"age": "60"}, {"age": True}, {"sex": []}, {"acquisition": 7}, {"ct": "a\0b"}, {"seed": 1.5}],
)
def test_a_job_with_a_value_of_another_kind_is_refused(forged: dict, tmp_path: Path) -> None:
    job = {"schema_version": 1, "ct": "ct.nrrd", "output": "out", **forged}
    (tmp_path / "job.json").write_text(json.dumps(job))
    with pytest.raises(UnreadableJobError):
        read_job(tmp_path / "job.json")


def test_outlines_in_an_encoding_that_nobody_has_are_refused(tmp_path: Path) -> None:
    path = write_outlines(tmp_path / "7.xml", coca_images())
    path.write_bytes(path.read_bytes().replace(b"UTF-8", b"UTF100000"))
    with pytest.raises(DatasetFileError, match=r"7\.xml"):
        read_outlines(path)


def test_an_outline_beyond_every_picture_is_refused(tmp_path: Path) -> None:
    far = outline(1, Point_px=["(1e999, 1)", "(2, 2)", "(3, 1)"])
    path = write_outlines(tmp_path / "7.xml", [{"ImageIndex": 1, "ROIs": [far]}])
    with pytest.raises(LabelError, match="1e999"):
        read_outlines(path)


def test_an_outline_whose_centre_lies_beyond_every_room_has_no_position(tmp_path: Path) -> None:
    path = write_outlines(tmp_path / "7.xml", [{"ImageIndex": 1, "ROIs": [outline(1, Center="(1, 1, 1e999)")]}])
    assert read_outlines(path)[0][0].centre_mm_lps is None


def test_settings_nested_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a = " + "[" * 5000)
    with pytest.raises(TrainingConfigError, match=r"a\.toml"):
        load_config(tmp_path / "a.toml")


def test_weights_whose_table_overlaps_are_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    import hashlib
    import shutil

    from cacnet.weights import CorruptModelError, load_bundle

    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    data = (folder / "weights.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    table = json.loads(data[8 : 8 + length])
    names = [name for name in table if name != "__metadata__"]
    table[names[1]]["data_offsets"] = table[names[0]]["data_offsets"]
    text = json.dumps(table).encode()
    data = len(text).to_bytes(8, "little") + text + data[8 + length :]
    card = json.loads((folder / "model.json").read_text())
    card["weights"] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "weights.safetensors").write_bytes(data)
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(CorruptModelError, match="tensor table"):
        load_bundle(folder)
