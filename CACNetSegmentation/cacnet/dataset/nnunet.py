"""nnU-Net v2 raw data sets: dataset.json, imagesTr/<case>_0000<ending>, labelsTr/<case><ending>.

Source: MIC-DKFZ/nnUNet, documentation/dataset_format.md, region_based_training.md and ignore_label.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cacnet.dataset.case_folder import RECORD_FILE, read_labels, read_record, read_recorded_ct
from cacnet.dataset.errors import DatasetFileError, IncompleteCaseError, UnsafeNameError
from cacnet.dataset.label_maps import read_label_map
from cacnet.dataset.nnunet_labels import LabelTable, Structure, label_table, split_labels
from cacnet.dataset.scan import LabelledScan, Provenance
from cacnet.dataset.source import SourceCase, path_inside, pseudonym, read_json
from cacnet.errors import CacnetError
from cacnet.reading import read_ct
from cacnet.reading.images import IMAGE_SUFFIXES

LAYOUT = "nnunet"
INDEX_FILE = "dataset.json"
IMAGES, LABELS = "imagesTr", "labelsTr"
EXTRAS, HARD_NEGATIVES_FILE = "cacnet", "hard_negatives.nii.gz"
"""Where our own exports keep record and hard negatives; nnU-Net does not look there."""
LABEL_RULE = "the data set's own label map, by the names in dataset.json"


@dataclass(frozen=True)
class NnUnetCase:
    """A training case; `problem` is why it cannot be read, as far as the listing shows."""

    name: str
    image: Path
    label: Path
    table: LabelTable
    problem: CacnetError | None = None

    @property
    def extras(self) -> Path:
        """The folder in which an export of ours keeps what nnU-Net has no place for."""
        return self.label.parent.parent / EXTRAS / self.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The CT, the label map and the record, where they are there."""
        return tuple(path for path in (self.image, self.label, self.extras / RECORD_FILE) if path.is_file())

    def case_id(self) -> str:
        """A pseudonym: that of our own export, else from the CT file, because case names of a clinic may be names."""
        self._require_complete()
        if (self.extras / RECORD_FILE).is_file():
            return read_record(self.extras).case_id
        return pseudonym(self.image)

    def read(self) -> LabelledScan:
        """The CT and the labels that its label map holds; for our own exports, all that was exported."""
        case_id = self.case_id()
        if (self.extras / RECORD_FILE).is_file():
            return self._read_own()
        volume = read_ct(self.image)
        values = read_label_map(self.label, volume.geometry, f"labels '{self.label.name}'")
        calcium, coronary, distractor = split_labels(values, self.table)
        provenance = Provenance(LAYOUT, LABEL_RULE, self.table.named_vessels)
        return LabelledScan(case_id, volume, calcium, coronary, distractor, provenance)

    def _read_own(self) -> LabelledScan:
        record = read_record(self.extras)
        volume = read_recorded_ct(self.image, record)
        values = read_label_map(self.label, record.geometry, f"labels '{self.label.name}'")
        calcium, coronary, _ = split_labels(values, self.table)
        negatives = self.extras / HARD_NEGATIVES_FILE
        distractor = None if "distractor" in record.unknown else read_labels(negatives, record.geometry)
        return LabelledScan(record.case_id, volume, calcium, coronary, distractor, record.provenance)

    def _require_complete(self) -> None:
        if self.problem is not None:
            raise self.problem
        if not self.image.is_file():
            raise IncompleteCaseError(f"there is no CT '{self.image.name}'", f"one for the labels '{self.label.name}'")


def recognises(folder: Path) -> bool:
    """Whether the folder looks like an nnU-Net data set."""
    return (folder / INDEX_FILE).is_file() and (folder / IMAGES).is_dir()


def list_cases(folder: Path, overrides: Mapping[str, Structure] | None = None) -> tuple[SourceCase, ...]:
    """The training cases of a data set, complete or not, by name; `overrides` say what labels of unclear name are.

    Raises:
        DatasetFileError, LabelError: dataset.json cannot be understood.
    """
    index = read_json(folder / INDEX_FILE)
    table = label_table(index.get("labels"), overrides or {})
    ending = _ending(index)
    channel = _ct_channel(index.get("channel_names"))
    listed = index.get("dataset")
    if listed is not None:
        return _listed_cases(folder, listed, channel, table)
    images = {path.name.removesuffix(ending): path for path in _files(folder / IMAGES, ending)}
    labels = {path.name.removesuffix(ending): path for path in _files(folder / LABELS, ending)}
    cases: dict[str, SourceCase] = {}
    for stem, path in images.items():
        match = re.fullmatch(r"(.+)_(\d{4})", stem)
        if match is None:
            cases[stem] = NnUnetCase(stem, path, folder / LABELS / path.name, table, _no_channel(path, ending))
        elif int(match[2]) == channel:
            cases[match[1]] = NnUnetCase(match[1], path, folder / LABELS / f"{match[1]}{ending}", table)
    for name, path in labels.items():
        image = folder / IMAGES / f"{name}_{channel:04d}{ending}"
        cases.setdefault(name, NnUnetCase(name, image, path, table))
    return tuple(cases[name] for name in sorted(cases))


def _listed_cases(folder: Path, listed: Any, channel: int, table: LabelTable) -> tuple[SourceCase, ...]:
    """Cases whose files dataset.json names itself ('dataset': {case: {'images': […], 'label': …}})."""
    if not isinstance(listed, dict):
        raise DatasetFileError("'dataset' in dataset.json is no table", "case names with their 'images' and 'label'")
    cases = []
    for name, entry in sorted(listed.items()):
        images = entry.get("images") if isinstance(entry, dict) else None
        if not isinstance(images, list) or len(images) <= channel:
            raise DatasetFileError(f"the case '{name}' in dataset.json names no CT", "'images', one for each channel")
        try:
            image, label = path_inside(folder, images[channel]), path_inside(folder, entry.get("label"))
        except UnsafeNameError as error:
            cases.append(NnUnetCase(name, folder, folder, table, error))
            continue
        cases.append(NnUnetCase(name, image, label, table))
    return tuple(cases)


def _ending(index: Mapping[str, Any]) -> str:
    ending = index.get("file_ending")
    if ending not in IMAGE_SUFFIXES:
        raise DatasetFileError(
            f"the file ending of the data set is {ending!r}",
            "one of " + ", ".join(IMAGE_SUFFIXES),
            'Add "file_ending" to dataset.json (nnU-Net v2), or convert the images to NIfTI',
        )
    return str(ending)


def _ct_channel(names: Any) -> int:
    """The number of the only channel, or of the one that is called CT."""
    if not isinstance(names, dict) or not names or not all(str(key).isdigit() for key in names):
        raise DatasetFileError(
            "dataset.json has no 'channel_names'", 'channel_names as {"0": "CT"}', "Convert the data set to nnU-Net v2"
        )
    ct = [int(key) for key, name in names.items() if str(name).upper() == "CT"]
    if len(names) == 1:
        return int(next(iter(names)))
    if len(ct) != 1:
        raise DatasetFileError(
            f"the data set has the channels {', '.join(map(str, names.values()))}", "exactly one that is called CT"
        )
    return ct[0]


def _files(folder: Path, ending: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.endswith(ending) and not path.name.startswith("."))


def _no_channel(path: Path, ending: str) -> IncompleteCaseError:
    return IncompleteCaseError(
        f"'{path.name}' has no channel number",
        f"a name as '{path.name.removesuffix(ending)}_0000{ending}'",
        "Rename the image",
    )
