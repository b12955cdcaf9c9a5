"""The cross-frequency conditioner: what is low, what is high, and that the attention stays a gate."""

import pytest
import torch
from cacnet.network.conditioner import (
    BandAttention,
    CrossFrequencyConditioner,
    TokenPyramid,
    from_spectrum,
    low_frequency_band,
    split_frequencies,
)
from cacnet.network.configuration import NetworkConfig

TINY = NetworkConfig(widths=(4, 4, 8, 8, 8), conditioner_width=8)


def test_low_band_is_the_middle_half_of_a_centred_spectrum():
    band = low_frequency_band((8, 8, 8))
    line = band[4, 4].tolist()  # indices 0…7; kept where 2 < u ≤ 6
    assert line == [False, False, False, True, True, True, True, False]
    assert int(band.sum()) == 4**3


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 5), (6, 6, 6), (8, 10, 7)])
def test_mean_is_always_low_frequency(shape):
    assert low_frequency_band(shape)[tuple(side // 2 for side in shape)]


@pytest.mark.parametrize("shifted", [True, False])
def test_bands_add_up_to_the_tokens(shifted):
    tokens = torch.randn(2, 3, 6, 5, 8, generator=torch.Generator().manual_seed(0))
    low, high = split_frequencies(tokens, shifted)
    torch.testing.assert_close(from_spectrum(low + high, shifted), tokens, atol=1e-5, rtol=0)


def test_constant_tokens_are_all_low_frequency_when_the_spectrum_is_centred():
    low, high = split_frequencies(torch.full((1, 1, 8, 8, 8), 3.0), shifted=True)
    assert high.abs().max() == 0
    torch.testing.assert_close(from_spectrum(low), torch.full((1, 1, 8, 8, 8), 3.0))


def test_constant_tokens_are_high_on_a_spectrum_as_the_transform_returns_it():
    low, high = split_frequencies(torch.full((1, 1, 8, 8, 8), 3.0), shifted=False)
    assert low.abs().max() == 0
    torch.testing.assert_close(from_spectrum(high, shifted=False), torch.full((1, 1, 8, 8, 8), 3.0))


def test_alternating_tokens_are_high_frequency():
    alternating = torch.tensor([1.0, -1.0]).repeat(4).expand(1, 1, 8, 8, 8)
    low, high = split_frequencies(alternating)
    assert low.abs().max() < 1e-4
    assert high.abs().max() == pytest.approx(8**3)


def test_attention_is_a_gate_between_nought_and_one():
    torch.manual_seed(0)
    attention = BandAttention(2)
    gate = attention(torch.randn(1, 2, 4, 4, 4, dtype=torch.complex64) * 50)
    assert gate.shape == (1, 2, 4, 4, 4)
    assert gate.min() >= 0
    assert gate.max() <= 1
    assert gate.std() > 0.01


def test_open_gates_hand_each_band_through_as_equation_3_says():
    conditioner = CrossFrequencyConditioner(TINY)
    for attention, bias in ((conditioner.high_attention, 0.0), (conditioner.low_attention, 50.0)):
        torch.nn.init.zeros_(attention.mix.weight)
        torch.nn.init.constant_(attention.mix.bias, bias)  # A_h = 1/2, A_l = 1
    tokens = torch.randn(1, 8, 6, 6, 6, generator=torch.Generator().manual_seed(1))
    low, high = split_frequencies(tokens)
    body, edge = conditioner.interact(tokens)
    torch.testing.assert_close(body, from_spectrum(high) / 2, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(edge, from_spectrum(low) / 2, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 5), (8, 8, 8)])
def test_conditioner_takes_any_size_and_trains_all_its_parameters(shape):
    torch.manual_seed(0)
    conditioner = CrossFrequencyConditioner(TINY)
    answer = conditioner(torch.randn(2, 8, *shape))
    assert answer.shape == (2, 8, *shape)
    answer.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in conditioner.parameters())


def test_conditioner_stays_in_float32_under_autocast():
    torch.manual_seed(0)
    conditioner = CrossFrequencyConditioner(TINY)
    tokens = torch.randn(1, 8, 4, 4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = conditioner(tokens)
        assert conditioner(tokens.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(inside, conditioner(tokens))


def test_tokens_are_the_means_of_every_scale_and_go_back_to_it():
    pyramid = TokenPyramid(NetworkConfig(widths=(1, 1, 1, 1, 1), conditioner_width=1, token_scales=2))
    torch.nn.init.ones_(pyramid.mix.weight)
    torch.nn.init.zeros_(pyramid.mix.bias)
    fine, coarse = torch.arange(8.0).view(1, 1, 2, 2, 2), torch.full((1, 1, 1, 1, 1), 10.0)
    unused = torch.zeros(1, 1, 4, 4, 4)
    tokens = pyramid.gather([unused, fine, coarse])
    assert tokens.item() == pytest.approx(3.5 + 10)
    for project in pyramid.inject:
        torch.nn.init.ones_(project.weight)
        torch.nn.init.zeros_(project.bias)
    spread = pyramid.spread(tokens, [unused, fine, coarse])
    assert torch.equal(spread[0], unused)
    torch.testing.assert_close(spread[1], fine + 13.5)
    torch.testing.assert_close(spread[2], coarse + 13.5)
