"""Native libraries are silenced while a file is read, and only then."""

import os
import warnings

import pytest
from cacnet.reading.quiet import STDERR_FD, quiet


def test_what_native_code_writes_is_swallowed_only_inside(capfd):
    with quiet():
        os.write(STDERR_FD, b"inside")
        warnings.warn("a library's warning", stacklevel=1)
    os.write(STDERR_FD, b"after")
    assert capfd.readouterr().err == "after"


def test_standard_error_comes_back_after_a_failure(capfd):
    with pytest.raises(ValueError, match="inside"), quiet():
        raise ValueError("inside")
    os.write(STDERR_FD, b"after")
    assert capfd.readouterr().err == "after"


def test_program_without_standard_error_can_read(monkeypatch):
    def closed(descriptor):
        raise OSError("no such descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with quiet():
        reached = True
    assert reached
