"""COCA: outlines put on the right slices of the right series, and what inside them is calcium."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset import coca
from cacnet.dataset.errors import IncompleteCaseError, LabelError
from cacnet.reading.errors import NoImageFoundError
from dataset_folders import SHAPE_ZYX, SPOTS, coca_images, hu, outline, spots, write_coca, write_coca_series


def only_case(folder):
    [case] = coca.list_cases(folder)
    return case


def codes(scan):
    return {finding.code for finding in scan.findings}


def test_calcium_is_what_is_bright_inside_the_outlines(tmp_path):
    scan = only_case(write_coca(tmp_path)).read()
    assert scan.case_id == "coca-0007"
    np.testing.assert_array_equal(scan.volume.hu, hu())
    np.testing.assert_array_equal(scan.calcium, spots())
    assert scan.unknown == ("coronary", "distractor")
    assert scan.findings == ()


def test_the_release_is_found_from_its_main_folder(tmp_path):
    write_coca(tmp_path / "Gated_release_final")
    assert coca.recognises(tmp_path)
    assert only_case(tmp_path).read().calcium.any()


def test_positions_outweigh_the_index_of_the_slice(tmp_path):
    images = [{**image, "ImageIndex": 0} for image in coca_images()]
    np.testing.assert_array_equal(only_case(write_coca(tmp_path, images=images)).read().calcium, spots())


def test_without_positions_slices_are_counted_from_the_feet(tmp_path):
    scan = only_case(write_coca(tmp_path, images=coca_images(centre=False))).read()
    np.testing.assert_array_equal(scan.calcium, spots())
    assert codes(scan) == {"slices-counted-from-feet"}


def test_where_that_does_not_fit_they_are_counted_from_the_other_end(tmp_path):
    images = [{**image, "ImageIndex": SHAPE_ZYX[0] - 1 - image["ImageIndex"]} for image in coca_images(centre=False)]
    scan = only_case(write_coca(tmp_path, images=images)).read()
    np.testing.assert_array_equal(scan.calcium, spots())
    assert codes(scan) == {"slices-counted-from-head"}


def test_positions_of_another_frame_are_not_believed(tmp_path):
    images = [{"ImageIndex": SPOTS[v][0], "ROIs": [outline(v, Center=f"(0, 0, {500 + v}.0)")]} for v in SPOTS]
    scan = only_case(write_coca(tmp_path, images=images)).read()
    np.testing.assert_array_equal(scan.calcium, spots())
    assert codes(scan) == {"slices-counted-from-feet"}


def test_slices_are_not_counted_where_some_are_missing(tmp_path):
    folder = write_coca(tmp_path, images=coca_images(centre=False))
    series = folder / "patient" / "7" / "Gated"
    next(series.glob("*_8")).unlink()
    with pytest.raises(LabelError, match="do not lie on calcium"):
        only_case(folder).read()


def test_outlines_of_another_scan_are_refused(tmp_path):
    images = [{"ImageIndex": 1, "ROIs": [outline(v, Center="(0, 0, 103.0)")]} for v in SPOTS]
    with pytest.raises(LabelError, match="do not lie on calcium"):
        only_case(write_coca(tmp_path, images=images)).read()


def test_a_single_outline_off_calcium_is_said_and_labels_nothing(tmp_path):
    images = [*coca_images((1, 2)), {"ImageIndex": 1, "ROIs": [outline(4, Center="(0, 0, 103.0)")]}]
    scan = only_case(write_coca(tmp_path, images=images)).read()
    np.testing.assert_array_equal(scan.calcium, spots({1: 1, 2: 2}))
    assert codes(scan) == {"outline-dark"}


def test_the_series_that_the_outlines_fit_on_is_taken(tmp_path):
    folder = write_coca(tmp_path)
    longer = np.full((20, *SHAPE_ZYX[1:]), 40, np.int16)
    write_coca_series(folder / "patient" / "7" / "Another", longer)
    np.testing.assert_array_equal(only_case(folder).read().calcium, spots())


def test_a_scout_beside_the_series_does_not_disturb(tmp_path):
    folder = write_coca(tmp_path)
    write_coca_series(folder / "patient" / "7" / "Scout", hu()[:1])
    np.testing.assert_array_equal(only_case(folder).read().calcium, spots())


def test_slices_that_are_there_twice_do_not_shift_the_outlines(tmp_path):
    folder = write_coca(tmp_path, images=coca_images(centre=False))
    series = folder / "patient" / "7" / "Gated"
    first = next(series.glob("*_0"))
    (series / "copy").write_bytes(first.read_bytes())
    np.testing.assert_array_equal(only_case(folder).read().calcium, spots())


def test_where_outlines_overlap_the_left_main_keeps_the_voxels(tmp_path):
    images = [{"ImageIndex": SPOTS[2][0], "ROIs": [outline(2, Name="Left Coronary Artery"), outline(2)]}]
    scan = only_case(write_coca(tmp_path, images=images)).read()
    np.testing.assert_array_equal(scan.calcium, spots({2: Vessel.LM}))
    assert codes(scan) == {"outlines-overlap"}


def test_an_outline_smaller_than_a_pixel_labels_the_pixels_of_its_points(tmp_path):
    _, y, x = SPOTS[2]
    points = [f"({x + dx}, {y + dy})" for dx, dy in ((0.2, 0.2), (0.3, 0.2), (0.3, 0.3))]
    images = [{"ImageIndex": 0, "ROIs": [outline(2, Point_px=points)]}]
    calcium = only_case(write_coca(tmp_path, images=images)).read().calcium
    assert np.argwhere(calcium).tolist() == [list(SPOTS[2])]


def test_an_outline_beyond_the_picture_labels_nothing_there(tmp_path):
    far = outline(4, Point_px=["(900.1, 900.1)", "(900.2, 900.1)", "(900.2, 900.2)"])
    scan = only_case(write_coca(tmp_path, images=[*coca_images((1, 2)), {"ImageIndex": 0, "ROIs": [far]}])).read()
    np.testing.assert_array_equal(scan.calcium, spots({1: 1, 2: 2}))


def test_a_patient_with_an_empty_list_has_no_calcium(tmp_path):
    assert not only_case(write_coca(tmp_path, images=[])).read().calcium.any()


def test_a_patient_without_outlines_is_not_a_patient_without_calcium(tmp_path):
    folder = write_coca(tmp_path)
    write_coca_series(folder / "patient" / "12" / "Gated", hu())
    _, without = coca.list_cases(folder)
    with pytest.raises(IncompleteCaseError, match="not known whether there is calcium"):
        without.case_id()


def test_outlines_without_a_scan_are_reported(tmp_path):
    folder = write_coca(tmp_path)
    (folder / "calcium_xml" / "99.xml").write_bytes((folder / "calcium_xml" / "7.xml").read_bytes())
    _, without = coca.list_cases(folder)
    with pytest.raises(IncompleteCaseError, match="patient/99"):
        without.read()


def test_a_folder_without_images_is_reported(tmp_path):
    folder = write_coca(tmp_path)
    for path in (folder / "patient" / "7" / "Gated").iterdir():
        path.unlink()
    with pytest.raises(NoImageFoundError):
        only_case(folder).read()


def test_a_patient_whose_only_series_is_a_scout_is_reported(tmp_path):
    folder = write_coca(tmp_path)
    for path in (folder / "patient" / "7" / "Gated").iterdir():
        path.unlink()
    write_coca_series(folder / "patient" / "7" / "Scout", hu()[:1])
    with pytest.raises(NoImageFoundError, match="no CT volume"):
        only_case(folder).read()


def test_patients_are_ordered_by_number_and_names_of_people_become_pseudonyms(tmp_path):
    for name in ("10", "9", "Smith"):
        write_coca(tmp_path, name)
    cases = coca.list_cases(tmp_path)
    assert [case.name for case in cases] == ["9", "10", "Smith"]
    assert [case.case_id()[:5] for case in cases] == ["coca-", "coca-", "case-"]


def test_a_folder_without_outlines_is_no_coca(tmp_path):
    assert not coca.recognises(tmp_path)
    with pytest.raises(IncompleteCaseError, match="calcium_xml"):
        coca.list_cases(tmp_path)
