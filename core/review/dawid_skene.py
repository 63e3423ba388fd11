"""Dawid and Skene's estimate: how probable each stage is, from what several readers said and how each of them errs.

Written here because crowd-kit 1.4.2, which has it, installs transformers, nltk and scikit-learn with it and breaks ties
at random; this needs NumPy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_TOLERANCE, _MOST_STEPS = 1e-6, 5000
_LEAST = 1e-300  # in place of a rate of zero, so that its logarithm is a number


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Estimate:
    """What the readers' words make probable. `error_rates[r, s, t]`: how often reader r says t where the stage is s."""

    posterior: Floats  # (n_items, n_stages), rows sum to 1
    prevalence: Floats  # (n_stages,)
    error_rates: Floats  # (n_readers, n_stages, n_stages); a row is 0 where a stage is never probable
    n_steps: int
    is_converged: bool


def estimate(counts: npt.NDArray[np.integer], weights: npt.NDArray[np.integer] | None = None) -> Estimate:
    """Give the maximum-likelihood estimate by EM, begun from the share of the reads that each stage has of an item.

    Args: counts: how often each reader gave each stage to each item (n_items, n_readers, n_stages), every item at
    least one read; weights: how many items each row stands for (n_items,), 1 without.
    Source: Dawid and Skene 1979, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, Applied
    Statistics 28(1), equations 2.3 to 2.5 and 3.1.
    Limits: readers are taken to err independently once the stage is given, and alike on every item of it; fewer than
    three readers do not determine it; EM finds the maximum that lies nearest to the majority.
    """
    said = np.asarray(counts, np.float64)
    if said.ndim != 3 or not said.sum(axis=(1, 2)).all():  # items, readers, stages
        raise ValueError("every item has at least one read")
    weight = np.ones(len(said)) if weights is None else np.asarray(weights, np.float64)
    posterior = said.sum(axis=1) / said.sum(axis=(1, 2))[:, None]
    n_steps, change = 0, np.inf
    while change >= _TOLERANCE and n_steps < _MOST_STEPS:
        prevalence, error_rates = _maximise(said, posterior * weight[:, None])
        former, posterior = posterior, _expect(said, prevalence, error_rates)
        n_steps, change = n_steps + 1, float(np.abs(posterior - former).max())
    return Estimate(
        posterior=posterior,
        prevalence=prevalence,
        error_rates=error_rates,
        n_steps=n_steps,
        is_converged=change < _TOLERANCE,
    )


def _maximise(said: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Give prevalence and error rates where items belong to stages in these shares (n_items, n_stages)."""
    given = np.einsum("is,irt->rst", share, said, optimize=True)
    total = given.sum(axis=2, keepdims=True)
    return share.sum(axis=0) / share.sum(), np.divide(given, total, out=np.zeros_like(given), where=total > 0)


def _expect(said: Floats, prevalence: Floats, error_rates: Floats) -> Floats:
    """Give how probable each stage is for each item (n_items, n_stages)."""
    log = np.einsum("irt,rst->is", said, np.log(np.maximum(error_rates, _LEAST)), optimize=True)
    log += np.log(np.maximum(prevalence, _LEAST))
    likelihood = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(likelihood / likelihood.sum(axis=1, keepdims=True))
