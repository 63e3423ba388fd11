"""What training makes small: cross-entropy, or the same of every threshold between classes that are in order."""

import torch
from torch.nn import functional

from models.training_plan import TrainingPlan


def loss_of(logits: torch.Tensor, targets: torch.Tensor, plan: TrainingPlan) -> torch.Tensor:
    """Give the mean loss of a minibatch. Args: logits, targets: (n, classes); the rows of targets sum to 1."""
    smooth = targets * (1.0 - plan.label_smoothing) + plan.label_smoothing / targets.shape[1]
    if plan.threshold_weights is None:
        losses = functional.cross_entropy(logits, smooth, reduction="none")
    else:
        losses = ordinal_losses(logits, smooth, torch.tensor(plan.threshold_weights, device=logits.device))
    if plan.class_weights is not None:
        losses = losses * (targets @ torch.tensor(plan.class_weights, device=logits.device))
    return losses.mean()


def ordinal_losses(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Give of each row the cross-entropies of "above threshold k" for every k, weighted and summed.

    The probability to be above a threshold is the sum of the softmax over the classes above it, so the network stays
    one with a softmax of all classes, and a call two classes off costs more than one that is one class off.
    Source: the cumulative form of an ordinal likelihood (McCullagh 1980, Regression models for ordinal data, 2.1), here
    with free class probabilities in place of a shared slope; it is the logarithmic kin of the ranked probability score.
    Args: weights: (classes - 1).
    """
    logs = functional.log_softmax(logits, dim=1)
    above = torch.stack([logs[:, k:].logsumexp(dim=1) for k in range(1, logits.shape[1])], dim=1)
    below = torch.stack([logs[:, :k].logsumexp(dim=1) for k in range(1, logits.shape[1])], dim=1)
    is_above = targets.flip(1).cumsum(dim=1).flip(1)[:, 1:]
    return -((is_above * above + (1.0 - is_above) * below) * weights).sum(dim=1)
