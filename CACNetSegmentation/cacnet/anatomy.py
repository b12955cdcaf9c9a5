"""The coronary arteries that a score is broken down by, and the numbers that stand for them in label maps."""

from __future__ import annotations

from enum import IntEnum


class Vessel(IntEnum):
    """A coronary artery; its value is its number in every label map of this project.

    Side branches belong to the artery that they leave: diagonals and septals to the LAD, marginals to the LCx, and the
    posterior descending and posterolateral branches to the artery that supplies them.
    """

    LM = 1
    LAD = 2
    LCX = 3
    RCA = 4
    UNASSIGNED = 5

    @property
    def label(self) -> str:
        """The name as tables and segments show it: 'LM', 'LAD', 'LCx', 'RCA', 'Unassigned'."""
        return {Vessel.LCX: "LCx", Vessel.UNASSIGNED: "Unassigned"}.get(self, self.name)


NAMED_VESSELS = (Vessel.LM, Vessel.LAD, Vessel.LCX, Vessel.RCA)
"""The four arteries that CAC-DRS counts."""
