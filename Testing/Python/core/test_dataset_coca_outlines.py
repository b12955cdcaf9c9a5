"""The outlines of COCA: text turned into numbers without evaluating it, and every known blemish of the files."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset.coca_outlines import read_outlines
from cacnet.dataset.errors import DatasetFileError, LabelError
from dataset_folders import coca_images, outline, write_outlines


def outlines_of(tmp_path, *rois, index=3):
    return read_outlines(write_outlines(tmp_path / "7.xml", [{"ImageIndex": index, "ROIs": list(rois)}]))


def codes(findings):
    return [finding.code for finding in findings]


def test_the_four_names_are_the_four_arteries(tmp_path):
    outlines, findings = read_outlines(write_outlines(tmp_path / "7.xml", coca_images()))
    assert [one.vessel for one in outlines] == [Vessel.LM, Vessel.LAD, Vessel.LCX, Vessel.RCA]
    assert findings == ()


def test_points_are_column_and_row_in_fractions_of_a_pixel(tmp_path):
    texts = ["(251.5, 198.25)", "(252.0,199)", " ( 1e2 , -.5 ) "]
    [[one], _] = outlines_of(tmp_path, outline(2, Point_px=texts))
    np.testing.assert_array_equal(one.points_xy, [[251.5, 198.25], [252.0, 199.0], [100.0, -0.5]])
    assert one.image_index == 3
    assert one.centre_mm_lps == (1.0, 2.0, 118.0)


def test_without_a_centre_the_first_point_in_mm_says_where_the_slice_is(tmp_path):
    [[one], _] = outlines_of(tmp_path, outline(2, centre=False, Point_mm=["(3.5, 4.5, -77.25)", "(0, 0, 0)"]))
    assert one.centre_mm_lps == (3.5, 4.5, -77.25)


@pytest.mark.parametrize("centre", ["(nan, nan, nan)", "(1, 2)", "", 7, None])
def test_an_unusable_centre_is_none(tmp_path, centre):
    [[one], _] = outlines_of(tmp_path, outline(2, Center=centre))
    assert one.centre_mm_lps is None


def test_outlines_without_an_area_are_left_out_and_said(tmp_path):
    empty, single, pair = (outline(1, Point_px=["(1.0, 1.0)"] * n, NumberOfPoints=n) for n in range(3))
    missing = outline(1, Point_px=None, NumberOfPoints=None)
    outlines, findings = outlines_of(tmp_path, empty, single, pair, missing, outline(2))
    assert [one.vessel for one in outlines] == [Vessel.LAD]
    assert codes(findings) == ["outline-without-area"]
    assert findings[0].message.startswith("4 outlines")


def test_only_outlines_without_area_are_no_scan_without_calcium(tmp_path):
    with pytest.raises(LabelError, match="none of the 1 outlines"):
        outlines_of(tmp_path, outline(1, Point_px=[]))


def test_an_empty_list_is_a_scan_without_calcium(tmp_path):
    assert read_outlines(write_outlines(tmp_path / "7.xml", [])) == ((), ())


@pytest.mark.parametrize("name", ["1", "Unnamed", "", None])
def test_names_that_name_no_artery_are_unassigned_and_said(tmp_path, name):
    [[one], findings] = outlines_of(tmp_path, outline(2, Name=name))
    assert one.vessel is Vessel.UNASSIGNED
    assert codes(findings) == ["outline-unnamed"]


def test_fewer_points_than_declared_are_said(tmp_path):
    _, findings = outlines_of(tmp_path, outline(2, NumberOfPoints=9))
    assert codes(findings) == ["outline-cut"]


@pytest.mark.parametrize("text", ["(1, 2, 3)", "1, 2", "(__import__('os'), 1)", "(nan, 1)", 5])
def test_a_point_that_is_none_is_refused_and_never_evaluated(tmp_path, text):
    with pytest.raises(LabelError, match="has the point"):
        outlines_of(tmp_path, outline(2, Point_px=["(1, 2)", "(3, 4)", text]))


def test_an_index_that_is_no_number_is_none(tmp_path):
    [[one], _] = outlines_of(tmp_path, outline(2), index="first")
    assert one.image_index is None


@pytest.mark.parametrize("images", [["x"], [{"ROIs": ["x"]}], [{"ROIs": 5}], [{"ROIs": [{"Point_px": "x"}]}]])
def test_a_list_of_another_form_is_refused(tmp_path, images):
    with pytest.raises(DatasetFileError):
        read_outlines(write_outlines(tmp_path / "7.xml", images))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<plist><dict></plist>",
        b"<plist version='1.0'><array/></plist>",
        b"<plist version='1.0'><dict><key>Images</key><string>x</string></dict></plist>",
        b"<plist version='1.0'><dict><key>Images</key><integer>x</integer></dict></plist>",
        b"<plist version='1.0'><dict><string>x</string></dict></plist>",
        b"bplist00nonsense",
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "7.xml"
    path.write_bytes(content)
    with pytest.raises(DatasetFileError):
        read_outlines(path)


def test_entities_are_refused_and_not_expanded(tmp_path):
    path = tmp_path / "7.xml"
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        '<plist version="1.0"><dict><key>Images</key><array><string>&b;</string></array></dict></plist>',
        "utf-8",
    )
    with pytest.raises(DatasetFileError, match="entity"):
        read_outlines(path)


def test_a_file_that_is_far_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "7.xml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(DatasetFileError, match="100 MB"):
        read_outlines(path)
