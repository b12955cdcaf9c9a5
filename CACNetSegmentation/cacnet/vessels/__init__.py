"""Which coronary artery is which: the coronary mask as trees of centre lines, named by anatomy.

In reading order: centerlines, atlas, alignment, naming, ostia, left_tree, territories, assignment, isolated, places.
Positions are LPS mm: x grows to the patient's left, y to the back, z to the head.
"""

from cacnet.anatomy import Vessel
from cacnet.vessels.assignment import MAX_DISTANCE_MM, assign_calcium
from cacnet.vessels.isolated import isolated_pieces, left_out
from cacnet.vessels.places import MOUTH_MM, Courses, Place, Third, place_of
from cacnet.vessels.territories import Dominance, TerritoryMap, label_territories

__all__ = [
    "MAX_DISTANCE_MM",
    "MOUTH_MM",
    "Courses",
    "Dominance",
    "Place",
    "TerritoryMap",
    "Third",
    "Vessel",
    "assign_calcium",
    "isolated_pieces",
    "label_territories",
    "left_out",
    "place_of",
]
