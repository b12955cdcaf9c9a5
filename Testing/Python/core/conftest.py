"""Fixtures for tests of the chain: a schematic scan on disk and a tiny network that answers quickly."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
from cacnet.volume import to_sitk


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a valid model bundle with a few, untrained weights."""
    from tiny_network import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def schematic_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schematic CCTA as NIfTI."""
    from schematic import schematic_ccta

    volume = schematic_ccta().volume
    path = tmp_path_factory.mktemp("ct") / "schematic.nii.gz"
    sitk.WriteImage(to_sitk(volume.hu, volume.geometry), str(path))
    return path
