"""A short run of the fuzzer over every kind of file: no crash, no hang, no error without a name."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / "fuzz" / "run.py"


@pytest.mark.slow
def test_a_short_fuzzing_run_finds_no_violation(tmp_path: Path) -> None:
    command = [sys.executable, str(RUN), "--short", "--seed", "20261122", "--kept", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 violations" in done.stdout
