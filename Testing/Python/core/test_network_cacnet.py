"""The whole network: shapes, size, and that every part can be switched off."""

import pytest
import torch
from cacnet.network import CACNet, InputSizeError, NetworkConfig, NetworkConfigError

TINY = {"widths": (2, 4, 4, 8, 8), "conditioner_width": 4}


def test_default_network_fits_in_a_bundle_of_twelve_megabytes():
    with torch.device("meta"):
        assert CACNet().parameter_count <= 5_800_000


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"conditioner": False},
        {"alignment": False},
        {"frequency_shifted": False},
        {"classes": 1},
        {"norm": "instance"},
        {"norm": "batch"},
        {"token_scales": 5},
    ],
)
def test_every_variant_answers_on_the_input_grid_and_trains_every_parameter(changes):
    torch.manual_seed(0)
    network = CACNet(NetworkConfig(**{**TINY, **changes}))
    logits = network(torch.randn(2, 1, 32, 16, 48))
    assert logits.shape == (2, changes.get("classes", 2), 32, 16, 48)
    logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_switched_off_parts_leave_no_parameters():
    names = [name for name, _ in CACNet(NetworkConfig(**TINY, conditioner=False)).named_parameters()]
    assert not [name for name in names if name.startswith(("pyramid", "conditioner"))]


def test_an_untrained_network_expects_little_calcium():
    torch.manual_seed(0)
    network = CACNet(NetworkConfig(**TINY))
    torch.nn.init.zeros_(network.head.weight)
    calcium, coronary = torch.sigmoid(network(torch.randn(1, 1, 16, 16, 16))).mean((0, 2, 3, 4)).tolist()
    assert (calcium, coronary) == (pytest.approx(0.001), pytest.approx(0.01))


@pytest.mark.parametrize("shape", [(1, 1, 32, 32, 40), (1, 2, 32, 32, 32), (1, 32, 32, 32), (1, 1, 0, 16, 16)])
def test_an_unfit_input_is_named(shape):
    with pytest.raises(InputSizeError, match="multiples of 16"):
        CACNet(NetworkConfig(**TINY))(torch.zeros(shape))


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": (1, 2, 3)},
        {"widths": (0, 1, 1, 1, 1)},
        {"classes": 3},
        {"conditioner_width": 0},
        {"token_scales": 6},
        {"norm": "layer"},
    ],
)
def test_an_impossible_configuration_is_named(changes):
    with pytest.raises(NetworkConfigError):
        NetworkConfig(**changes)


def test_bfloat16_autocast_stays_close_to_float32():
    torch.manual_seed(0)
    network = CACNet(NetworkConfig(**TINY)).eval()
    image = torch.randn(1, 1, 32, 32, 32)
    with torch.inference_mode():
        exact = network(image)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            quick = network(image.contiguous(memory_format=torch.channels_last_3d))
    assert (torch.sigmoid(quick.float()) - torch.sigmoid(exact)).abs().max() < 0.02
