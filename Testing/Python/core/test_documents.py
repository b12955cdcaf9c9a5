"""Requirements, the bill of materials and the change log agree with what is there."""

from __future__ import annotations

import json
from pathlib import Path

import cacnet
import sbom
import trace_requirements as trace

ROOT = Path(__file__).resolve().parents[3]


def test_every_requirement_has_tests_and_every_test_exists() -> None:
    assert trace.problems(trace.requirements(), trace.existing_tests()) == []


def test_a_requirement_without_a_test_or_with_one_that_is_gone_is_told() -> None:
    made = (trace.Requirement("R-1", "a", "x", ()), trace.Requirement("R-1", "a", "x", ("t.py::test_gone",)))
    assert trace.problems(made, frozenset()) == [
        "R-1 has no test",
        "R-1 names t.py::test_gone, which does not exist",
        "R-1 is there twice",
    ]


def test_the_trace_table_is_that_of_the_requirements() -> None:
    assert trace.TABLE.read_text("utf-8") == trace.table(trace.requirements())


def test_the_bill_of_materials_is_that_of_the_dependencies() -> None:
    assert sbom.FILE.read_text("utf-8") == sbom.text()


def test_every_part_of_the_bill_has_a_version_and_a_licence() -> None:
    for part in json.loads(sbom.FILE.read_text("utf-8"))["components"]:
        assert part.get("version"), part["name"]
        assert part["licenses"][0]["license"]["name"] != "not stated", part["name"]


def test_the_change_log_begins_with_this_version() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")]
    assert cacnet.__version__ in headings[0]
