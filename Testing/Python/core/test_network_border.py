"""The border network: windows in, one probability for each voxel out."""

import pytest
import torch
from cacnet.network import BorderConfig, BorderNetwork, NetworkConfigError

SMALL = BorderConfig(widths=(8, 8, 16))


def test_a_window_is_answered_voxel_by_voxel() -> None:
    answer = BorderNetwork(SMALL)(torch.zeros(2, 3, 8, 12, 16))
    assert answer.shape == (2, 1, 8, 12, 16)


def test_an_untrained_network_answers_that_calcium_is_rare() -> None:
    torch.manual_seed(0)
    probability = torch.sigmoid(BorderNetwork(SMALL)(torch.randn(1, 3, 16, 16, 16)))
    assert probability.mean() < 0.1


def test_nothing_is_brighter_than_it_was_trained_on() -> None:
    """Of the CT's channel only: metal at 4 looks like calcium at 3 to a network that saw no more."""
    metal = torch.zeros(1, 3, 8, 8, 8)
    metal[:, 0, 4, 4, 4] = 4.0
    calcium = metal.clamp(max=3.0)
    limited, full = BorderNetwork(BorderConfig((8, 8, 8), brightest=3.0)), BorderNetwork(BorderConfig((8, 8, 8)))
    torch.testing.assert_close(limited(metal), limited(calcium), rtol=0, atol=0)
    assert not torch.equal(full(metal), full(calcium))


def test_a_brightness_that_shows_nothing_is_refused() -> None:
    with pytest.raises(NetworkConfigError, match="brightest 0"):
        BorderConfig(brightest=0.0)


def test_every_weight_learns() -> None:
    network = BorderNetwork(SMALL)
    network(torch.randn(1, 3, 16, 16, 16)).square().mean().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


@pytest.mark.parametrize("widths", [(8, 8, 12), (0, 8, 8), (8, 8, 1024)])
def test_widths_that_cannot_be_built_are_refused(widths: tuple[int, int, int]) -> None:
    with pytest.raises(NetworkConfigError, match="multiples of 8"):
        BorderConfig(widths)
