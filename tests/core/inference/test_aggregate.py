"""The call of a slide from its patches."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.geometry import Grid
from core.domain.predictions import PatchPredictions, PatchState
from core.domain.stages import Stage
from core.inference.aggregate import UpperQuantile, median_stage, weighted_quantile


def predictions_of(
    probabilities: npt.NDArray[np.float64], tissue: list[float] | None = None, state: list[int] | None = None
) -> PatchPredictions:
    """Lay patches in one row."""
    n = len(probabilities)
    return PatchPredictions(
        grid=Grid(x_px=0, y_px=0, side_px=224.0, n_columns=n, n_rows=1),
        state=np.array(state or [PatchState.PREDICTED] * n, np.uint8),
        tissue_fraction=np.array(tissue or [1.0] * n, np.float32),
        collagen_fraction=np.linspace(0, 0.5, n).astype(np.float32),
        probabilities=probabilities.astype(np.float32),
        saliency=np.zeros((n, 7, 7, 7), np.float16),
        embedding=np.zeros((n, 64), np.float16),
        saliency_on_collagen=np.zeros((n, 2), np.float32),
        is_exact=np.ones(n, np.bool_),
    )


def _sure(*stages: Stage) -> npt.NDArray[np.float64]:
    return np.eye(7)[[stage.index for stage in stages]]


@pytest.mark.parametrize("stage", list(Stage))
def test_a_slide_of_one_stage_is_called_that(stage: Stage) -> None:
    call = UpperQuantile().call(predictions_of(_sure(*[stage] * 9)))
    assert call is not None
    assert call.stage is stage
    assert call.continuous_score == stage.collapsed
    assert sum(call.probabilities) == pytest.approx(1.0)


def test_the_worse_part_decides_when_it_is_large_enough() -> None:
    healthy, sick = [Stage.S0] * 6, [Stage.S3] * 4
    call = UpperQuantile().call(predictions_of(_sure(*healthy, *sick)))
    assert call is not None
    assert call.stage is Stage.S3


def test_a_single_bad_patch_does_not_decide() -> None:
    call = UpperQuantile().call(predictions_of(_sure(*[Stage.S0] * 19, Stage.S4)))
    assert call is not None
    assert call.stage is Stage.S0


def test_patches_with_little_tissue_count_little() -> None:
    probabilities = _sure(Stage.S0, Stage.S0, Stage.S4, Stage.S4)
    call = UpperQuantile().call(predictions_of(probabilities, tissue=[1.0, 1.0, 0.01, 0.01]))
    assert call is not None
    assert call.stage is Stage.S0
    assert call.probabilities[0] == pytest.approx(2.0 / 2.02, abs=1e-6)


def test_what_was_left_out_is_counted_and_does_not_vote() -> None:
    states = [PatchState.PREDICTED, PatchState.BLURRED, PatchState.PEN, PatchState.FAILED, PatchState.BACKGROUND]
    call = UpperQuantile().call(predictions_of(_sure(Stage.S2, *[Stage.S4] * 4), state=[int(s) for s in states]))
    assert call is not None
    assert call.stage is Stage.S2
    assert (call.n_patches, call.n_excluded, call.n_failed) == (1, 2, 1)


def test_without_predictions_there_is_no_call() -> None:
    assert UpperQuantile().call(predictions_of(_sure(Stage.S0), state=[PatchState.BACKGROUND])) is None


def test_the_rule_is_printed_with_its_quantile() -> None:
    call = UpperQuantile(quantile=0.9).call(predictions_of(_sure(Stage.S0)))
    assert call is not None
    assert "0.9 quantile" in call.rule


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_patches_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(7), size=12)
    tissue = rng.uniform(0.5, 1.0, 12).astype(np.float32).astype(float)
    order = rng.permutation(12)
    one = UpperQuantile().call(predictions_of(probabilities, tissue=tissue.tolist()))
    other = UpperQuantile().call(predictions_of(probabilities[order], tissue=tissue[order].tolist()))
    assert one is not None
    assert other is not None
    assert one.stage is other.stage
    assert one.continuous_score == pytest.approx(other.continuous_score, abs=1e-6)


@pytest.mark.parametrize(
    ("probabilities", "stage"),
    [
        ((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0),
        ((0.0, 0.2, 0.5, 0.3, 0.0, 0.0, 0.0), 1.0),
        ((0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0), 0.5),
        ((0.4, 0.1, 0.1, 0.0, 0.4, 0.0, 0.0), 1.0),
        ((0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.75), 3.5 + 1 / 3),
        ((0.1, 0.1, 0.1, 0.1, 0.1, 0.25, 0.25), 2.5),
    ],
)
def test_the_median_stage_of_a_patch(probabilities: tuple[float, ...], stage: float) -> None:
    assert median_stage(np.array([probabilities])) == pytest.approx([stage])


@settings(max_examples=50, deadline=None)
@given(stage=st.sampled_from(list(Stage)), sure=st.floats(0.55, 1.0))
def test_the_median_stage_is_the_stage_wherever_that_has_more_than_half(stage: Stage, sure: float) -> None:
    probabilities = np.full((1, 7), (1 - sure) / 6)
    probabilities[0, stage.index] = sure
    assert int(np.floor(median_stage(probabilities)[0] + 0.5)) == stage.collapsed


@pytest.mark.parametrize("stage", [Stage.S0, Stage.S4])
def test_softer_probabilities_do_not_draw_a_call_to_the_middle(stage: Stage) -> None:
    logits = np.log(np.where(np.arange(7) == stage.index, 0.90, 0.1 / 6))
    softened = np.exp(logits / 1.6)
    softened /= softened.sum()
    assert abs(softened @ [one.collapsed for one in Stage] - stage.collapsed) > 0.5  # what a mean makes of it
    call = UpperQuantile().call(predictions_of(np.tile(softened, (9, 1))))
    assert call is not None
    assert call.stage is stage


def test_a_weighted_quantile_with_equal_weights_is_the_median() -> None:
    assert weighted_quantile(np.array([3.0, 1.0, 2.0]), np.ones(3), 0.5) == pytest.approx(2.0)
