"""The orCaScore challenge (MICCAI 2014): TRV<vendor>P<patient>CTI.mhd, …CTAI.mhd and …R.mhd.

The reference (R) was drawn on the non-contrast scan (CTI) only: 1 LAD with the left main, 2 LCx, 3 RCA; results may
also say 4, artery not determined. The contrast scan (CTAI) has no labels, and the test set (TE…) has no references.
Source: orcascore.isi.uu.nl, pages Data and Submit; the file names as users of the challenge's download describe them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cacnet.anatomy import Vessel
from cacnet.dataset.errors import IncompleteCaseError, LabelError
from cacnet.dataset.label_maps import read_label_map, values_present
from cacnet.dataset.scan import LabelledScan, Provenance
from cacnet.dataset.source import SourceCase
from cacnet.findings import Finding, Severity
from cacnet.reading import read_ct
from cacnet.validation import check
from cacnet.volume import Volume

LAYOUT = "orcascore"
FILE_NAME = re.compile(r"(?P<case>(TR|TE)V\d+P\d+)(?P<kind>CTAI|CTI|R)\.mhd", re.IGNORECASE)
VESSELS = {0: 0, 1: Vessel.LAD, 2: Vessel.LCX, 3: Vessel.RCA, 4: Vessel.UNASSIGNED}
PROVENANCE = Provenance(
    LAYOUT,
    "the challenge's reference: 6-connected voxels over 130 HU; the left main counts as LAD",
    named_vessels=(Vessel.LAD, Vessel.LCX, Vessel.RCA),
    left_main_counted_as=Vessel.LAD,
)
STORED_OFFSET_HU = 1024
"""Unsigned 12-bit CT values are HU + 1024 (DICOM's usual intercept); MetaImage has no field that says so."""


@dataclass(frozen=True)
class OrcaScoreCase:
    """A patient: paths by kind (CTI, CTAI, R), several where a name occurs in several folders."""

    name: str
    paths: dict[str, tuple[Path, ...]]

    @property
    def files(self) -> tuple[Path, ...]:
        """Headers and their voxels."""
        headers = [path for kind in ("CTI", "R") for path in self.paths.get(kind, ())]
        return tuple(file for header in headers for file in sorted(header.parent.glob(f"{header.stem}.*")))

    def case_id(self) -> str:
        """The challenge's own name, which already is a pseudonym."""
        return self.name

    def read(self) -> LabelledScan:
        """The non-contrast scan and its reference."""
        volume = without_stored_offset(read_ct(self._only("CTI")))
        values = read_label_map(self._only("R"), volume.geometry, "reference labels")
        strange = [int(value) for value in values_present(values) if value not in VESSELS]
        if strange:
            raise LabelError(f"the reference holds the number {strange[0]}", "0, 1 LAD, 2 LCx, 3 RCA, 4 undetermined")
        calcium = np.array([VESSELS[number] for number in sorted(VESSELS)], np.uint8)[values]
        return LabelledScan(self.name, volume, calcium, None, None, PROVENANCE, tuple(self._findings()))

    def _only(self, kind: str) -> Path:
        paths = self.paths.get(kind, ())
        if len(paths) > 1:
            raise IncompleteCaseError(
                f"'{paths[0].name}' is there {len(paths)} times, in different folders", "one file of each name"
            )
        if paths:
            return paths[0]
        if kind == "CTI":
            raise IncompleteCaseError(
                f"there is no non-contrast scan '{self.name}CTI.mhd'",
                "the scan that the reference was drawn on; the contrast scan (CTAI) is another one, not aligned to it",
            )
        test_set = self.name.startswith("TE")
        raise IncompleteCaseError(
            f"there is no reference '{self.name}R.mhd'" + (": it is of the test set" if test_set else ""),
            "a reference for each scan; without it, it is not known whether there is calcium",
        )

    def _findings(self) -> Iterator[Finding]:
        if self.paths.get("CTAI"):
            message = "The contrast scan (CTAI) is left out: the reference was drawn on the non-contrast scan only."
            yield Finding("contrast-scan-unlabelled", Severity.NOTE, message)


def recognises(folder: Path) -> bool:
    """Whether there is any file of the challenge below the folder."""
    return next(_found(folder), None) is not None


def list_cases(folder: Path) -> tuple[SourceCase, ...]:
    """The patients below a folder, complete or not, by name."""
    patients: dict[str, dict[str, tuple[Path, ...]]] = {}
    for path, match in _found(folder):
        paths = patients.setdefault(match["case"].upper(), {})
        kind = match["kind"].upper()
        paths[kind] = (*paths.get(kind, ()), path)
    return tuple(OrcaScoreCase(name, patients[name]) for name in sorted(patients, key=_by_number))


def without_stored_offset(volume: Volume) -> Volume:
    """The volume in HU, where its values are unsigned 12-bit ones.

    The offset is taken off only where nothing is negative, as no chest in HU is, and the values pass as HU without it.
    """
    if volume.hu.min() < 0:
        return volume
    shifted = replace(volume, hu=volume.hu - np.int16(STORED_OFFSET_HU))
    if _not_hounsfield(shifted):
        return volume
    message = f"The values were stored without their intercept; {STORED_OFFSET_HU} was taken off to make them HU."
    finding = Finding("stored-offset-removed", Severity.WARNING, message)
    return replace(shifted, reading_findings=(*volume.reading_findings, finding))


def _not_hounsfield(volume: Volume) -> bool:
    return any(finding.code == "hu-not-calibrated" for finding in check(volume))


def _found(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            match = FILE_NAME.fullmatch(name)
            if match:
                yield Path(root) / name, match


def _by_number(name: str) -> tuple[str, list[int]]:
    return name[:2], [int(number) for number in re.findall(r"\d+", name)]
