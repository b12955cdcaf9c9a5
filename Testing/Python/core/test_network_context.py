"""The context network: a heart in coarse voxels in, four answers for each of them out."""

import pytest
import torch
from cacnet.network import ContextConfig, ContextNetwork, NetworkConfigError
from cacnet.network.context import INPUTS, OUTPUTS, folded, padded_sides, unfolded

SMALL = ContextConfig((8, 8, 8, 8))


def test_every_voxel_is_answered() -> None:
    answer = ContextNetwork(SMALL)(torch.zeros(2, INPUTS, 16, 48, 32))
    assert answer.shape == (2, len(OUTPUTS), 16, 48, 32)


def test_a_block_of_voxels_becomes_channels_and_back() -> None:
    image = torch.arange(16.0).reshape(1, 1, 2, 2, 4)
    blocks = folded(image)
    assert blocks.shape == (1, 8, 1, 1, 2)
    assert blocks[0, :, 0, 0, 0].tolist() == [0, 1, 4, 5, 8, 9, 12, 13]
    assert blocks[0, :, 0, 0, 1].tolist() == [2, 3, 6, 7, 10, 11, 14, 15]
    assert torch.equal(unfolded(blocks), image)


def test_an_untrained_network_answers_that_arteries_are_rare() -> None:
    torch.manual_seed(0)
    probability = torch.sigmoid(ContextNetwork(SMALL)(torch.randn(1, INPUTS, 32, 32, 32)))
    assert probability.mean() < 0.25


def test_every_voxel_sees_most_of_a_heart() -> None:
    torch.manual_seed(0)
    heart = torch.zeros(1, INPUTS, 16, 16, 176, requires_grad=True)
    network = ContextNetwork(SMALL).eval()
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, 0.01, 0.1)  # no rectifier hides anything
    (slope,) = torch.autograd.grad(network(heart + 1)[0, 0, 8, 8, 88], heart)
    assert int(slope[0, 0].abs().sum((0, 1)).count_nonzero()) > 100


def test_sides_are_padded_to_the_next_multiple() -> None:
    assert SMALL.size_multiple == 16
    assert padded_sides((1, 16, 17), 16) == (16, 16, 32)


@pytest.mark.parametrize("widths", [(8, 8, 8, 12), (0, 8, 8, 8), (8, 8, 8, 520)])
def test_widths_that_cannot_be_meant_are_refused(widths) -> None:
    with pytest.raises(NetworkConfigError, match="context widths"):
        ContextConfig(widths)
