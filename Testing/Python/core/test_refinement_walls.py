"""The arteries' walls as a wall network draws them, on small scans, with a known network in its place.

The voxels are cubes of 1 mm, the blood has 400 HU. An artery of 3 × 3 voxels runs along x.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from cacnet.refinement import ArteryEvidence, Walls, draw_walls
from cacnet.refinement.walls import channels_of
from cacnet.refinement.windows import CONTRAST_SCALE_HU
from cacnet.sparse_maps import SparseMap
from cacnet.volume import Geometry

SHAPE = (11, 11, 40)
ARTERY = (slice(4, 7), slice(4, 7), slice(2, 38))
BLOOD = np.full(500, 400.0)


def bright(windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """A wall network that takes for artery what has at least 200 HU."""
    for contrast, _, _ in windows:
        yield (contrast * CONTRAST_SCALE_HU >= -200).astype(np.float32)


def mask(*boxes: tuple[slice, slice, slice]) -> np.ndarray:
    whole = np.zeros(SHAPE, bool)
    for box in boxes:
        whole[box] = True
    return whole


def evidence(bright_part: np.ndarray, found: np.ndarray | None = None) -> ArteryEvidence:
    geometry = Geometry(SHAPE, (1.0, 1.0, 1.0))
    nothing = SparseMap.of(np.zeros(SHAPE, bool))
    artery = mask(ARTERY) if found is None else found
    hu = np.where(bright_part, 400, 0).astype(np.int16)
    return ArteryEvidence(
        SparseMap.of(artery), nothing, nothing, hu, geometry, artery.astype(np.float32), geometry, BLOOD
    )


def drawn(found: ArteryEvidence) -> Walls:
    return draw_walls(found, bright)


@pytest.fixture(autouse=True)
def any_spacing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cacnet.refinement.windows.LARGEST_SPACING_MM", (2.0, 2.0, 2.0))


def test_an_artery_gets_the_networks_wall_wider_or_narrower() -> None:
    wide, narrow = (slice(3, 8), slice(3, 8), slice(2, 38)), (slice(5, 6), slice(5, 6), slice(2, 38))
    for box in (wide, narrow):
        walls = drawn(evidence(mask(box)))
        np.testing.assert_array_equal(walls.mask.dense(), mask(box))
        assert walls.applied
        assert "by the wall network" in walls.statement


def test_the_wall_moves_no_farther_than_its_reach() -> None:
    """Neither outwards, 1.5 mm from the 3 × 3 voxels found, nor inwards, where an artery is wider than twice that."""
    everything = drawn(evidence(np.ones(SHAPE, bool))).mask.dense()
    expected = mask((slice(3, 8), slice(3, 8), slice(1, 39)))
    z, y, x = np.indices(SHAPE)
    corner = (np.abs(z - 5) == 2) & (np.abs(y - 5) == 2) & ((x == 1) | (x == 38))  # √3 mm away
    np.testing.assert_array_equal(everything, expected & ~corner)
    wide = mask((slice(2, 9), slice(2, 9), slice(2, 38)))
    nothing = drawn(evidence(np.zeros(SHAPE, bool), wide)).mask.dense()
    np.testing.assert_array_equal(nothing, mask((slice(4, 7), slice(4, 7), slice(4, 36))))


def test_calcium_that_counts_stays_artery_and_what_was_left_out_does_not_become_one() -> None:
    calcium = mask((slice(4, 5), slice(4, 5), slice(10, 12)))
    left_out = mask((slice(7, 8), slice(5, 6), slice(20, 22)))
    found = evidence(mask(ARTERY) & ~calcium | left_out)
    found = replace(found, calcium=SparseMap.of(calcium), not_artery=SparseMap.of(left_out))
    np.testing.assert_array_equal(drawn(found).mask.dense(), mask(ARTERY))


def test_what_touches_no_artery_that_was_found_is_no_artery() -> None:
    beside = mask((slice(4, 7), slice(8, 9), slice(2, 38)))  # a gap of one voxel, 2 mm away
    diagonal = mask((slice(5, 6), slice(5, 6), slice(39, 40)))
    found = mask((slice(5, 6), slice(5, 6), slice(2, 38)))
    walls = drawn(evidence(found | beside | diagonal, found))
    np.testing.assert_array_equal(walls.mask.dense(), found)


def test_the_network_sees_the_ct_the_probability_and_what_was_found() -> None:
    channels = channels_of(np.array([400, 800, 0]), np.array([0.0, 0.5, 1.0]), np.array([True, False, True]), 400.0)
    np.testing.assert_allclose(channels, [[0, 1, -1], [-1, 0, 1], [1, -1, 1]])


def test_the_probability_is_that_of_the_voxels_place_on_the_models_grid() -> None:
    """On a model's grid of half the spacing, an artery that only its probability shows."""
    found = evidence(mask(ARTERY))
    half = Geometry(tuple(2 * n for n in SHAPE), (0.5,) * 3, (-0.25,) * 3)
    probability = np.repeat(np.repeat(np.repeat(mask(ARTERY), 2, 0), 2, 1), 2, 2).astype(np.float32)
    seen = []

    def remember(windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for window in windows:
            seen.append(window)
            yield np.zeros(window.shape[1:], np.float32)

    draw_walls(replace(found, grid=half, probability=probability), remember)
    assert seen
    for _, probabilities, artery in seen:
        np.testing.assert_allclose(probabilities, artery)


def test_without_measurable_blood_or_on_too_large_voxels_the_walls_stay_and_that_is_said() -> None:
    plain = evidence(mask((slice(5, 6), slice(5, 6), slice(2, 38))))
    for found, why in (
        (replace(plain, blood_hu=BLOOD[:3]), "too little lumen"),
        (replace(plain, blood_hu=BLOOD - 350), "no contrast agent"),
        (replace(plain, geometry=Geometry(SHAPE, (1.0, 2.5, 1.0))), "finer voxels only"),
    ):
        walls = draw_walls(found, bright)
        assert not walls.applied
        assert why in walls.statement
        assert walls.mask is found.coronary


def test_where_no_artery_was_found_there_are_no_walls() -> None:
    assert len(drawn(evidence(np.ones(SHAPE, bool), np.zeros(SHAPE, bool))).mask.index) == 0
