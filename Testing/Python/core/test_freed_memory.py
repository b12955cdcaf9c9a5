"""Freed blocks are used again: the system is not asked for the same memory twice."""

import platform
import subprocess
import sys

import pytest
from cacnet.freed_memory import keep_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"
COUNT_FAULTS = """
import resource
import sys
import numpy as np
from cacnet.freed_memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()


def use_a_block():
    np.empty(32 * 2**20, np.uint8).fill(1)


use_a_block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use_a_block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(*arguments: str) -> int:
    run = subprocess.run([sys.executable, "-c", COUNT_FAULTS, *arguments], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not GLIBC, reason="only glibc has mallopt")
def test_a_large_block_that_was_freed_is_used_again() -> None:
    assert page_faults("keep") * 20 < page_faults("as it comes")


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert not keep_freed_memory()


def test_a_c_library_without_mallopt_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not keep_freed_memory()
