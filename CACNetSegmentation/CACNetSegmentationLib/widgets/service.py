"""What the panel needs of the scene; `scene.service.SceneService`, or a fake in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from cacnet.volume import Acquisition, Geometry


class Service(Protocol):
    """Describes and writes an input, loads results. All raise CacnetError with a sentence for the user."""

    def describe_input(self, volume_node: Any) -> tuple[Geometry, Acquisition]: ...
    def acquisition(self, volume_node: Any) -> Acquisition: ...
    def input_state(self, volume_node: Any) -> Any: ...
    def write_input(self, volume_node: Any, path: Path) -> None: ...
    def load_results(self, volume_node: Any, folder: Path) -> Any: ...
