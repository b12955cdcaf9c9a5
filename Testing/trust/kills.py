"""kill -9 at random moments, and what the next start makes of what is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from product_paths import PRODUCT

from trust import children, scenes, whole
from trust.progress import tell
from trust.scenes import Scene
from trust.table import Trial

REVIEW_SECONDS = 0.4
EVERY = 20
"""So often the work is left to finish on what the kills before have left."""
MOST_ATTEMPTS = 3
"""For each kill: work that was quicker than expected is done before it."""


def kill_again_and_again(scene: Scene, scratch: Path, rng: random.Random, times: int) -> Trial:
    """Half of the moments are drawn from the whole duration, half from that of writing, always in the same folder."""
    trial = Trial(f"kill -9: {scene.name}")
    straight = children.finish(scene.work, scratch)
    if straight.code:
        trial.lost.append(f"does not work at all: {straight.stderr[-300:]}")
        return trial
    attempts = 0
    while trial.ended["killed"] < times and attempts < MOST_ATTEMPTS * times:
        writing = attempts % 2 == 1
        seconds = straight.since_mark if writing else straight.seconds
        ended = children.kill_at_random(scene.work, scratch, seconds, rng, after_mark=writing)
        attempts += 1
        trial.ended["killed" if ended.killed else f"done before (code {ended.code})"] += 1
        trial.lost += [f"kill {attempts}: {wrong}" for wrong in children.asked(scene.wrong, scratch)]
        if attempts % EVERY == 0 or trial.ended["killed"] == times:
            trial.lost += [f"after kill {attempts}: {wrong}" for wrong in _next_run(scene, scratch)]
        if ended.killed:
            tell(trial.what, trial.ended["killed"], times)
    if trial.ended["killed"] < times:
        trial.lost.append(f"was killed {trial.ended['killed']} times, not {times}")
    return trial


def _next_run(scene: Scene, scratch: Path) -> list[str]:
    ended = children.finish(scene.work, scratch)
    if ended.code:
        return [f"the next run fails: {ended.stderr[-300:]}"]
    return children.asked(scene.complete, scratch)


def kill_training(folder: Path, rng: random.Random, times: int) -> Trial:
    """Killed and taken up again until it is done; the weights must be those of a run that nobody interrupted."""
    from cacnet.training.checkpoint import load_checkpoint

    trial = Trial("kill -9: training, then same weights")
    scene = scenes.training(folder, "straight")
    straight = children.finish(scene.work, folder)
    if straight.code:
        trial.lost.append(f"does not work at all: {straight.stderr[-300:]}")
        return trial
    expected = (load_checkpoint(scene.output) or {})["network"]
    runs = 0
    while trial.ended["killed"] < times:
        scene, runs = scenes.training(folder, f"run{runs}"), runs + 1
        for attempt in range(4):
            marked = attempt % 2 == 1
            seconds = straight.since_mark if marked else straight.seconds
            ended = children.kill_at_random(scene.work, folder, seconds, rng, after_mark=marked)
            trial.ended["killed" if ended.killed else "done before"] += 1
            trial.lost += children.asked(scene.wrong, folder)
            if not ended.killed:
                break
            tell(trial.what, trial.ended["killed"], times)
        ended = children.finish(scene.work, folder)
        if ended.code:
            trial.lost.append(f"cannot be resumed: {ended.stderr[-300:]}")
            return trial
        found = (load_checkpoint(scene.output) or {})["network"]
        if not all(bool((tensor == expected[name]).all()) for name, tensor in found.items()):
            trial.lost.append(f"run {runs} ends with other weights")
        trial.lost += children.asked(scene.complete, folder)
    trial.what += f" ({runs} runs)"
    return trial


def kill_review(folder: Path, rng: random.Random, times: int) -> Trial:
    """The application, while its reader corrects: every finished step must come back."""
    trial = Trial("kill -9: review, steps recovered")
    steps = 0
    for number in range(times):
        work = scenes.review_steps(folder, rng.randrange(1 << 30))
        ended = children.kill_at_random(work, folder, REVIEW_SECONDS, rng, after_mark=number % 4 > 0)
        if not ended.killed:
            trial.lost.append(f"ended by itself: {ended.stderr[-300:]}")
            return trial
        trial.ended["killed"] += 1
        tell(trial.what, number + 1, times)
        steps += max(0, ended.said.count(b"\n") - 1)
        said = ended.said
        trial.lost += children.asked(lambda: scenes.lost_of_review(folder, said), folder)  # noqa: B023 - asked at once
        for path in folder.glob("*.cacnet-review"):
            path.unlink()
    trial.what += f" ({steps} steps)"
    children.finish(lambda say: scenes.write_json(folder / "scores.json", {"schema_version": 1}), folder)
    trial.lost += whole.leftovers(folder)
    return trial


def kill_worker_process(folder: Path, rng: random.Random, times: int) -> Trial:
    """The worker as the application starts it, in an interpreter of its own."""
    trial = Trial("kill -9: the worker's own interpreter")
    scene = scenes.segmentation(folder)
    job = folder / "job.json"
    content = {"schema_version": 1, "ct": str(folder / "ct.nii.gz"), "output": str(scene.output), "device": "cpu"}
    scenes.write_json(job, {**content, "model": str(scenes.tiny_bundle(folder))})
    seconds = _worker(job, None)[1]
    for number in range(times):
        code, _ = _worker(job, rng.uniform(0, seconds))
        trial.ended["killed" if code == -signal.SIGKILL else "done before"] += 1
        trial.lost += [f"kill {number}: {wrong}" for wrong in children.asked(scene.wrong, folder)]
    code, _ = _worker(job, None)
    trial.lost += children.asked(scene.complete, folder)
    if code:
        trial.lost.append(f"the next run ends with {code}")
    return trial


def _worker(job: Path, seconds: float | None) -> tuple[int, float]:
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(PRODUCT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cacnet.worker", "--job", str(job)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if seconds is not None:
        time.sleep(seconds)
        process.kill()
    _wait_for(process)
    if process.stdin:
        process.stdin.close()
    return process.returncode, time.monotonic() - started


def _wait_for(process: subprocess.Popen) -> None:
    """Its end; in steps, so that a computer that slept does not count as silence."""
    for _ in range(children.PATIENCE_S):
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            continue
        return
    process.terminate()  # another signal than a trial's, so that it shows
    process.wait()
