"""Pieces of the coronary mask that belong to no artery because they lie far from every one that was recognised."""

from __future__ import annotations

import numpy as np

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.components import find_components, lie_within
from cacnet.sparse_maps import SparseMap
from cacnet.spots import count_and_places
from cacnet.volume import Geometry

GAP_MM = 15.0
"""An artery is interrupted over at most such a distance, by a step between slabs, motion or a blooming plaque. On 40
simulated patients no voxel of an artery lay in an unnamed piece farther than 11 mm from the named ones."""


def isolated_pieces(
    coronary_vessel: SparseMap, calcium_vessel: SparseMap, geometry: Geometry, gap_mm: float = GAP_MM
) -> SparseMap:
    """The 26-connected pieces, arteries and calcium together, without a named voxel in them or within `gap_mm`.

    What else is taken for an artery, a heart's ear or a calcified lymph node, can be long enough to be believed for its
    size. Nothing is isolated unless the right artery and a left one are named: the arteries then tell where a third
    piece would have to lie, and otherwise it may be the one that was not recognised.

    Args:
        coronary_vessel, calcium_vessel: `Vessel` numbers on `geometry`.
        geometry: their grid.
        gap_mm: how far a piece may lie from the arteries.

    Returns:
        True at the voxels of these pieces.
    """
    voxels = SparseMap.mask(np.union1d(coronary_vessel.index, calcium_vessel.index), geometry.shape_zyx)
    of_calcium = calcium_vessel.at(voxels.index)
    vessel = np.where(of_calcium > 0, of_calcium, coronary_vessel.at(voxels.index))
    named = np.isin(vessel, NAMED_VESSELS)
    found = set(vessel[named].tolist())
    pieces = find_components(voxels)
    isolated = np.bincount(pieces.number, named, minlength=pieces.count) == 0
    if Vessel.RCA not in found or not found & {Vessel.LAD, Vessel.LCX} or not isolated.any():
        return pieces.mask_of(np.zeros(pieces.count, bool))
    arteries_mm = geometry.index_to_lps(voxels.voxels[named])
    for number, piece in pieces.voxels_of(isolated):
        isolated[number] = not lie_within(gap_mm, geometry.index_to_lps(piece), arteries_mm)
    return pieces.mask_of(isolated)


def left_out(calcium: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on the calcium (bool) in isolated pieces; none where there is none."""
    count, places = count_and_places(calcium, geometry)
    if not count:
        return ()
    what = "spot that looks like calcium lies" if count == 1 else "spots that look like calcium lie"
    return (
        f"{count} {what} more than {GAP_MM:.0f} mm from every coronary artery that was recognised and "
        f"{'was' if count == 1 else 'were'} left out: {places}. "
        f"Add {'it' if count == 1 else 'them'} by hand if an artery runs there.",
    )
