"""Ratings made up for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from core.agreement.ratings import MISSING, SEVEN_STAGES, Ratings, Scale

SCALE_OF_FOUR = Scale(labels=("w", "x", "y", "z"))


def ratings_of(
    rows: Sequence[Sequence[int]],
    scale: Scale = SCALE_OF_FOUR,
    subjects: Sequence[str] | None = None,
    model_reader: str | None = None,
) -> Ratings:
    """Give ratings from stage positions, items x readers; readers are A, B, C and so on."""
    stages = np.array(rows, dtype=np.int16).reshape(len(rows), -1)
    items = tuple(f"item {number}" for number in range(len(rows)))
    return Ratings(
        scale=scale,
        items=items,
        readers=tuple(chr(ord("A") + number) for number in range(stages.shape[1])),
        subjects=tuple(subjects) if subjects is not None else items,
        stages=stages,
        model_reader=model_reader,
    )


def clustered(n_subjects: int, n_items_each: int, n_readers: int, seed: int, missing_fraction: float = 0.0) -> Ratings:
    """Simulate readers on the seven stages: items of one animal share its stage, and readers err together on it."""
    generator = np.random.default_rng(seed)
    n_items = n_subjects * n_items_each
    truth = np.repeat(generator.integers(0, 7, n_subjects), n_items_each)
    drift = np.repeat(generator.integers(-2, 3, (n_subjects, n_readers)), n_items_each, axis=0)
    slip = generator.random((n_items, n_readers)) < 0.2
    stages = np.clip(truth[:, None] + drift + slip, 0, 6).astype(np.int16)
    stages[generator.random(stages.shape) < missing_fraction] = MISSING
    subjects = [f"animal {number // n_items_each}" for number in range(n_items)]
    return ratings_of(stages.tolist(), SEVEN_STAGES, subjects)


def tables(n_stages: int = 4, fewest_readers: int = 2) -> st.SearchStrategy[list[list[int]]]:
    """Give small items x readers tables with missing reads."""
    cell = st.integers(MISSING, n_stages - 1)
    return st.integers(fewest_readers, 4).flatmap(
        lambda n_readers: st.lists(st.lists(cell, min_size=n_readers, max_size=n_readers), min_size=1, max_size=12)
    )
