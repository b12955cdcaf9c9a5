"""The border of each lesion on the CT's own grid: by the border network, or by a rule where that cannot be used."""

from cacnet.refinement.by_network import LearnedBorderSettings, WindowModel, refine_by_network
from cacnet.refinement.by_threshold import DEFAULT_SETTINGS, RefinementSettings, refine
from cacnet.refinement.evidence import Evidence, NothingToRefineByError
from cacnet.refinement.result import InvalidRefinementError, Refined
from cacnet.refinement.windows import is_fine_enough

__all__ = [
    "DEFAULT_SETTINGS",
    "Evidence",
    "InvalidRefinementError",
    "LearnedBorderSettings",
    "NothingToRefineByError",
    "Refined",
    "RefinementSettings",
    "WindowModel",
    "is_fine_enough",
    "refine",
    "refine_by_network",
]
