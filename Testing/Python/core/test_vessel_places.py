"""Where along its artery a lesion lies, on hand-made centre lines."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.vessels.places import NOWHERE, Courses, Third, lengths_from_ostium, place_of


def courses(length_mm: int = 90, start_mm: float = 10.0, vessel: Vessel = Vessel.LAD) -> Courses:
    """A straight artery along x, a point every millimetre, of 1.5 mm radius; it begins `start_mm` from the ostium."""
    x = np.arange(length_mm + 1.0)
    points = np.stack([x, np.zeros_like(x), np.zeros_like(x)], axis=1)
    return Courses(points, np.full(len(x), vessel), x + start_mm, np.full(len(x), 1.5))


@pytest.mark.parametrize(
    ("x", "third"), [(0, Third.PROXIMAL), (29, Third.PROXIMAL), (31, Third.MID), (61, Third.DISTAL)]
)
def test_a_lesion_lies_in_a_third_of_its_artery(x: float, third: Third) -> None:
    place = place_of((x, 0.0, 0.0), Vessel.LAD, courses())
    assert place.third is third
    assert place.from_ostium_mm == pytest.approx(10.0 + x)


def test_an_artery_that_goes_on_beyond_its_usual_length_is_divided_by_the_usual_one() -> None:
    assert place_of((44.0, 0.0, 0.0), Vessel.RCA, courses(200, vessel=Vessel.RCA)).third is Third.MID  # 130 / 3 = 43.3


def test_the_left_main_is_not_divided() -> None:
    place = place_of((3.0, 0.0, 0.0), Vessel.LM, courses(8, 0.0, Vessel.LM))
    assert place.third is None
    assert place.from_ostium_mm == pytest.approx(3.0)


def test_distance_to_the_wall_is_zero_at_the_wall_and_the_radius_on_the_axis() -> None:
    at = [place_of((5.0, y, 0.0), Vessel.LAD, courses()).to_wall_mm for y in (0.0, 1.5, 2.0)]
    assert at == pytest.approx([1.5, 0.0, -0.5])


def test_no_place_far_from_the_artery_without_a_path_or_without_an_artery() -> None:
    unreached = courses()
    unreached = Courses(unreached.points_mm_lps, unreached.vessel, np.full(91, np.nan), unreached.radius_mm)
    assert place_of((5.0, 11.0, 0.0), Vessel.LAD, courses()) == NOWHERE
    assert place_of((5.0, 0.0, 0.0), Vessel.LAD, unreached) == NOWHERE
    assert place_of((5.0, 0.0, 0.0), Vessel.RCA, courses()) == NOWHERE
    assert place_of((5.0, 0.0, 0.0), Vessel.UNASSIGNED, courses()) == NOWHERE
    assert place_of((5.0, 0.0, 0.0), Vessel.LAD, None) == NOWHERE


def test_lengths_follow_the_path_and_count_a_gap_once() -> None:
    """The third point hangs on the second over a gap of 4 mm, for which the path's cost is three times as much."""
    points = np.array([[0.0, 0, 0], [1, 0, 0], [5, 0, 0], [99, 0, 0]])
    cost = np.array([0.0, 1.0, 13.0, np.inf])
    length = lengths_from_ostium(points, cost, np.array([-9999, 0, 1, -9999]))
    assert length[:3] == pytest.approx([0.0, 1.0, 5.0])
    assert np.isnan(length[3])
