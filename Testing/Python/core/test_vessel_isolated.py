"""Pieces that lie far from every recognised artery are left out, and what looks like calcium in them is told."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.sparse_maps import SparseMap
from cacnet.vessels import isolated_pieces, left_out
from cacnet.volume import Geometry

GRID = Geometry((3, 60, 60), (1.0, 1.0, 1.0), (10.0, -20.0, 30.0))
EMPTY = np.zeros(GRID.shape_zyx, np.uint8)


def arteries(*vessels: Vessel) -> np.ndarray:
    """Each named artery a row of 40 voxels; 2 mm apart, from y = 0 on."""
    labels = EMPTY.copy()
    for number, vessel in enumerate(vessels):
        labels[1, 2 * number, :40] = vessel
    return labels


def isolated(coronary: np.ndarray, calcium: np.ndarray = EMPTY) -> np.ndarray:
    return isolated_pieces(SparseMap.of(coronary), SparseMap.of(calcium), GRID).dense()


@pytest.mark.parametrize(("distance_mm", "expected"), [(15, 0), (16, 20)])
def test_a_piece_is_isolated_from_fifteen_millimetres_on(distance_mm: int, expected: int) -> None:
    labels = arteries(Vessel.RCA, Vessel.LAD)
    labels[1, 2 + distance_mm, 10:30] = Vessel.UNASSIGNED
    found = isolated(labels)
    assert found.sum() == expected
    assert not found[labels != Vessel.UNASSIGNED].any()


def test_an_unnamed_end_of_a_named_artery_stays_however_long_it_is() -> None:
    labels = arteries(Vessel.RCA, Vessel.LCX)
    labels[1, 3:50, 39] = Vessel.UNASSIGNED
    assert not isolated(labels).any()


def test_calcium_belongs_to_the_piece_it_lies_in() -> None:
    labels, calcium = arteries(Vessel.RCA, Vessel.LAD), EMPTY.copy()
    labels[1, 40, 10:20] = Vessel.UNASSIGNED
    calcium[1, 41, 12:14] = Vessel.UNASSIGNED
    found = isolated(labels, calcium)
    assert found[1, 41, 12:14].all()
    assert found.sum() == 12


def test_calcium_with_a_name_makes_its_piece_a_part_of_that_artery() -> None:
    labels, calcium = arteries(Vessel.RCA, Vessel.LAD), EMPTY.copy()
    labels[1, 40, 10:20] = Vessel.UNASSIGNED
    calcium[1, 40, 12] = Vessel.LAD
    assert not isolated(labels, calcium).any()


@pytest.mark.parametrize("named", [(), (Vessel.RCA,), (Vessel.LAD, Vessel.LCX), (Vessel.RCA, Vessel.LM)])
def test_without_both_trees_the_piece_may_be_the_one_that_was_not_recognised(named: tuple[Vessel, ...]) -> None:
    labels = arteries(*named)
    labels[1, 50, :] = Vessel.UNASSIGNED
    assert not isolated(labels).any()


def test_what_looks_like_calcium_there_is_told_with_its_place() -> None:
    calcium = EMPTY.astype(bool)
    calcium[1, 40, 10:12] = calcium[0, 2, 3] = True
    (sentence,) = left_out(SparseMap.of(calcium), GRID)
    assert sentence == (
        "2 spots that look like calcium lie more than 15 mm from every coronary artery that was recognised and were "
        "left out: 1.0 mm³ at R -13.0, A 18.0, S 30.0 mm; 2.0 mm³ at R -20.5, A -20.0, S 31.0 mm. "
        "Add them by hand if an artery runs there."
    )


def test_one_spot_is_told_in_the_singular_and_none_not_at_all() -> None:
    calcium = EMPTY.astype(bool)
    assert left_out(SparseMap.of(calcium), GRID) == ()
    calcium[1, 40, 10] = True
    (sentence,) = left_out(SparseMap.of(calcium), GRID)
    assert sentence.startswith("1 spot that looks like calcium lies more than 15 mm")
    assert sentence.endswith("Add it by hand if an artery runs there.")


def test_a_long_list_of_spots_is_cut_short() -> None:
    calcium = EMPTY.astype(bool)
    calcium[1, ::6, 0] = True
    (sentence,) = left_out(SparseMap.of(calcium), GRID)
    assert sentence.count("mm³") == 8
    assert "; 2 more. Add" in sentence
