"""What reaches the end of the CT's range is metal, not calcium."""

from __future__ import annotations

import numpy as np
from cacnet.judging.metal import reaching_the_end, taken_for_metal
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

GEOMETRY = Geometry((3, 3, 20), (1.0, 1.0, 1.0))


def lesions(*starts: int) -> SparseMap:
    """Three voxels in a row from each x on."""
    found = np.zeros(GEOMETRY.shape_zyx, np.uint8)
    for start in starts:
        found[1, 1, start : start + 3] = 2
    return SparseMap.of(found)


def ct(**peaks: int) -> np.ndarray:
    """A CT of 500 HU, with these values at x = the number in their names."""
    hu = np.full(GEOMETRY.shape_zyx, 500, np.int16)
    for name, value in peaks.items():
        hu[1, 1, int(name.removeprefix("x"))] = value
    return hu


def test_one_voxel_at_the_end_of_the_range_makes_its_whole_lesion_metal_and_no_other() -> None:
    metal = reaching_the_end(lesions(2, 10), ct(x3=3071, x11=3070))
    assert metal.voxels[:, 2].tolist() == [2, 3, 4]


def test_wider_ranges_go_on_beyond_and_are_metal_too() -> None:
    assert reaching_the_end(lesions(2), ct(x2=16000)).voxels[:, 2].tolist() == [2, 3, 4]


def test_a_bright_voxel_beside_a_lesion_says_nothing_about_it() -> None:
    assert not len(reaching_the_end(lesions(2), ct(x5=3071)).index)


def test_nothing_found_is_no_metal() -> None:
    assert not len(reaching_the_end(lesions(), ct(x5=3071)).index)


def test_what_is_left_out_as_metal_is_told_with_its_place() -> None:
    (sentence,) = taken_for_metal(SparseMap.mask(lesions(2).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("One bright spot in an artery reaches the end of the CT's range, 3071 HU")
    assert "was left out as metal: 3.0 mm³ at R -3.0, A -1.0, S 1.0 mm. The review lists it as left out" in sentence
    (sentence,) = taken_for_metal(SparseMap.mask(lesions(2, 10).index, GEOMETRY.shape_zyx), GEOMETRY)
    assert sentence.startswith("2 bright spots in arteries reach")
    assert taken_for_metal(SparseMap.mask(lesions().index, GEOMETRY.shape_zyx), GEOMETRY) == ()
