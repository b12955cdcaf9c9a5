"""Where cases come from: folders on disk, or seeds of the simulator; and the refusal of what a model was trained on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cacnet.errors import CacnetError
from cacnet.evaluation.provenance import simulator_sha256
from cacnet.evaluation.truth import TRUTH_FILE, UnreadableTruthError, read_origin
from cacnet.weights import BUNDLED_MODELS, CARD_FILE, ModelCard, read_card

FIRST_HELD_OUT_SEED = 9000
"""The bundled models' training patients are drawn from the seeds below."""
CT_FILE = "ct.nii.gz"
PREPARED_CASE_FILE = "case.json"
_SEEDS = re.compile(r"\d+(:\d+)?(,\d+(:\d+)?)*")


class NoCasesError(CacnetError):
    """A folder without cases, or a range without seeds."""


class PreparedCasesError(CacnetError):
    """Training cases, which have gone through the preparation that an evaluation is to measure."""


class TrainingSeedsError(CacnetError):
    """Patients that the model was trained on, which would flatter it."""


@dataclass(frozen=True)
class CaseSource:
    """One case.

    Attributes:
        name: path below the dataset.
        folder: where it is, or where a simulated one is to be written.
        seed: of a patient that is simulated where the folder has none yet; None for a case on disk.
    """

    name: str
    folder: Path
    seed: int | None = None


@dataclass(frozen=True)
class Dataset:
    """Cases, and what they are in words."""

    description: str
    cases: tuple[CaseSource, ...]


def open_dataset(dataset: str, output: Path) -> Dataset:
    """The cases below a folder, or of seeds as 'A,B,C:D' (D excluded), which are kept below `output`.

    Raises:
        NoCasesError: there is none.
        PreparedCasesError: the folder holds training cases.
    """
    root = Path(dataset)
    if _SEEDS.fullmatch(dataset) and not root.is_dir():
        return _simulated(_seeds_of(dataset), output)
    # '**' does not look into linked folders, '*' does.
    found = {path.parent for pattern in (CT_FILE, f"*/{CT_FILE}", f"**/{CT_FILE}") for path in root.glob(pattern)}
    folders = sorted(f for f in found if not any(part.startswith(".") for part in f.relative_to(root).parts))
    if folders:
        names = [folder.relative_to(root).as_posix() for folder in folders]
        cases = (CaseSource(folder.name if n == "." else n, folder) for n, folder in zip(names, folders, strict=True))
        return Dataset(f"the cases in the folder '{root.resolve().name}'", tuple(cases))
    if any(root.glob(f"**/{PREPARED_CASE_FILE}")):
        raise PreparedCasesError(
            f"'{root}' holds training cases, which are cropped to the heart, resampled and without lungs already",
            f"scans as they come: folders with {CT_FILE} and its labels",
            "Give seeds A:B or the scans that the cases were made from; 'cacnet train' itself validates on such cases",
        )
    raise NoCasesError(
        f"'{dataset}' holds no cases",
        f"folders with {CT_FILE}, calcium.nii.gz and coronary.nii.gz, or seeds as A:B",
    )


def require_held_out(dataset: Dataset, card: ModelCard, allow: bool = False) -> tuple[int, ...]:
    """The seeds of patients that the model was or may have been trained on; empty as a rule.

    Those are the seeds that its card names, and for a bundled model all below FIRST_HELD_OUT_SEED.

    Raises:
        TrainingSeedsError: there are such seeds, and `allow` is False.
    """
    named = card.training.get("seeds", ())
    used = set(named) if isinstance(named, list | tuple) else set()
    bundled = is_bundled(card)
    seeds = (_seed_of(case) for case in dataset.cases)
    known = tuple(s for s in seeds if s is not None and (s in used or (bundled and s < FIRST_HELD_OUT_SEED)))
    if known and not allow:
        raise TrainingSeedsError(
            f"the model '{card.id}' was or may have been trained on the simulated patients of the seeds "
            f"{_in_words(known)}",
            f"patients that it has not seen; for the bundled models, seeds from {FIRST_HELD_OUT_SEED} on",
            "Give other seeds, or --allow-training-seeds, and do not quote the figures as accuracy",
        )
    return known


def is_bundled(card: ModelCard) -> bool:
    """Whether these weights come with the program, wherever they were copied to."""
    folder = BUNDLED_MODELS / card.id
    if card.weights is None or not (folder / CARD_FILE).is_file():
        return False
    bundled = read_card(folder).weights
    return bundled is not None and bundled.sha256 == card.weights.sha256


def _seeds_of(text: str) -> tuple[int, ...]:
    """The seeds in a list of single ones and ranges, each once, in order."""
    seeds: set[int] = set()
    for part in text.split(","):
        first, _, end = part.partition(":")
        span = range(int(first), int(end) if end else int(first) + 1)
        if not span:
            raise NoCasesError(f"'{part}' is an empty range of seeds", "A:B with A below B, B excluded")
        seeds.update(span)
    return tuple(sorted(seeds))


def _simulated(seeds: Sequence[int], output: Path) -> Dataset:
    # A changed simulator gives another patient for the same seed, so its patients get a folder of their own.
    patients = output / f"patients-{simulator_sha256()[:8]}"
    cases = tuple(CaseSource(f"seed-{seed}", patients / f"seed-{seed}", seed) for seed in seeds)
    return Dataset(f"simulated patients of the seeds {_in_words(seeds)}, heart field", cases)


def _seed_of(case: CaseSource) -> int | None:
    """The seed of a case that is or will be simulated."""
    if case.seed is not None or not (case.folder / TRUTH_FILE).is_file():
        return case.seed
    try:
        return read_origin(case.folder).seed
    except UnreadableTruthError:
        return None  # the case fails by itself, with this very error


def _in_words(seeds: Sequence[int]) -> str:
    first, last = min(seeds), max(seeds)
    if len(seeds) == 1:
        return str(first)
    return f"{first} to {last}" if last - first + 1 == len(seeds) else f"{len(seeds)} of {first} to {last}"
