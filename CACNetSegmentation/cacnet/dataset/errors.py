"""Why a labelled data set, or one case of it, cannot be used."""

from __future__ import annotations

from cacnet.errors import CacnetError


class DatasetError(CacnetError):
    """The root of every error of this package."""


class UnknownLayoutError(DatasetError):
    """The folder is none of the data sets that can be read, or could be several."""


class DatasetFileError(DatasetError):
    """A file that describes the data set or a case is missing, damaged, too large, or of another version."""


class IncompleteCaseError(DatasetError):
    """A case lacks its CT or its labels. Missing labels are unknown, never empty."""


class DuplicateCaseError(DatasetError):
    """Two cases hold the same scan."""


class LabelError(DatasetError):
    """Labels that cannot be understood, or do not belong to the CT."""


class UnsafeNameError(DatasetError):
    """A name or path in a data set's own files that leads out of its folder."""


class UnusableScanError(DatasetError):
    """A CT that could not be segmented, so that nothing can be learned or measured on it."""


class NotApprovedError(DatasetError):
    """A case whose labels nobody has approved."""
