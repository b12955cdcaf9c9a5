"""The border of a lesion by the CT's values, on a row of voxels of 1 mm in an artery.

Blood is 400 HU with a left-sided SD of 20 HU, so lumen ends at 440 HU. A plaque whose brightest quarter has 1200 HU
begins at 400 + 0.4 × 800 = 720 HU.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from border_evidence import row
from cacnet.refinement import DEFAULT_SETTINGS, InvalidRefinementError, Refined, RefinementSettings, refine


def refined(hu: list[float], lesion: list[int], settings: RefinementSettings = DEFAULT_SETTINGS, **how: Any) -> Refined:
    """A lesion of a row of voxels (see `row`)."""
    return refine(row(hu, lesion, **how), settings)


def columns(result: Refined) -> list[int]:
    return result.calcium.index.tolist()


def test_lesion_shrinks_to_what_is_over_its_share_of_the_plaques_contrast() -> None:
    # Four voxels over 440 HU; the brightest quarter is one voxel of 1200 HU.
    assert columns(refined([400, 500, 719, 1200, 720, 400], [1, 2, 3, 4])) == [3, 4]


def test_lesion_grows_to_bright_voxels_beside_it() -> None:
    assert columns(refined([400, 400, 730, 1200, 730, 400], [3])) == [2, 3, 4]


def test_lesion_grows_no_farther_than_its_reach_in_millimetres() -> None:
    bright = [1200.0] * 9
    assert columns(refined(bright, [4])) == [3, 4, 5]
    assert columns(refined(bright, [4], spacing_mm=0.5)) == [2, 3, 4, 5, 6]
    assert columns(refined(bright, [4], settings=replace(DEFAULT_SETTINGS, reach_mm=0.0))) == [4]


def test_lesion_does_not_leave_the_artery_for_the_aortic_wall_beside_it() -> None:
    assert columns(refined([400, 400, 400, 1200, 1200, 1200], [3], artery=[0, 1, 2, 3])) == [3]


def test_voxel_that_the_network_rules_out_is_not_added() -> None:
    hu = [400.0, 1200.0, 1200.0, 1200.0, 400.0]
    assert columns(refined(hu, [2], probability=[0, 0.049, 0.9, 0.05, 0])) == [2, 3]


@pytest.mark.parametrize(("peak", "expected"), [(0.85, [1, 2, 3]), (0.8499, [2])])
def test_lesion_of_which_the_network_is_not_sure_is_trimmed_but_does_not_grow(peak: float, expected: list[int]) -> None:
    hu = [400.0, 1200.0, 1200.0, 1200.0, 500.0]
    assert columns(refined(hu, [2], probability=[0.3, 0.3, peak, 0.3, 0.3])) == expected
    assert columns(refined(hu, [3, 4], probability=[0.3, 0.3, 0.3, 0.5, 0.5])) == [3]


def test_bright_voxel_apart_from_the_lesion_is_not_added() -> None:
    settings = replace(DEFAULT_SETTINGS, reach_mm=3.0)
    assert columns(refined([1200, 400, 1200, 1200, 430, 900], [2, 3], settings=settings)) == [2, 3]


def test_nothing_within_two_sd_of_the_blood_is_calcium() -> None:
    # 0.4 of the contrast of a plaque of 450 HU is 20 HU; two SD are 40 HU.
    assert columns(refined([400, 439, 450, 440, 400], [1, 2, 3])) == [2, 3]


def test_plaques_value_is_the_mean_of_its_brightest_quarter_so_that_a_metal_voxel_does_not_set_it() -> None:
    # Eight voxels: the quarter is (1200 + 3000) / 2 = 2100 HU, the border 400 + 0.4 × 1700 = 1080 HU.
    # The single brightest voxel would put it at 1440 HU and leave one voxel.
    hu = [400, 900, 900, 900, 1100, 1100, 1100, 1200, 3000, 400]
    assert columns(refined(hu, list(range(1, 9)))) == [4, 5, 6, 7, 8]


def test_lesion_of_which_nothing_stands_out_of_the_blood_stays_as_the_network_drew_it() -> None:
    assert columns(refined([400, 430, 435, 400], [1, 2])) == [1, 2]


def test_each_lesion_has_its_own_border() -> None:
    # 1200 HU: from 720 HU on; 600 HU: from 480 HU on.
    hu = [400.0, 500.0, 1200.0, 500.0, 400.0, 400.0, 400.0, 500.0, 600.0, 500.0]
    assert columns(refined(hu, [2, 8])) == [2, 7, 8, 9]


def test_lesion_at_the_volumes_edge_stays_inside_it() -> None:
    assert columns(refined([1200, 730, 400, 400, 730, 1200], [0, 5])) == [0, 1, 4, 5]


def test_without_lesions_nothing_is_added() -> None:
    result = refined([400, 1200, 1200], [])
    assert columns(result) == []
    assert result.applied


def test_report_says_the_rule_with_this_scans_figures() -> None:
    statement = refined([400, 1200, 400], [1]).statement
    assert "0.4 of each plaque's contrast to blood (400 HU)" in statement
    assert "2 × SD (20 HU)" in statement
    assert "1 mm" in statement


def test_without_enough_lumen_the_networks_border_stays_and_the_report_says_so() -> None:
    result = refined([400, 500, 1200, 400], [1, 2], blood_hu=np.full(49, 400.0))
    assert columns(result) == [1, 2]
    assert not result.applied
    assert "too little lumen" in result.statement


@pytest.mark.parametrize(("blood", "applied"), [(99.0, False), (100.0, True), (180.0, True)])
def test_without_contrast_agent_the_networks_border_stays_and_the_report_says_so(blood: float, applied: bool) -> None:
    result = refined([0, 200, 900, 0], [1, 2], blood_hu=np.full(50, blood))
    assert result.applied is applied
    assert ("no contrast agent" in result.statement) is not applied
    # At 180 HU of blood the border is 468 HU, at 100 HU it is 420 HU.
    assert columns(result) == ([2] if applied else [1, 2])


def test_inputs_are_left_as_they_were() -> None:
    found = row([400, 500, 1200], [1])
    assert columns(refine(found)) == [2]
    assert found.calcium.index.tolist() == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"contrast_fraction": 1.1},
        {"plateau_share": -0.1},
        {"least_probability": 2.0},
        {"sure_probability": 1.1},
        {"blood_sd": -1.0},
        {"reach_mm": -1.0},
    ],
)
def test_impossible_setting_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidRefinementError):
        RefinementSettings(**change)
