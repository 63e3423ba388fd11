"""The order and the learning rate of a training, and what may be changed about a patch."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.augmentation import StainJitter, as_images, augment, lay, shrink
from models.losses import loss_of, ordinal_losses
from models.training_plan import StepOrder, learning_rate_at, steps_of_epochs
from tests.models.small_training import small_plan

STRONG = StainJitter(gain_bounds=(0.3, 0.2, 0.1), overall=0.1, mixing=0.05, shift=0.02)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    plan = small_plan(cycles=((0.0, 1e-3),), warm_up_fraction=0.1)
    assert learning_rate_at(0.0, plan) < 1e-4
    assert math.isclose(learning_rate_at(0.1, plan), 1e-3)
    assert learning_rate_at(1.0, plan) == pytest.approx(0.0, abs=1e-12)


def test_a_second_cycle_begins_where_the_first_has_fallen_to_nothing() -> None:
    plan = small_plan(cycles=((0.0, 1e-3), (0.5, 4e-4)), warm_up_fraction=0.1)
    assert learning_rate_at(0.4999, plan) < 1e-6
    assert learning_rate_at(0.55, plan) == pytest.approx(4e-4)


def test_every_epoch_takes_each_example_at_most_once_in_an_order_of_its_own() -> None:
    order = StepOrder(22, small_plan(minibatch=4, n_accumulated=2))
    assert (order.n_a_step, order.steps_an_epoch) == (8, 2)
    epochs = [
        np.concatenate([np.concatenate(order.minibatches_of(step)) for step in steps]) for steps in ((0, 1), (2, 3))
    ]
    assert all(len(set(epoch.tolist())) == 16 for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_an_epoch_of_few_examples_is_as_many_whole_passes_as_make_its_steps() -> None:
    small, large = (StepOrder(n, small_plan(minibatch=4, epoch_steps=10)) for n in (12, 400))
    assert (small.steps_a_pass, small.steps_an_epoch) == (3, 12)
    assert (large.steps_a_pass, large.steps_an_epoch) == (100, 100)
    assert steps_of_epochs(small.plan, 12, 5) == 60
    passes = [
        np.concatenate([small.minibatches_of(step)[0] for step in range(one, one + 3)]) for one in range(0, 12, 3)
    ]
    assert all(sorted(one.tolist()) == list(range(12)) for one in passes)
    assert len({tuple(one.tolist()) for one in passes}) == 4


def test_a_step_takes_the_same_however_often_it_is_asked_for() -> None:
    order = StepOrder(22, small_plan())
    assert np.array_equal(order.minibatches_of(3)[0], order.minibatches_of(3)[0])
    drawn = [torch.rand(3, generator=order.generator_of(step, part)) for step, part in ((3, 0), (3, 0), (3, 1), (4, 0))]
    assert torch.equal(drawn[0], drawn[1])
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(drawn[1:], 2))


def test_fewer_examples_than_a_minibatch_are_one_step() -> None:
    order = StepOrder(3, small_plan(minibatch=32, n_accumulated=4))
    assert (order.steps_an_epoch, len(order.minibatches_of(0)[0])) == (1, 3)


def test_no_augmentation_changes_the_scale() -> None:
    """Without the stain, what comes out is one of the eight ways to lie on the same pixels, every value kept."""
    images = torch.rand(40, 3, 20, 20, generator=generator()).clamp(min=0.02)
    moved = augment(images, StainJitter(), generator())
    for image, changed in zip(images, moved, strict=True):
        assert min(float((lay(image, turn) - changed).abs().max()) for turn in range(8)) < 1e-5


def test_stain_is_moved_by_one_rule_for_all_pixels_of_a_patch() -> None:
    """A chequered patch keeps its chequers: equal colours stay equal, so no pixel takes anything from its neighbour."""
    rows, columns = np.mgrid[:16, :16]
    patch = np.where(((rows // 2 + columns // 2) % 2 == 0)[..., None], [200, 90, 100], [230, 220, 160]).astype(np.uint8)
    moved = augment(as_images(np.stack([patch] * 16)), STRONG, generator())
    for image in moved:
        colours, counts = torch.unique((image * 1e4).round().reshape(3, -1), dim=1, return_counts=True)
        assert colours.shape[1] == 2
        assert counts.tolist() == [128, 128]


def test_gains_stay_within_the_bounds_that_were_observed() -> None:
    images = torch.full((400, 3, 2, 2), 0.1)  # optical density 1
    density = -torch.log10(augment(images, StainJitter(gain_bounds=(0.3, 0.1, 0.0)), generator()))
    largest = density.log().abs().amax(dim=(0, 2, 3))
    assert torch.all(largest <= torch.tensor([0.3, 0.1, 0.0]) + 1e-5)
    assert torch.all(largest[:2] > torch.tensor([0.28, 0.09]))


def test_augmentation_keeps_shape_and_range() -> None:
    images = torch.rand(6, 3, 20, 20, generator=generator(0))
    moved = augment(images, STRONG, generator())
    assert moved.shape == images.shape
    assert 0.0 <= float(moved.min()) <= float(moved.max()) <= 1.0


def test_only_a_plan_that_names_it_shrinks() -> None:
    assert small_plan().side_at(0.5) is None
    plan = small_plan(shrinks=((0.0, 112), (0.6, 224)))
    assert [plan.side_at(spent) for spent in (0.0, 0.59, 0.6, 1.0)] == [112, 112, 224, 224]


def test_shrinking_keeps_the_mean_and_leaves_small_images_alone() -> None:
    images = torch.rand(2, 3, 32, 32, generator=generator(0))
    assert torch.allclose(shrink(images, 16).mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=1e-6)
    assert shrink(images, 64) is images


def test_plain_loss_is_cross_entropy() -> None:
    logits, targets = torch.randn(5, 2, generator=generator()), torch.eye(2)[[0, 1, 1, 0, 1]]
    assert torch.allclose(loss_of(logits, targets, small_plan()), functional.cross_entropy(logits, targets))
    smooth = small_plan(label_smoothing=0.2)
    expected = functional.cross_entropy(logits, targets.argmax(dim=1), label_smoothing=0.2)
    assert torch.allclose(loss_of(logits, targets, smooth), expected)


def test_class_weights_weigh_each_row_by_its_class() -> None:
    logits, targets = torch.randn(4, 2, generator=generator()), torch.eye(2)[[0, 1, 1, 0]]
    each = functional.cross_entropy(logits, targets, reduction="none")
    expected = (each * torch.tensor([3.0, 0.5, 0.5, 3.0])).mean()
    assert torch.allclose(loss_of(logits, targets, small_plan(class_weights=(3.0, 0.5))), expected)


def test_the_ordinal_loss_is_the_cross_entropy_of_each_threshold() -> None:
    probabilities = torch.tensor([[0.2, 0.5, 0.3]])
    found = ordinal_losses(probabilities.log(), torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([1.0, 0.5]))
    assert float(found[0]) == pytest.approx(-math.log(0.8) - 0.5 * math.log(0.3), rel=1e-5)


def test_the_ordinal_loss_costs_more_the_further_a_call_is_off() -> None:
    logits = torch.eye(4) * 5.0
    losses = ordinal_losses(logits, torch.eye(4)[[0, 0, 0, 0]], torch.ones(3))
    assert losses.tolist() == sorted(losses.tolist())
