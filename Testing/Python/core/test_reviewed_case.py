"""Arteries kept without their names get them back from the centre lines."""

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.reviewed_case import named_arteries
from cacnet.vessels.places import Courses
from cacnet.volume import Geometry

GRID = Geometry((1, 1, 20), (1.0, 1.0, 1.0))
MASK = np.ones((1, 1, 20), bool)


def courses(points, vessels):
    count = len(points)
    return Courses(np.array(points, float).reshape(-1, 3), np.array(vessels, np.uint8), np.zeros(count), np.ones(count))


def test_each_voxel_is_named_by_the_nearest_centre_line():
    lines = courses([(2, 0, 0), (6, 0, 0)], [Vessel.LAD, Vessel.RCA])
    expected = [Vessel.LAD] * 4 + [Vessel.RCA] * 8 + [Vessel.UNASSIGNED] * 8
    found = named_arteries(MASK, GRID, lines)[0, 0]
    np.testing.assert_array_equal(np.delete(found, [4, 12]), np.delete(expected, [4, 12]))  # 4: both are as near


def test_without_centre_lines_arteries_are_unassigned():
    for lines in (None, courses([], [])):
        assert (named_arteries(MASK, GRID, lines) == Vessel.UNASSIGNED).all()


def test_outside_the_arteries_there_is_nothing():
    lines = courses([(2, 0, 0)], [Vessel.LAD])
    assert not named_arteries(~MASK, GRID, lines).any()


def test_a_centre_line_without_a_name_names_nothing():
    assert named_arteries(MASK, GRID, courses([(2, 0, 0)], [0]))[0, 0, 2] == Vessel.UNASSIGNED
