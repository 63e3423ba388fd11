"""The model among the readers: reader-reader, the bound that their own disagreement sets, model-reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.agreement.bootstrap import Estimate, Resamples, Resampling, estimate
from core.agreement.kappa import reader_pairs
from core.agreement.pairwise import PairwiseAgreement
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray, Weighting

_DECIMALS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class HumanCeiling:
    """Three lines in one weighting: two people, what a perfect model reaches against one of them, the model."""

    weighting: Weighting
    reader_reader: Estimate
    ceiling: Estimate
    model_reader: Estimate


def human_ceilings(ratings: Ratings, pairwise: PairwiseAgreement, resampling: Resampling) -> tuple[HumanCeiling, ...]:
    """Give the three lines in every weighting.

    Reader-reader and model-reader are means of the kappas of the pairs that are estimable (Light 1971, Psychol Bull
    76:365). The bound is the square root of reader-reader.

    Source: Spearman 1904, Am J Psychol 15:72, correction for attenuation.
    Limits: the bound holds for readers that err alike and independently and is approximate for kappa; against a
    consensus of several readers a model may lie above it.
    """
    return tuple(_ceiling(weighting, ratings, pairwise, resampling) for weighting in Weighting)


def _ceiling(
    weighting: Weighting, ratings: Ratings, pairwise: PairwiseAgreement, resampling: Resampling
) -> HumanCeiling:
    if weighting in pairwise.undefined:
        none = Estimate(value=None, why=pairwise.undefined[weighting].why)
        return HumanCeiling(weighting=weighting, reader_reader=none, ceiling=none, model_reader=none)
    names = reader_pairs(ratings.readers)
    with_model = [number for number, pair in enumerate(names) if ratings.model_reader in pair]
    people = [number for number in range(len(names)) if number not in with_model]
    values, resamples = pairwise.kappas[weighting], pairwise.resamples[weighting]
    between, between_drawn = _mean(values[None], people), resamples.then(lambda rows: _mean(rows, people))
    to_model, to_model_drawn = _mean(values[None], with_model), resamples.then(lambda rows: _mean(rows, with_model))

    def found(value: FloatArray, why: str, drawn: Resamples) -> Estimate:
        return estimate(float(value[0]), why, drawn, ratings.n_subjects, resampling)

    why_between = "no two readers have a kappa in this weighting"
    why_bound = why_between if np.isnan(between[0]) else "readers agree less than by chance: there is no bound"
    why_model = "no model is among the readers" if ratings.model_reader is None else "no reader shares items with it"
    return HumanCeiling(
        weighting=weighting,
        reader_reader=found(between, why_between, between_drawn),
        ceiling=found(_root(between), why_bound, between_drawn.then(_root)),
        model_reader=found(to_model, why_model, to_model_drawn),
    )


def _mean(kappas: FloatArray, columns: Sequence[int]) -> FloatArray:
    """Average the estimable pairs of each row, NaN where there is none."""
    chosen = kappas[:, list(columns)]
    n_estimable = (~np.isnan(chosen)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(chosen, axis=1) / n_estimable)


def _root(kappa: FloatArray) -> FloatArray:
    """Give the root; what summation leaves of a kappa of 0 is 0."""
    cleaned = np.round(kappa, _DECIMALS)
    return np.asarray(np.sqrt(np.where(cleaned >= 0.0, cleaned, np.nan)))
