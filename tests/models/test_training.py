"""Training of the patch classifier, with the real ResNet-50 on patches of a few pixels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import models.starting
from models.checkpoint import checkpoint_sha256, load_checkpoint, save_checkpoint
from models.training import device_named
from models.training_loop import BEST_NAME, STATE_NAME
from tests.models.small_training import (
    Follower,
    InMemory,
    coloured_patches,
    head_trainer,
    one_hot,
    patch_trainer,
    small_plan,
)

FOUR_STEPS = small_plan(n_steps=4, n_accumulated=2, label_smoothing=0.1)
_CUT_OFF = """
import sys, pathlib
from tests.models.small_training import Follower, InMemory, coloured_patches, one_hot, patch_trainer
from tests.models.test_training import FOUR_STEPS
class Standing(Follower):
    def stepped(self, step, loss, learning_rate):
        super().stepped(step, loss, learning_rate)
        if step == 3:
            print("three steps", flush=True)
            sys.stdin.read()
patches, targets = coloured_patches(16)
patch_trainer(pathlib.Path(sys.argv[1]), FOUR_STEPS).fit(InMemory(patches), one_hot(targets), None, Standing())
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give where a training of four steps lies that was killed in its third, and where one that was not will lie."""
    cut_off, whole = tmp_path_factory.mktemp("cut"), tmp_path_factory.mktemp("whole")
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", _CUT_OFF, str(cut_off)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "three steps\n"
        process.send_signal(signal.SIGKILL)
    return cut_off, whole


def test_a_training_that_was_killed_comes_out_as_one_that_was_not(folders: tuple[Path, Path]) -> None:
    (patches, targets), followers = coloured_patches(16), (Follower(), Follower())
    for folder, follower in zip(folders, followers, strict=True):
        trainer = patch_trainer(folder, FOUR_STEPS)
        trainer.fit(InMemory(patches), one_hot(targets), None, follower)
        trainer.save(folder / "weights.safetensors")
    cut_off, whole = folders
    assert [follower.begun for follower in followers] == [[2], [0]]
    assert followers[0].losses == followers[1].losses[2:]
    assert (cut_off / STATE_NAME).read_bytes() == (whole / STATE_NAME).read_bytes()
    assert checkpoint_sha256(cut_off / "weights.safetensors") == checkpoint_sha256(whole / "weights.safetensors")


def test_what_is_kept_of_another_training_is_refused(folders: tuple[Path, Path]) -> None:
    patches, targets = coloured_patches(16)
    other = patch_trainer(folders[0], small_plan(n_steps=4, weight_decay=0.5))
    with pytest.raises(ValueError, match="begun with another plan"):
        other.fit(InMemory(patches), one_hot(targets), None, Follower())


def test_another_seed_gives_other_first_weights(tmp_path: Path) -> None:
    trainers = [patch_trainer(tmp_path, small_plan(seed=seed)) for seed in (1, 1, 2)]
    one, same, other = (trainer._learner.network.state_dict()["conv1.weight"] for trainer in trainers)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_training_learns_to_tell_red_from_yellow_and_its_softmax_is_divided_by_the_temperature(tmp_path: Path) -> None:
    patches, targets = coloured_patches(32)
    trainer = patch_trainer(tmp_path, small_plan(n_steps=14))
    trainer.fit(InMemory(patches), one_hot(targets), None, Follower())
    before = trainer.logits_of(InMemory(patches))
    assert (before.argmax(axis=1) == targets).mean() > 0.7
    sha256 = trainer.save(tmp_path / "weights.safetensors", temperature=2.0)
    assert sha256 == checkpoint_sha256(tmp_path / "weights.safetensors")
    assert np.allclose(trainer.logits_of(InMemory(patches)), before / 2.0, atol=0.02 * np.abs(before).max())


def test_the_best_epoch_is_kept_and_a_worse_one_too_many_ends_it(tmp_path: Path) -> None:
    patches, targets = coloured_patches(8)
    follower = Follower(examine=lambda epoch, _: abs(epoch - 1.0))
    trainer = head_trainer(tmp_path, small_plan(n_steps=20, patience=2))
    end = trainer.fit(InMemory(patches), one_hot(targets), InMemory(patches[:4]), follower)
    assert (end.best_epoch, end.is_ended_early, end.n_epochs) == (1, True, 4)
    assert (tmp_path / BEST_NAME).exists()


def test_patience_counts_the_steps_of_an_epoch_and_not_passes_through_few_examples(tmp_path: Path) -> None:
    patches, targets = coloured_patches(8)
    follower = Follower(examine=lambda epoch, _: abs(epoch - 1.0))
    trainer = head_trainer(tmp_path, small_plan(n_steps=60, epoch_steps=5, patience=2))
    end = trainer.fit(InMemory(patches), one_hot(targets), InMemory(patches[:4]), follower)
    assert (end.best_epoch, end.is_ended_early, end.n_epochs, end.n_steps) == (1, True, 4, 24)


def test_one_cut_off_within_an_epoch_of_several_passes_ends_bit_for_bit_as_one_that_was_not(tmp_path: Path) -> None:
    patches, targets = coloured_patches(12)
    plan, ends = small_plan(n_steps=24, epoch_steps=5, patience=2), []
    for name, stops in (("cut-off", (4, 13, 100)), ("whole", (100,))):
        for stops_after in stops:
            follower = Follower(wanted=targets[:4], stops_after=stops_after)
            trainer = head_trainer(tmp_path / name, plan)
            end = trainer.fit(InMemory(patches), one_hot(targets), InMemory(patches[:4]), follower)
        ends.append(end)
        trainer.save(tmp_path / name / "weights.safetensors")
    assert ends[0] == ends[1]
    files = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("cut-off", "whole")]
    assert files[0] == files[1]
    states = [(tmp_path / name / STATE_NAME).read_bytes() for name in ("cut-off", "whole")]
    assert states[0] == states[1]


def test_a_stopped_training_keeps_where_it_stands(tmp_path: Path) -> None:
    patches, targets = coloured_patches(16)
    plan = small_plan(n_steps=8)
    for stops_after, ended in ((3, True), (100, False)):
        follower = Follower(stops_after=stops_after)
        end = head_trainer(tmp_path, plan).fit(InMemory(patches), one_hot(targets), None, follower)
        assert end.is_stopped is ended
    assert follower.begun == [3]


def test_features_are_computed_once_for_patches_with_a_key(tmp_path: Path) -> None:
    patches, targets = coloured_patches(8)
    followers = [Follower(), Follower()]
    for folder, follower in zip(("a", "b"), followers, strict=True):
        trainer = head_trainer(tmp_path / folder, small_plan())
        trainer.fit(InMemory(patches, key="set"), one_hot(targets), None, follower)
    assert [follower.n_prepared for follower in followers] == [8, 0]


def test_a_head_kept_as_a_whole_network_answers_as_the_head_did(tmp_path: Path) -> None:
    patches, targets = coloured_patches(16)
    trainer = head_trainer(tmp_path / "head", small_plan(n_steps=20))
    trainer.fit(InMemory(patches), one_hot(targets), None, Follower())
    trainer.save(tmp_path / "weights.safetensors")
    whole = patch_trainer(tmp_path / "whole", small_plan(), tmp_path / "weights.safetensors")
    expected = trainer.logits_of(InMemory(patches))
    assert np.allclose(whole.logits_of(InMemory(patches)), expected, atol=1e-3 * np.abs(expected).max())


def test_without_imagenet_the_next_start_is_taken_and_both_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: torch.nn.Module) -> None:
        raise ConnectionError("ImageNet weights could not be fetched")

    monkeypatch.setattr(models.starting, "load_imagenet_initialisation", unreachable)
    trainer = patch_trainer(tmp_path, small_plan(), "imagenet", "random")
    assert trainer.started_from == "random weights; ImageNet weights could not be fetched"
    with pytest.raises(ConnectionError, match="ImageNet"):
        head_trainer(tmp_path / "head", small_plan(), "imagenet")


def test_a_start_of_other_classes_gives_all_but_its_last_layer(tmp_path: Path) -> None:
    save_checkpoint(patch_trainer(tmp_path / "two", small_plan())._learner.network, tmp_path / "two.safetensors")
    three = patch_trainer(tmp_path / "three", small_plan(n_classes=3, seed=5), tmp_path / "two.safetensors")
    assert three.started_from is not None
    assert three.started_from.endswith("without its last layer")
    known = load_checkpoint(tmp_path / "two.safetensors", 2).state_dict()
    assert torch.equal(three._learner.network.state_dict()["conv1.weight"], known["conv1.weight"])


def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown device"):
        device_named("tpu")
    assert device_named("cpu").type == "cpu"
