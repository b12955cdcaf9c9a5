"""What the faults happen to: small work of each kind, with a check of what it leaves behind."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import SimpleITK as sitk
from cacnet.cohort import run as cohort_run
from cacnet.cohort.case import Settings, do_case
from cacnet.cohort.run import CohortRequest, run_cohort
from cacnet.dataset import nnunet_export
from cacnet.dataset.corrections import INDEX_FILE
from cacnet.dataset.export import ExportLayout, export_case
from cacnet.edits.autosave import Autosave, ReviewText, recovered
from cacnet.edits.journal import labels_sha256
from cacnet.files import write_json
from cacnet.jobs import Job
from cacnet.training.train import Run, train
from cacnet.volume import to_sitk
from cacnet.worker import Events
from cacnet.worker import run as run_job
from review_case import ct, stored_review
from reviewed_cases import correct, reviewed_case
from schematic import schematic_ccta
from tube_cases import TINY, write_tube

from trust import whole
from trust.children import MARK, Say
from trust.reviewing import correct_at_random

__all__ = ["ct", "stored_review", "write_json"]
RESULT_FILES = 4
TRAINING = replace(TINY, total_steps=12, mine_steps=6, checkpoint_minutes=0.0)


@dataclass(frozen=True)
class Scene:
    """Work, and what must hold of its output.

    Attributes:
        output: where it writes.
        work: does it; says `MARK` when it begins to write.
        wrong: sentences on what it left, whole or interrupted, that must not be.
        unfinished: the same, for after a run that nobody interrupted.
    """

    name: str
    output: Path
    work: Callable[[Say], None]
    wrong: Callable[[], list[str]]
    unfinished: Callable[[], list[str]]

    def complete(self) -> list[str]:
        """Everything that must not be after a run that nobody interrupted."""
        return [*self.wrong(), *self.unfinished(), *whole.leftovers(self.output)]


class Alive:
    """A parent that is there."""

    def check(self) -> None:
        """It is."""

    def guard(self, output: Path) -> None:
        """Nothing to guard."""


def small_ct(folder: Path, name: str = "ct") -> Path:
    """The schematic CCTA on a coarse grid."""
    folder.mkdir(parents=True, exist_ok=True)
    volume = schematic_ccta(spacing_mm_zyx=(1.8, 1.6, 1.4), shape_zyx=(42, 46, 52)).volume
    path = folder / f"{name}.nii.gz"
    sitk.WriteImage(to_sitk(volume.hu, volume.geometry), str(path))
    return path


def tiny_bundle(folder: Path) -> Path:
    """A network with a few untrained weights, made without computing anything in this process's torch."""
    from tiny_network import write_tiny_bundle

    return folder / "models" / "tiny" if (folder / "models" / "tiny").is_dir() else write_tiny_bundle(folder / "models")


def segmentation(folder: Path, output: Path | None = None) -> Scene:
    """What the worker does for the application."""
    scan, bundle, output = small_ct(folder), tiny_bundle(folder), output or folder / "output"

    def work(say: Say) -> None:
        class Marking(Events):
            def progress(self, stage: str, fraction: float) -> None:
                if stage == "write" and fraction == 0.0:
                    say(MARK)

        run_job(Job(ct=scan, output=output, model=str(bundle), device="cpu"), Marking(io.StringIO()), Alive())

    def unfinished() -> list[str]:
        count = len(list(output.iterdir()))
        return [] if count == RESULT_FILES else [f"{count} of {RESULT_FILES} files are there"]

    return Scene("segmentation", output, work, lambda: whole.broken_files(output), unfinished)


def batch(folder: Path) -> Scene:
    """A cohort of two scans, its cases done in the process itself."""
    bundle, output = tiny_bundle(folder), folder / "cohort"
    for name in ("one", "two"):
        small_ct(folder / "scans", name)
    settings = Settings(str(bundle), json.loads((bundle / "model.json").read_text("utf-8"))["weights"]["sha256"], "cpu")

    def in_this_process(work, jobs, workers):  # type: ignore[no-untyped-def]
        for job in jobs:
            yield job, work(job)

    def work(say: Say) -> None:
        cohort_run.run_in_processes = in_this_process
        for record in output.glob("*/case.json"):  # finished cases would be kept
            record.unlink()
        run_cohort(CohortRequest(folder / "scans", output, settings), lambda step: say(MARK), do_case)

    def unfinished() -> list[str]:
        done = len(list(output.glob("*/case.json")))
        return [] if done == 2 else [f"{done} of 2 cases are done"]

    def wrong() -> list[str]:
        named = [
            f"{record.parent.name} is called done without {name}"
            for record in output.glob("*/case.json")
            for name in json.loads(record.read_text("utf-8"))["files"]
            if not (record.parent / name).is_file()
        ]
        return whole.broken_files(output) + named

    return Scene("batch", output, work, wrong, unfinished)


def export(folder: Path, layout: ExportLayout) -> Scene:
    """A reviewed case that is added to a data set again and again, each time with other labels."""
    dataset = folder / f"dataset-{layout.value}"

    def work(say: Say) -> None:
        case = reviewed_case()
        if (dataset / INDEX_FILE).exists() and random.SystemRandom().random() < 0.5:
            case = correct(case)
        say(MARK)
        export_case(dataset, case, layout, any_state=True)

    def wrong() -> list[str]:
        return whole.broken_files(dataset) + _index_errors(dataset, layout)

    def unfinished() -> list[str]:
        return [] if (dataset / INDEX_FILE).is_file() else ["there is no index"]

    return Scene(f"export, {layout.value}", dataset, work, wrong, unfinished)


def _index_errors(dataset: Path, layout: ExportLayout) -> list[str]:
    """What the index names and is not there."""
    if not (dataset / INDEX_FILE).is_file():
        return []
    index = json.loads((dataset / INDEX_FILE).read_text("utf-8"))
    if layout is ExportLayout.NNUNET:
        labels = list((dataset / nnunet_export.LABELS).glob("[!.]*.nii.gz"))
        return [] if index["numTraining"] == len(labels) else [f"{len(labels)} label files, not {index['numTraining']}"]
    return [
        f"{case['folder']} has no {name}"
        for case in index["cases"]
        for name in ("ct.nii.gz", "calcium.nii.gz", "record.json", "journal.json")
        if not (dataset / case["folder"] / name).is_file()
    ]


def training(folder: Path, name: str = "run", output: Path | None = None) -> Scene:
    """A short training run that goes on where it was stopped."""
    cases, output = folder / "cases", output or folder / name
    if not cases.exists():
        write_tube(cases / "one")
        write_tube(cases / "two", seed=1)

    def work(say: Say) -> None:
        train(Run((cases,), output, TRAINING, device="cpu"), resume=True, progress=lambda stage, part: say(MARK))

    def unfinished() -> list[str]:
        return [] if (output / "model" / "cacnet" / "model.json").is_file() else ["there is no model"]

    return Scene("training", output, work, lambda: whole.broken_files(output), unfinished)


def review_steps(folder: Path, seed: int) -> Callable[[Say], None]:
    """A reader at work, as the application does it: each step is saved, and then said with a fingerprint."""

    def work(say: Say) -> None:
        rng = random.Random(seed)
        stored = stored_review()
        session = stored.open(ct())
        text, autosave = ReviewText(stored), Autosave(folder, stored)
        say(f"{autosave.path.name} {labels_sha256(session.review)}\n".encode())
        for number in range(100_000):
            correct_at_random(session, rng)
            autosave.append(text.update(session), session, stored.rules)
            say(f"{autosave.path.name} {labels_sha256(session.review)}\n".encode())
            if number % 5 == 0:
                write_json(folder / "scores.json", {"schema_version": 1, "agatston": session.scores.totals.agatston})

    return work


def lost_of_review(folder: Path, said: bytes) -> list[str]:
    """What cannot be recovered of the steps that were said to be saved."""
    broken = whole.broken_files(folder)
    lines = said.decode().split("\n")[:-1]
    if broken or not lines:
        return broken
    name, fingerprint = lines[-1].split()
    again = recovered(folder / name)
    session = again.open(ct())
    steps = len(session.audit)
    if steps == len(lines) - 1:
        return [] if labels_sha256(session.review) == fingerprint else ["the last step is another one"]
    # The process may have been killed between saving a step and saying so.
    return [] if steps == len(lines) else [f"{steps} steps came back of {len(lines) - 1}"]
