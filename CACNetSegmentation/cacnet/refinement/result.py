"""What drawing the lesions' borders anew gives."""

from __future__ import annotations

from dataclasses import dataclass

from cacnet.errors import CacnetError
from cacnet.sparse_maps import SparseMap


class InvalidRefinementError(CacnetError):
    """A setting that cannot be meant."""


@dataclass(frozen=True)
class Refined:
    """Calcium after refinement.

    Attributes:
        calcium: bool.
        applied: False where it is the network's own mask.
        statement: what was done, or why nothing was, for the report.
        probability: of calcium, where a second network gave one; None where that of CAC-Net holds.
        denied: bool, lesions of CAC-Net of which nothing is left; None where nothing was denied by a second network.
        added: bool, lesions that CAC-Net had not found; None where nothing looked for such.
    """

    calcium: SparseMap
    applied: bool
    statement: str
    probability: SparseMap | None = None
    added: SparseMap | None = None
    denied: SparseMap | None = None


def unrefined(calcium: SparseMap, why: str) -> Refined:
    """CAC-Net's own borders, and why they stay."""
    return Refined(calcium, False, f"Lesion borders are the network's own: {why}.")
