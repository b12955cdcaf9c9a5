"""Integrated mass and volume: exact on a blurred block, and right to 15 % on the real phantom of known inserts."""

from __future__ import annotations

import numpy as np
import pytest
from cacnet.reading import read_ct
from cacnet.scoring.integrated import BackgroundError, CalibrationError, integrate_calcium, mass_factor_of_rod
from cacnet.volume import Geometry
from scipy import ndimage
from shared_data import shared_data

GRID = Geometry((41, 41, 41), (0.5, 0.5, 0.5))
FACTOR = 0.2 / 280


def block(hu: float = 1070.0, background: float = 70.0, blur: float = 0.0) -> np.ndarray:
    """A cube of 5 mm in an even background; 125 mm³."""
    array = np.full(GRID.shape_zyx, background)
    array[15:25, 15:25, 15:25] = hu
    return ndimage.gaussian_filter(array, blur) if blur else array


def test_rod_gives_the_mass_factor() -> None:
    assert mass_factor_of_rod(280.0, 0.0) == pytest.approx(0.2 / 280)
    assert mass_factor_of_rod(270.0, -10.0, 0.4) == pytest.approx(0.4 / 280)
    with pytest.raises(CalibrationError, match="brighter than water"):
        mass_factor_of_rod(0.0, 0.0)


@pytest.mark.parametrize("blur", [0.0, 1.5])
def test_blur_changes_neither_mass_nor_volume_of_a_lesion_larger_than_it(blur: float) -> None:
    hu = block(blur=blur)
    found = integrate_calcium(hu >= 130, hu, GRID, FACTOR)
    assert found.mass_mg == pytest.approx(125 * 1000 * FACTOR, rel=0.01)
    assert found.volume_mm3 == pytest.approx(125, rel=0.02)
    assert found.background_hu == pytest.approx(70, abs=0.5)


def test_a_neighbour_is_neither_lesion_nor_background() -> None:
    hu = block()
    hu[15:25, 15:25, 32:36] = 1070.0  # 3.5 mm away
    own = np.zeros(hu.shape, bool)
    own[15:25, 15:25, 15:25] = True
    found = integrate_calcium(own, hu, GRID, FACTOR, others_zyx=(hu > 130) & ~own)
    assert found.volume_mm3 == pytest.approx(125)


def test_no_background_and_no_contrast_to_it_are_refused() -> None:
    hu = block()[14:26, 14:26, 14:26]
    with pytest.raises(BackgroundError, match="voxels of background"):
        integrate_calcium(hu >= 130, hu, Geometry(hu.shape, (0.5, 0.5, 0.5)), FACTOR)
    with pytest.raises(BackgroundError, match="a brighter lesion"):
        integrate_calcium(block() > 1000, np.full(GRID.shape_zyx, 50.0), GRID, FACTOR)


CENTRES = {
    # density in mg/cm³ and diameter in mm: centre (z, y, x) found by eye, true mass in mg, true volume in mm³
    (800, 5): ((22, 220, 180), 78.5, 98.2),
    (400, 5): ((22, 151, 292), 39.3, 98.2),
    (200, 5): ((23, 282, 299), 19.6, 98.2),
    (800, 3): ((22, 221, 206), 17.0, 21.2),
    (400, 3): ((22, 173, 281), 8.5, 21.2),
    (200, 3): ((22, 260, 286), 4.2, 21.2),
}
ROD = np.s_[32:37, 210:228, 250:266]


def test_total_mass_and_volume_of_a_real_phantom_are_within_15_percent() -> None:
    """The mass factor is that of the phantom's own rod of 200 mg/cm³."""
    scan = read_ct(shared_data("qrm_calcium_phantom"))
    factor = mass_factor_of_rod(float(scan.hu[ROD].mean()))
    found = {}
    for insert, ((z, y, x), _, _) in CENTRES.items():
        box = np.s_[z - 5 : z + 6, y - 28 : y + 29, x - 28 : x + 29]
        bright, _ = ndimage.label(scan.hu[box] >= 130, np.ones((3, 3, 3)))
        sizes = np.bincount(bright.ravel())
        own = bright == bright[4:7, 26:31, 26:31].ravel()[np.argmax(scan.hu[box][4:7, 26:31, 26:31])]
        others = (sizes >= 20)[bright] & (bright > 0) & ~own
        found[insert] = integrate_calcium(own, scan.hu[box], scan.geometry, factor, others)
    for diameter in (5, 3):
        of_size = [insert for insert in CENTRES if insert[1] == diameter]
        true_mg = sum(CENTRES[insert][1] for insert in of_size)
        assert sum(found[insert].mass_mg for insert in of_size) == pytest.approx(true_mg, rel=0.15)
    assert sum(f.mass_mg for f in found.values()) == pytest.approx(sum(c[1] for c in CENTRES.values()), rel=0.15)
    assert sum(f.volume_mm3 for f in found.values()) == pytest.approx(sum(c[2] for c in CENTRES.values()), rel=0.15)
