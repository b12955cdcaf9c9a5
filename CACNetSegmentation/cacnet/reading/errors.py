"""Why an input cannot be read."""

from __future__ import annotations

from cacnet.errors import CacnetError


class ReadingError(CacnetError):
    """The root of every error of this package."""


class InputNotFoundError(ReadingError):
    """There is no such file or folder."""


class NoImageFoundError(ReadingError):
    """The folder holds no CT series that could be segmented."""


class UnreadableImageError(ReadingError):
    """The file is damaged, cut short, or in a format that is not supported."""


class NotCtError(ReadingError):
    """The image was not made by CT, or its values are not Hounsfield units."""


class UnsupportedShapeError(ReadingError):
    """The image is not one three-dimensional grid of single real values."""


class TiltedSeriesError(ReadingError):
    """The slices are sheared against each other, as with a tilted gantry."""


class IrregularSlicesError(ReadingError):
    """The slices do not lie on one regular grid."""


class MultiPhaseError(ReadingError):
    """One series holds several phases, times or reconstructions of the same slices."""


class NotFiniteError(ReadingError):
    """The image holds values that are not numbers, or infinite."""
