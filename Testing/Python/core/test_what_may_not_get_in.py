"""What the product must never do, whatever it is given: run code from files, reach the network, write elsewhere."""

from __future__ import annotations

import ast
import csv
import importlib.util
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
from cacnet.cli import main
from cacnet.cohort.case import CaseOutcome
from cacnet.cohort.table import SUMMARY_FILE, write_summary
from cacnet.evaluation.tables import _write_csv
from cacnet.report import LESION_COLUMNS
from cacnet.volume import to_sitk
from product_paths import PRODUCT
from schematic import schematic_ccta

RUNS_CODE = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "ctypes", "cffi"}
REACHES_OUT = {
    *("socket", "socketserver", "http", "urllib", "ftplib", "smtplib", "xmlrpc", "webbrowser", "ssl", "asyncio"),
    *("requests", "httpx", "aiohttp", "urllib3"),
}
UNPACKS = {"zipfile", "tarfile"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "mktemp", "extractall", "unpack_archive"}
SAFE_ONLY_WITH = {("torch", "load"): ("weights_only", True), ("np", "load"): ("allow_pickle", False)}
BANDIT_REVIEWED = "B311,B404,B406"
"""Reviewed: random numbers that vary training patches (B311); subprocess, without a shell (B404); escaping text for a
PDF, which reads no XML (B406)."""


REVIEWED = {("cacnet/freed_memory.py", "ctypes")}
"""Calls one function of the C library, mallopt, with two constants."""


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(PRODUCT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield f"{path.relative_to(PRODUCT)}:{getattr(node, 'lineno', 0)}", node


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {node.module.split(".")[0]} if isinstance(node, ast.ImportFrom) and node.module and not node.level else set()


def called(node: ast.Call) -> tuple[str, str]:
    function = node.func
    if isinstance(function, ast.Attribute):
        return getattr(function.value, "id", ""), function.attr
    return "", getattr(function, "id", "")


def keywords(node: ast.Call) -> dict[str | None, Any]:
    return {word.arg: getattr(word.value, "value", None) for word in node.keywords}


@pytest.mark.parametrize("forbidden", [RUNS_CODE, REACHES_OUT, UNPACKS], ids=["runs code", "reaches out", "unpacks"])
def test_no_module_is_imported_that_runs_code_from_data_reaches_out_or_unpacks_archives(forbidden: set[str]) -> None:
    found = [(place.split(":")[0], name) for place, node in nodes() for name in imported(node) & forbidden]
    assert set(found) - REVIEWED == set()


def test_nothing_evaluates_text_starts_a_shell_or_unpacks() -> None:
    found = []
    for place, node in nodes():
        if not isinstance(node, ast.Call):
            continue
        owner, name = called(node)
        if (name in FORBIDDEN_CALLS and owner != "re") or keywords(node).get("shell"):
            found.append(f"{place} {owner}.{name}")
    # Qt runs a dialog's event loop by a method 'exec'; a network is set to answer by its method 'eval'.
    assert [one for one in found if not one.endswith((" .exec", ".network.eval", " .eval", "network.eval"))] == []


def test_what_could_unpickle_is_told_not_to() -> None:
    calls = [(place, node) for place, node in nodes() if isinstance(node, ast.Call) and called(node) in SAFE_ONLY_WITH]
    assert calls, "the product reads checkpoints and arrays"
    for place, node in calls:
        name, value = SAFE_ONLY_WITH[called(node)]
        assert keywords(node).get(name, "missing") is value, place


@pytest.mark.skipif(importlib.util.find_spec("bandit") is None, reason="bandit is not installed (extra 'trust')")
def test_bandit_finds_nothing_that_was_not_reviewed() -> None:
    command = [sys.executable, "-m", "bandit", "-q", "-r", str(PRODUCT), "--skip", BANDIT_REVIEWED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every attempt to reach or to offer something on the network, each of which fails."""
    attempts: list[str] = []

    def refuse(name: str):
        def refused(*arguments: Any, **_: Any):
            attempts.append(f"{name}{arguments[1:]!r}")
            raise OSError("there is no network")

        return refused

    for name in ("connect", "connect_ex", "bind", "listen", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse(name), raising=True)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse(name))
    return attempts


def test_segmenting_scoring_and_reporting_reach_no_network_and_open_no_port(
    offline: list[str], tmp_path: Path, schematic_file: Path, tiny_bundle: Path
) -> None:
    result, ct = tmp_path / "result", str(schematic_file)
    assert main(["segment", ct, "--output", str(result), "--model", str(tiny_bundle), "--device", "cpu"]) == 0
    calcium = str(result / "calcium.nii.gz")
    assert main(["score", ct, "--calcium", calcium, "--output", str(tmp_path / "scored")]) == 0
    assert main(["report", str(result), "--ct", ct, "--report", "html"]) == 0
    assert offline == []


@pytest.mark.parametrize("name", ["..%2f..%2fevil.nrrd", "=cmd|' !A1.nrrd", "<script>alert(1)<&.nrrd", "-rf.nrrd"])
def test_a_scan_of_a_hostile_name_writes_only_into_the_output_folder(name: str, tmp_path: Path) -> None:
    case = schematic_ccta()
    ct = tmp_path / "in" / name
    ct.parent.mkdir()
    sitk.WriteImage(to_sitk(case.volume.hu, case.volume.geometry), str(ct))
    sitk.WriteImage(to_sitk(case.volume.hu > 600, case.volume.geometry), str(tmp_path / "mask.nrrd"))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    output = tmp_path / "out"
    assert main(["score", str(ct), "--calcium", str(tmp_path / "mask.nrrd"), "--output", str(output)]) == 0
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert written == {output / "lesions.csv", output / "report.json"}


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_no_text_of_a_cohort_or_an_evaluation_is_a_formula(tmp_path: Path) -> None:
    write_summary(tmp_path, [CaseOutcome.failed("case-1", "=HYPERLINK(1)")])
    _write_csv(tmp_path / "cases.csv", [{"case": "@SUM(A1)", "dice": -0.5, "findings": "+a"}])
    for path in (tmp_path / SUMMARY_FILE, tmp_path / "cases.csv"):
        texts = [cell for row in cells(path)[1:] for cell in row if not cell.lstrip("-").replace(".", "").isdigit()]
        assert texts
        assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]


def test_the_lesion_table_has_words_only_from_the_programs_own_vocabulary(tmp_path: Path) -> None:
    case = schematic_ccta()
    for name, array in (("=ct.nrrd", case.volume.hu), ("=mask.nrrd", case.volume.hu > 600)):
        sitk.WriteImage(to_sitk(array, case.volume.geometry), str(tmp_path / name))
    main(["score", str(tmp_path / "=ct.nrrd"), "--calcium", str(tmp_path / "=mask.nrrd"), "--output", str(tmp_path)])
    header, *rows = cells(tmp_path / "lesions.csv")
    assert tuple(header) == LESION_COLUMNS
    assert rows
    words = {cell for row in rows for cell in row if cell and not cell.lstrip("-").replace(".", "").isdigit()}
    assert words <= {"LM", "LAD", "LCx", "RCA", "unassigned", "Unassigned", "yes", "no", "proximal", "mid", "distal"}
