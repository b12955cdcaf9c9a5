"""Runs in processes of their own: killed without warning and taken up again, or shared out over several."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from cacnet.network import NetworkConfig
from cacnet.training.checkpoint import CHECKPOINT_FILE, load_checkpoint
from cacnet.training.configuration import TrainingConfigError, config_record
from cacnet.training.parallel import Processes, require_shareable
from cacnet.training.trainer import Run, Trainer
from product_paths import PRODUCT
from tube_cases import TINY, write_tube

PATIENCE_S = 120


@pytest.fixture
def cases(tmp_path):
    write_tube(tmp_path / "cases" / "one")
    write_tube(tmp_path / "cases" / "two", seed=1)
    return tmp_path / "cases"


def command(cases, output, config, launcher=()):
    """The training command as a user types it, with `config` in a file."""
    file = output.with_suffix(".json")
    file.write_text(json.dumps(config_record(config)))
    options = [str(file), "--cases", str(cases), "--output", str(output), "--device", "cpu", "--threads", "1"]
    return [sys.executable, *launcher, "-m", "cacnet.training.train", *options]


@contextmanager
def started(arguments):
    """A process group that is gone when the block ends, whatever happened."""
    environment = {**os.environ, "PYTHONPATH": str(PRODUCT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        arguments, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def finish(arguments):
    with started(arguments) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, output


def weights_of(folder):
    return load_checkpoint(folder)["network"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_run_killed_without_warning_ends_as_an_uninterrupted_one(cases, tmp_path):
    config = replace(TINY, total_steps=40, workers=1, checkpoint_minutes=0.0, mine_steps=10)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    finish(command(cases, straight, config))
    with started(command(cases, broken, config)) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not (broken / CHECKPOINT_FILE).is_file() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert 0 < load_checkpoint(broken)["step"] < 40
    finish([*command(cases, broken, config), "--resume"])
    expected = weights_of(straight)
    assert all(tensor.equal(expected[name]) for name, tensor in weights_of(broken).items())
    with (broken / "curve.csv").open(newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(2, 41, 2))


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_with_the_whole_batch(cases, tmp_path):
    config = replace(TINY, total_steps=4, batch=4, optimiser="sgd", learning_rate=0.1, mine_steps=2)
    alone, together = tmp_path / "alone", tmp_path / "together"
    finish(command(cases, alone, config))
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    finish(command(cases, together, config, launcher))
    expected, found = weights_of(alone), weights_of(together)
    assert load_checkpoint(together)["step"] == 4
    torch.manual_seed(config.seed)
    untrained = Trainer(Run((cases,), tmp_path, config)).network.state_dict()
    moved = max((expected[name] - untrained[name]).abs().max().item() for name in expected)
    assert moved > 1e-2
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-5)
    assert (together / "model" / "cacnet" / "model.json").is_file()


def test_patches_are_shared_out_without_gap_or_overlap():
    config = replace(TINY, batch=4, total_steps=3)
    shares = [Processes(rank, 2).patch_numbers(1, config) for rank in range(2)]
    assert shares == [[4, 5, 8, 9], [6, 7, 10, 11]]
    assert Processes().patch_numbers(1, config) == list(range(4, 12))


def test_a_batch_that_cannot_be_shared_out_is_refused():
    with pytest.raises(TrainingConfigError, match="batch of 4 for 3 processes"):
        require_shareable(replace(TINY, batch=4), Processes(0, 3))


def test_batch_normalisation_over_processes_is_refused():
    config = replace(TINY, network=NetworkConfig(widths=(4, 8, 8, 8, 8), norm="batch"))
    require_shareable(config, Processes())
    with pytest.raises(TrainingConfigError, match="batch normalisation"):
        require_shareable(config, Processes(0, 2))


def test_one_process_decides_and_gathers_for_itself():
    tensor = torch.arange(3.0)
    assert Processes().gather(tensor) is tensor
    assert Processes().agree(True, "cpu") is True
