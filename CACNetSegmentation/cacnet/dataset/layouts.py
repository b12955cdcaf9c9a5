"""Which data set a folder is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cacnet.dataset import coca, corrections, nnunet, orcascore
from cacnet.dataset.errors import UnknownLayoutError
from cacnet.dataset.nnunet_labels import Structure
from cacnet.dataset.source import SourceCase
from cacnet.reading.errors import InputNotFoundError

AUTO = "auto"
RECOGNISERS: Mapping[str, Callable[[Path], bool]] = {
    corrections.LAYOUT: corrections.recognises,
    nnunet.LAYOUT: nnunet.recognises,
    orcascore.LAYOUT: orcascore.recognises,
    coca.LAYOUT: coca.recognises,
}
LAYOUTS = tuple(RECOGNISERS)
EXPECTED = (
    "an export of corrections (dataset.json), nnU-Net v2 (dataset.json and imagesTr), orCaScore (TRV1P1CTI.mhd and "
    "TRV1P1R.mhd) or COCA (patient and calcium_xml)"
)


def find_layout(folder: Path) -> str:
    """The layout of a data set.

    Raises:
        InputNotFoundError: there is no such folder.
        UnknownLayoutError: it is none of the layouts, or several.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"there is no folder '{folder}'", action="Check the path")
    found = [name for name, recognises in RECOGNISERS.items() if recognises(folder)]
    if len(found) != 1:
        several = f" could be {' or '.join(found)}" if found else " is no labelled data set that can be read"
        raise UnknownLayoutError(f"'{folder.name}'{several}", EXPECTED, "Choose the folder, or state the layout")
    return found[0]


def list_cases(
    folder: Path, layout: str = AUTO, label_meanings: Mapping[str, Structure] | None = None
) -> tuple[SourceCase, ...]:
    """The cases of a data set, complete or not, none of them read yet.

    Args:
        layout: one of LAYOUTS, or AUTO.
        label_meanings: what labels of an nnU-Net data set are, where their names do not say it.

    Raises:
        InputNotFoundError, DatasetError: the folder is no data set, or its description cannot be understood.
    """
    name = find_layout(folder) if layout == AUTO else layout
    if not folder.is_dir():
        raise InputNotFoundError(f"there is no folder '{folder}'", action="Check the path")
    if label_meanings and name != nnunet.LAYOUT:
        raise UnknownLayoutError(
            f"meanings of labels are given for the layout {name}", "nnU-Net", "Leave the meanings out"
        )
    listers: Mapping[str, Callable[[], tuple[SourceCase, ...]]] = {
        corrections.LAYOUT: lambda: corrections.list_cases(folder),
        nnunet.LAYOUT: lambda: nnunet.list_cases(folder, label_meanings),
        orcascore.LAYOUT: lambda: orcascore.list_cases(folder),
        coca.LAYOUT: lambda: coca.list_cases(folder),
    }
    cases = listers[name]()
    if not cases:
        raise UnknownLayoutError(f"'{folder.name}' holds no cases", EXPECTED)
    return cases
