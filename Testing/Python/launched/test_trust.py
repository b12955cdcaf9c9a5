"""A handful of kills, full disks and long sessions; `make trust` tries hundreds."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork, SIGKILL and limits of resources: POSIX")
def test_nothing_is_lost_whatever_happens_to_the_computer():
    pytest.importorskip("torch", reason="torch is not installed")
    command = [sys.executable, str(TESTING / "trust" / "run.py"), "--short"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kill -9" in done.stdout


def test_a_loss_a_silence_and_nothing_at_all_are_failures():
    from trust.table import Trial, all_is_well, table_of

    fine = Trial("fine", Counter(done=2))
    assert all_is_well([fine, Trial("elsewhere", skipped="no disk can be mounted here")])
    assert not all_is_well([])
    assert not all_is_well([fine, Trial("silent")])
    assert not all_is_well([Trial("elsewhere", skipped="no disk can be mounted here")])
    lossy = Trial("lossy", Counter(killed=1), ["report.json is not whole"])
    assert not all_is_well([fine, lossy])
    assert "LOST: report.json is not whole" in table_of([fine, lossy])
