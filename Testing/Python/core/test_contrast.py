"""The blood pool is found without a network, in any orientation, with and without contrast agent."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.contrast import NoBloodPoolError, Phase, blood_pool, phase_of
from cacnet.reading import read_ct
from core.chest_volumes import SPACING_MM, chest, chest_hu, volume_of
from shared_data import shared_data


@pytest.mark.parametrize(
    ("median_hu", "phase"),
    [(45, Phase.NON_CONTRAST), (99.9, Phase.NON_CONTRAST), (100, Phase.WEAK), (249.9, Phase.WEAK), (250, Phase.CCTA)],
)
def test_phase_follows_the_median(median_hu, phase):
    assert phase_of(median_hu) is phase


@pytest.mark.parametrize(
    ("blood_hu", "phase"), [(45, Phase.NON_CONTRAST), (150, Phase.WEAK), (300, Phase.CCTA), (600, Phase.CCTA)]
)
@pytest.mark.parametrize("noise_hu", [0, 25])
def test_blood_is_measured_in_front_of_a_brighter_spine(blood_hu, phase, noise_hu):
    pool = blood_pool(chest(blood_hu, noise_hu))
    assert pool.median_hu == pytest.approx(blood_hu, abs=12)  # unenhanced blood and muscle (45, 55 HU) are one region
    assert pool.phase is phase


def test_spread_is_the_noise_of_the_voxels():
    assert blood_pool(chest(400, 30)).sd_hu == pytest.approx(30, rel=0.1)


def test_spread_is_blind_to_bright_calcium():
    hu = chest_hu(400, 20)
    z, y, x = (size // 2 for size in hu.shape)
    hu[z, y - 2 : y, x : x + 2] = 1200
    assert blood_pool(volume_of(hu, (SPACING_MM,) * 3)).sd_hu == pytest.approx(20, rel=0.15)


def test_cardiac_field_of_view_without_skin_is_measured():
    hu = chest_hu(380, 20)[8:-8, 12:-12, 22:-22]
    assert blood_pool(volume_of(hu, (SPACING_MM,) * 3)).median_hu == pytest.approx(380, abs=10)


def test_airways_and_lungs_cut_by_the_field_of_view_are_not_taken_for_the_outside():
    hu = chest_hu(380, 20)[:, 12:-12, 22:-22]
    hu[:, 22:26, 10:14] = -1000  # a bronchus beside the heart
    assert blood_pool(volume_of(hu, (SPACING_MM,) * 3)).median_hu == pytest.approx(380, abs=10)


def test_bright_muscle_under_the_skin_is_not_taken_for_blood():
    hu = chest_hu(45)
    hu[:, 4:12, 30:58] = np.where(hu[:, 4:12, 30:58] > -500, 200, hu[:, 4:12, 30:58])
    assert blood_pool(volume_of(hu, (SPACING_MM,) * 3)).phase is Phase.NON_CONTRAST


def test_padding_around_a_round_field_of_view_does_not_matter():
    hu = chest_hu(380, 20)
    _, y, x = np.indices(hu.shape) - np.array([0, 36, 44])[:, None, None, None]
    hu[(x**2 + y**2) * SPACING_MM**2 > 70**2] = -1024
    assert blood_pool(volume_of(hu, (SPACING_MM,) * 3)).median_hu == pytest.approx(380, abs=10)


def test_orientation_of_the_array_does_not_matter():
    """The same chest stored from back to front: the spine is still behind."""
    volume = chest(150, 10)
    flipped = replace(
        volume,
        hu=volume.hu[:, ::-1],
        geometry=replace(volume.geometry, direction_lps=(1, 0, 0, 0, -1, 0, 0, 0, 1)),
    )
    assert blood_pool(flipped) == blood_pool(volume)


def test_fine_voxels_are_averaged_before():
    hu = np.repeat(np.repeat(chest_hu(380, 0)[16:-16], 2, axis=1), 2, axis=2)
    noisy = hu + np.random.default_rng(1).normal(0, 60, hu.shape)
    pool = blood_pool(volume_of(noisy, (SPACING_MM, SPACING_MM / 2, SPACING_MM / 2)))
    assert pool.median_hu == pytest.approx(380, abs=10)
    assert pool.sd_hu == pytest.approx(60, rel=0.1)


@pytest.mark.parametrize("hu", [-1000, 2000])
def test_nothing_like_blood_is_an_error(hu):
    with pytest.raises(NoBloodPoolError, match="no large, even region"):
        blood_pool(volume_of(np.full((20, 20, 20), hu, np.int16), (SPACING_MM,) * 3))


def test_real_portal_venous_chest_is_weak():
    pool = blood_pool(read_ct(shared_data("chest_ct_contrast")))
    assert pool.phase is Phase.WEAK
    assert pool.median_hu == pytest.approx(119, abs=8)  # the aorta, measured by hand


def test_real_phantom_has_no_contrast():
    assert blood_pool(read_ct(shared_data("qrm_calcium_phantom"))).phase is Phase.NON_CONTRAST
