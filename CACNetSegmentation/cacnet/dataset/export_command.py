"""`cacnet export`: a reviewed result into a data set for training."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

LAYOUT_CHOICES = ("ours", "nnunet")
"""As `cacnet.dataset.export.ExportLayout` has them; repeated so that `cacnet --help` loads no writer."""


def add_export(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command to the program's parser."""
    parser = commands.add_parser(
        "export",
        help="add a reviewed result to a data set for training",
        description="Add image, corrected labels, hard negatives and a record to a data set, under a pseudonym; a case "
        "that is there is brought up to date. Nothing that is written says who the patient is.",
    )
    add_result(parser)
    parser.add_argument("--ct", type=Path, required=True, help="the CT that was segmented")
    parser.add_argument("--dataset", type=Path, required=True, metavar="FOLDER", help="made where it is not there")
    parser.add_argument("--layout", choices=LAYOUT_CHOICES, default="ours", help="'ours' by default")
    parser.add_argument(
        "--any-state", action="store_true", help="include cases nobody has approved in nnU-Net's layout, too"
    )
    parser.set_defaults(command=_export)


def add_result(parser: argparse.ArgumentParser) -> None:
    """The options that name a result and its corrections."""
    parser.add_argument("result", type=Path, metavar="RESULT_DIR", help="folder of 'cacnet segment'")
    parser.add_argument(
        "--corrections", type=Path, metavar="FILE", help="a journal of them; those in the folder by default"
    )
    parser.add_argument("--series", metavar="UID", help="which series of a DICOM folder; the best one by default")


def _export(options: argparse.Namespace) -> int:
    from cacnet.dataset.export import ExportLayout, export_case
    from cacnet.result_folder import open_result

    case = open_result(options.result, options.ct, options.corrections, options.series)
    exported = export_case(options.dataset, case, ExportLayout(options.layout), options.any_state)
    sys.stdout.write(f"{exported.sentence}\n")
    return 0
