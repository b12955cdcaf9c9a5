"""Fixtures of the scenarios on the stand-in."""

import os

from slicer_scene import scene, slicer_application

__all__ = ["scene", "slicer_application"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
