"""Thin slices averaged to 3 mm: hand-computed, and the same however the array is cut or turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cacnet.lesions import find_lesions
from cacnet.scoring import PROTOCOLS, InvalidProtocolError, resolve, score_lesion
from cacnet.scoring.reslice import resliced
from cacnet.volume import Geometry

LITERATURE = PROTOCOLS["literature"]
AT_3_MM = resolve(replace(LITERATURE, reslice_mm=3.0))
HEAD_FIRST = Geometry((12, 12, 12), (1.0, 0.5, 0.5), (0.0, 0.0, 0.5))
"""Slices of 1 mm that fill the slabs of 3 mm from z = 0 on: centres at 0.5, 1.5, 2.5 | 3.5, …"""


def lesion(first: int = 3, last: int = 4, hu: float = 460.0) -> np.ndarray:
    """4 mm² of calcium in some slices of 1 mm, in fat of -80 HU."""
    array = np.full(HEAD_FIRST.shape_zyx, -80.0)
    array[first : last + 1, 4:8, 4:8] = hu
    return array


def test_slabs_are_averages_with_the_label_of_what_they_hold() -> None:
    hu = lesion()
    labels, averaged, grid = resliced((hu > 0).astype(np.int32), hu, HEAD_FIRST, 0, 3.0)
    assert grid.shape_zyx == (4, 12, 12)
    assert grid.spacing_mm_zyx == (3.0, 0.5, 0.5)
    assert grid.origin_mm_lps == pytest.approx((0.0, 0.0, 1.5))
    # Two of three slices of the second slab are calcium: (2 × 460 − 80) / 3 = 280.
    assert averaged[:, 5, 5] == pytest.approx([-80.0, 280.0, -80.0, -80.0])
    assert labels[:, 5, 5].tolist() == [0, 1, 0, 0]


def test_score_of_an_average_by_hand() -> None:
    """16 pixels of 280 HU are 4 mm² of factor 2, whole at 3 mm: 8; by the thin slices 2 × 4 mm² × 4 / 3."""
    hu = lesion()
    assert score_lesion(hu > 0, hu, HEAD_FIRST, AT_3_MM).agatston == pytest.approx(8.0)
    assert score_lesion(hu > 0, hu, HEAD_FIRST, resolve(LITERATURE)).agatston == pytest.approx(32 / 3)


def test_a_lesion_across_a_boundary_is_diluted_in_both_slabs() -> None:
    """One slice of three at 460 HU is (460 − 160) / 3 = 100 HU: below 130, so nothing is left of it."""
    hu = lesion(2, 3)
    assert score_lesion(hu > 0, hu, HEAD_FIRST, AT_3_MM).agatston == 0.0


@pytest.mark.parametrize("start", [0, 1, 2])
def test_cutting_the_array_elsewhere_changes_nothing(start: int) -> None:
    """Surroundings of 3 mm must remain; the slabs stay where they are in the patient."""
    hu = lesion(5, 6)
    part = hu[start:]
    grid = replace(HEAD_FIRST, shape_zyx=part.shape, origin_mm_lps=(0.0, 0.0, 0.5 + start))
    assert (
        score_lesion(part > 0, part, grid, AT_3_MM).agatston == score_lesion(hu > 0, hu, HEAD_FIRST, AT_3_MM).agatston
    )


def test_slices_stored_from_head_to_feet_score_the_same() -> None:
    hu = lesion(4, 6, 300.0)
    upside_down = hu[::-1]
    direction = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    grid = replace(HEAD_FIRST, origin_mm_lps=(0.0, 0.0, 11.5), direction_lps=direction)
    expected = score_lesion(hu > 0, hu, HEAD_FIRST, AT_3_MM)
    assert expected.agatston > 0
    assert score_lesion(upside_down > 0, upside_down, grid, AT_3_MM) == expected


def test_thick_slices_are_left_as_they_are() -> None:
    hu = lesion()
    grid = replace(HEAD_FIRST, spacing_mm_zyx=(3.0, 0.5, 0.5))
    rules = resolve(LITERATURE)
    assert score_lesion(hu > 0, hu, grid, AT_3_MM) == score_lesion(hu > 0, hu, grid, rules)


def test_lesions_of_a_scan_are_resliced_with_their_surroundings() -> None:
    hu = lesion()
    (found,) = find_lesions(np.where(hu > 0, 2, 0).astype(np.uint8), hu, HEAD_FIRST, AT_3_MM).lesions
    assert found.agatston == pytest.approx(8.0)
    assert "slices averaged to 3 mm" in AT_3_MM.sentence


def test_a_thickness_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidProtocolError, match="thickness above 0"):
        replace(LITERATURE, reslice_mm=0.0)
