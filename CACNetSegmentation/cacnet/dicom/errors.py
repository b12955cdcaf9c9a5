"""Why DICOM objects cannot be made of a result."""

from __future__ import annotations

from cacnet.errors import CacnetError


class DicomExportError(CacnetError):
    """The root of every error of this package."""


class SourceImagesError(DicomExportError):
    """The folder does not hold the images that the result was made from, or they lack what DICOM requires."""


class NothingToStateError(DicomExportError):
    """The result holds neither arteries nor calcium, so an object with a score of 0 would say what nobody found."""
