"""`cacnet batch`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cacnet.reporting.command import FORMAT_CHOICES

if TYPE_CHECKING:
    from cacnet.cohort.run import CohortRequest, Step

INTERRUPTED_EXIT_CODE = 130
SOME_FAILED, ALL_FAILED = 1, 2


def add_batch(commands: argparse._SubParsersAction) -> None:
    """Add the sub-command to the program's parser."""
    parser = commands.add_parser(
        "batch",
        help="segment every scan in a folder",
        description="Segment every scan below a folder. Cases get names that identify nobody; the one file that tells "
        "which is which is in the output folder. Finished cases are kept, so the same command goes on where it was "
        "stopped; failed ones are tried again. Exit codes: 0 all done, 1 some failed, 2 all failed.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="DICOM folders and image files, to any depth")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder per case, and summary.csv")
    parser.add_argument("--model", metavar="ID|PATH", help="an installed model (see 'cacnet models') or its folder")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--protocol", metavar="NAME", help="scoring protocol; by default that of the contrast phase")
    parser.add_argument(
        "--report", action="append", default=[], choices=FORMAT_CHOICES, help="reports for readers of every case"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=_at_least_one, default=1, metavar="N", help="processes, each needs about 4 GB (default 1)"
    )
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="a Dask scheduler, such as tcp://host:8786, whose workers see the same folders under the same paths",
    )
    parser.set_defaults(command=_batch)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _batch(options: argparse.Namespace) -> int:
    from cacnet.cohort.run import run_cohort
    from cacnet.cohort.table import SUMMARY_FILE
    from cacnet.report import RESEARCH_USE

    request = _request(options)
    try:
        outcomes = run_cohort(request, lambda step: _say(step_line(step)))
    except KeyboardInterrupt:
        kept = f"finished cases are kept in '{options.output}', the same command goes on from there"
        sys.stderr.write(f"cacnet: interrupted; {kept}.\n")
        return INTERRUPTED_EXIT_CODE
    failed = sum(not outcome.done for outcome in outcomes)
    _say(f"{len(outcomes) - failed} of {len(outcomes)} cases done; the table is {options.output / SUMMARY_FILE}")
    _say(RESEARCH_USE)
    return 0 if not failed else ALL_FAILED if failed == len(outcomes) else SOME_FAILED


def _request(options: argparse.Namespace) -> CohortRequest:
    from cacnet.cohort.case import Settings
    from cacnet.cohort.run import CohortRequest
    from cacnet.pipeline import DEFAULT_MODEL
    from cacnet.reporting.write import formats_named
    from cacnet.scoring import protocol_named
    from cacnet.weights import load_bundle

    model = options.model or DEFAULT_MODEL
    if options.protocol is not None:
        protocol_named(options.protocol)
    weights = load_bundle(model).card.weights
    settings = Settings(
        model=str(Path(model).absolute()) if Path(model).is_dir() else model,
        model_sha256=weights.sha256 if weights else "",
        device=options.device,
        protocol=options.protocol,
        formats=formats_named(options.report),
    )
    return CohortRequest(options.folder, options.output, settings, options.workers, options.scheduler)


def step_line(step: Step) -> str:
    """One line for a case: how many are done, its score or its error, and the time that is left."""
    from cacnet.reporting import figures

    outcome = step.outcome
    if not outcome.done:
        what = f"failed: {outcome.error}"
    elif outcome.agatston is None:
        what = "no score: too little of the coronary arteries was recognised"
    else:
        what = f"Agatston {figures.AGATSTON.text(outcome.agatston)}, {outcome.cac_drs}"
    left = "" if not step.seconds_left else f" · {duration(step.seconds_left)} left"
    earlier = " (done before)" if step.seconds_left is None else ""
    return f"{step.done}/{step.of}  {outcome.case}  {what}{earlier}{left}"


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3 h 20 min'."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
