"""The context network on hearts of any size."""

import numpy as np
import pytest
import torch
from cacnet import context_inference
from cacnet.context_inference import look_at_heart
from cacnet.errors import Cancelled
from cacnet.heart_context import CoarseHeart
from cacnet.inference import choose_device
from cacnet.network import ContextConfig, ContextNetwork
from cacnet.volume import Geometry


def heart_of(shape) -> CoarseHeart:
    random = np.random.default_rng(0)
    hu = random.normal(300, 100, shape).astype(np.float32)
    coronary, calcium = random.random((2, *shape), np.float32)
    return CoarseHeart(hu, hu + 50, coronary, calcium, Geometry(shape, (1.0, 1.0, 1.0)))


@pytest.fixture
def network() -> ContextNetwork:
    torch.manual_seed(0)
    return ContextNetwork(ContextConfig((8, 8, 8, 8)))


@pytest.fixture
def cpu():
    device = choose_device("cpu")
    return type(device)(device.name, "float32", device.hardware)


def test_a_heart_of_any_size_is_answered_on_its_grid(network, cpu) -> None:
    heart = heart_of((5, 20, 33))
    context = look_at_heart(heart, network, cpu)
    assert context.artery.shape == context.plaque.shape == (5, 20, 33)
    assert context.grid == heart.grid
    assert ((context.artery > 0) & (context.artery < 1)).all()
    assert not np.array_equal(context.artery, context.plaque)


def test_a_large_volume_is_answered_in_parts_as_in_one(network, cpu, monkeypatch) -> None:
    heart = heart_of((16, 16, 400))
    whole = look_at_heart(heart, network, cpu)
    monkeypatch.setattr(context_inference, "PART_VOXELS", 192 + 400)
    one = look_at_heart(heart, network, cpu)
    monkeypatch.setattr(context_inference, "PART_VOXELS", 192)
    monkeypatch.setattr(context_inference, "MARGIN_VOXELS", 112)  # more than the network reaches
    exact = look_at_heart(heart, network, cpu)
    np.testing.assert_allclose(exact.artery, one.artery, atol=1e-5)
    np.testing.assert_allclose(whole.artery, one.artery, atol=0.05)


def test_the_callers_network_stays_as_it_was(network, cpu) -> None:
    network.train()
    look_at_heart(heart_of((16, 16, 16)), network, cpu)
    assert network.training


def test_a_run_can_be_cancelled_after_a_part(network, cpu) -> None:
    def cancel(stage: str, fraction: float) -> None:
        raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        look_at_heart(heart_of((16, 16, 16)), network, cpu, cancel)
