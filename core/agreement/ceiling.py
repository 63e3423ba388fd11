"""The model among the readers: reader-reader, the bound that their own disagreement sets, model-reader, consensus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.agreement.bootstrap import (
    Drawing,
    Estimate,
    Progress,
    Resamples,
    Resampling,
    column_of,
    drawing_of,
    estimate,
    unheard,
)
from core.agreement.consensus import FEWEST_PEOPLE, ConsensusAgreement, consensus_agreement, mean_of
from core.agreement.kappa import reader_pairs
from core.agreement.pairwise import PairwiseAgreement
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix

_DECIMALS = 12
_NO_MODEL = "no model is among the readers"
_FEW_PEOPLE = f"a consensus without one reader needs {FEWEST_PEOPLE} readers"
_NO_CONSENSUS = "no kappa with a consensus exists: no item has one that stands, or all have the same stage"


@dataclass(frozen=True, kw_only=True, slots=True)
class HumanCeiling:
    """The model's place among people, in one weighting.

    `reader_reader`: two people. `ceiling`: what a perfect model reaches against one of them. `model_reader`: the model
    and one of them. `reader_consensus`: one of them and the consensus of the others; `model_consensus`: the model and
    those same consensuses; `model_full_consensus`: the model and the consensus of all. The two `minus` are differences
    of means on the same draws of animals: above 0 the model agrees better than people do.
    """

    weighting: Weighting
    reader_reader: Estimate
    ceiling: Estimate
    model_reader: Estimate
    model_reader_minus_reader_reader: Estimate
    reader_consensus: Estimate
    model_consensus: Estimate
    model_consensus_minus_reader_consensus: Estimate
    model_full_consensus: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mean:
    """One number for all readers with its resamples."""

    value: FloatArray
    resamples: Resamples

    def minus(self, other: _Mean) -> _Mean:
        mine, theirs = self.resamples, other.resamples
        drawn = Resamples(drawn=mine.drawn - theirs.drawn, left_out=mine.left_out - theirs.left_out)
        return _Mean(value=self.value - other.value, resamples=drawn)


def human_ceilings(
    ratings: Ratings, pairwise: PairwiseAgreement, resampling: Resampling, progress: Progress = unheard
) -> tuple[HumanCeiling, ...]:
    """Give the lines in every weighting.

    Reader-reader and model-reader are means of the kappas of the pairs that are estimable (Light 1971, Psychol Bull
    76:365). The bound is the square root of reader-reader.

    Source: Spearman 1904, Am J Psychol 15:72, correction for attenuation.
    Limits: the bound holds for readers that err alike and independently and is approximate for kappa; against a
    consensus of several readers a model may lie above it.
    """
    drawing = drawing_of(ratings, resampling, progress)
    matrices = {weighting: weight_matrix(weighting, ratings.scale) for weighting in Weighting}
    weights = {name: matrix for name, matrix in matrices.items() if not isinstance(matrix, NotEstimable)}
    consensus = consensus_agreement(ratings, weights, drawing)
    return tuple(_ceiling(weighting, ratings, pairwise, consensus, drawing) for weighting in Weighting)


def _ceiling(
    weighting: Weighting,
    ratings: Ratings,
    pairwise: PairwiseAgreement,
    consensus: ConsensusAgreement | None,
    drawing: Drawing,
) -> HumanCeiling:
    if weighting in pairwise.undefined:
        return _undefined(weighting, pairwise.undefined[weighting].why)
    between, to_model = _pair_means(weighting, ratings, pairwise)
    readers, model, full = _consensus_means(weighting, consensus)
    has_model = ratings.model_reader is not None
    why_between = "no two readers have a kappa in this weighting"
    why_bound = why_between if np.isnan(between.value[0]) else "readers agree less than by chance: there is no bound"
    why_model = "no reader shares items with it" if has_model else _NO_MODEL
    why_consensus = _FEW_PEOPLE if consensus is None else _NO_CONSENSUS
    why_of_model = why_consensus if has_model else _NO_MODEL

    def found(mean: _Mean, why: str) -> Estimate:
        return estimate(float(mean.value[0]), why, mean.resamples, ratings.n_subjects, drawing.resampling)

    bound = _Mean(value=_root(between.value), resamples=between.resamples.then(_root))
    return HumanCeiling(
        weighting=weighting,
        reader_reader=found(between, why_between),
        ceiling=found(bound, why_bound),
        model_reader=found(to_model, why_model),
        model_reader_minus_reader_reader=found(to_model.minus(between), why_model if not has_model else why_between),
        reader_consensus=found(readers, why_consensus),
        model_consensus=found(model, why_of_model),
        model_consensus_minus_reader_consensus=found(model.minus(readers), why_of_model),
        model_full_consensus=found(full, why_of_model),
    )


def _pair_means(weighting: Weighting, ratings: Ratings, pairwise: PairwiseAgreement) -> tuple[_Mean, _Mean]:
    names = reader_pairs(ratings.readers)
    with_model = [number for number, pair in enumerate(names) if ratings.model_reader in pair]
    people = [number for number in range(len(names)) if number not in with_model]
    values, resamples = pairwise.kappas[weighting], pairwise.resamples[weighting]

    def mean(columns: Sequence[int]) -> _Mean:
        return _Mean(
            value=mean_of(values[None], columns), resamples=resamples.then(lambda rows: mean_of(rows, columns))
        )

    return mean(people), mean(with_model)


def _consensus_means(weighting: Weighting, consensus: ConsensusAgreement | None) -> tuple[_Mean, _Mean, _Mean]:
    if consensus is None:
        none = Resamples(drawn=np.empty(0), left_out=np.empty(0))
        missing = _Mean(value=np.array([np.nan]), resamples=none)
        return missing, missing, missing
    values, resamples = consensus.values[weighting], consensus.resamples[weighting]
    readers, model, full = (
        _Mean(value=values[[number]], resamples=column_of(resamples, number)) for number in range(3)
    )
    return readers, model, full


def _undefined(weighting: Weighting, why: str) -> HumanCeiling:
    none = Estimate(value=None, why=why)
    return HumanCeiling(
        weighting=weighting,
        reader_reader=none,
        ceiling=none,
        model_reader=none,
        model_reader_minus_reader_reader=none,
        reader_consensus=none,
        model_consensus=none,
        model_consensus_minus_reader_consensus=none,
        model_full_consensus=none,
    )


def _root(kappa: FloatArray) -> FloatArray:
    """Give the root; what summation leaves of a kappa of 0 is 0."""
    cleaned = np.round(kappa, _DECIMALS)
    return np.asarray(np.sqrt(np.where(cleaned >= 0.0, cleaned, np.nan)))
