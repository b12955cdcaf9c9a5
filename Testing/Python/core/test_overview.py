"""The overview picture: it can be drawn for any number of lesions, and its numbers and colours are the table's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.lesions import find_lesions
from cacnet.overview import COLORS, COLUMNS, SLICE_TITLE_POINTS, draw_overview, slice_title
from cacnet.pipeline import Result, resolve_for
from cacnet.report import Scores
from cacnet.volume import Geometry, Volume
from matplotlib.font_manager import FontProperties
from matplotlib.image import imread
from matplotlib.textpath import TextPath


def result(lesions: int) -> Result:
    """Arteries along z with `lesions` calcifications of the LAD (2) on one line."""
    hu = np.full((60, 60, 60), -90, np.int16)
    calcium = np.zeros(hu.shape, np.uint8)
    coronary = np.zeros(hu.shape, np.uint8)
    if lesions:
        coronary[2:58, 28:33, 28:33] = 2
        hu[coronary > 0] = 400
    for number in range(lesions):
        calcium[4 + 3 * number : 6 + 3 * number, 29:32, 29:32] = 2
    hu[calcium > 0] = 1200
    volume = Volume(hu, Geometry(hu.shape, (1.0, 1.0, 1.0), (10.0, 20.0, 30.0)), source="test")
    resolved = resolve_for(volume, "ccta-adaptive", np.full(100, 400.0))
    return Result(volume, calcium, coronary, Scores(find_lesions(calcium, hu, volume.geometry, resolved), resolved))


@pytest.mark.parametrize("lesions", [0, 1, 15])
def test_it_can_be_drawn_without_lesions_with_one_and_with_more_than_it_shows(tmp_path: Path, lesions: int) -> None:
    draw_overview(tmp_path / "overview.png", result(lesions))
    picture = imread(tmp_path / "overview.png")
    assert picture.shape[1] == 1500
    assert picture.shape[0] == (760 if lesions == 0 else 1035 if lesions == 1 else 1310)


def test_a_lesion_is_drawn_in_the_colour_of_its_vessel(tmp_path: Path) -> None:
    draw_overview(tmp_path / "overview.png", result(3))
    picture = imread(tmp_path / "overview.png")[..., :3]
    for vessel, drawn in ((Vessel.LAD, True), (Vessel.RCA, False)):
        near = np.abs(picture - np.array(COLORS[vessel])).max(-1) < 0.02
        assert near.any() == drawn, vessel


def test_the_widest_title_of_a_slice_ends_before_the_next_one_begins() -> None:
    found = result(1).scores.lesions.lesions[0]
    widest = replace(found, id=88, vessel=Vessel.UNASSIGNED, agatston=8888.8, max_hu=3071.0)
    text = slice_title(widest)
    assert text == "88  Unassigned   8888.8   3071\u00a0HU"
    drawn = TextPath((0, 0), text, SLICE_TITLE_POINTS, prop=FontProperties(weight="bold"))
    column_points = 15 * 0.96 / (COLUMNS + 0.06 * (COLUMNS - 1)) * 72
    assert drawn.get_extents().width < column_points
