"""A data set of tiny reviewed cases, as a clinic would export it, for tests of further training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from cacnet.dataset.export import ExportLayout, export_case
from cacnet.reviewed_case import ReviewedCase
from cacnet.volume import Volume
from dataset_folders import GEOMETRY, SHAPE_ZYX, hu
from reviewed_cases import approve, reviewed_case


def clinic_case(number: int) -> ReviewedCase:
    """A scan of its own: another value of noise for each number."""
    noise = np.random.default_rng(number).integers(-9, 10, SHAPE_ZYX)
    return reviewed_case(Volume((hu() + noise).astype(np.int16), GEOMETRY))


def write_exports(folder: Path, approved: int, unapproved: int = 0, layout: ExportLayout = ExportLayout.OURS) -> Path:
    """So many cases of both kinds."""
    for number in range(approved):
        export_case(folder, approve(clinic_case(number)), layout)
    for number in range(approved, approved + unapproved):
        export_case(folder, clinic_case(number), layout)
    return folder


def ids_of(numbers: Sequence[int]) -> list[str]:
    """The pseudonyms of cases."""
    return sorted(clinic_case(number).pseudonym() for number in numbers)
