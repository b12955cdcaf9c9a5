"""The loss: hand-computed overlaps, and finite wherever a crop has no calcium or no vessel."""

import math

import pytest
import torch
from cacnet.network import LossConfig, SegmentationLoss
from cacnet.network.loss import UNKNOWN, geometric_prior, soft_dice_loss, weighted_cross_entropy


def masks(calcium: list[float], coronary: list[float]) -> torch.Tensor:
    return torch.tensor([calcium, coronary]).view(1, 2, 1, 1, -1)


def test_geometric_prior_of_a_hand_made_crop():
    predicted = masks([1, 1, 0, 0], [0, 1, 1, 0])
    true = masks([1, 0, 0, 0], [1, 0, 0, 0])
    # T_prec = (1 + 1) / (2 + 1), T_sens = (0 + 1) / (1 + 1), with one smoothing voxel
    expected = 2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2)
    assert geometric_prior(predicted, true).item() == pytest.approx(expected)


def test_geometric_prior_is_one_for_the_truth_itself():
    true = masks([0, 1, 0, 0], [1, 1, 1, 0])
    assert geometric_prior(true, true).item() == pytest.approx(1)


def test_dice_of_a_hand_made_crop():
    predicted, true = masks([1, 1, 0, 0], [0, 0, 0, 0]), masks([1, 0, 0, 0], [0, 0, 0, 0])
    assert soft_dice_loss(predicted, true).item() == pytest.approx(((1 - 3 / 4) + (1 - 1)) / 2)


def test_positive_voxels_weigh_as_told():
    logits, target = torch.zeros(1, 2, 1, 1, 2), masks([1.0, 0], [1.0, 0])
    config = LossConfig(positive_weights=(3.0, 1.0))
    # every voxel costs ln 2, the calcium voxel three times that
    assert weighted_cross_entropy(logits, target, config).item() == pytest.approx(math.log(2) * (4 / 2 + 2 / 2) / 2)


def test_hardest_fraction_averages_the_worst_voxels_of_each_channel():
    logits, target = masks([5.0, -5.0, -5.0, -5.0], [-5.0, -5.0, -5.0, 5.0]), torch.zeros(1, 2, 1, 1, 4)
    config = LossConfig(positive_weights=(1.0, 1.0), hardest_fraction=0.25)
    assert weighted_cross_entropy(logits, target, config).item() == pytest.approx(math.log1p(math.exp(5)))


@pytest.mark.parametrize("calcium", [[0.0] * 4, [1.0, 0, 0, 0]])
@pytest.mark.parametrize("coronary", [[0.0] * 4, [1.0, 1, 0, 0]])
@pytest.mark.parametrize("logit", [-200.0, 0.0, 200.0])
def test_value_and_gradient_are_finite_whatever_a_crop_holds(calcium, coronary, logit):
    logits = torch.full((1, 2, 1, 1, 4), logit, requires_grad=True)
    parts = SegmentationLoss()(logits, masks(calcium, coronary))
    parts.total.backward()
    assert all(part.isfinite() for part in vars(parts).values())
    assert logits.grad.isfinite().all()


def test_parts_add_up_with_their_weights():
    logits, target = masks([1.0, -1, 0, 2], [0.0, 1, 1, -1]), masks([1, 0, 0, 0], [1, 1, 0, 0])
    parts = SegmentationLoss(LossConfig(dice_weight=2.0, geometric_prior_weight=3.0))(logits, target)
    expected = parts.cross_entropy + 2 * parts.dice + 3 * (1 - parts.geometric_prior)
    assert parts.total.item() == pytest.approx(expected.item())


def test_a_calcium_only_network_has_no_geometric_prior():
    logits, target = torch.zeros(1, 1, 1, 1, 4), torch.zeros(1, 1, 1, 1, 4)
    parts = SegmentationLoss()(logits, target)
    assert parts.geometric_prior.item() == 1
    assert parts.total.item() == pytest.approx((parts.cross_entropy + parts.dice).item())


def test_half_precision_logits_are_summed_in_float32():
    logits = torch.full((1, 2, 48, 48, 48), -8.0, dtype=torch.float16)
    assert SegmentationLoss()(logits, torch.zeros(1, 2, 48, 48, 48)).total.isfinite()


UNKNOWN_CORONARY = [float(UNKNOWN)] * 4


@pytest.mark.parametrize("hardest_fraction", [1.0, 0.25])
def test_an_unknown_channel_adds_nothing_and_gets_no_gradient(hardest_fraction):
    config = LossConfig(hardest_fraction=hardest_fraction)
    logits = masks([1.0, -1, 0, 2], [3.0, -3, 1, 1]).requires_grad_()
    parts = SegmentationLoss(config)(logits, masks([1, 0, 0, 0], UNKNOWN_CORONARY))
    parts.total.backward()
    assert parts.geometric_prior.item() == pytest.approx(1)  # it needs both channels
    alone = SegmentationLoss(config)(logits[:, :1].detach(), masks([1, 0, 0, 0], [0.0] * 4)[:, :1])
    assert parts.cross_entropy.item() == pytest.approx(alone.cross_entropy.item() / 2)
    assert parts.dice.item() == pytest.approx(alone.dice.item() / 2)
    assert (logits.grad[:, 1] == 0).all()
    assert (logits.grad[:, 0] != 0).any()


@pytest.mark.parametrize("hardest_fraction", [1.0, 0.5])
def test_unknown_voxels_count_as_if_they_were_not_there(hardest_fraction):
    config = LossConfig(hardest_fraction=hardest_fraction)
    longer = SegmentationLoss(config)(
        masks([1.0, -1, 0, 2, 9, -9], [3.0, -3, 1, 1, 9, 9]),
        masks([1, 0, 0, 0, UNKNOWN, UNKNOWN], [1, 1, 0, 0, UNKNOWN, UNKNOWN]),
    )
    shorter = SegmentationLoss(config)(masks([1.0, -1, 0, 2], [3.0, -3, 1, 1]), masks([1, 0, 0, 0], [1, 1, 0, 0]))
    for left, right in zip(vars(longer).values(), vars(shorter).values(), strict=True):
        assert left.item() == pytest.approx(right.item())


def test_a_crop_of_which_nothing_is_known_costs_nothing():
    logits = torch.full((1, 2, 1, 1, 4), 5.0, requires_grad=True)
    parts = SegmentationLoss()(logits, masks(UNKNOWN_CORONARY, UNKNOWN_CORONARY))
    parts.total.backward()
    assert parts.total.item() == pytest.approx(0)
    assert (logits.grad == 0).all()


def test_a_known_target_may_come_in_bytes():
    logits, target = masks([1.0, -1, 0, 2], [3.0, -3, 1, 1]), masks([1, 0, 0, 0], [1, 1, 0, 0])
    loss = SegmentationLoss()
    assert loss(logits, target.byte()).total.item() == pytest.approx(loss(logits, target).total.item())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("logit", [-60.0, 60.0])
@pytest.mark.parametrize("true", [0.0, 1.0])
def test_half_precision_and_all_or_no_calcium_stay_finite(dtype, logit, true):
    logits = torch.full((1, 2, 4, 4, 4), logit, dtype=dtype, requires_grad=True)
    parts = SegmentationLoss()(logits, torch.full((1, 2, 4, 4, 4), true))
    parts.total.backward()
    assert all(part.isfinite() for part in vars(parts).values())
    assert logits.grad.isfinite().all()
