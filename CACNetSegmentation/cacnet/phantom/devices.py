"""Bright things that are not coronary calcium: what they are called (`implants` paints the metal ones)."""

from __future__ import annotations

from enum import IntEnum


class Distractor(IntEnum):
    """Values of the canvas layer 'distractor': dense structures that must never be labelled coronary calcium."""

    NONE = 0
    VEIN = 1
    AORTIC = 2
    """Calcium of the aortic wall and root."""
    VALVE = 3
    ANNULUS = 4
    PAPILLARY = 5
    BONE = 6
    STENT = 7
    CLIP = 8
    LEAD = 9
    NODE = 10
    """Calcified hilar or mediastinal lymph node, or lung granuloma."""
    PERICARDIAL = 11
    DENSE_CONTRAST = 12
    """Contrast in the superior vena cava or right heart above about 600 HU."""
    GRAFT = 13
    """Bypass graft with its contrast and its calcium."""
    PROSTHESIS = 14
    """Prosthetic valve, annuloplasty ring."""
    SURFACE = 15
    """On or under the skin: electrodes and their wires, calcified capsule of a breast implant."""
