"""What is asked of a training is named or refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import BadConfiguration
from core.domain.training import Jitter, Layers, Loss, TrainingConfig, training_id_of
from core.retraining.configurations import CONFIGURATIONS, changed, configuration, named_or_read


def test_every_named_configuration_survives_its_plain_form() -> None:
    for config in CONFIGURATIONS.values():
        assert TrainingConfig.from_plain(config.to_plain()) == config


def test_the_paper_s_recipe_is_as_it_is_described() -> None:
    paper = CONFIGURATIONS["paper"]
    assert (paper.layers, paper.loss, paper.start.value) == (Layers.ALL, Loss.CROSS_ENTROPY, "imagenet")
    assert (paper.restarts, paper.shrinks, paper.jitter) == ((), (), Jitter.OBSERVED)


def test_only_the_demo_shrinks_patches() -> None:
    assert [name for name, config in CONFIGURATIONS.items() if config.shrinks] == ["demo"]
    with pytest.raises(BadConfiguration, match="microns per pixel"):
        replace(CONFIGURATIONS["paper"], shrinks=((0.0, 112),))


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "ordinal"\nn_epochs = 3\npatience = 0\nrestarts = [[0.5, 1e-5]]\n')
    config = named_or_read(str(path))
    assert config == replace(CONFIGURATIONS["ordinal"], n_epochs=3, patience=None, restarts=((0.5, 1e-5),))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("n_epoch = 3", "n_epoch"),
        ('loss = "hinge"', "hinge"),
        ("n_epochs = 0", "at least 1"),
        ("epoch_steps = 0", "at least 1"),
        ("label_smoothing = 1.5", "label_smoothing"),
        ('base = "other"', "paper, ordinal"),
        ("=", "no TOML"),
        ('layers = "head"\nstart = "random"', "start that knows more"),
        ("shrinks = [[0.0, 112]]", "microns per pixel"),
    ],
)
def test_what_cannot_be_is_refused_by_name(toml: str, words: str) -> None:
    with pytest.raises(BadConfiguration, match=words):
        configuration("paper", toml)


def test_a_word_that_is_neither_a_name_nor_a_file_is_refused() -> None:
    assert named_or_read("head-only") == CONFIGURATIONS["head-only"]
    with pytest.raises(BadConfiguration, match="nor a TOML file"):
        named_or_read("papre")


def test_a_training_is_its_set_and_its_configuration() -> None:
    paper = CONFIGURATIONS["paper"]
    known = training_id_of("a" * 64, paper)
    assert training_id_of("a" * 64, changed(paper, {})) == known
    assert training_id_of("b" * 64, paper) != known
    assert training_id_of("a" * 64, changed(paper, {"seed": 2})) != known
