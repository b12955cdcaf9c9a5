"""The command line: `cacnet segment | score | check | phantom | models | train | evaluate | dataset |
export | dicom | report | batch`.

Results go to standard output, progress and the one readable line of an error to standard error. Exit codes: 0 fine,
1 warnings (`check`, `dataset`), 2 an error, 3 memory ran out, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cacnet
from cacnet.cohort.command import add_batch
from cacnet.dataset.command import add_dataset
from cacnet.dataset.export_command import add_export
from cacnet.dicom.command import add_dicom
from cacnet.errors import CacnetError
from cacnet.freed_memory import keep_freed_memory
from cacnet.processors import share_processors
from cacnet.reporting.command import add_report, add_report_options, write_reports_of

if TYPE_CHECKING:
    from cacnet.findings import Finding
    from cacnet.report import Scores
    from cacnet.scoring import Totals

INTERRUPTED_EXIT_CODE = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    share_processors()
    keep_freed_memory()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["train"]:
        # The trainer has a parser of its own, whose options and help argparse cannot pass through.
        return _train(arguments[1:])
    options = build_parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except CacnetError as error:
        _say_error(str(error))
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        from cacnet.worker import is_out_of_memory, out_of_memory

        if not is_out_of_memory(error):
            raise
        exhausted = out_of_memory()
        _say_error(str(exhausted))
        return exhausted.exit_code
    except KeyboardInterrupt:
        _say_error("interrupted; nothing was written.")
        return INTERRUPTED_EXIT_CODE


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="cacnet",
        description="Coronary artery calcium in contrast-enhanced CT. Research use only, not for diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"cacnet {cacnet.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_segment(commands)
    _add_score(commands)
    _add_check(commands)
    _add_phantom(commands)
    _add_models(commands)
    _add_train(commands)
    _add_evaluate(commands)
    add_dataset(commands)
    add_export(commands)
    add_dicom(commands)
    add_report(commands)
    add_batch(commands)
    return parser


def _add_segment(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("segment", help="segment arteries and calcium, find lesions, score")
    _add_ct(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--model", metavar="ID|PATH", help="an installed model (see 'cacnet models') or its folder")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument(
        "--no-refine",
        action="store_true",
        help="leave lesions and arteries as CAC-Net drew them: no new borders, no second look",
    )
    parser.add_argument(
        "--no-context", action="store_true", help="believe all of CAC-Net's arteries: no look at the whole heart"
    )
    _add_scoring(parser)
    add_report_options(parser)
    parser.set_defaults(command=_segment)


def _add_score(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("score", help="score calcium that is already segmented")
    _add_ct(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--calcium", type=Path, metavar="MASK", help="calcium mask, or labels by vessel")
    source.add_argument(
        "--threshold", type=float, metavar="HU", help="instead of a mask, on scans without contrast: such as 130"
    )
    parser.add_argument("--vessels", type=Path, metavar="MASK", help="arteries: 1 LM, 2 LAD, 3 LCx, 4 RCA")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    _add_scoring(parser)
    parser.set_defaults(command=_score)


def _add_check(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("check", help="say what is fine and what is not about a CT")
    _add_ct(parser)
    parser.set_defaults(command=_check)


def _add_phantom(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("phantom", help="make a simulated CCTA with its true labels")
    parser.add_argument("--seed", type=int, required=True, help="one seed is one patient")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--field", default="heart", choices=("heart", "chest"), help="field of view")
    parser.add_argument("--no-contrast", action="store_true", help="the same patient's calcium scan, 3 mm slices")
    parser.set_defaults(command=_phantom)


def _add_models(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("models", help="list the installed models, verified")
    parser.set_defaults(command=_models)


def _add_train(commands: argparse._SubParsersAction) -> None:
    commands.add_parser("train", help="train a model; 'cacnet train --help' lists its options")


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="compare a model with cases whose truth is known",
        description="Run a model on cases whose truth is known and write tables and plots. A finished case is kept in "
        "the output folder, so the same command goes on where it was stopped.",
    )
    parser.add_argument("model", metavar="MODEL", help="id or folder of a model, or 'bundled'")
    parser.add_argument(
        "dataset",
        metavar="DATASET",
        help="folder of cases as 'cacnet phantom' writes them, or seeds of simulated patients as A,B,C:D (D excluded)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--protocol", metavar="NAME", help="scoring protocol; by default that of the contrast phase")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, each needs about 2 GB")
    parser.add_argument(
        "--allow-training-seeds",
        action="store_true",
        help="take patients that the model was trained on as well; the figures are then not accuracy",
    )
    parser.set_defaults(command=_evaluate)


def _add_ct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ct", type=Path, metavar="CT", help="DICOM folder, .nrrd, .nii(.gz), .mha or .mhd")
    parser.add_argument("--series", metavar="UID", help="which series of a DICOM folder; the best one by default")


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol", metavar="NAME", help="scoring protocol; by default the one for the contrast phase"
    )
    parser.add_argument("--age", type=float, metavar="YEARS", help="for the percentile; else the DICOM header's")
    parser.add_argument("--sex", choices=("M", "F"), help="for the percentile; else the DICOM header's")


def _segment(options: argparse.Namespace) -> int:
    from cacnet.files import require_writable
    from cacnet.outputs import write_result
    from cacnet.pipeline import DEFAULT_MODEL, Request, segment

    require_writable(options.output)
    request = Request(
        ct=options.ct,
        model=options.model or DEFAULT_MODEL,
        device=options.device,
        protocol=options.protocol,
        age_years=options.age,
        sex=options.sex,
        series_uid=options.series,
        refine_borders=not options.no_refine,
        use_context=not options.no_context,
    )
    result = segment(request, _show_progress)
    write_result(options.output, result, _show_progress)
    write_reports_of(options.output, result, options.report, options.label)
    _end_progress()
    _say_scores(result.scores, options.output)
    return 0


def _score(options: argparse.Namespace) -> int:
    from cacnet.files import staged_folder
    from cacnet.masks import score_masks
    from cacnet.outputs import write_tables

    volume, scores = score_masks(
        options.ct,
        options.calcium if options.threshold is None else options.threshold,
        options.vessels,
        options.protocol,
        options.age,
        options.sex,
        options.series,
    )
    with staged_folder(options.output) as staging:
        write_tables(staging, volume, scores)
    _say_scores(scores, options.output)
    return 0


def _check(options: argparse.Namespace) -> int:
    from cacnet.reading import read_ct
    from cacnet.validation import check, exit_code

    volume = read_ct(options.ct, series_uid=options.series)
    findings = check(volume)
    _say(f"{volume.source}: {volume.geometry.describe()}")
    _say_findings(findings)
    if not findings:
        _say("nothing to remark")
    return exit_code(findings)


def _phantom(options: argparse.Namespace) -> int:
    from cacnet.phantom.simulate import simulate, write_scan

    scan = simulate(options.seed, field=options.field, contrast=not options.no_contrast)
    write_scan(scan, options.output)
    _say(f"simulated patient {options.seed} in {options.output}: {scan.volume.geometry.describe()}")
    return 0


def _models(options: argparse.Namespace) -> int:
    from cacnet.weights import list_bundles, load_bundle

    problems = 0
    bundles = list_bundles()
    if not bundles:
        _say("no model is installed; train one with 'cacnet train'")
    for bundle in bundles:
        try:
            card = load_bundle(bundle.folder).card
        except CacnetError as error:
            problems += 1
            _say(f"{bundle.folder.name}: UNUSABLE: {error}")
            continue
        _say(f"{card.id}: {card.name}, {card.created[:10]}, verified. {card.statement}")
    return 2 if problems else 0


def _train(arguments: Sequence[str]) -> int:
    from cacnet.training.train import main as train

    return train(arguments)


def _evaluate(options: argparse.Namespace) -> int:
    from cacnet.evaluation.evaluate import EvaluationRequest, evaluate
    from cacnet.evaluation.summary import outcome_line, plain_table
    from cacnet.evaluation.tables import write_evaluation

    names = ("model", "dataset", "output", "device", "protocol", "workers", "allow_training_seeds")
    request = EvaluationRequest(**{name: getattr(options, name) for name in names})
    try:
        evaluation = evaluate(request, lambda *outcome: _say_error(outcome_line(*outcome)))
    except KeyboardInterrupt:
        _say_error(f"interrupted; finished cases are kept in '{options.output}', the same command goes on from there.")
        return INTERRUPTED_EXIT_CODE
    figures = write_evaluation(options.output, evaluation)
    _say(plain_table(evaluation, figures))
    _say(f"written to {options.output}")
    return CacnetError.exit_code if evaluation.failures else 0


def _say_scores(scores: Scores, output: Path) -> None:
    from cacnet.report import RESEARCH_USE

    totals = scores.totals
    _say_findings(scores.findings)
    _say(scores.resolved.sentence)
    if not scores.conclusive:
        _say("No score: too little of the coronary arteries was recognised, so the sums in the report are no finding.")
    else:
        _say_totals(totals, scores.resolved.score_name)
    _say(f"written to {output}")
    _say(RESEARCH_USE)


def _say_totals(totals: Totals, score_name: str) -> None:
    from cacnet.report import counted_lesions
    from cacnet.reporting import figures

    _say(
        f"{score_name} {figures.AGATSTON.text(totals.agatston)} ({totals.category}, {totals.cac_drs}), "
        f"volume {figures.VOLUME.text(totals.volume_mm3)} mm³, mass {figures.MASS.text(totals.mass_mg)} mg, "
        f"{counted_lesions(totals)}"
    )
    if totals.equivalent is not None:
        _say(f"{totals.equivalent.sentence} Category {totals.equivalent.category}, {totals.equivalent.cac_drs}.")


def _say_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        _say(f"{finding.severity.value:8}{finding.message} [{finding.code}]")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _say_error(message: str) -> None:
    sys.stderr.write(f"cacnet: {message}\n")


def _show_progress(stage: str, fraction: float) -> None:
    """One line that is rewritten in place on a terminal; nothing where the output is a file."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{stage:16}{fraction:6.0%} ")
        sys.stderr.flush()


def _end_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 24 + "\r")
