"""The border network: windows in, one probability for each voxel out."""

import pytest
import torch
from cacnet.network import BorderConfig, BorderNetwork, NetworkConfigError
from cacnet.network.border import grown

SMALL = BorderConfig(widths=(8, 8, 16), context=8)


def test_a_window_is_answered_voxel_by_voxel() -> None:
    answer = BorderNetwork(SMALL)(torch.zeros(2, 3, 8, 24, 16))
    assert answer.shape == (2, 1, 8, 24, 16)


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


def test_the_context_shows_every_voxel_the_whole_window() -> None:
    torch.manual_seed(0)
    window = torch.zeros(1, 3, 32, 48, 48, requires_grad=True)
    near, whole = (BorderNetwork(BorderConfig((8, 8, 8), context=context)) for context in (0, 8))
    reach = []
    for network in (near, whole):
        for weight in network.parameters():
            torch.nn.init.uniform_(weight, 0.01, 0.1)  # no rectifier hides anything
        for layer in network.modules():
            if isinstance(layer, torch.nn.GroupNorm):  # its mean would carry everything everywhere
                layer.forward = lambda features: features
        (slope,) = torch.autograd.grad(network(window + 1)[0, 0, 16, 24, 24], window)
        reach.append(int(slope[0, 0].abs().sum((0, 1)).count_nonzero()))
    assert reach[0] < 35
    assert reach[1] == 48


def test_a_grown_network_answers_as_the_small_one_did() -> None:
    torch.manual_seed(0)
    small, window = BorderNetwork(BorderConfig((8, 8, 16), context=0)), torch.randn(2, 3, 16, 16, 16)
    wide = grown(small, BorderConfig((8, 16, 24), context=8))
    torch.testing.assert_close(wide(window), small(window), rtol=1e-4, atol=1e-5)
    wider = grown(wide, BorderConfig((16, 16, 40), context=8))
    torch.testing.assert_close(wider(window), small(window), rtol=1e-4, atol=1e-5)


def test_copies_of_a_channel_learn_differently() -> None:
    torch.manual_seed(0)
    wide = grown(BorderNetwork(BorderConfig((8, 8, 8), context=0)), BorderConfig((8, 16, 8), context=0))
    wide(torch.randn(1, 3, 16, 16, 16)).square().mean().backward()
    slope = wide.encoder[0][0][0].weight.grad
    assert not torch.allclose(slope[:8], slope[8:], rtol=0.05)


@pytest.mark.parametrize(
    "other",
    [BorderConfig((8, 8, 8), context=8), BorderConfig((8, 8, 16), context=0), BorderConfig((8, 8, 16), 8, 4.0)],
)
def test_a_network_grows_neither_narrower_nor_into_another_range(other: BorderConfig) -> None:
    with pytest.raises(NetworkConfigError, match="nowhere narrower"):
        grown(BorderNetwork(SMALL), other)


def test_every_weight_learns() -> None:
    network = BorderNetwork(SMALL)
    torch.nn.init.normal_(network.context[-1].weight)  # zero at first: what is before it learns from the second step on
    network(torch.randn(1, 3, 16, 16, 16)).square().mean().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


@pytest.mark.parametrize("widths", [(8, 8, 12), (0, 8, 8), (8, 8, 1024)])
def test_widths_that_cannot_be_built_are_refused(widths: tuple[int, int, int]) -> None:
    with pytest.raises(NetworkConfigError, match="multiples of 8"):
        BorderConfig(widths)


@pytest.mark.parametrize("context", [-8, 12, 1024])
def test_a_context_that_cannot_be_built_is_refused(context: int) -> None:
    with pytest.raises(NetworkConfigError, match="multiple of 8"):
        BorderConfig(context=context)
