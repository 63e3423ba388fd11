"""What is in doubt is asked again until what was seen leaves no stage in doubt."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.doubt import SAFETY, doubt, leads_of, margin_for, misstatements

QUICK = np.array([[0.50, 0.40, 0.10], [0.90, 0.06, 0.04], [0.20, 0.50, 0.30], [0.02, 0.03, 0.95]], np.float32)
EXACT = np.array([[0.44, 0.46, 0.10], [0.88, 0.07, 0.05], [0.21, 0.49, 0.30], [0.02, 0.03, 0.95]], np.float32)

Probabilities = npt.NDArray[np.float32]


def _settled(quick: Probabilities, exact: Probabilities, margin: float = 0.1) -> tuple[npt.NDArray[np.bool_], float]:
    """Ask again what is in doubt till nothing is; give which patches were, and the margin."""
    is_exact, found = np.zeros(len(quick), np.bool_), quick.copy()
    while True:
        asked = doubt(quick, found, is_exact, margin)
        if not asked.rows.size:
            return is_exact, asked.margin
        assert not is_exact[asked.rows].any(), "a patch is asked again once"
        found[asked.rows], is_exact[asked.rows] = exact[asked.rows], True


def _with_leads(leads: npt.NDArray[np.float64]) -> Probabilities:
    """Give probabilities of three classes whose first leads the second by so much."""
    first = (0.9 + leads) / 2
    return np.stack([first, first - leads, np.full(len(leads), 0.1)], axis=1).astype(np.float32)


def test_the_lead_of_a_patch_is_between_its_two_best_classes() -> None:
    assert leads_of(QUICK) == pytest.approx([0.1, 0.84, 0.2, 0.92])


def test_a_misstatement_is_what_the_lead_of_the_quick_stage_loses_or_gains() -> None:
    assert misstatements(QUICK, EXACT) == pytest.approx([0.12, 0.03, 0.01, 0.0], abs=1e-6)
    assert misstatements(EXACT, QUICK)[1:] == pytest.approx([0.03, 0.01, 0.0], abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_a_stage_differs_only_where_the_lead_is_misstated_by_as_much(seed: int) -> None:
    random = np.random.default_rng(seed)
    quick, exact = (random.dirichlet(np.ones(7), 50).astype(np.float32) for _ in range(2))
    is_other = quick.argmax(axis=1) != exact.argmax(axis=1)
    assert (misstatements(quick, exact)[is_other] >= leads_of(quick)[is_other]).all()
    assert is_other.any() and not is_other.all()


def test_the_margin_is_so_many_times_the_largest_misstatement() -> None:
    assert margin_for(QUICK, EXACT) == pytest.approx(SAFETY * 0.12)


def test_without_any_misstatement_the_margin_is_still_not_nothing() -> None:
    assert margin_for(EXACT, EXACT) == pytest.approx(0.05)


def test_a_group_that_differs_as_little_as_calibration_keeps_its_margin_and_a_sample_of_the_others_is_seen() -> None:
    leads = np.linspace(0.0, 0.8, 250)
    quick = _with_leads(leads)
    is_exact, margin = _settled(quick, _with_leads(leads * 0.99))
    assert margin == 0.1
    assert is_exact[leads < 0.1].all()
    beyond = np.flatnonzero(is_exact & (leads >= 0.1))
    assert len(beyond) == 10
    assert np.array_equal(beyond[:5], np.flatnonzero(leads >= 0.1)[:5])
    assert np.ptp(np.diff(beyond[5:])) <= 1
    first = doubt(quick, quick, np.zeros(250, np.bool_), 0.1)
    assert np.array_equal(first.sampled, beyond)
    assert not doubt(quick, quick, is_exact, 0.1).sampled.size


def test_a_group_that_differs_more_is_asked_within_a_wider_margin() -> None:
    leads = np.linspace(0.0, 0.8, 250)
    is_exact, margin = _settled(_with_leads(leads), _with_leads(leads - 0.2))
    assert margin == pytest.approx(SAFETY * 0.2)
    assert np.array_equal(np.flatnonzero(leads < margin), np.flatnonzero(is_exact & (leads < margin)))
    assert is_exact.mean() < 0.6


def test_what_the_wider_margin_brings_to_light_widens_it_further() -> None:
    leads = np.linspace(0.0, 0.8, 250)
    loss = np.where(leads < 0.1, 0.07, np.where(leads < 0.14, 0.15, 0.0))
    quick, exact = _with_leads(leads), _with_leads(leads - loss)
    in_sample = doubt(quick, quick, np.zeros(250, np.bool_), 0.1).rows
    assert not ((leads[in_sample] >= 0.1) & (leads[in_sample] < 0.14)).all()
    assert _settled(quick, exact)[1] == pytest.approx(SAFETY * 0.15)


def test_where_nearly_everything_would_be_asked_again_everything_is() -> None:
    leads = np.linspace(0.0, 0.8, 250)
    is_exact, margin = _settled(_with_leads(leads), _with_leads(leads - 0.4))
    assert is_exact.all()
    assert margin == 1.0


def test_the_few_patches_of_a_small_group_are_all_seen_whatever_its_margin_and_an_empty_group_is_settled() -> None:
    few = _with_leads(np.linspace(0.2, 0.8, 64))
    is_exact, margin = _settled(few, few)
    assert is_exact.all()
    assert margin == 0.1
    more = _with_leads(np.linspace(0.2, 0.8, 65))
    assert not _settled(more, more)[0].all()
    assert not doubt(QUICK[:0], EXACT[:0], np.zeros(0, np.bool_), 0.1).rows.size


def test_what_is_no_number_is_asked_again_and_widens_nothing() -> None:
    leads = np.linspace(0.2, 0.8, 250)
    quick = _with_leads(leads)
    quick[200] = np.nan
    is_exact, margin = _settled(quick, _with_leads(leads))
    assert is_exact[200]
    assert margin == 0.1


def test_what_is_asked_depends_on_the_group_alone() -> None:
    random = np.random.default_rng(4)
    quick = random.dirichlet(np.ones(7), 200).astype(np.float32)
    first = doubt(quick, quick, np.zeros(200, np.bool_), 0.2)
    assert np.array_equal(first.rows, doubt(quick.copy(), quick.copy(), np.zeros(200, np.bool_), 0.2).rows)
