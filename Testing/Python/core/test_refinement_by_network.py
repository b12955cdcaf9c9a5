"""Lesions as a border network draws them, on a row of voxels of 1 mm in an artery, with a known network in its place.

Blood is 400 HU with a left-sided SD of 20 HU, so a part of an artery is bright from 520 HU on. The known network
answers with a thousandth of the contrast to blood of 400 HU, so with 0.5 at 900 HU and with 0.8 at 1200 HU.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from border_evidence import row
from cacnet.refinement import InvalidRefinementError, LearnedBorderSettings, Refined, refine_by_network
from cacnet.refinement.windows import CONTRAST_SCALE_HU

SETTINGS = LearnedBorderSettings(threshold=0.5, confirming_probability=0.5, sure_probability=0.8)


def by_contrast(windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for window in windows:
        yield window[0] * CONTRAST_SCALE_HU / 1000


def refined(hu: list[float], lesion: list[int], settings: LearnedBorderSettings = SETTINGS, **how: Any) -> Refined:
    """A lesion of a row of voxels (see `row`)."""
    return refine_by_network(row(hu, lesion, **how), by_contrast, settings)


def columns(result: Refined) -> list[int]:
    return result.calcium.index.tolist()


def test_a_lesion_gets_the_networks_border_wider_or_narrower() -> None:
    assert columns(refined([400, 899, 900, 1000, 900, 400], [3])) == [2, 3, 4]
    assert columns(refined([400, 400, 600, 1000, 600, 400], [2, 3, 4])) == [3]


def test_the_lesions_probability_is_the_border_networks() -> None:
    probability = refined([400, 900, 1100, 400], [1, 2]).probability
    assert probability is not None
    np.testing.assert_allclose(probability.values, [0.5, 0.7], rtol=1e-6)


def test_a_lesion_that_the_network_denies_goes_and_is_told() -> None:
    result = refined([400, 500, 500, 400, 400, 400, 1000], [1, 2, 6])
    assert columns(result) == [6]
    assert result.denied is not None
    assert result.denied.index.tolist() == [1, 2]


def test_a_lesion_stays_only_where_the_network_is_sure_of_a_voxel_of_it() -> None:
    hu, settings = [400.0, 1000.0, 1100.0, 400.0, 1000.0, 1099.0, 400.0], replace(SETTINGS, confirming_probability=0.7)
    result = refined(hu, [1, 2, 4, 5], settings)
    assert columns(result) == [1, 2]
    assert result.denied is not None
    assert result.denied.index.tolist() == [4, 5]


def test_calcium_may_reach_beyond_the_found_artery_but_not_far_from_what_was_found() -> None:
    hu = [400.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0]
    assert columns(refined(hu, [1], artery=[0, 1])) == [1, 2]
    assert columns(refined(hu, [1], artery=[0, 1], settings=replace(SETTINGS, reach_mm=3.0))) == [1, 2, 3, 4]


def test_a_bright_part_of_an_artery_that_was_left_out_is_added_where_the_network_is_sure() -> None:
    result = refined([400, 1199, 400, 400, 400, 1000, 1300, 1000, 400], [1])
    assert columns(result) == [1, 5, 6, 7]
    assert result.added is not None
    assert result.added.index.tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, sure_probability=0.91),
        replace(SETTINGS, least_added_mm3=3.1),
        replace(SETTINGS, second_look_mm3=3.1),
        replace(SETTINGS, second_look_hu=1000.0),
    ],
)
def test_a_bright_part_that_is_too_small_or_too_doubtful_is_not_added(settings: LearnedBorderSettings) -> None:
    result = refined([400, 1199, 400, 400, 400, 1000, 1300, 1000, 400], [1], settings=settings)
    assert columns(result) == [1]
    assert result.added is not None
    assert not len(result.added.index)


def test_a_part_that_is_smaller_than_noise_may_be_is_dropped() -> None:
    hu = [400.0, 1000.0, 600.0, 1000.0, 1000.0, 400.0]
    assert columns(refined(hu, [1, 2, 3, 4])) == [1, 3, 4]
    assert columns(refined(hu, [1, 2, 3, 4], settings=replace(SETTINGS, least_mm3=1.5))) == [3, 4]


def test_bright_voxels_outside_the_arteries_are_not_looked_at() -> None:
    result = refined([400, 1000, 400, 400, 400, 400, 1300, 1300, 1300], [1], artery=[0, 1, 2, 3])
    assert columns(result) == [1]


def test_noise_is_no_bright_part_where_the_blood_is_noisy() -> None:
    # SD 120 HU: bright from 760 HU on.
    noisy = np.concatenate([np.full(200, 280.0), np.full(800, 400.0)])
    settings = replace(SETTINGS, threshold=0.2, sure_probability=0.3)
    assert columns(refined([400, 759, 759, 400], [], settings=settings, blood_hu=noisy)) == []
    assert columns(refined([400, 760, 760, 400], [], settings=settings, blood_hu=noisy)) == [1, 2]


def test_without_lesions_and_bright_parts_nothing_is_asked_and_nothing_found() -> None:
    result = refined([400, 400, 400], [])
    assert columns(result) == []
    assert result.applied


@pytest.mark.parametrize(
    ("blood_hu", "why"), [(np.full(10, 400.0), "too little lumen"), (np.full(500, 90.0), "no contrast agent (90 HU)")]
)
def test_without_known_blood_the_lesions_stay_as_they_are(blood_hu: np.ndarray, why: str) -> None:
    result = refined([400, 500, 400], [1], blood_hu=blood_hu)
    assert columns(result) == [1]
    assert not result.applied
    assert why in result.statement


@pytest.mark.parametrize(
    "change", [{"threshold": 1.0}, {"reach_mm": -1.0}, {"sure_probability": 1.1}, {"confirming_probability": -0.1}]
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidRefinementError):
        replace(SETTINGS, **change)
