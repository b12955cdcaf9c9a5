"""What the label names of an nnU-Net data set mean here, and its numbers turned into ours.

A name must say whether it is calcium or artery: 'LAD' alone can be either, and then the user says it
(`--label LAD=calcium-LAD`). With region-based labels one number may be several structures at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from cacnet.anatomy import NAMED_VESSELS, Vessel
from cacnet.dataset.errors import DatasetFileError, LabelError
from cacnet.dataset.label_maps import values_present

IGNORE_NAME = "ignore"
"""nnU-Net's own name for voxels that nobody labelled (documentation/ignore_label.md)."""

MAX_LABEL = 255
CALCIUM_WORDS = ("calc", "cac")
ARTERY_WORDS = ("coronar", "arter", "lumen", "vessel")
OTHER_PLACE_WORDS = ("aort", "valv", "mitral", "annul", "pulmon", "pericard", "myocard", "node", "vein", "bone")
LOOKALIKE_WORDS = ("stent", "clip", "distractor", "negative")
VESSEL_PATTERNS: Mapping[Vessel, str] = {
    Vessel.LM: r"\b(lm|lmca|left main)\b",
    Vessel.LAD: r"\b(lad|left anterior descending)\b",
    Vessel.LCX: r"\b(lcx|lcf|cx|circumflex)\b",
    Vessel.RCA: r"\b(rca|right coronary)\b",
}


class Kind(StrEnum):
    """What a label is."""

    CALCIUM = "calcium"
    CORONARY = "coronary"
    DISTRACTOR = "distractor"
    OTHER = "other"
    """A structure that does not concern us: background."""


@dataclass(frozen=True)
class Structure:
    """The meaning of a label: its kind and, for calcium and arteries, which artery."""

    kind: Kind
    vessel: Vessel = Vessel.UNASSIGNED


@dataclass(frozen=True)
class Label:
    """One entry of 'labels' in dataset.json: the numbers that it covers, and what they are."""

    name: str
    values: tuple[int, ...]
    structure: Structure


@dataclass(frozen=True)
class LabelTable:
    """All labels of a data set.

    Attributes:
        labels: without background and ignore.
        ignore: the number of voxels that nobody labelled, or None.
    """

    labels: tuple[Label, ...]
    ignore: int | None = None

    def of_kind(self, kind: Kind) -> tuple[Label, ...]:
        """The labels of one kind."""
        return tuple(label for label in self.labels if label.structure.kind is kind)

    @property
    def named_vessels(self) -> tuple[Vessel, ...]:
        """The arteries that the labels of calcium, or else of arteries, tell apart."""
        labels = self.of_kind(Kind.CALCIUM) or self.of_kind(Kind.CORONARY)
        named = {label.structure.vessel for label in labels}
        return tuple(vessel for vessel in NAMED_VESSELS if vessel in named)


def parse_structure(text: str) -> Structure:
    """A structure as a user writes it: 'calcium', 'calcium-LAD', 'coronary', 'coronary-RCA', 'distractor', 'other'.

    Raises:
        LabelError: it is none of these.
    """
    kind, _, vessel = text.strip().lower().partition("-")
    vessels = {"": Vessel.UNASSIGNED, **{v.label.lower(): v for v in NAMED_VESSELS}}
    takes_vessel = kind in (Kind.CALCIUM, Kind.CORONARY)
    if kind not in set(Kind) or vessel not in vessels or (vessel and not takes_vessel):
        raise LabelError(
            f"a label is said to be '{text}'",
            "calcium, coronary (each alone or with -LM, -LAD, -LCx or -RCA), distractor or other",
        )
    return Structure(Kind(kind), vessels[vessel])


def structure_of(name: str) -> Structure | None:
    """What a label's name says; None where it does not say enough."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = re.findall(r"[a-z]+", spaced.lower())
    text = " ".join(words)

    def says(stems: Sequence[str]) -> bool:
        return any(word.startswith(stem) for word in words for stem in stems)

    calcium = says(CALCIUM_WORDS)
    if re.search(r"\bnon ?(calc|coronar)", text):
        return None
    if says(LOOKALIKE_WORDS) or (calcium and says(OTHER_PLACE_WORDS)):
        return Structure(Kind.DISTRACTOR)
    if says(OTHER_PLACE_WORDS) or not (calcium or says(ARTERY_WORDS)):
        return None
    vessels = [vessel for vessel, pattern in VESSEL_PATTERNS.items() if re.search(pattern, text)]
    if len(vessels) > 1:
        return None
    return Structure(Kind.CALCIUM if calcium else Kind.CORONARY, vessels[0] if vessels else Vessel.UNASSIGNED)


def label_table(labels: Any, overrides: Mapping[str, Structure]) -> LabelTable:
    """The labels of dataset.json, understood.

    Args:
        labels: its 'labels': name to number, or to a list of numbers where labels are regions.
        overrides: structures that the user gives for names.

    Raises:
        DatasetFileError: it is no such table (nnU-Net v1 has it the other way round).
        LabelError: a name that does not say what it is, a user's name that is not there, neither calcium nor arteries.
    """
    if not isinstance(labels, dict) or not labels:
        raise DatasetFileError("dataset.json has no table 'labels'", 'labels as {"background": 0, "calcium": 1}')
    if any(isinstance(value, str) for value in labels.values()):
        raise DatasetFileError(
            "dataset.json has labels as nnU-Net v1 writes them, number to name",
            "nnU-Net v2, name to number",
            "Convert the data set with 'nnUNetv2_convert_old_nnUNet_dataset'",
        )
    strangers = sorted(set(overrides) - set(labels))
    if strangers:
        raise LabelError(f"the data set has no label '{strangers[0]}'", "one of " + ", ".join(map(repr, labels)))
    understood, ignore = [], None
    for name, value in labels.items():
        values = _values(name, value)
        if name == IGNORE_NAME and name not in overrides:
            ignore = values[0]
        elif values != (0,):
            understood.append(Label(name, values, _structure(name, overrides)))
    table = LabelTable(tuple(understood), ignore)
    if not (table.of_kind(Kind.CALCIUM) or table.of_kind(Kind.CORONARY)):
        raise LabelError(
            f"none of the labels {', '.join(map(repr, labels))} is calcium or a coronary artery",
            "at least one of them",
            _HOW_TO_SAY,
        )
    return table


_HOW_TO_SAY = "Say what a label is, as in: --label 'LAD=calcium-LAD' --label 'aorta=other'"


def _structure(name: str, overrides: Mapping[str, Structure]) -> Structure:
    structure = overrides.get(name) or structure_of(name)
    if structure is None:
        raise LabelError(f"the label '{name}' does not say what it is", "calcium, or coronary artery", _HOW_TO_SAY)
    return structure


def _values(name: str, value: Any) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, list) else (value,)
    whole = all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= MAX_LABEL for one in values)
    if not values or not whole or (0 in values and values != (0,)):
        raise DatasetFileError(
            f"the label '{name}' in dataset.json is {value!r}", f"a number from 1 to {MAX_LABEL}, or a list of them"
        )
    return values


def split_labels(
    values_zyx: np.ndarray, table: LabelTable
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Calcium, coronary and distractor labels (uint8, as in LabelledScan) of an nnU-Net label map.

    What the data set has no label for is None. Calcium belongs to the artery, so the coronary label covers it.
    Distractors keep the data set's number as kind.

    Raises:
        LabelError: a number that dataset.json does not name, voxels to be ignored, or two meanings of one number.
    """
    present = [int(value) for value in values_present(values_zyx) if value]
    if table.ignore in present:
        raise LabelError(
            "some voxels carry nnU-Net's 'ignore' label: nobody labelled them",
            "labels for the whole volume",
            "Complete the labels; what is not labelled must not be taken for free of calcium",
        )
    known = {value for label in table.labels for value in label.values}
    unknown = sorted(set(present) - known)
    if unknown:
        raise LabelError(
            f"the label map holds the number {unknown[0]}, which dataset.json does not name",
            f"0 and {', '.join(map(str, sorted(known)))}",
            "Correct the label map or add the number to dataset.json",
        )
    calcium, coronary, distractor = (
        _numbers(table, kind)[values_zyx] if table.of_kind(kind) else None
        for kind in (Kind.CALCIUM, Kind.CORONARY, Kind.DISTRACTOR)
    )
    if calcium is not None and coronary is not None:
        coronary = np.where(coronary > 0, coronary, calcium)
    return calcium, coronary, distractor


def _numbers(table: LabelTable, kind: Kind) -> np.ndarray:
    """Our number for each of theirs; of several labels on one number the one with the fewest numbers speaks."""
    numbers = np.zeros(MAX_LABEL + 1, np.uint8)
    for value in {value for label in table.of_kind(kind) for value in label.values}:
        labels = [label for label in table.of_kind(kind) if value in label.values]
        fewest = min(len(label.values) for label in labels)
        vessels = {label.structure.vessel for label in labels if len(label.values) == fewest}
        if len(vessels) > 1:
            names = " and ".join(f"'{label.name}'" for label in labels)
            raise LabelError(f"the number {value} is {names} at once", "one artery for each number")
        numbers[value] = value if kind is Kind.DISTRACTOR else vessels.pop()
    return numbers
