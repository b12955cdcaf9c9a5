"""Cases simulated while training runs: used as they appear, waited for aloud, and never left running."""

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import pytest
from cacnet.training import train as training
from cacnet.training.cases import list_cases
from cacnet.training.simulators import Simulators, simulating, wait_for_first_cases
from cacnet.training.trainer import Run
from product_paths import PRODUCT
from tube_cases import TINY, fail_on_odd_seeds, make_tube, never_finish

PATIENCE_S = 120


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert holds()


def names(folder):
    return [case.name for case in list_cases(folder)]


@pytest.mark.slow
def test_missing_seeds_are_made_in_the_background_and_no_process_is_left(tmp_path, caplog):
    make_tube(1, tmp_path)
    before = (tmp_path / "seed-000001" / "case.json").stat().st_mtime_ns
    with caplog.at_level(logging.INFO), simulating(range(3), tmp_path, 2, make_tube) as simulators:
        assert len(simulators.processes) == 2
        wait_for_first_cases([tmp_path], simulators)
        assert len(list_cases(tmp_path)) >= 2
        wait_until(lambda: simulators.at_work == 0)
    assert names(tmp_path) == ["seed-000000", "seed-000001", "seed-000002"]
    assert (tmp_path / "seed-000001" / "case.json").stat().st_mtime_ns == before
    assert simulators.failed == 0
    assert "waiting for the first cases: 1 of 2" in caplog.text


@pytest.mark.slow
def test_a_seed_that_cannot_be_simulated_is_left_out(tmp_path):
    with simulating(range(4), tmp_path, 1, fail_on_odd_seeds) as simulators:
        wait_until(lambda: simulators.at_work == 0)
    assert names(tmp_path) == ["seed-000000", "seed-000002"]


@pytest.mark.slow
def test_simulation_ends_with_the_block_that_needs_it(tmp_path):
    with simulating(range(2), tmp_path, 2, never_finish) as simulators:
        assert simulators.at_work == 2
    assert simulators.at_work == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_simulation_ends_when_training_is_killed(tmp_path):
    script = (
        "import time, pathlib, os\n"
        "from cacnet.training.simulators import simulating\n"
        "from tube_cases import never_finish\n"
        "if __name__ == '__main__':\n"
        f"    with simulating([7], pathlib.Path({str(tmp_path)!r}), 1, never_finish) as simulators:\n"
        "        print(simulators.processes[0].pid, flush=True)\n"
        "        time.sleep(600)\n"
    )
    (tmp_path / "script.py").write_text(script)
    path = os.pathsep.join([str(PRODUCT), os.path.dirname(__file__)])
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py")],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        pid = int(process.stdout.readline())
        wait_until((tmp_path / "started").is_file)
        process.kill()
    wait_until(lambda: not _exists(pid))


def _exists(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_nothing_to_simulate_is_not_waited_for(tmp_path):
    wait_for_first_cases([tmp_path], Simulators())
    with simulating([], tmp_path, 3, make_tube) as simulators:
        assert simulators.processes == ()


@pytest.mark.slow
def test_training_starts_with_the_first_cases_and_ends_its_simulators(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "simulating", partial(simulating, make=make_tube))
    config = replace(TINY, total_steps=4)
    run = Run((), tmp_path / "run", config, simulate=range(40, 43), simulators=1)
    bundle = training.train(run)
    assert names(tmp_path / "run" / "cases")[:2] == ["seed-000040", "seed-000041"]
    assert (bundle.folder / "model.json").is_file()
    assert multiprocessing.active_children() == []


def test_processes_that_failed_are_counted():
    class Ended:
        exitcode = 1

        def is_alive(self):
            return False

    assert Simulators((Ended(),)).failed == 1
