"""The arrangement for inference answers what the network answers, and leaves the network itself alone."""

import pytest
import torch
import torch.nn.functional as F
from cacnet.network import CACNet, NetworkConfig, WallConfig, WallNetwork
from cacnet.network.arranged import (
    FoldedConvolution,
    Margins,
    arranged,
    arranged_walls,
    folded,
    folded_kernel,
    unfolded,
)

TINY = {"widths": (4, 8, 8, 8, 8), "conditioner_width": 4}


def network_of(**changes):
    torch.manual_seed(0)
    return CACNet(NetworkConfig(**{**TINY, **changes})).eval()


VARIANTS = [
    {},
    {"norm": "instance"},
    {"norm": "batch"},
    {"conditioner": False},
    {"classes": 1},
    {"token_scales": 5},
    {"widths": (16, 16, 16, 16, 16)},
]
ODD_WIDTHS = {"widths": (3, 5, 7, 9, 11)}
"""In bfloat16, torch's own convolutions of so many channels read memory that nobody wrote: nothing can be expected."""


@pytest.mark.parametrize("changes", [*VARIANTS, ODD_WIDTHS])
def test_in_float32_the_answers_are_the_networks_own(changes):
    network, image = network_of(**changes), torch.randn(1, 1, 16, 32, 48)
    with torch.inference_mode():
        expected, answer = network(image), arranged(network, torch.float32)(image)
    torch.testing.assert_close(answer, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("changes", VARIANTS)
def test_in_bfloat16_the_answers_differ_by_its_rounding_alone(changes):
    network, image = network_of(**changes), torch.randn(1, 1, 16, 32, 48)
    with torch.inference_mode():
        expected = torch.sigmoid(network(image))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounding = (torch.sigmoid(network(image).float()) - expected).abs().max()
        answer = torch.sigmoid(arranged(network, torch.bfloat16)(image.bfloat16()).float())
    assert answer.shape == expected.shape
    assert (answer - expected).abs().max() < 2 * rounding + 0.01


def test_the_network_itself_stays_as_it_was():
    network = network_of()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.inference_mode():
        arranged(network, torch.bfloat16)(torch.randn(1, 1, 16, 16, 16).bfloat16())
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) and after[name].dtype == torch.float32 for name in before)


def wall_network(widths):
    torch.manual_seed(0)
    network = WallNetwork(WallConfig(widths)).eval()
    torch.nn.init.normal_(network.head.weight, std=20)  # so that the answers differ from voxel to voxel
    return network


@pytest.mark.parametrize("widths", [(8, 12), (4, 8), (16, 16), (12, 20)])
def test_the_wall_network_arranged_answers_as_itself(widths):
    network, window = wall_network(widths), torch.randn(2, 3, 8, 16, 24)
    with torch.inference_mode():
        expected = torch.sigmoid(network(window))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounding = (torch.sigmoid(network(window).float()) - expected).abs().max()
        in_float32 = torch.sigmoid(arranged_walls(network, torch.float32)(window))
        in_bfloat16 = torch.sigmoid(arranged_walls(network, torch.bfloat16)(window).float())
    assert (expected.max() - expected.min()) > 0.05
    torch.testing.assert_close(in_float32, expected, atol=1e-5, rtol=1e-4)
    assert (in_bfloat16 - expected).abs().max() < 2 * rounding + 0.01


def test_the_wall_network_itself_stays_as_it_was():
    network, window = wall_network((8, 12)), torch.randn(1, 3, 8, 8, 16)
    with torch.inference_mode():
        before = network(window)
        arranged_walls(network, torch.bfloat16)(window)
        assert torch.equal(network(window), before)


def test_folding_takes_neighbours_along_x_as_channels_and_back():
    features = torch.arange(8.0).view(1, 2, 1, 1, 4)  # channel 0 is 0 1 2 3 along x, channel 1 is 4 5 6 7
    wide = folded(features, 2)
    assert wide[0, :, 0, 0].T.tolist() == [[0, 4, 1, 5], [2, 6, 3, 7]]
    assert torch.equal(unfolded(wide, 2), features)


def test_folding_a_channels_last_tensor_copies_nothing():
    features = torch.randn(1, 4, 2, 2, 8).contiguous(memory_format=torch.channels_last_3d)
    assert folded(features, 4).data_ptr() == features.data_ptr()
    assert unfolded(folded(features, 4), 4).data_ptr() == features.data_ptr()


@pytest.mark.parametrize(("width", "fold"), [(3, 1), (3, 2), (3, 4), (1, 4), (5, 2)])
def test_a_folded_kernel_does_to_folded_voxels_what_the_kernel_does_to_voxels(width, fold):
    torch.manual_seed(0)
    kernel, features = torch.randn(3, 2, 3, 3, width), torch.randn(1, 2, 4, 5, 16)
    margins = Margins.of(width, fold)
    rows = F.pad(features, (margins.before, margins.after))
    answer = unfolded(F.conv3d(folded(rows, fold), folded_kernel(kernel, fold), padding=(1, 1, 0)), fold)
    expected = F.conv3d(features, kernel, padding=(1, 1, width // 2))
    torch.testing.assert_close(answer, expected, atol=1e-4, rtol=1e-4)


def test_two_outputs_of_a_kernel_of_three_read_two_folded_voxels():
    """o(0) and o(1) need the voxels -1, 0, 1 and 2: with one voxel of margin these are the pairs (-1, 0) and (1, 2)."""
    assert Margins.of(width=3, fold=2) == Margins(before=1, after=1, folded_width=2)
    kernel = torch.tensor([10.0, 20.0, 30.0]).view(1, 1, 1, 1, 3)
    assert folded_kernel(kernel, 2)[0, :, 0, 0].tolist() == [[10, 30], [20, 0]]  # o(0) = 10·v(-1) + 20·v(0) + 30·v(1)
    assert folded_kernel(kernel, 2)[1, :, 0, 0].tolist() == [[0, 20], [10, 30]]  # o(1) = 10·v(0) + 20·v(1) + 30·v(2)


def test_a_folded_convolution_leaves_its_input_alone_and_reads_zeros_beside_it():
    torch.manual_seed(0)
    convolution, features = torch.nn.Conv3d(2, 4, 3, padding=1), torch.randn(1, 2, 4, 4, 8)
    before = features.clone()
    with torch.inference_mode():
        answer = FoldedConvolution(convolution, 2)(features)
        torch.testing.assert_close(answer, convolution(features), atol=1e-5, rtol=1e-5)
    assert torch.equal(features, before)
