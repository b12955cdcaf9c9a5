"""L = L_ce + λ_dice · L_dice + λ_gp · (1 − L_gp) (CAC-Net, eq. 5–7), on soft masks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn

SMOOTHING_VOXELS = 1.0
"""Added to numerators and denominators of overlap ratios: where a crop has no calcium, nothing predicted counts as a
perfect ratio of 1, with a finite gradient that still pushes false positives down."""


UNKNOWN = 255
"""A target of this value was never labelled; it adds nothing to any part of the loss."""


@dataclass(frozen=True)
class LossConfig:
    """Weights of the loss.

    Attributes:
        dice_weight: λ_dice.
        geometric_prior_weight: λ_gp; 0 leaves the geometric prior out.
        positive_weights: how much a calcium and a coronary voxel weigh in the cross-entropy against background.
        hardest_fraction: share of voxels, those of greatest cross-entropy, that the mean is taken over; 1 is all of
            them, as in the paper. A small share keeps easy background from drowning small lesions and is a form of
            hard-negative mining (Wu et al., arXiv 1605.06885).
    """

    dice_weight: float = 1.0
    geometric_prior_weight: float = 1.0
    positive_weights: tuple[float, float] = (10.0, 2.0)
    hardest_fraction: float = 1.0


@dataclass(frozen=True)
class LossParts:
    """The loss and what it is made of; scalars. `geometric_prior` is L_gp itself, so 1 is best."""

    total: torch.Tensor
    cross_entropy: torch.Tensor
    dice: torch.Tensor
    geometric_prior: torch.Tensor


def _ratio(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    return (part + SMOOTHING_VOXELS) / (whole + SMOOTHING_VOXELS)


def geometric_prior(probabilities: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Eq. 5–6, L_gp in (0, 1]: harmonic mean of T_prec = |Pp ∩ Gv| / |Pp| and T_sens = |Gp ∩ Pv| / |Gp|.

    P is predicted, G true, p plaque (channel 0), v vessel (channel 1). Both (N, 2, z, y, x); the mean over the batch.
    """
    predicted_plaque, predicted_vessel = probabilities.flatten(2).unbind(1)
    true_plaque, true_vessel = target.flatten(2).unbind(1)
    precision = _ratio((predicted_plaque * true_vessel).sum(-1), predicted_plaque.sum(-1))
    sensitivity = _ratio((true_plaque * predicted_vessel).sum(-1), true_plaque.sum(-1))
    return (2 * precision * sensitivity / (precision + sensitivity)).mean()


def soft_dice_loss(probabilities: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """1 − Dice of the whole batch, the mean over channels; defined where a channel is empty."""
    axes = (0, 2, 3, 4)
    shared = (probabilities * target).sum(axes)
    return (1 - _ratio(2 * shared, probabilities.sum(axes) + target.sum(axes))).mean()


def weighted_cross_entropy(logits: torch.Tensor, target: torch.Tensor, config: LossConfig) -> torch.Tensor:
    """Binary cross-entropy, the mean over channels of the mean over the `hardest_fraction` of voxels."""
    weights = torch.tensor(config.positive_weights[: logits.shape[1]], device=logits.device).view(1, -1, 1, 1, 1)
    entropy = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weights, reduction="none")
    if config.hardest_fraction >= 1:
        return entropy.mean()
    per_channel = entropy.transpose(0, 1).flatten(1)
    hardest = max(1, round(config.hardest_fraction * per_channel.shape[1]))
    return per_channel.topk(hardest, dim=1, sorted=False).values.mean()


def known_cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, known: torch.Tensor, config: LossConfig
) -> torch.Tensor:
    """`weighted_cross_entropy` over the `known` voxels of each channel; a channel without any counts as 0."""
    total = logits.new_zeros(())
    for channel, weight in enumerate(config.positive_weights[: logits.shape[1]]):
        picked = known[:, channel]
        if picked.any():
            row, truth = (part[:, channel][picked].view(1, 1, 1, 1, -1) for part in (logits, target))
            total = total + weighted_cross_entropy(row, truth, replace(config, positive_weights=(weight, weight)))
    return total / logits.shape[1]


class SegmentationLoss(nn.Module):
    """The whole loss; computed in float32 whatever the network ran in."""

    def __init__(self, config: LossConfig | None = None) -> None:
        super().__init__()
        self.config = config or LossConfig()

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> LossParts:
        """Logits (N, 1 or 2, z, y, x) and a target of the same shape with values in [0, 1], or UNKNOWN."""
        logits, target = logits.float(), target.float()
        known = target != UNKNOWN
        everything_known = bool(known.all())
        # Where nothing is known, nothing predicted and nothing true adds nothing to the overlaps, and no gradient.
        probabilities = torch.sigmoid(logits).masked_fill(~known, 0)
        target = target.masked_fill(~known, 0)
        if everything_known:
            cross_entropy = weighted_cross_entropy(logits, target, self.config)
        else:
            cross_entropy = known_cross_entropy(logits, target, known, self.config)
        dice = soft_dice_loss(probabilities, target)
        total = cross_entropy + self.config.dice_weight * dice
        prior = torch.ones((), device=logits.device)
        if logits.shape[1] == 2 and self.config.geometric_prior_weight > 0:
            both = known.all(1, keepdim=True)  # it relates the channels to each other
            prior = geometric_prior(probabilities * both, target * both)
            total = total + self.config.geometric_prior_weight * (1 - prior)
        return LossParts(total, cross_entropy, dice, prior)
