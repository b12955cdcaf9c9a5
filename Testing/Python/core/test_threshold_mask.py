"""Calcium by a plain threshold: only without contrast, without bone and without noise."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.masks import score_masks
from cacnet.scoring import PlainThresholdOnContrastError
from cacnet.threshold_mask import ThresholdRangeError, threshold_mask
from cacnet.volume import Geometry, Volume
from shared_data import shared_data

GRID = Geometry((12, 60, 60), (3.0, 0.5, 0.5), (0.0, 0.0, 0.0))


def volume(*boxes: tuple[slice, slice, slice, float]) -> Volume:
    hu = np.full(GRID.shape_zyx, 40, np.int16)
    for z, y, x, value in boxes:
        hu[z, y, x] = value
    return Volume(hu, GRID)


def test_calcium_stays_and_a_single_bright_pixel_goes() -> None:
    scan = volume((slice(5, 6), slice(20, 24), slice(20, 24), 300), (slice(8, 9), slice(40, 41), slice(40, 41), 400))
    mask, finding = threshold_mask(scan, 130.0, 45.0)
    assert int(mask.sum()) == 16
    assert finding.code == "calcium-by-threshold"
    assert "no heart was found" in finding.message


def test_bone_is_too_large_to_be_calcium() -> None:
    """20 × 20 × 12 voxels of 0.75 mm³ are 3600 mm³."""
    scan = volume((slice(0, 12), slice(0, 20), slice(0, 20), 500), (slice(5, 6), slice(40, 44), slice(40, 44), 300))
    assert int(threshold_mask(scan, 130.0, 45.0)[0].sum()) == 16


def test_no_calcium_is_an_empty_mask() -> None:
    assert not threshold_mask(volume(), 130.0, None)[0].any()


def test_contrast_ct_is_refused_with_the_way_out() -> None:
    with pytest.raises(PlainThresholdOnContrastError, match=r"contrast agent.*ccta-adaptive"):
        threshold_mask(volume(), 130.0, 380.0)


@pytest.mark.parametrize("threshold_hu", [0.0, 1200.0, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(threshold_hu: float) -> None:
    with pytest.raises(ThresholdRangeError, match="50 to 1000 HU"):
        threshold_mask(volume(), threshold_hu, 45.0)


INSERTS_MG = {
    (22, 220, 180): 78.5,
    (22, 151, 292): 39.3,
    (23, 282, 299): 19.6,
    (22, 221, 206): 17.0,
    (22, 173, 281): 8.5,
}
"""Where inserts of a real phantom lie (z, y, x), found by eye, and their true mass."""


def test_the_inserts_of_a_real_phantom_are_lesions_of_about_their_mass() -> None:
    """The nominal factor is not this scanner's: it reads a quarter to a third high."""
    _, scores = score_masks(shared_data("qrm_calcium_phantom"), 130.0)
    found = {lesion.id: lesion.mass_mg for lesion in scores.lesions.lesions}
    assert len(found) < 40  # not the hundreds that noise above 130 HU would make
    for centre, true_mg in INSERTS_MG.items():
        assert found[scores.lesions.id_at(centre)] == pytest.approx(true_mg, rel=0.4)
