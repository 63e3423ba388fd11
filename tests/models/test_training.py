"""Training of the patch classifier, on patches of a few pixels."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint import checkpoint_sha256
from models.training import PatchTrainer, TrainingPlan, augment, learning_rate_at, shrink

RED_OR_YELLOW = np.array([[200, 30, 60], [220, 190, 110]], np.uint8)


def ticking(step_s: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += step_s


def trainer(seed: int, *, n_steps: int = 2, step_s: float = 0.0, minutes: float = 1.0) -> PatchTrainer:
    ticks = ticking(step_s)
    plan = TrainingPlan(minutes=minutes, sides=((0.0, 32),), minibatch=4, n_steps=n_steps)
    return PatchTrainer(n_classes=2, seed=seed, plan=plan, clock=lambda: next(ticks))


def coloured_patches(n: int, side_px: int = 32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    targets = np.arange(n, dtype=np.int64) % 2
    noise = rng.integers(-20, 20, (n, side_px, side_px, 3))
    return np.clip(RED_OR_YELLOW[targets][:, None, None, :] + noise, 0, 255).astype(np.uint8), targets


def saved(trained: PatchTrainer, path: Path) -> str:
    patches, targets = coloured_patches(16)
    trained.train(patches, targets, keep_at=None, progress=lambda _: None)
    return trained.save(path)


def test_equal_seeds_and_steps_give_equal_weights(tmp_path: Path) -> None:
    assert saved(trainer(1), tmp_path / "a.safetensors") == saved(trainer(1), tmp_path / "b.safetensors")


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    assert saved(trainer(1), tmp_path / "a.safetensors") != saved(trainer(2), tmp_path / "b.safetensors")


def test_training_learns_to_tell_red_from_yellow() -> None:
    patches, targets = coloured_patches(32)
    learner = trainer(0, n_steps=12)
    learner.train(patches, targets, keep_at=None, progress=lambda _: None)
    assert (learner.predict(patches).argmax(axis=1) == targets).mean() > 0.7


def test_training_ends_when_its_time_is_spent() -> None:
    learner = trainer(0, n_steps=1000, step_s=30.0, minutes=2.0)
    learner.train(*coloured_patches(16), keep_at=None, progress=lambda _: None)
    assert learner.n_steps == 3


def test_an_unfinished_network_is_kept(tmp_path: Path) -> None:
    learner = trainer(0, n_steps=3, step_s=0.0)
    learner.train(*coloured_patches(16), keep_at=tmp_path / "kept.safetensors", progress=lambda _: None)
    assert (tmp_path / "kept.safetensors").exists()


def test_probabilities_sum_to_one() -> None:
    patches, _ = coloured_patches(11)
    assert np.allclose(trainer(0).predict(patches).sum(axis=1), 1.0, atol=1e-6)


def test_after_saving_the_rounded_network_is_the_one_in_use(tmp_path: Path) -> None:
    patches, _ = coloured_patches(4)
    learner = trainer(0)
    digest = learner.save(tmp_path / "weights.safetensors")
    rounded = learner.predict(patches)
    learner.load(tmp_path / "weights.safetensors")
    assert digest == checkpoint_sha256(tmp_path / "weights.safetensors")
    assert np.array_equal(rounded, learner.predict(patches))


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    plan = TrainingPlan(cycles=((0.0, 1e-3),), warm_up_fraction=0.1)
    assert learning_rate_at(0.0, plan) < 1e-4
    assert math.isclose(learning_rate_at(0.1, plan), 1e-3)
    assert learning_rate_at(1.0, plan) == pytest.approx(0.0, abs=1e-12)


def test_a_second_cycle_begins_where_the_first_has_fallen_to_nothing() -> None:
    plan = TrainingPlan(cycles=((0.0, 1e-3), (0.5, 4e-4)), warm_up_fraction=0.1)
    assert learning_rate_at(0.4999, plan) < 1e-6
    assert learning_rate_at(0.55, plan) == pytest.approx(4e-4)


def test_augmentation_keeps_shape_and_range() -> None:
    images = torch.rand(6, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    moved = augment(images, torch.Generator().manual_seed(1))
    assert moved.shape == images.shape
    assert 0.0 <= float(moved.min()) <= float(moved.max()) <= 1.0


def test_shrinking_keeps_the_mean_and_leaves_small_images_alone() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(shrink(images, 16).mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=1e-6)
    assert shrink(images, 64) is images
