"""Runs `python -m cacnet.worker` beside Slicer and turns its lines into calls, so that the window never waits."""

from __future__ import annotations

import json
import shutil
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import qt
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity

from CACNetSegmentationLib.widgets.translation import _

KILLED_EXIT_CODES = (137, 143)
"""What a launcher that passes on the end of its child by a signal (128 + 9, 128 + 15) returns."""
LOG_LINES = 20
"""How much of what the worker wrote besides its events is kept, for the message when it fails."""


class PythonNotFoundError(CacnetError):
    """Slicer's Python interpreter is not where it should be."""


class WorkerListener(Protocol):
    """What a run tells. Exactly one of `on_result`, `on_failed` and `on_cancelled` ends it.

    A result is the folder with the files that were written, or, where a question was asked, the answer.
    """

    def on_progress(self, stage: str, fraction: float, seconds_left: float | None) -> None: ...
    def on_finding(self, finding: Finding) -> None: ...
    def on_result(self, result: Path | Mapping[str, object]) -> None: ...
    def on_failed(self, message: str, log: str) -> None: ...
    def on_cancelled(self) -> None: ...


def python_slicer(slicer_home: str) -> str:
    """Slicer's own interpreter; `sys.executable` may be empty inside the application. Raises PythonNotFoundError."""
    name = "PythonSlicer.exe" if sys.platform == "win32" else "PythonSlicer"
    installed = Path(slicer_home) / "bin" / name
    found = str(installed) if installed.is_file() else shutil.which("PythonSlicer")
    if not found:
        raise PythonNotFoundError(f"there is no {name}", f"it in {installed.parent}", "Reinstall 3D Slicer")
    return found


class WorkerProcess:
    """One run of the worker. The worker stops by itself when its standard input closes; that is how it is cancelled.

    Attributes:
        kill_after_ms: a worker that has not stopped this long after its input was closed is killed.
        advice_on_crash, advice_on_exit: sentences for an end without a word, the latter with the exit code as {code}.
    """

    kill_after_ms = 1000
    advice_on_crash = _(
        "The worker process crashed or was ended by the system; most often memory ran out. Close other "
        "programs, crop the CT to the heart, or choose the device 'cpu', and run again."
    )
    advice_on_exit = _(
        "The worker process stopped with exit code {code} and without a result. Restart Slicer and run again; "
        "report it if it stays so."
    )

    def __init__(self, listener: WorkerListener) -> None:
        self._listener = listener
        self._unread = b""
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._result: Path | Mapping[str, object] | None = None
        self._error: str | None = None
        self._cancelled = False
        self._ended = False
        self._process = qt.QProcess()
        # Kept, because only the very same object can be disconnected.
        self._slots = (self._read_events, self._read_log, self._finish, self._fail_to_start)
        self._process.connect("readyReadStandardOutput()", self._slots[0])
        self._process.connect("readyReadStandardError()", self._slots[1])
        self._process.connect("finished(int,QProcess::ExitStatus)", self._slots[2])
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._slots[3])

    def start(self, python: str, job: Path, module_folder: Path) -> None:
        """Start `python -m cacnet.worker --job job`, with `cacnet` found in `module_folder`."""
        self.start_python(python, ["-m", "cacnet.worker", "--job", str(job)], module_folder)

    def start_python(self, python: str, arguments: Sequence[str], module_folder: Path) -> None:
        """Start any program of `cacnet` that speaks in the worker's events."""
        environment = qt.QProcessEnvironment.systemEnvironment()
        separator = ";" if sys.platform == "win32" else ":"
        paths = [str(module_folder), environment.value("PYTHONPATH", "")]
        environment.insert("PYTHONPATH", separator.join(path for path in paths if path))
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("PYTHONUTF8", "1")
        self._process.setProcessEnvironment(environment)
        self._process.start(python, list(arguments))

    @property
    def running(self) -> bool:
        """Whether the run has not ended yet."""
        return not self._ended

    def cancel(self) -> None:
        """Ask the worker to stop and make sure that it does; `on_cancelled` follows."""
        if self._ended or self._cancelled:
            return
        self._cancelled = True
        self._process.closeWriteChannel()
        qt.QTimer.singleShot(self.kill_after_ms, self._kill)

    def wait(self, milliseconds: int) -> None:
        """Wait for the end, but not longer than this; events that came meanwhile are passed on."""
        self._process.waitForFinished(milliseconds)

    def stop_now(self) -> None:
        """Cancel and wait, for when Slicer or the scene closes; returns within twice kill_after_ms."""
        self.cancel()
        if not self._process.waitForFinished(self.kill_after_ms):
            self._process.kill()
            self._process.waitForFinished(self.kill_after_ms)

    def _kill(self) -> None:
        if not self._ended:
            self._process.kill()

    def _read_events(self) -> None:
        self._unread += bytes(self._process.readAllStandardOutput().data())
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", errors="replace").strip())

    def _read_log(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", errors="replace")
        self._log.extend(line for line in text.splitlines() if line.strip())

    def _take(self, line: str) -> None:
        event = _event(line)
        if event is None:
            if line:
                # Libraries write to standard output as well; it may explain a failure.
                self._log.append(line)
        elif not self._cancelled:
            self._dispatch(event)

    def _dispatch(self, event: Mapping[str, object]) -> None:
        kind = event["event"]
        if kind == "progress":
            self._listener.on_progress(event["stage"], event["fraction"], event.get("seconds_left"))
        elif kind == "finding":
            self._listener.on_finding(Finding(event["code"], Severity(event["severity"]), event["message"]))
        elif kind == "result":
            self._result = Path(event["output"])
        elif kind == "answer":
            self._result = event["content"]
        elif kind == "error":
            self._error = event["message"]

    def _finish(self, exit_code: int, exit_status: object) -> None:
        self._read_events()
        self._read_log()
        crashed = exit_status != qt.QProcess.NormalExit
        if self._cancelled:
            self._end(self._listener.on_cancelled)
        elif self._error is not None:
            self._end(self._listener.on_failed, self._error, self.log)
        elif self._result is not None and exit_code == 0 and not crashed:
            self._end(self._listener.on_result, self._result)
        else:
            self._end(self._listener.on_failed, self._end_without_result(exit_code, crashed), self.log)

    def _fail_to_start(self, error: object) -> None:
        if error == qt.QProcess.FailedToStart:
            message = _("The worker process could not be started: {reason}. Restart Slicer, or reinstall it.")
            message = message.format(reason=self._process.errorString().rstrip("."))
            self._end(self._listener.on_failed, message, self.log)

    def _end_without_result(self, exit_code: int, crashed: bool) -> str:
        if crashed or exit_code in KILLED_EXIT_CODES:
            # Systems end the largest process when memory runs short, without leaving it a word.
            sentence = self.advice_on_crash
        else:
            sentence = self.advice_on_exit.format(code=exit_code)
        return sentence + (" " + _("Its last words: {words}").format(words=self._log[-1]) if self._log else "")

    def _end(self, tell: object, *arguments: object) -> None:
        if not self._ended:
            self._ended = True
            # The process holds its slots and they hold it, where Python cannot see it: neither would ever go.
            self._process.disconnect("readyReadStandardOutput()", self._slots[0])
            self._process.disconnect("readyReadStandardError()", self._slots[1])
            self._process.disconnect("finished(int,QProcess::ExitStatus)", self._slots[2])
            self._process.disconnect("errorOccurred(QProcess::ProcessError)", self._slots[3])
            self._slots = ()
            tell(*arguments)

    @property
    def log(self) -> str:
        """The last lines that were no events."""
        return "\n".join(self._log)


def _event(line: str) -> Mapping[str, object] | None:
    """The event in a line, or None where the line is something else."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if _complete(event) else None


_KEYS: Mapping[str, Sequence[str]] = {
    "progress": ("stage", "fraction"),
    "finding": ("code", "severity", "message"),
    "result": ("output",),
    "answer": ("content",),
    "error": ("message",),
}


def _complete(event: object) -> bool:
    if not isinstance(event, dict) or event.get("severity", Severity.NOTE) not in set(Severity):
        return False
    return all(key in event for key in _KEYS.get(event.get("event"), ("event",)))
