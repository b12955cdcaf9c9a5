"""The border of each lesion on the CT's own grid, by the border network or a rule, and the arteries' walls.

`windows.py` holds what both networks are shown, `walls.py` how the arteries' walls are drawn.
"""

from cacnet.refinement.by_network import LearnedBorderSettings, WindowModel, refine_by_network
from cacnet.refinement.by_threshold import DEFAULT_SETTINGS, RefinementSettings, refine
from cacnet.refinement.evidence import Evidence, NothingToRefineByError
from cacnet.refinement.result import InvalidRefinementError, Refined
from cacnet.refinement.walls import ArteryEvidence, Walls, draw_walls
from cacnet.refinement.windows import is_fine_enough

__all__ = [
    "DEFAULT_SETTINGS",
    "ArteryEvidence",
    "Evidence",
    "InvalidRefinementError",
    "LearnedBorderSettings",
    "NothingToRefineByError",
    "Refined",
    "RefinementSettings",
    "Walls",
    "WindowModel",
    "draw_walls",
    "is_fine_enough",
    "refine",
    "refine_by_network",
]
