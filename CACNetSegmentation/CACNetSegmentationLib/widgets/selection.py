"""Keeps the chosen CT and the chosen result together: every CT has its own results, found by references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Selection:
    """Follows the two choices of the parameter node.

    Args:
        result_of: the result of a CT; the one chosen before, where that is one of the CT's.
        volume_of: the CT of a result.
    """

    def __init__(self, result_of: Callable[[Any, Any], Any], volume_of: Callable[[Any], Any]) -> None:
        self._result_of, self._volume_of = result_of, volume_of
        self._volume: Any = None
        self._segmentation: Any = None

    def agree(self, parameters: Any) -> None:
        """Where one of the two was changed, let the other follow; a foreign segmentation changes nothing."""
        volume, segmentation = parameters.input_volume, parameters.segmentation
        if volume is not self._volume:
            segmentation = self._result_of(volume, segmentation)
        elif segmentation is not None and segmentation is not self._segmentation:
            volume = self._volume_of(segmentation) or volume
        self._volume, self._segmentation = volume, segmentation
        if parameters.input_volume is not volume:
            parameters.input_volume = volume
        if parameters.segmentation is not segmentation:
            parameters.segmentation = segmentation

    def forget(self) -> None:
        """Start afresh, as for another scene."""
        self._volume = self._segmentation = None
