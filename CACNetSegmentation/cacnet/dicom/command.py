"""`cacnet dicom`: a result as DICOM SEG and SR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cacnet.dataset.export_command import add_result


def add_dicom(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command to the program's parser."""
    parser = commands.add_parser(
        "dicom",
        help="write a result as DICOM SEG and SR",
        description="Write calcium and arteries as a DICOM Segmentation, and the scores as a Structured Report (TID "
        "1500), for the study of the CT. Both carry the patient's name and identifiers, as the CT does. Research use "
        "only, not for diagnosis.",
    )
    add_result(parser)
    parser.add_argument(
        "--source", type=Path, required=True, metavar="DICOM_FOLDER", help="the DICOM images that were segmented"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.set_defaults(command=_dicom)


def _dicom(options: argparse.Namespace) -> int:
    from cacnet.dicom.export import export_dicom
    from cacnet.result_folder import open_result

    case = open_result(options.result, options.source, options.corrections, options.series)
    sys.stdout.write(f"{export_dicom(options.output, case, options.source, options.series).sentence}\n")
    return 0
