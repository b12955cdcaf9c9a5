"""Train and score the networks of the CAC-Net paper's tables on the same simulated cases, patches, budget and seeds.

    python Testing/Benchmark/comparison.py --table 1 2 --cases DIR --validation DIR --output DIR --steps 600 \\
        --patch 64 --seeds 0 1 2 --max-minutes 10

Call it again with the same options to go on; a table may be added later. Training cases are folders as
`python -m cacnet.training.make_cases` writes them. Needs MONAI: `pip install -e '.[benchmark]'`. What has not run is
shown as not run. Results hold for simulated CCTA and this budget; research use, not for diagnosis.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script, for the imports of Benchmark

import cacnet
import torch
from Benchmark.comparing.rows import TABLES, TITLES, distinct, sources
from Benchmark.comparing.scoring import score_case
from Benchmark.comparing.table import Plan, Results, markdown
from Benchmark.comparing.training import Clock, Learner, configuration, read_result, train_together
from cacnet.errors import CacnetError
from cacnet.files import replacing, write_json
from cacnet.inference import Device, choose_device
from cacnet.training.cases import CaseError, list_cases

SETTINGS_FILE = "settings.json"
TABLE_FILE = "comparison.md"


class OtherSettingsError(CacnetError):
    """An output folder that holds a comparison with other settings."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code, 2 for a readable error."""
    options = _options(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        _run(options, shlex.join(sys.argv if argv is None else ["comparison.py", *map(str, argv)]))
    except CacnetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _run(options: argparse.Namespace, command: str) -> None:
    deadline = time.monotonic() + 60 * options.max_minutes
    validation = list_cases(options.validation)[: options.validation_cases]
    if not validation or not list_cases(options.cases):
        raise CaseError(f"no case in '{options.cases}' or in '{options.validation}'", "cases in both")
    settings = _settings(options, validation)
    _require_same(options.output, settings)
    for seed in options.seeds:
        _run_seed(options, seed, validation, lambda: deadline - time.monotonic())
    plan = Plan(options.steps, tuple(options.seeds), tuple(case.name for case in validation))
    report = _report(options, plan, settings, command)
    with replacing(options.output / TABLE_FILE) as temporary:
        temporary.write_text(report, "utf-8")
    print(report)


def _run_seed(options: argparse.Namespace, seed: int, validation: Sequence[Path], left_s: Clock) -> None:
    """Train every row with one seed, then score it; only what is not done yet, while there is time."""
    device = _device(options.device)
    config = configuration(options.steps, options.patch, options.batch, seed, options.learning_rate, options.workers)
    rows = distinct(options.table)
    names = {case.name for case in validation}
    todo = [row for row in rows if not _done(options.output / row.run / f"seed-{seed}", names)]
    if not todo or left_s() <= 0:
        return
    learners = [Learner(row, config, options.output, device) for row in todo]
    print(f"seed {seed}: {len(learners)} of {len(rows)} runs to do on {device.description}", flush=True)
    train_together(learners, options.cases, left_s)
    for learner in learners:
        for case in validation:
            if learner.trained and not learner.failed and case.name not in learner.result["cases"] and left_s() > 0:
                scored = score_case(learner.average, learner.row.classes, case, options.patch, device)
                learner.result["cases"][case.name] = scored
                learner.write_result()
                print(f"seed {seed}, {learner.row.run}, {case.name}: {json.dumps(scored)}", flush=True)


def _done(folder: Path, cases: set[str]) -> bool:
    result = read_result(folder)
    return bool(result.get("failed")) or cases <= set(result.get("cases", ()))


def _device(name: str) -> Device:
    torch.backends.cudnn.benchmark = True  # every step has the same shapes
    return choose_device(name)


def _settings(options: argparse.Namespace, validation: Sequence[Path]) -> dict[str, Any]:
    """What the runs in one folder must share to be comparable."""
    return {
        "schema_version": 1,
        "steps": options.steps,
        "patch_voxels": options.patch,
        "batch": options.batch,
        "learning_rate": options.learning_rate,
        "cases": [case.name for case in list_cases(options.cases)],
        "validation": [case.name for case in validation],
    }


def _require_same(output: Path, settings: dict[str, Any]) -> None:
    path = output / SETTINGS_FILE
    if not path.is_file():
        output.mkdir(parents=True, exist_ok=True)
        write_json(path, settings)
        return
    stored = json.loads(path.read_text("utf-8"))
    different = sorted(name for name in settings if settings[name] != stored.get(name))
    if different:
        raise OtherSettingsError(
            found=f"'{output}' holds a comparison with other {', '.join(different)}",
            expected="the same settings and cases, so that its runs can be compared",
            action="Choose another output folder, or the settings of that one",
        )


def _report(options: argparse.Namespace, plan: Plan, settings: dict[str, Any], command: str) -> str:
    runs = {row.run for row in distinct(options.table)}
    results: Results = {
        (run, seed): read_result(options.output / run / f"seed-{seed}") for run in runs for seed in plan.seeds
    }
    devices = sorted({result["device"] for result in results.values() if "device" in result})
    programs = {result["program_sha256"] for result in results.values() if "program_sha256" in result}
    if len(programs) > 1:
        devices.append(f"CAUTION: these runs come from {len(programs)} versions of the program")
    parts = ["# Networks compared on simulated coronary CT\n"]
    for table in options.table:
        parts += [f"## {TITLES[table]}\n", markdown(TABLES[table], results, plan)]
    parts += ["## How\n", "\n".join(f"- {line}" for line in _notes(plan, settings, command, devices)) + "\n"]
    return "\n".join(parts)


def _notes(plan: Plan, settings: dict[str, Any], command: str, devices: Sequence[str]) -> Sequence[str]:
    processor = platform.processor() or platform.machine()
    return (
        "Trained and scored on simulated CCTA; research use only, not for diagnosis.",
        f"{plan.steps} steps of {settings['batch']} patches of {settings['patch_voxels']} voxels a side from "
        f"{len(settings['cases'])} cases; every network sees the same patches in the same order, with the same AdamW "
        f"(learning rate {settings['learning_rate']:g}, that of CAC-Net's preset), schedule, running average of "
        "weights and initial output.",
        "Table 1: one loss for all, with the geometric prior. Table 2: each row's own. No deep supervision.",
        f"Means over {len(plan.seeds)} seeds and {len(plan.cases)} held-out hearts, with 95 % intervals from 2000 "
        "bootstrap samples of seeds and of cases, each by themselves; – is not defined, and there is no interval where "
        "no sample differs. Few seeds or cases make intervals too narrow; one seed leaves its chance out altogether.",
        "Post-processing compares calcium with the arteries, so it is not defined for one class; PE is not defined "
        "where nothing was found, and such cases are left out of its mean.",
        *sources(),
        f"Command: `{command}`",
        f"CACNet {cacnet.__version__}, {_versions()}; {', '.join(devices) or 'no run'}; "
        f"{os.cpu_count()} processors, {processor}; written {datetime.now(UTC).isoformat(timespec='minutes')}",
    )


def _versions() -> str:
    said = [f"Python {platform.python_version()}"]
    for name in ("torch", "monai", "numpy"):
        try:
            said.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            said.append(f"no {name}")
    return ", ".join(said)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--table", type=int, nargs="+", choices=sorted(TABLES), default=[1], help="3: readings of the equations"
    )
    parser.add_argument("--cases", type=Path, required=True, metavar="DIR", help="training cases; may not grow")
    parser.add_argument("--validation", type=Path, required=True, metavar="DIR", help="held-out cases")
    parser.add_argument("--validation-cases", type=int, metavar="N", help="the first N of them; default: all")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--patch", type=int, choices=(64, 96, 128), default=64)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, help="CPU threads for the networks")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare patches")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--max-minutes", type=float, default=float("inf"), help="then stop, to be called again")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
