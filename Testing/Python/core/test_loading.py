"""The network is loaded beside the CT: with its device, or with a sentence on what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from cacnet.inference import DeviceUnavailableError
from cacnet.loading import load_network
from cacnet.pipeline import Request, segment
from cacnet.reading import InputNotFoundError
from cacnet.weights import ModelNotFoundError


def test_a_model_comes_with_the_device_asked_for(tiny_bundle: Path) -> None:
    model, device = load_network(str(tiny_bundle), "cpu")
    assert (model.card.id, device.name) == ("tiny", "cpu")


def test_an_unknown_model_and_an_unknown_device_are_named_errors(tiny_bundle: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        load_network("nothing", "cpu")
    with pytest.raises(DeviceUnavailableError):
        load_network(str(tiny_bundle), "abacus")


def test_a_ct_that_cannot_be_read_is_said_first_where_the_model_is_missing_too(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        segment(Request(tmp_path / "none.nrrd", model="nothing"))


@pytest.mark.slow
def test_a_model_that_is_missing_is_said_after_the_ct_was_read(schematic_file: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        segment(Request(schematic_file, model="nothing"))
