"""`cacnet report`, and the option `--report` of the commands that segment."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cacnet.pipeline import Result

FORMAT_CHOICES = ("pdf", "html", "xlsx", "csv", "json", "all")
"""As `cacnet.reporting.write.FORMATS`; repeated so that `cacnet --help` loads nothing. A test holds them together."""


def add_report(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command to the program's parser."""
    parser = commands.add_parser("report", help="make reports from a folder that 'cacnet segment' wrote")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder; the reports are written into it")
    parser.add_argument("--ct", type=Path, required=True, metavar="CT", help="the CT that it was made of")
    parser.add_argument("--series", metavar="UID", help="which series of a DICOM folder; the best one by default")
    parser.add_argument(
        "--corrections", type=Path, metavar="FILE", help="a journal of corrections; by default those in the folder"
    )
    add_report_options(parser)
    parser.set_defaults(command=_report)


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add `--report` and `--label`."""
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        choices=FORMAT_CHOICES,
        help="write a report for readers in this format; may be given several times",
    )
    parser.add_argument(
        "--label", default="", metavar="TEXT", help="your words for the case in the report; names no patient by itself"
    )


def write_reports_of(output: Path, result: Result, formats: list[str], label: str) -> list[Path]:
    """The reports that a user asked for; none where no format was named."""
    if not formats:
        return []
    from cacnet.reporting.case_report import report_of_result
    from cacnet.reporting.write import formats_named, write_reports

    return write_reports(output, report_of_result(result, label), formats_named(formats))


def _report(options: argparse.Namespace) -> int:
    from cacnet.reporting.folder import report_of_folder
    from cacnet.reporting.write import formats_named, write_reports

    report = report_of_folder(options.folder, options.ct, options.label, options.corrections, options.series)
    for path in write_reports(options.folder, report, formats_named(options.report or ["pdf"])):
        sys.stdout.write(f"{path}\n")
    return 0
