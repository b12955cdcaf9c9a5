"""Scores slice by slice: hand-computed, and adding up to the lesion's own scores."""

import numpy as np
import pytest
from cacnet.scoring import protocol_named, resolve, score_touching, slice_scores
from cacnet.volume import Geometry

LITERATURE = resolve(protocol_named("literature"), kvp=120.0)
GRID = Geometry((4, 12, 12), (3.0, 0.5, 0.5), (0.0, 0.0, -30.0))


def three_slices() -> tuple[np.ndarray, np.ndarray]:
    """4 × 4 pixels in slices 1, 2 and 3 of 250, 450 and 150 HU."""
    lesions, hu = np.zeros(GRID.shape_zyx, np.int32), np.full(GRID.shape_zyx, 40.0)
    for z, value in ((1, 250), (2, 450), (3, 150)):
        lesions[z, 4:8, 4:8], hu[z, 4:8, 4:8] = 1, value
    return lesions, hu


def test_each_slice_has_its_own_area_and_density_factor() -> None:
    rows = slice_scores(*three_slices(), GRID, LITERATURE)
    assert [(row.position_mm, row.agatston, row.area_mm2, row.volume_mm3) for row in rows] == [
        (-27.0, 8.0, 4.0, 12.0),
        (-24.0, 16.0, 4.0, 12.0),
        (-21.0, 4.0, 4.0, 12.0),
    ]


@pytest.mark.parametrize("protocol", ["literature", "orcascore", "like-ge"])
def test_slices_add_up_to_the_lesions_score(protocol: str) -> None:
    resolved = resolve(protocol_named(protocol), kvp=120.0)
    lesions, hu = three_slices()
    lesions[:, :, 6:] *= 2  # two lesions that share the islands
    whole = score_touching(lesions, hu, GRID, resolved)
    rows = slice_scores(lesions, hu, GRID, resolved)
    for number, score in whole.items():
        own = [row for row in rows if row.lesion == number]
        assert sum(row.agatston for row in own) == pytest.approx(score.agatston, rel=1e-12)
        assert sum(row.volume_mm3 for row in own) == pytest.approx(score.volume_mm3, rel=1e-12)
        assert sum(row.islands for row in own) == score.islands


def test_an_island_below_the_minimum_area_has_no_row() -> None:
    lesions, hu = three_slices()
    lesions[0, 0, 0:3], hu[0, 0, 0:3] = 1, 500  # 0.75 mm²
    assert len(slice_scores(lesions, hu, GRID, LITERATURE)) == 3


def test_resliced_scores_lie_at_the_averaged_slices() -> None:
    thin = Geometry((12, 8, 8), (0.5, 0.5, 0.5), (0.0, 0.0, 0.25))
    lesions, hu = np.zeros(thin.shape_zyx, np.int32), np.full(thin.shape_zyx, 300.0)
    lesions[:, 2:6, 2:6], hu[:, 2:6, 2:6] = 1, 900.0
    resolved = resolve(protocol_named("ccta-adaptive-3mm"), 300.0, 20.0)
    rows = slice_scores(lesions, hu, thin, resolved)
    assert [row.position_mm for row in rows] == pytest.approx([1.5, 4.5])
    assert [row.agatston for row in rows] == pytest.approx([16.0, 16.0])


def test_the_position_does_not_depend_on_the_crop_of_an_oblique_scan() -> None:
    tilt = np.deg2rad(20)
    direction = (1, 0, 0, 0, np.cos(tilt), -np.sin(tilt), 0, np.sin(tilt), np.cos(tilt))
    oblique = Geometry(GRID.shape_zyx, GRID.spacing_mm_zyx, (5.0, -3.0, 12.0), direction)
    lesions, hu = three_slices()
    whole = slice_scores(lesions, hu, oblique, LITERATURE)
    box = (slice(1, 4), slice(2, 9), slice(3, 10))
    crop = slice_scores(lesions[box], hu[box], oblique.crop(box), LITERATURE)
    assert [row.position_mm for row in crop] == pytest.approx([row.position_mm for row in whole])
    assert np.ptp([row.position_mm for row in whole]) == pytest.approx(6.0)
