"""A coronary tree as values: branches with centre line and calibre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Branch:
    """One artery or vein.

    Attributes:
        name: 'LM', 'LAD', 'D1', 'OM2', 'PDA' ...
        vessel: 1 LM, 2 LAD, 3 LCx, 4 RCA with their side branches; 0 for veins.
        points_mm: (n, 3) LPS, about 0.3 mm apart, from the parent outwards.
        radius_mm: (n,) of the lumen.
        parent: index of the parent branch in the tree; -1 for one that leaves the aorta (or a vein).
        parent_index: the parent's sample where this branch starts.
        from_ostium_mm: (n,) distance along the vessel from its ostium.
        in_aorta: (n,) bool, samples at the start that lie inside the aortic lumen.
        labelled: whether it belongs to the artery label; septal branches inside the muscle and twigs do not.
        filling: (n,) share of the contrast that reaches the lumen there: 0 in an occlusion; None for all of it.
    """

    name: str
    vessel: int
    points_mm: np.ndarray
    radius_mm: np.ndarray
    parent: int
    parent_index: int
    from_ostium_mm: np.ndarray
    in_aorta: np.ndarray
    labelled: bool = True
    filling: np.ndarray | None = None

    @property
    def length_mm(self) -> float:
        """Length along the centre line."""
        return float(np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1).sum())


@dataclass(frozen=True)
class CoronaryTree:
    """All arteries and veins of one patient; parents come before their branches."""

    arteries: tuple[Branch, ...]
    veins: tuple[Branch, ...]

    def wall_mm(self, branch: Branch) -> np.ndarray:
        """Thickness of the healthy wall along a branch, 0.4 to 0.8 mm with calibre."""
        return np.clip(0.25 + 0.22 * branch.radius_mm, 0.35, 0.8)

    def branch(self, name: str) -> Branch | None:
        """The artery of a name, or None where this patient lacks it."""
        return next((b for b in self.arteries if b.name == name), None)
