"""Fixtures of the scene tests."""

from slicer_scene import scene, slicer_application

__all__ = ["scene", "slicer_application"]
