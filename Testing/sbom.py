"""What the product is made of, as CycloneDX 1.5 JSON: `python Testing/sbom.py` writes sbom.json at the top.

The packages are those that pyproject.toml requires at run time, in the versions of constraints.txt (which the tests run
with), with the licences that the installed packages declare.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "sbom.json"
LONGEST_LICENCE = 60


def pinned(text: str) -> dict[str, str]:
    """Versions by normalised name."""
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)", text)
    return {normalised(name): version for name, version in found}


def normalised(name: str) -> str:
    """A package's name as the index has it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(project: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and range of every run-time dependency; 'optional' ones of the extra 'cluster' too."""
    texts = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    return sorted((normalised(m[1]), m[2]) for m in (re.match(r"([A-Za-z0-9._-]+)(.*)", text) for text in texts) if m)


def licence_of(name: str) -> str:
    """What the installed package says, in a few words."""
    about = metadata.metadata(name)
    classified = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    stated = about.get("License-Expression") or next(iter(classified), "") or about.get("License") or "not stated"
    return stated.strip().splitlines()[0][:LONGEST_LICENCE]


def document() -> dict[str, Any]:
    """The bill of materials; the same for the same versions, so it has neither time nor serial number."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = pinned((ROOT / "constraints.txt").read_text("utf-8"))
    components = []
    for name, accepted in required(project):
        version = versions.get(name)
        entry: dict[str, Any] = {"type": "library", "name": name}
        if version is not None:
            entry |= {"version": version, "purl": f"pkg:pypi/{name}@{version}"}
        entry["licenses"] = [{"license": {"name": licence_of(name)}}]
        entry["properties"] = [{"name": "accepted-versions", "value": accepted}]
        components.append(entry)
    product = {"type": "application", "name": "CACNet", "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": product},
        "components": components,
    }


def text() -> str:
    """The file's content."""
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    sys.exit(0)
