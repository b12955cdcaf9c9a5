"""Which tests hold which requirement: `python Testing/trace_requirements.py` writes Documentation/requirements.md.

The requirements, and the tests named for each, are in Documentation/requirements.toml.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "Documentation" / "requirements.toml"
TABLE = ROOT / "Documentation" / "requirements.md"
TESTS = ROOT / "Testing" / "Python"
HEAD = """# Requirements and the tests that hold them

Written by `python Testing/trace_requirements.py` from requirements.toml; change that. Research use only, not for
diagnosis: these are the promises of the design and the README, not the requirements of a medical device.
"""


@dataclass(frozen=True)
class Requirement:
    """One promise and the tests, 'file::function', that hold it."""

    id: str
    area: str
    text: str
    tests: tuple[str, ...]


def requirements(source: Path = SOURCE) -> tuple[Requirement, ...]:
    """All requirements, in their order."""
    content = tomllib.loads(source.read_text("utf-8"))
    return tuple(
        Requirement(name, area, entry[0], tuple(entry[1:]))
        for area, table in content.items()
        for name, entry in table.items()
    )


def existing_tests(folder: Path = TESTS) -> frozenset[str]:
    """'file::function' of every test."""
    return frozenset(_tests(folder))


def _tests(folder: Path) -> Iterator[str]:
    for path in folder.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.name}::{node.name}"


def problems(found: tuple[Requirement, ...], tests: frozenset[str]) -> list[str]:
    """Requirements without a test, tests that do not exist, numbers given twice."""
    said = [f"{one.id} has no test" for one in found if not one.tests]
    said += [f"{one.id} names {test}, which does not exist" for one in found for test in one.tests if test not in tests]
    ids = [one.id for one in found]
    return said + [f"{name} is there twice" for name in sorted(set(ids)) if ids.count(name) > 1]


def table(found: tuple[Requirement, ...]) -> str:
    """The requirements and their tests as Markdown."""
    lines = [HEAD]
    for area in dict.fromkeys(one.area for one in found):
        lines += [f"\n## {area.capitalize()}\n", "| | Requirement | Tests |", "|---|---|---|"]
        for one in found:
            if one.area == area:
                tests = "<br>".join(f"`{test.replace('::', '` `')}`" for test in one.tests)
                lines.append(f"| {one.id} | {one.text} | {tests} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the table; 1 where something is wrong with the requirements."""
    found = requirements()
    TABLE.write_text(table(found), "utf-8")
    wrong = problems(found, existing_tests())
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
