"""The published vectors: what each protocol must give, computed by hand from its rules (pixels 0.5 × 0.5 mm)."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.scoring import (
    PROTOCOLS,
    AgatstonGrid,
    CalibratedAgatston,
    FixedThreshold,
    MinimumArea,
    MinimumPixels,
    Protocol,
    WeightRule,
    resolve,
    score_lesion,
)
from cacnet.volume import Geometry

LITERATURE = PROTOCOLS["literature"]
EIGHT = replace(LITERATURE, island_connectivity=8)
NO_MINIMUM = replace(LITERATURE, minimum=MinimumPixels(1))
OVER_1_MM2 = replace(LITERATURE, minimum=MinimumArea(1.0, strict=True))
OVER_130_HU = replace(LITERATURE, strict_threshold=True)
BANDS_ONE_LOWER = replace(LITERATURE, bands_hu=(130.0, 199.0, 299.0, 399.0))
UNSCALED = replace(LITERATURE, normalise_increment=False)
WHOLE_LESION = replace(LITERATURE, weight=WeightRule.LESION)
SECTION = replace(LITERATURE, weight=WeightRule.LESION_SECTION)
NO_THRESHOLD = replace(LITERATURE, threshold=FixedThreshold(-1000.0))


def heart(*boxes: tuple[int, slice, slice, float], slices: int = 8) -> np.ndarray:
    """HU (z, y, x) of boxes in fat, each given as slice index, rows, columns and HU."""
    hu = np.full((slices, 24, 24), -80.0, dtype=np.float32)
    for z, rows, columns, value in boxes:
        hu[z, rows, columns] = value
    return hu


def grid(hu: np.ndarray, increment_mm: float = 3.0, pixel_mm: float = 0.5) -> Geometry:
    return Geometry(hu.shape, (increment_mm, pixel_mm, pixel_mm))


def agatston(hu: np.ndarray, protocol: Protocol, increment_mm: float = 3.0, mask: np.ndarray | None = None) -> float:
    chosen = hu > 0 if mask is None else mask
    return score_lesion(chosen, hu, grid(hu, increment_mm), resolve(protocol)).agatston


FOUR = slice(4, 8)
A = heart((2, FOUR, FOUR, 250))
B = heart((1, FOUR, FOUR, 250), (2, FOUR, FOUR, 450), (3, FOUR, FOUR, 150))
C = heart((2, slice(4, 5), slice(4, 7), 300))
D = heart((2, slice(4, 6), slice(4, 6), 300))
E = heart((2, slice(4, 6), slice(4, 6), 300), (2, slice(6, 8), slice(6, 8), 500))
SIX_SLICES = heart(*[(z, FOUR, FOUR, 250) for z in range(1, 7)])
H = heart((2, FOUR, FOUR, 199))
I = heart((2, FOUR, FOUR, 130))  # noqa: E741  (the vectors' published letters)
J = heart((2, slice(3, 9), slice(3, 9), 100), (2, FOUR, FOUR, 250))
K = heart((2, slice(4, 6), slice(4, 6), 250), (2, slice(4, 6), slice(8, 10), 450), (3, slice(4, 6), slice(4, 10), 180))
M = heart((2, slice(4, 5), slice(4, 5), 300))
N = heart((2, slice(4, 5), slice(4, 6), 300))


@pytest.mark.parametrize(
    ("hu", "protocol", "increment_mm", "expected"),
    [
        pytest.param(A, LITERATURE, 3.0, 8.0, id="A one island of 4 mm2 at 250 HU"),
        pytest.param(B, LITERATURE, 3.0, 28.0, id="B each slice by its own peak"),
        pytest.param(B, WHOLE_LESION, 3.0, 48.0, id="B every slice by the lesion's peak"),
        pytest.param(C, LITERATURE, 3.0, 0.0, id="C less than 1 mm2"),
        pytest.param(C, NO_MINIMUM, 3.0, 2.25, id="C without a minimum"),
        pytest.param(D, LITERATURE, 3.0, 3.0, id="D exactly 1 mm2"),
        pytest.param(D, OVER_1_MM2, 3.0, 0.0, id="D where over 1 mm2 is asked for"),
        pytest.param(E, LITERATURE, 3.0, 7.0, id="E two islands that touch at a corner"),
        pytest.param(E, EIGHT, 3.0, 8.0, id="E one island for eight neighbours"),
        pytest.param(SIX_SLICES, LITERATURE, 1.5, 24.0, id="F increment 1.5 mm"),
        pytest.param(SIX_SLICES, UNSCALED, 1.5, 48.0, id="F not scaled"),
        pytest.param(SIX_SLICES, LITERATURE, 0.5, 8.0, id="G increment 0.5 mm"),
        pytest.param(SIX_SLICES, UNSCALED, 0.5, 48.0, id="G not scaled"),
        pytest.param(H, LITERATURE, 3.0, 4.0, id="H just below the second band"),
        pytest.param(H, BANDS_ONE_LOWER, 3.0, 8.0, id="H with bands one unit lower"),
        pytest.param(I, LITERATURE, 3.0, 4.0, id="I exactly at the threshold"),
        pytest.param(I, OVER_130_HU, 3.0, 0.0, id="I where the threshold must be exceeded"),
        pytest.param(I, PROTOCOLS["orcascore"], 3.0, 0.0, id="I by orCaScore's rule"),
        pytest.param(J, LITERATURE, 3.0, 8.0, id="J a mask with a rim of 100 HU"),
        pytest.param(J, NO_THRESHOLD, 3.0, 18.0, id="J a mask trusted without threshold"),
        pytest.param(K, LITERATURE, 3.0, 9.0, id="K two islands and their bridge"),
        pytest.param(K, SECTION, 3.0, 11.0, id="K by the peak of the section"),
        pytest.param(K, WHOLE_LESION, 3.0, 20.0, id="K by the peak of the lesion"),
        pytest.param(M, LITERATURE, 3.0, 0.0, id="M one pixel"),
        pytest.param(M, NO_MINIMUM, 3.0, 0.75, id="M one pixel without a minimum"),
        pytest.param(N, LITERATURE, 3.0, 0.0, id="N two pixels"),
        pytest.param(N, NO_MINIMUM, 3.0, 1.5, id="N two pixels without a minimum"),
    ],
)
def test_published_vector(hu: np.ndarray, protocol: Protocol, increment_mm: float, expected: float) -> None:
    assert agatston(hu, protocol, increment_mm) == pytest.approx(expected)


def test_two_islands_of_9_mm2_at_350_hu_on_two_and_a_half_mm_slices_score_45() -> None:
    six = slice(4, 10)
    hu = heart((1, six, six, 350), (5, six, six, 350))
    assert agatston(hu, LITERATURE, 2.5) == pytest.approx(45.0)


def test_two_islands_of_4_mm2_at_450_hu_on_one_and_a_half_mm_slices_score_16() -> None:
    hu = heart((1, FOUR, FOUR, 450), (2, FOUR, FOUR, 450))
    assert agatston(hu, LITERATURE, 1.5) == pytest.approx(16.0)


def test_volume_and_mass_of_sixteen_half_millimetre_voxels_at_400_hu() -> None:
    hu = np.full((6, 6, 6), -80.0)
    hu[1:5, 2:4, 2:4] = 400.0
    score = score_lesion(hu > 0, hu, grid(hu, 0.5), resolve(LITERATURE))
    assert score.volume_mm3 == pytest.approx(2.0)
    assert score.mass_mg == pytest.approx(0.6)


def test_minimum_area_applies_to_volume_and_mass_too() -> None:
    score = score_lesion(C > 0, C, grid(C), resolve(LITERATURE))
    assert (score.agatston, score.volume_mm3, score.mass_mg, score.islands) == (0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("pixel_mm", "pixels"), [(0.5, 4), (0.35, 9), (0.1, 100), (0.2, 25), (1 / 3, 9), (1.0, 1), (1.5, 1)]
)
def test_one_square_millimetre_in_whole_pixels(pixel_mm: float, pixels: int) -> None:
    assert MinimumArea(1.0).pixels(pixel_mm * pixel_mm) == pixels


def test_thin_ccta_spot_is_normalised_to_the_3_mm_slice() -> None:
    """1.2 mm² at 600 HU on one 0.5 mm slice of 0.35 mm pixels: 10 pixels × 0.1225 mm² × 4, then × 0.5 / 3."""
    hu = np.full((3, 9, 9), -80.0)
    hu[1, 2:4, 2:7] = 600.0
    geometry = grid(hu, 0.5, 0.35)
    assert score_lesion(hu > 0, hu, geometry, resolve(LITERATURE)).agatston == pytest.approx(4.9 * 0.5 / 3)
    assert score_lesion(hu > 0, hu, geometry, resolve(UNSCALED)).agatston == pytest.approx(4.9)


def test_density_factor_is_four_above_the_last_band_and_at_it() -> None:
    assert agatston(heart((2, FOUR, FOUR, 400)), LITERATURE) == pytest.approx(16.0)
    assert agatston(heart((2, FOUR, FOUR, 3000)), LITERATURE) == pytest.approx(16.0)


def test_calibrated_protocol_multiplies_the_raw_score() -> None:
    calibrated = replace(LITERATURE, calibration=CalibratedAgatston(constant=1.183, per_hu=0.002))
    assert agatston(A, calibrated) == pytest.approx(8.0 * (1.183 + 0.002 * 130))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
@pytest.mark.parametrize("flipped", [(), (0,), (1, 2), (0, 1, 2)])
def test_score_does_not_depend_on_how_the_array_is_stored(order: tuple[int, ...], flipped: tuple[int, ...]) -> None:
    """The same voxels with other array axes: slices stay those across the patient's long axis."""
    axes_lps = np.eye(3)[::-1][list(order)] * np.where(np.isin(np.arange(3), flipped), -1, 1)[:, None]
    spacing = np.array([1.5, 0.5, 0.5])[list(order)]
    stored = np.flip(np.transpose(K, order), flipped)
    direction_lps = tuple(float(v) for v in axes_lps[::-1].T.ravel())
    geometry = Geometry(stored.shape, tuple(float(s) for s in spacing), (0.0, 0.0, 0.0), direction_lps)
    assert AgatstonGrid.of(geometry).increment_mm == 1.5
    assert score_lesion(stored > 0, stored, geometry, resolve(LITERATURE)).agatston == pytest.approx(4.5)


def test_slices_of_a_tilted_volume_are_those_nearest_the_axial_plane() -> None:
    tilt = np.deg2rad(20.0)
    direction = (1.0, 0.0, 0.0, 0.0, np.cos(tilt), -np.sin(tilt), 0.0, np.sin(tilt), np.cos(tilt))
    assert AgatstonGrid.of(Geometry((5, 6, 7), (2.0, 0.5, 0.4), (0.0, 0.0, 0.0), direction)).slice_axis == 0
    assert AgatstonGrid.of(Geometry((5, 6, 7), (2.0, 0.5, 0.4))).pixel_area_mm2 == pytest.approx(0.2)
