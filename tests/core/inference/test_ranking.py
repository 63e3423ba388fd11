"""The best two are those that looking for places finds, equal ones included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.inference.ranking import ranked

SHARES = st.lists(
    st.sampled_from([0.0, 1e-38, 0.1, 0.3, np.float32(0.3) + np.float32(3e-8), 0.5, 1.0]), min_size=7, max_size=7
)


@given(st.lists(SHARES, min_size=1, max_size=20))
@settings(deadline=None)
def test_the_best_two_are_the_first_largest_and_the_first_largest_of_the_rest(rows: list[list[float]]) -> None:
    probabilities = np.array(rows, np.float32)
    found = ranked(probabilities)
    called = probabilities.argmax(axis=1)
    rest = probabilities.copy()
    rest[np.arange(len(rest)), called] = -1.0
    assert found.called.tolist() == called.tolist()
    assert found.runner_up.tolist() == rest.argmax(axis=1).tolist()
    assert found.margin.tolist() == (probabilities.max(axis=1) - rest.max(axis=1)).tolist()


def test_the_shape_is_that_of_the_cells() -> None:
    probabilities = np.random.default_rng(0).random((3, 5, 7)).astype(np.float32)
    found = ranked(probabilities)
    assert found.called.shape == found.runner_up.shape == found.margin.shape == (3, 5)
    assert found.called == pytest.approx(probabilities.argmax(axis=-1))
