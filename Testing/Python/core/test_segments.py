"""Segment definitions and the segmentation file, without Slicer; `scene/test_segmentations.py` reads it with Slicer."""

import errno
import json

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet import segments
from cacnet.files import UnwritableOutputError
from cacnet.volume import Geometry, GeometryMismatchError, geometry_of
from product_paths import PRODUCT

GEOMETRY = Geometry((2, 3, 4), (0.5, 0.4, 0.3), (1.0, 2.0, 3.0))

# Machado et al. 2009 (10.1109/TVCG.2009.113), severity 1.0, linear RGB.
COLOUR_VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
CLEARLY_DIFFERENT_DELTA_E = 15.0


def _lab(color_rgb, vision):
    color = pytest.importorskip("skimage.color")
    linear = np.where(
        np.array(color_rgb) <= 0.04045, np.array(color_rgb) / 12.92, ((np.array(color_rgb) + 0.055) / 1.055) ** 2.4
    )
    seen = np.clip(np.asarray(COLOUR_VISION[vision]) @ linear, 0, 1)
    encoded = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return color.rgb2lab(encoded.reshape(1, 1, 3)).reshape(3)


@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_colours_stay_apart_for_every_reader(vision):
    for number, first in enumerate(segments.SEGMENTS):
        for second in segments.SEGMENTS[number + 1 :]:
            distance = np.linalg.norm(_lab(first.color_rgb, vision) - _lab(second.color_rgb, vision))
            assert distance > CLEARLY_DIFFERENT_DELTA_E, (first.name, second.name, distance)


def test_label_values_are_those_of_the_command_lines_contract():
    assert {s.name: s.label_value for s in segments.CALCIUM_SEGMENTS} == {
        "LM": 1, "LAD": 2, "LCx": 3, "RCA": 4, "Unassigned": 5,
    }  # fmt: skip


def test_terminology_names_calcification_in_its_artery():
    lad = segments.CALCIUM_SEGMENTS[1]
    assert lad.terminology_entry == (
        "Segmentation category and type - CACNet~SCT^49755003^Morphologically Altered Structure~"
        "SCT^18115005^Pathologic calcification~^^~Anatomic codes - DICOM master list~"
        "SCT^59438005^Left Anterior Descending Coronary Artery~^^"
    )


def test_the_arteries_include_the_calcium_in_them():
    calcium, coronary = np.array([0, 2, 0]), np.array([0, 0, 1])
    np.testing.assert_array_equal(segments.coronary_with_calcium(calcium, coronary), [False, True, True])


def test_the_file_keeps_the_grid_and_both_layers(tmp_path):
    calcium, coronary = np.zeros(GEOMETRY.shape_zyx, np.uint8), np.zeros(GEOMETRY.shape_zyx, np.uint8)
    calcium[1, 2, 3], coronary[0, 0, 0] = 4, 2
    path = tmp_path / "segmentation.seg.nrrd"
    segments.write_seg_nrrd(path, calcium, coronary, GEOMETRY, "cacnet-1")
    image = sitk.ReadImage(path)
    layers = sitk.GetArrayFromImage(image)
    np.testing.assert_array_equal(layers[..., segments.CALCIUM_LAYER], calcium)
    assert layers[0, 0, 0, segments.CORONARY_LAYER] == 6
    assert layers[1, 2, 3, segments.CORONARY_LAYER] == 6
    assert np.count_nonzero(layers[..., segments.CORONARY_LAYER]) == 2
    assert geometry_of(sitk.VectorIndexSelectionCast(image, 0)).same_grid(GEOMETRY)
    assert image.GetMetaData("Segment0_Name") == "LM"
    assert b"encoding: gzip" in path.read_bytes()


def test_bool_arteries_are_accepted(tmp_path):
    path = tmp_path / "a.seg.nrrd"
    segments.write_seg_nrrd(
        path, np.zeros(GEOMETRY.shape_zyx, np.uint8), np.ones(GEOMETRY.shape_zyx, bool), GEOMETRY, "m"
    )
    assert (sitk.GetArrayFromImage(sitk.ReadImage(path))[..., segments.CORONARY_LAYER] == 6).all()


def test_an_older_file_is_replaced_and_nothing_else_stays(tmp_path):
    path = tmp_path / "segmentation.seg.nrrd"
    path.write_bytes(b"older")
    empty = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    segments.write_seg_nrrd(path, empty, empty, GEOMETRY, "cacnet-1", segments.SEMIAUTOMATIC)
    assert list(tmp_path.iterdir()) == [path]
    assert "SEMIAUTOMATIC" in sitk.ReadImage(path).GetMetaData("Segment3_Tags")


def test_a_failed_write_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "segmentation.seg.nrrd"
    path.write_bytes(b"older")

    def fail(*_args, **_options):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(segments, "write_nrrd_layers", fail)
    empty = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    with pytest.raises(UnwritableOutputError, match="disk full"):
        segments.write_seg_nrrd(path, empty, empty, GEOMETRY, "cacnet-1")
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [-1, 6])
def test_a_label_of_no_segment_is_refused(tmp_path, value):
    calcium = np.full(GEOMETRY.shape_zyx, value, np.int16)
    with pytest.raises(segments.SegmentLabelError, match=f"values from {value} to {value}"):
        segments.write_seg_nrrd(tmp_path / "a.seg.nrrd", calcium, np.zeros(GEOMETRY.shape_zyx), GEOMETRY, "cacnet-1")


@pytest.mark.parametrize("wrong", ["calcium", "coronary"])
def test_labels_of_another_shape_are_refused(tmp_path, wrong):
    right, other = np.zeros(GEOMETRY.shape_zyx, np.uint8), np.zeros((2, 3, 5), np.uint8)
    arrays = (other, right) if wrong == "calcium" else (right, other)
    with pytest.raises(GeometryMismatchError):
        segments.write_seg_nrrd(tmp_path / "a.seg.nrrd", *arrays, GEOMETRY, "cacnet-1")
    assert not list(tmp_path.iterdir())


def test_the_terminology_recommends_the_colours_of_the_segments():
    terminology = json.loads((PRODUCT / "Resources" / "Terminology" / "CACNet.term.json").read_text(encoding="utf-8"))
    assert terminology["SegmentationCategoryTypeContextName"] == segments.TERMINOLOGY_CONTEXT
    types = [t for category in terminology["SegmentationCodes"]["Category"] for t in category["Type"]]
    recommended = {t["CodeValue"]: t["recommendedDisplayRGBValue"] for t in types}
    for definition in (segments.CALCIUM_SEGMENTS[-1], segments.CORONARY_SEGMENT):
        assert recommended[definition.type.value] == [round(255 * channel) for channel in definition.color_rgb]
