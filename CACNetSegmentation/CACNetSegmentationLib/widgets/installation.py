"""Installs what the worker needs, once, after asking; nothing is installed or imported when Slicer starts."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cacnet.errors import CacnetError

from CACNetSegmentationLib.widgets.translation import _

OLDEST_TORCH = (2, 2)
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
            _install_torch(torch_installer)
        if packages_missing:
            packaging.pip_ensure(wanted, prompt_install=False, requester=REQUESTER)
    except (subprocess.CalledProcessError, OSError, RuntimeError, ValueError) as error:
        raise InstallationError(
            found=f"the packages could not be installed ({error})",
            expected="a connection to the internet and room on the disk",
            action=offline_advice(requirements),
        ) from error
    return True


def everything_installed(requirements: Path, packaging: Packaging) -> bool:
    """Whether a run could start without installing anything."""
    return torch_installed() and packaging.pip_check(packaging.load_requirements(requirements))


def torch_installed() -> bool:
    """Whether torch is there and new enough, without importing it: in Slicer's own process that can bring the
    application down."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers.group(1)), int(numbers.group(2))) >= OLDEST_TORCH


def offline_advice(requirements: Path) -> str:
    """What to do where there is no internet: which command on a computer that has it, and which one then here."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        "Check the connection and the proxy settings, and run again. Without internet: on a computer of the same "
        f"system with Python {python}, run 'python -m pip download torch -r {requirements.name} -d cacnet-packages' "
        f"(the file is '{requirements}'), bring that folder here, and type in Slicer's Python console: "
        f"slicer.util.pip_install('--no-index --find-links <folder> torch -r \"{requirements}\"')"
    )


def _install_torch(torch_installer: Callable[[], TorchInstaller]) -> None:
    try:
        installer = torch_installer()
    except ImportError as error:
        raise InstallationError(
            found=f"PyTorch's installer is missing ({error})",
            action="Install the extension 'PyTorch' with the Extensions Manager, restart Slicer and run again",
        ) from error
    try:
        installer.installTorch(False, None, TORCH_REQUIREMENT)
    except (ImportError, OSError) as error:
        # The installer imports what it has installed, which may need a restart first; the worker does not. Where a
        # library of it cannot be loaded yet, Windows says so by an OSError.
        if not torch_installed():
            raise RuntimeError(str(error)) from error


def _question(packages: list, torch_missing: bool) -> str:
    names = [str(package) for package in packages] + [_("PyTorch (up to 3 GB)")] * torch_missing
    return (
        _("CACNet needs further Python packages, which will be downloaded and installed into Slicer:")
        + "\n\n"
        + "\n".join(names)
        + "\n\n"
        + _("This is done once and takes some minutes. Continue?")
    )
