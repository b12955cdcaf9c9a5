"""Pictures show the largest lesions of each artery, at a size, with the artery's colour."""

import io

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.overview import COLORS
from cacnet.reporting.pictures import CROP_PIXELS, draw_pictures, largest_of_each_vessel
from matplotlib.image import imread
from report_cases import found_report, result, without_arteries


def test_every_arterys_largest_lesion_comes_before_any_second_one() -> None:
    lesions = result(
        ((0, 10, 250.0, 2), (2, 10, 250.0, 2), (4, 10, 250.0, 2), (6, 25, 150.0, 4))
    ).scores.lesions.lesions
    assert [lesion.vessel for lesion in largest_of_each_vessel(lesions, 2)] == [Vessel.LAD, Vessel.RCA]
    assert len(largest_of_each_vessel(lesions, 9)) == 4


def test_slices_are_ordered_by_artery_and_have_the_arterys_colour() -> None:
    slices = found_report().pictures.slices
    assert [(one.vessel, one.lesion) for one in slices] == [(Vessel.LAD, 1), (Vessel.LAD, 2), (Vessel.RCA, 3)]
    for one in slices:
        picture = imread(io.BytesIO(one.png))[..., :3]
        assert picture.shape == (CROP_PIXELS, CROP_PIXELS, 3)
        drawn = {vessel for vessel, color in COLORS.items() if np.abs(picture - np.array(color)).max(-1).min() < 0.02}
        assert one.vessel in drawn
        assert Vessel.LM not in drawn


def test_views_keep_the_proportions_of_the_scan() -> None:
    for view in found_report().pictures.views:
        height, width = imread(io.BytesIO(view.png)).shape[:2]
        assert abs(width / height - view.aspect) < 0.01


def test_without_arteries_no_black_picture_is_made() -> None:
    empty = without_arteries()
    pictures = draw_pictures(empty.volume, empty.calcium, empty.coronary, ())
    assert pictures.views == ()
    assert pictures.slices == ()
