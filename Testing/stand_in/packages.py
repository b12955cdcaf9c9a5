"""`slicer.packaging`: looks at what is installed; installs nothing."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement

OFFERED = ("load_requirements", "pip_check", "pip_ensure", "pip_install")


def load_requirements(path):
    """The requirements of a requirements.txt."""
    lines = (line.partition("#")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def pip_check(req):
    """Whether everything is installed in a version that fits."""
    wanted = req if isinstance(req, list) else [req]
    return all(_installed(r if isinstance(r, Requirement) else Requirement(r)) for r in wanted)


def _installed(requirement):
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def pip_ensure(
    requirements,
    constraints=None,
    skip_packages=None,
    prompt_install=True,
    prompt_restart=True,
    requester=None,
    skip_in_testing=True,
    show_progress=True,
):
    """Refuses: a test must not download anything."""
    if not pip_check(requirements):
        raise RuntimeError("the stand-in installs nothing")


def pip_install(requirements, **options):
    """Refuses: a test must not download anything."""
    raise RuntimeError("the stand-in installs nothing")
