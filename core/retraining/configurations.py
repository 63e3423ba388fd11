"""The named configurations of a training, and changes to one in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain.errors import BadConfiguration
from core.domain.training import DEMO_CONFIGURATION, Jitter, Layers, Loss, Start, TrainingConfig

_EPOCH_STEPS = 10
"""Of a set of few patches one pass is a step or two: patience in passes would end before anything is learned."""
_PAPER = TrainingConfig(name="paper", epoch_steps=_EPOCH_STEPS)
CONFIGURATIONS: Mapping[str, TrainingConfig] = {
    config.name: config
    for config in (
        _PAPER,
        replace(_PAPER, name="ordinal", loss=Loss.ORDINAL),
        replace(_PAPER, name="five-class", is_five_class=True),
        TrainingConfig(
            name="head-only",
            layers=Layers.HEAD,
            n_epochs=60,
            epoch_steps=_EPOCH_STEPS,
            minibatch=128,
            learning_rate=3e-3,
            weight_decay=0.1,
            patience=10,
            jitter=Jitter.NONE,
        ),
        TrainingConfig(
            name=DEMO_CONFIGURATION,
            start=Start.RANDOM,
            n_steps=720,
            learning_rate=1e-3,
            restarts=((0.78, 5e-4),),
            warm_up_fraction=0.04,
            patience=None,
            jitter=Jitter.DRAWN,
            seed=20261121,
            shrinks=((0.0, 112), (0.6, 224)),
        ),
    )
}
"""paper: ImageNet ResNet-50, all layers, AdamW, cosine annealing, cross-entropy, as FIELD describes the source; rate,
epochs, decay, minibatch and patience are ours, since it states none. ordinal: the cross-entropy of every threshold.
five-class: the same network with five outputs. head-only: the last layer on cached features. demo: the demo model."""


def configuration(named: str, toml: str = "") -> TrainingConfig:
    """Give a named configuration, with what a TOML text changes of it; its key `base` names another to begin from.

    Raises: BadConfiguration, naming what is unknown or cannot be.
    """
    try:
        changes = tomllib.loads(toml)
    except ValueError as error:
        raise BadConfiguration(f"the changes are no TOML: {error}") from error
    base = changes.pop("base", named)
    if base not in CONFIGURATIONS:
        raise BadConfiguration(f"'{base}' is none of {', '.join(CONFIGURATIONS)}")
    return changed(CONFIGURATIONS[base], changes)


def changed(config: TrainingConfig, changes: Mapping[str, Any]) -> TrainingConfig:
    """Give a configuration with some values changed. Raises: BadConfiguration."""
    return TrainingConfig.from_plain(config.to_plain() | dict(changes))


def named_or_read(word: str) -> TrainingConfig:
    """Give the configuration that a word names, or that the TOML file at this path makes of the paper's."""
    if word in CONFIGURATIONS:
        return CONFIGURATIONS[word]
    try:
        return configuration("paper", Path(word).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(
            f"'{word}' is none of {', '.join(CONFIGURATIONS)}, nor a TOML file that can be read ({error})"
        ) from error
