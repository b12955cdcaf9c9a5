"""How each kind of number is rounded and written: the one place that screen, pages and files take it from."""

from __future__ import annotations

import math
from dataclasses import dataclass

UNKNOWN = "–"


@dataclass(frozen=True)
class Figure:
    """One kind of number.

    Attributes:
        unit: such as 'mm³'; empty for a number without one.
        decimals: digits after the point, everywhere.
    """

    unit: str
    decimals: int

    def text(self, value: float | None) -> str:
        """The number without its unit; '–' where it is not known."""
        rounded = self.rounded(value)
        return UNKNOWN if rounded is None else f"{rounded:.{self.decimals}f}"

    def with_unit(self, value: float | None) -> str:
        """The number and its unit, held together by a no-break space."""
        return f"{self.text(value)}\u00a0{self.unit}" if self.unit and value is not None else self.text(value)

    def rounded(self, value: float | None) -> float | int | None:
        """The number that `text` shows, for files that programs read; a whole number where it has no decimals."""
        if value is None or not math.isfinite(value):
            return None
        return round(float(value), self.decimals) + 0.0 if self.decimals else round(float(value))  # never '-0'

    def difference(self, now: float, before: float) -> str:
        """The signed difference of the two numbers as shown, so that it agrees with what a reader subtracts."""
        return f"{(self.rounded(now) or 0.0) - (self.rounded(before) or 0.0):+.{self.decimals}f}"

    @property
    def spreadsheet_format(self) -> str:
        """The number format of a spreadsheet cell."""
        return "0" if not self.decimals else f"0.{'0' * self.decimals}"


AGATSTON = Figure("", 1)
VOLUME = Figure("mm³", 1)
ESTIMATE = Figure("", 0)
"""A score without contrast, estimated from contrast CT: its interval is far wider than a decimal."""
MASS = Figure("mg", 1)
AREA = Figure("mm²", 2)
HU = Figure("HU", 0)
LENGTH = Figure("mm", 0)
"""Along an artery: where its ostium lies is not known to a tenth of a millimetre."""
POSITION = Figure("mm", 1)
SLICE_POSITION = Figure("mm", 2)
DENSITY = Figure("", 2)
CONFIDENCE = Figure("", 2)
PERCENTILE = Figure("", 0)
COUNT = Figure("", 0)
SECONDS = Figure("s", 1)
