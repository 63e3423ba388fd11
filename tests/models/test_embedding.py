"""Embeddings keep the angles between features, and mean the same in every process."""

import hashlib

import numpy as np
import pytest
import torch

from core.domain import predictions
from models.embedding import EMBEDDING_SIZE, Embedding, directions


def embedded(features: np.ndarray) -> np.ndarray:
    """Embed features (n, f)."""
    return Embedding(features.shape[1])(torch.from_numpy(features.astype(np.float32))).numpy()


def test_the_directions_are_those_of_every_stored_run() -> None:
    steps = np.rint(directions(2048).astype(float) * 1e4).astype("<i4")
    assert hashlib.sha256(steps.tobytes()).hexdigest()[:16] == "f1399184d1de2989"
    assert EMBEDDING_SIZE == predictions.EMBEDDING_SIZE


def test_angles_between_features_stay_as_they_were_within_the_spread_that_is_stated() -> None:
    random = np.random.default_rng(1)
    ours, others = random.standard_normal((2, 400, 2048))
    theirs = ours * random.uniform(size=(400, 1)) + others * random.uniform(size=(400, 1))
    one, other = embedded(ours), embedded(theirs)
    before = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    after = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    spread = (after - before) / ((1 - before**2) / 8)
    assert abs(spread.mean()) < 0.2
    assert spread.std() == pytest.approx(1.0, abs=0.15)


def test_how_strong_a_patch_is_does_not_matter_and_nothing_at_all_is_nothing() -> None:
    features = np.random.default_rng(2).gamma(0.5, size=(5, 2048))
    assert embedded(features) == pytest.approx(embedded(7 * features), abs=1e-6)
    assert not embedded(np.zeros((1, 2048))).any()
