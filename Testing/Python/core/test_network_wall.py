"""The wall network: windows in, one logit for each voxel out."""

import pytest
import torch
from cacnet.network import NetworkConfigError, WallConfig, WallNetwork


def test_a_window_is_answered_voxel_by_voxel() -> None:
    assert WallNetwork(WallConfig((4, 8)))(torch.zeros(2, 3, 8, 24, 16)).shape == (2, 1, 8, 24, 16)


def test_a_voxel_is_answered_alike_in_every_window_that_shows_as_much_around_it() -> None:
    torch.manual_seed(0)
    network, scan = WallNetwork(), torch.randn(1, 3, 24, 32, 32)
    scan[..., 22:] *= 30.0  # far away, where a normalisation over the window would carry it from
    whole, part = network(scan), network(scan[..., :24])
    torch.testing.assert_close(whole[..., :14], part[..., :14], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(whole[..., 20:24], part[..., 20:24])


def test_gradients_flow_through_every_part() -> None:
    torch.manual_seed(0)
    network = WallNetwork(WallConfig((4, 8)))
    network(torch.randn(1, 3, 8, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize("widths", [(0, 8), (6, 8), (8, 260)])
def test_widths_that_cannot_be_meant_are_refused(widths: tuple[int, int]) -> None:
    with pytest.raises(NetworkConfigError, match="two multiples of 4"):
        WallConfig(widths)
