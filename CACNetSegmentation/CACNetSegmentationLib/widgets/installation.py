"""Installs what the worker needs, once, after asking; nothing is installed or imported when Slicer starts."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cacnet.errors import CacnetError

TORCH_REQUIREMENT = ">=2.2,<2.13" if sys.platform == "win32" else ">=2.2"
"""PyTorch 2.13 does not install on Windows where long paths are disabled."""
REQUESTER = "CACNet"


class InstallationError(CacnetError):
    """The packages that CACNet needs could not be installed."""


class Packaging(Protocol):
    """The part of `slicer.packaging` (3D Slicer 5.12) that is used."""

    def load_requirements(self, path: Path) -> list: ...
    def pip_check(self, req: list) -> bool: ...
    def pip_ensure(self, requirements: list, *, prompt_install: bool, requester: str) -> object: ...


class TorchInstaller(Protocol):
    """The part of the PyTorch extension's PyTorchUtilsLogic that is used."""

    def installTorch(
        self,
        askConfirmation: bool,
        forceComputationBackend: str | None,
        torchVersionRequirement: str,
    ) -> object: ...


def ensure_dependencies(
    requirements: Path,
    packaging: Packaging,
    torch_installer: Callable[[], TorchInstaller],
    confirm: Callable[[str], bool],
) -> bool:
    """Make sure that the worker will find its packages, asking once before anything is downloaded.

    Args:
        requirements: requirements.txt of the module; torch is not in it.
        packaging: `slicer.packaging`.
        torch_installer: makes a PyTorchUtilsLogic; called only where torch is missing.
        confirm: shows a question and returns the answer.

    Returns:
        False where the user declined.

    Raises:
        InstallationError: with a sentence for the user.
    """
    wanted = packaging.load_requirements(requirements)
    packages_missing, torch_missing = not packaging.pip_check(wanted), not torch_installed()
    if not packages_missing and not torch_missing:
        return True
    if not confirm(_question(wanted if packages_missing else [], torch_missing)):
        return False
    try:
        if torch_missing:
            torch_installer().installTorch(False, None, TORCH_REQUIREMENT)
        if packages_missing:
            packaging.pip_ensure(wanted, prompt_install=False, requester=REQUESTER)
    except ImportError as error:
        raise InstallationError(
            found=f"PyTorch's installer is missing ({error})",
            action="Install the extension 'PyTorch' with the Extensions Manager, restart Slicer and run again",
        ) from error
    except (subprocess.CalledProcessError, OSError, RuntimeError, ValueError) as error:
        raise InstallationError(
            found=f"the packages could not be installed ({error})",
            expected="a connection to the internet and room on the disk",
            action="Check the connection and the proxy settings, and run again",
        ) from error
    return True


def torch_installed() -> bool:
    """Whether torch is there, without importing it: in Slicer's own process that can bring the application down."""
    try:
        importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _question(packages: list, torch_missing: bool) -> str:
    names = [str(package) for package in packages] + ["PyTorch (up to 3 GB)"] * torch_missing
    return (
        "CACNet needs further Python packages, which will be downloaded and installed into Slicer:\n\n"
        + "\n".join(names)
        + "\n\nThis is done once and takes some minutes. Continue?"
    )
