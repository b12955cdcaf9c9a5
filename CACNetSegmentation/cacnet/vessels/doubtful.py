"""Second finds that the arteries' courses speak against: at an artery's mouth, or in no artery that has a name."""

from __future__ import annotations

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.components import find_components
from cacnet.sparse_maps import SparseMap
from cacnet.spots import count_and_places
from cacnet.vessels.places import MOUTH_MM, Courses, place_of
from cacnet.volume import Geometry


def doubtful_finds(
    added: SparseMap, calcium_vessel: SparseMap, courses: Courses | None, geometry: Geometry
) -> SparseMap:
    """The lesions of `added` (bool) that lie within MOUTH_MM of their artery's mouth, or are unassigned.

    One network has left each of them out already, and there the other one, which sees less of the heart, is not to be
    believed against it.

    Args:
        added: what only the second look found.
        calcium_vessel: `Vessel` numbers of all lesions, each of one number.
        courses: the named centre lines; None where there are none.
        geometry: the grid of both maps.
    """
    finds = find_components(added)
    doubtful = np.zeros(finds.count, bool)
    for number, voxels in finds.voxels_of(~doubtful):
        index = np.ravel_multi_index(tuple(voxels[:1].T), added.shape)
        vessel = Vessel(int(calcium_vessel.at(index)[0]))
        left, posterior, superior = map(float, geometry.index_to_lps(voxels).mean(axis=0))
        from_mouth_mm = place_of((left, posterior, superior), vessel, courses).from_ostium_mm
        at_mouth = from_mouth_mm is not None and from_mouth_mm <= MOUTH_MM
        doubtful[number] = vessel is Vessel.UNASSIGNED or at_mouth
    return finds.mask_of(doubtful)


def doubted(doubtful: SparseMap, geometry: Geometry) -> tuple[str, ...]:
    """A sentence on what `doubtful_finds` gave; none where that is nothing."""
    count, places = count_and_places(doubtful, geometry)
    if not count:
        return ()
    spots, it = ("One bright spot that looks", "it") if count == 1 else (f"{count} bright spots that look", "them")
    return (
        f"{spots} like calcium at a second look only, at an artery's mouth or in no artery that could be named, "
        f"{'was' if count == 1 else 'were'} left out: {places}. Calcium of the aortic wall is easily taken for an "
        f"artery's there. Add {it} by hand if you see plaque.",
    )
