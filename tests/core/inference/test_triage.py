"""A screening says how much of the tissue looks like each stage."""

import numpy as np
import pytest

from core.domain.geometry import Grid
from core.domain.predictions import PatchPredictions, PatchState
from core.inference.triage import stage_shares


def _predictions(stages: list[int], tissue: list[float], state: list[int]) -> PatchPredictions:
    n = len(stages)
    return PatchPredictions(
        grid=Grid(x_px=0, y_px=0, side_px=10, n_columns=n, n_rows=1),
        state=np.array(state, np.uint8),
        tissue_fraction=np.array(tissue, np.float32),
        collagen_fraction=np.zeros(n, np.float32),
        probabilities=np.eye(7, dtype=np.float32)[stages],
        saliency=np.zeros((n, 7, 7, 7), np.float16),
        embedding=np.zeros((n, 64), np.float16),
        saliency_on_collagen=np.zeros((n, 2), np.float32),
        is_exact=np.zeros(n, np.bool_),
    )


def test_each_patch_counts_by_its_tissue_and_stage_one_has_no_parts() -> None:
    used = PatchState.PREDICTED
    predictions = _predictions([1, 2, 3, 6], [0.5, 0.5, 0.5, 0.5], [used, used, used, used])
    assert stage_shares(predictions) == pytest.approx((0.0, 0.75, 0.0, 0.0, 0.25))
    heavy = _predictions([0, 6], [0.25, 0.75], [used, used])
    assert stage_shares(heavy) == pytest.approx((0.25, 0.0, 0.0, 0.0, 0.75))


def test_what_was_left_out_does_not_count() -> None:
    predictions = _predictions([0, 6], [0.5, 0.5], [PatchState.PREDICTED, PatchState.BLURRED])
    assert stage_shares(predictions) == pytest.approx((1.0, 0.0, 0.0, 0.0, 0.0))


def test_without_a_prediction_there_is_nothing_to_say() -> None:
    assert stage_shares(_predictions([0], [0.5], [PatchState.FAILED])) is None
