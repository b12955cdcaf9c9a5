"""Waiting threads sleep, unless the user wants them otherwise."""

import subprocess
import sys

import pytest
from cacnet.processors import LARGE_PAGES, WAIT_POLICY, share_processors


def test_waiting_threads_sleep(monkeypatch):
    monkeypatch.delenv(WAIT_POLICY, raising=False)
    share_processors()
    import os

    assert os.environ[WAIT_POLICY] == "PASSIVE"


def test_memory_comes_in_large_pages(monkeypatch):
    monkeypatch.delenv(LARGE_PAGES, raising=False)
    share_processors()
    import os

    assert os.environ[LARGE_PAGES] == "1"


def test_what_the_user_has_set_is_left_alone(monkeypatch):
    monkeypatch.setenv(WAIT_POLICY, "ACTIVE")
    share_processors()
    import os

    assert os.environ[WAIT_POLICY] == "ACTIVE"


@pytest.mark.parametrize("module", ["cacnet.cli", "cacnet.worker"])
def test_it_is_said_before_torch_is_there(module):
    code = (
        "import os, sys\n"
        f"import {module} as program, cacnet.processors as processors\n"
        "said = []\n"
        "program.share_processors = lambda: said.append('torch' not in sys.modules)\n"
        "try:\n    program.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(said)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[True]"
