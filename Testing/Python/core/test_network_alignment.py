"""Deformable alignment: a convolution until it learns to look elsewhere."""

import torch
import torch.nn.functional as F
from cacnet.network.alignment import TAPS, DeformableAlignment, DeformableConv3d, sample_trilinear


def test_sampling_between_two_voxels_gives_their_mean_and_zero_outside():
    line = torch.tensor([0.0, 10.0, 20.0]).view(1, 1, 1, 1, 3)
    positions = torch.tensor([[0, 0, 0.0], [0, 0, 0.5], [0, 0, 2.0], [0, 0, 5.0]]).view(1, 1, 1, 4, 3)
    torch.testing.assert_close(sample_trilinear(line, positions).flatten(), torch.tensor([0.0, 5.0, 20.0, 0.0]))


def test_sampling_takes_positions_as_z_y_x():
    features = torch.arange(24.0).view(1, 1, 2, 3, 4)
    positions = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 1, 3)
    assert sample_trilinear(features, positions).item() == features[0, 0, 1, 2, 3]


def test_without_offsets_a_deformable_convolution_is_a_convolution():
    torch.manual_seed(0)
    layer = DeformableConv3d(3, 2)
    features = torch.randn(2, 3, 4, 5, 6)
    expected = F.conv3d(features, layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(features, torch.zeros(2, TAPS * 3, 4, 5, 6)), expected, atol=1e-5, rtol=1e-4)


def test_an_offset_of_one_voxel_reads_the_neighbour():
    layer = DeformableConv3d(1, 1)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 1, 1, 1] = 1
    features = torch.arange(27.0).view(1, 1, 3, 3, 3)
    offsets = torch.zeros(1, TAPS, 3, 3, 3, 3)
    offsets[:, :, 2] = 1  # +1 in x
    answer = layer(features, offsets.view(1, TAPS * 3, 3, 3, 3))
    torch.testing.assert_close(answer[..., :-1].detach(), features[..., 1:])
    assert answer[..., -1].abs().max() == 0


def test_alignment_starts_without_offsets_and_can_learn_them():
    torch.manual_seed(0)
    layer = DeformableAlignment(4)
    body, edge, tokens = torch.randn(3, 1, 4, 4, 4, 4)
    assert layer.offsets(body * edge).abs().max() == 0
    layer(body, edge, tokens).square().sum().backward()
    assert layer.offsets.weight.grad.abs().max() > 0


def test_without_deformation_the_bands_are_fused_where_they_are():
    layer = DeformableAlignment(2, deformable=False)
    body, edge, tokens = torch.randn(3, 1, 2, 3, 3, 3)
    assert [name for name, _ in layer.named_parameters()] == ["fuse.weight", "fuse.bias"]
    torch.testing.assert_close(layer(body, edge, tokens), layer.fuse(torch.cat([body, edge, tokens], 1)))
