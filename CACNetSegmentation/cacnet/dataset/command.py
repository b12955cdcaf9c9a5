"""`cacnet dataset check` and `cacnet dataset import`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cacnet.dataset.nnunet_labels import Structure
    from cacnet.dataset.run import CaseForm, CaseReport
    from cacnet.dataset.source import SourceCase

LAYOUT_CHOICES = ("auto", "nnunet", "orcascore", "coca", "cacnet")
"""As `cacnet.dataset.layouts` has them; repeated so that `cacnet --help` loads no reader."""


def add_dataset(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command to the program's parser."""
    parser = commands.add_parser("dataset", help="read labelled data sets: nnU-Net, orCaScore, COCA, own corrections")
    actions = parser.add_subparsers(required=True, metavar="check|import")
    check = actions.add_parser("check", help="say what is fine and what is not about every case; writes nothing")
    _add_source(check)
    check.set_defaults(command=_check)
    importing = actions.add_parser("import", help="write every usable case for training or evaluation")
    _add_source(importing)
    importing.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the cases")
    importing.add_argument(
        "--as",
        dest="form",
        choices=("cases", "training"),
        default="cases",
        help="cases: folders for 'cacnet evaluate' (default); training: cases for 'cacnet train'",
    )
    importing.add_argument("--any-state", action="store_true", help="include cases nobody has approved")
    importing.set_defaults(command=_import)


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the data set")
    parser.add_argument("--layout", choices=LAYOUT_CHOICES, default="auto", help="found by itself by default")
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=STRUCTURE",
        help="what a label of an nnU-Net data set is: calcium or coronary (each also with -LM, -LAD, -LCx, -RCA), "
        "distractor or other; may be given several times",
    )


def _check(options: argparse.Namespace) -> int:
    from cacnet.dataset.run import check_cases, check_exit_code

    return check_exit_code(_shown(check_cases(_cases(options))))


def _import(options: argparse.Namespace) -> int:
    from cacnet.dataset.run import import_cases, import_exit_code

    reports = _shown(import_cases(_cases(options), options.output, _form(options.form), options.any_state))
    exit_code = import_exit_code(reports)
    if exit_code < 2:
        _say(f"cases are in {options.output}")
    return exit_code


def _cases(options: argparse.Namespace) -> tuple[SourceCase, ...]:
    from cacnet.dataset.layouts import list_cases

    return list_cases(options.folder, options.layout, dict(_meaning(text) for text in options.label))


def _meaning(text: str) -> tuple[str, Structure]:
    from cacnet.dataset.nnunet_labels import parse_structure

    name, _, structure = text.rpartition("=")
    return name, parse_structure(structure)


def _form(name: str) -> CaseForm:
    from cacnet.dataset.run import CaseFolders

    if name == "cases":
        return CaseFolders()
    from cacnet.training.from_dataset import TrainingCases

    return TrainingCases()


def _shown(reports: Iterable[CaseReport]) -> list[CaseReport]:
    """All reports, each printed as it comes, and a summary."""
    from cacnet.report import counted

    shown = []
    for report in reports:
        _say_case(report)
        shown.append(report)
    counts = Counter(report.outcome.value for report in shown)
    _say(
        f"{counted(len(shown), 'case')}: "
        + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    )
    return shown


def _say_case(report: CaseReport) -> None:
    named = f" (as {report.case_id})" if report.case_id not in (None, report.name) else ""
    _say(f"{report.name}{named}: {report.outcome.value}")
    if report.error is not None:
        _say(f"  error   {report.error}")
    for finding in report.findings:
        _say(f"  {finding.severity.value:8}{finding.message} [{finding.code}]")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
