from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from core.review.dawid_skene import estimate

# Dawid and Skene 1979, table 1: 45 patients' fitness for anaesthesia, 1 to 4, by five observers, the first three times.
_TABLE_1 = """
111 1 1 1 1,333 4 3 3 4,112 2 1 2 2,222 3 1 2 1,222 3 2 2 2,222 3 3 2 2,122 2 1 1 1,333 3 4 3 3,222 2 2 2 3,
232 2 2 2 3,444 4 4 4 4,222 3 3 4 3,111 1 1 1 1,222 3 2 1 2,121 1 1 1 1,111 2 1 1 1,111 1 1 1 1,111 1 1 1 1,
222 2 2 2 1,222 1 3 2 2,222 2 2 2 2,222 2 2 2 1,222 3 2 2 2,221 2 2 2 2,111 1 1 1 1,111 1 1 1 1,232 2 2 2 2,
111 1 1 1 1,111 1 1 1 1,112 1 1 2 1,111 1 1 1 1,333 3 2 3 3,111 1 1 1 1,222 2 2 2 2,222 3 2 3 2,433 4 3 4 3,
221 2 2 3 2,232 3 2 3 3,333 3 4 3 2,111 1 1 1 1,111 1 1 1 1,121 2 1 1 1,232 2 2 2 2,121 1 1 1 1,222 2 2 2 2
"""
# Their estimates: the share of each fitness, and for each observer how often they say (along) what is so (down).
_PREVALENCE = [0.40, 0.42, 0.11, 0.07]
_ERROR_RATES = [
    [[0.89, 0.11, 0.00, 0.00], [0.07, 0.88, 0.05, 0.00], [0.00, 0.34, 0.66, 0.00], [0.00, 0.00, 0.56, 0.44]],
    [[0.83, 0.17, 0.00, 0.00], [0.05, 0.63, 0.31, 0.00], [0.00, 0.00, 1.00, 0.00], [0.00, 0.00, 0.00, 1.00]],
    [[1.00, 0.00, 0.00, 0.00], [0.11, 0.79, 0.11, 0.00], [0.00, 0.40, 0.20, 0.40], [0.00, 0.00, 0.67, 0.33]],
    [[0.94, 0.06, 0.00, 0.00], [0.05, 0.84, 0.10, 0.00], [0.00, 0.00, 0.80, 0.20], [0.00, 0.00, 0.33, 0.67]],
    [[1.00, 0.00, 0.00, 0.00], [0.16, 0.73, 0.11, 0.00], [0.00, 0.21, 0.79, 0.00], [0.00, 0.00, 0.33, 0.67]],
]
_UNSURE = {7: (1, 0.98), 35: (2, 0.95), 38: (3, 0.98)}  # patients of whom one fitness is not certain to two places
Counts = npt.NDArray[np.int64]


def anaesthetists() -> Counts:
    patients = [patient.split() for patient in _TABLE_1.replace("\n", "").split(",")]
    counts = np.zeros((len(patients), 5, 4), np.int64)
    for number, patient in enumerate(patients):
        for observer, said in enumerate(patient):
            for one in said:
                counts[number, observer, int(one) - 1] += 1
    return counts


def simulated(n_items: int, sharpness: tuple[float, ...], n_stages: int = 5) -> tuple[Counts, npt.NDArray[np.int64]]:
    """Draw what readers say who are right this often, and else one stage off; and the stages there are."""
    random = np.random.default_rng(11)
    true = random.integers(0, n_stages, n_items)
    counts = np.zeros((n_items, len(sharpness), n_stages), np.int64)
    for reader, sharp in enumerate(sharpness):
        off = np.where(random.random(n_items) < 0.5, 1, -1) * (random.random(n_items) > sharp)
        counts[np.arange(n_items), reader, np.clip(true + off, 0, n_stages - 1)] = 1
    return counts, true


def test_the_published_example_gives_the_published_rates() -> None:
    found = estimate(anaesthetists())
    assert found.is_converged
    np.testing.assert_allclose(found.prevalence, _PREVALENCE, atol=0.0051)
    np.testing.assert_allclose(found.error_rates, _ERROR_RATES, atol=0.0051)


def test_of_the_published_patients_only_these_are_unsure() -> None:
    found = estimate(anaesthetists())
    unsure = {
        number: (int(row.argmax()) + 1, round(float(row.max()), 2))
        for number, row in enumerate(found.posterior, start=1)
        if row.max() < 0.985
    }
    assert unsure == _UNSURE


def test_a_reader_who_errs_often_weighs_less_than_the_majority_gives_them() -> None:
    counts, true = simulated(4000, (0.95, 0.55, 0.55))
    majority = (counts.sum(axis=1) + counts[:, 0] * 0.1).argmax(axis=1)
    found = estimate(counts)
    by_estimate = (found.posterior.argmax(axis=1) == true).mean()
    assert by_estimate > (majority == true).mean() + 0.02
    right = np.array([np.diag(rates) @ found.prevalence for rates in found.error_rates])
    kept = [(counts[:, reader].argmax(axis=1) == true).mean() for reader in range(3)]
    np.testing.assert_allclose(right, kept, atol=0.04)


def test_posteriors_are_as_often_right_as_they_say() -> None:
    counts, true = simulated(6000, (0.9, 0.8, 0.7, 0.7))
    posterior = estimate(counts).posterior
    said, is_right = posterior.max(axis=1), posterior.argmax(axis=1) == true
    for low, high in ((0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        here = (said >= low) & (said < high)
        assert here.sum() > 100
        assert is_right[here].mean() == pytest.approx(said[here].mean(), abs=0.05)


def test_neither_the_order_of_items_and_readers_nor_bundling_alike_ones_matters() -> None:
    counts = anaesthetists()
    found = estimate(counts)
    items, readers = np.random.default_rng(3).permutation(45), [3, 0, 4, 2, 1]
    turned = estimate(counts[items][:, readers])
    np.testing.assert_allclose(turned.posterior, found.posterior[items], atol=1e-4)
    np.testing.assert_allclose(turned.error_rates, found.error_rates[readers], atol=1e-4)
    patterns, of, weights = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
    bundled = estimate(patterns, weights)
    np.testing.assert_allclose(bundled.posterior[of.ravel()], found.posterior, atol=1e-4)


def test_readers_who_agree_on_everything_leave_no_doubt() -> None:
    counts = np.zeros((6, 3, 7), np.int64)
    counts[np.arange(6), :, [0, 0, 2, 2, 5, 6]] = 1
    found = estimate(counts)
    np.testing.assert_allclose(found.posterior, counts[:, 0], atol=1e-9)
    assert found.prevalence[1] == 0.0


def test_missing_reads_are_no_reads() -> None:
    counts = anaesthetists()
    counts[10, 1:] = 0  # one observer alone saw this patient
    found = estimate(counts)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0)
    assert np.isfinite(found.error_rates).all()


def test_an_item_that_nobody_read_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one read"):
        estimate(np.zeros((2, 3, 7), np.int64))
