"""Label maps: whole numbers, on the CT's grid, complete."""

import gzip

import numpy as np
import pytest
from cacnet.dataset.errors import IncompleteCaseError, LabelError
from cacnet.dataset.label_maps import read_label_map, values_present
from cacnet.reading.errors import NotFiniteError, UnreadableImageError
from cacnet.volume import Geometry, GeometryMismatchError
from dataset_folders import GEOMETRY, SHAPE_ZYX, spots, write_image


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"])
def test_labels_of_any_type_and_format_are_the_same_numbers(tmp_path, dtype, ending):
    path = write_image(tmp_path / f"labels{ending}", spots().astype(dtype))
    np.testing.assert_array_equal(read_label_map(path, GEOMETRY, "labels"), spots())


def test_a_float_that_is_rounded_in_its_last_digits_is_the_whole_number(tmp_path):
    path = write_image(tmp_path / "labels.nii.gz", spots() * np.float32(0.9999999))
    np.testing.assert_array_equal(read_label_map(path, GEOMETRY, "labels"), spots())


def test_a_geometry_that_nifti_rounded_is_the_same(tmp_path):
    geometry = Geometry(SHAPE_ZYX, (3.0, 2.5, 2.5), (-20.00004, -30.0, 100.00003))
    path = write_image(tmp_path / "labels.nii.gz", spots(), geometry)
    assert read_label_map(path, GEOMETRY, "labels").max() == 4


@pytest.mark.parametrize(
    ("geometry", "shape"),
    [
        (Geometry(SHAPE_ZYX, (3.0, 2.5, 2.5), (-20.0, -30.0, 103.0)), SHAPE_ZYX),
        (Geometry(SHAPE_ZYX, (1.0, 1.0, 1.0)), SHAPE_ZYX),
        (Geometry((16, 20, 20), (3.0, 2.5, 2.5), (-20.0, -30.0, 100.0)), (16, 20, 20)),
    ],
)
def test_labels_on_another_grid_are_refused(tmp_path, geometry, shape):
    path = write_image(tmp_path / "labels.nii.gz", np.zeros(shape, np.uint8), geometry)
    with pytest.raises(GeometryMismatchError, match="labels"):
        read_label_map(path, GEOMETRY, "labels")


@pytest.mark.parametrize("value", [0.5, -1.0, 40000.0])
def test_values_that_are_no_labels_are_refused(tmp_path, value):
    labels = spots().astype(np.float32)
    labels[0, 0, 0] = value
    with pytest.raises(LabelError, match="whole numbers"):
        read_label_map(write_image(tmp_path / "labels.nii.gz", labels), GEOMETRY, "labels")


def test_labels_that_are_not_finite_are_refused(tmp_path):
    labels = spots().astype(np.float32)
    labels[0, 0, 0] = np.nan
    with pytest.raises(NotFiniteError):
        read_label_map(write_image(tmp_path / "labels.nii.gz", labels), GEOMETRY, "labels")


def test_a_missing_file_is_no_empty_label_map(tmp_path):
    with pytest.raises(IncompleteCaseError, match="not known whether there is calcium"):
        read_label_map(tmp_path / "labels.nii.gz", GEOMETRY, "labels")


def test_a_file_that_is_cut_short_is_no_empty_label_map(tmp_path):
    path = write_image(tmp_path / "labels.nii.gz", spots())
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[: len(content) // 2]))
    with pytest.raises(UnreadableImageError, match="cut short"):
        read_label_map(path, GEOMETRY, "labels")


def test_a_file_that_is_no_image_is_refused(tmp_path):
    path = tmp_path / "labels.nii.gz"
    path.write_bytes(b"nothing")
    with pytest.raises(UnreadableImageError):
        read_label_map(path, GEOMETRY, "labels")


def test_a_huge_declared_size_is_refused_from_the_header_alone(tmp_path):
    path = tmp_path / "labels.mhd"
    path.write_text(
        "ObjectType = Image\nNDims = 3\nElementSpacing = 1 1 1\nDimSize = 100000 100000 100000\n"
        "ElementType = MET_UCHAR\nElementDataFile = labels.raw\n",
        "utf-8",
    )
    with pytest.raises(GeometryMismatchError, match="100000 × 100000 × 100000"):
        read_label_map(path, GEOMETRY, "labels")


def test_the_numbers_present_are_found():
    np.testing.assert_array_equal(values_present(spots({1: 7, 4: 2})), [0, 2, 7])
    np.testing.assert_array_equal(values_present(np.full((1, 1, 1), 3)), [3])
