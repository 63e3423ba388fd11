"""All readers at once, with missing reads: percent agreement, Fleiss, Conger, Gwet, Brennan-Prediger.

Missing reads are handled as Gwet does: an item with two or more reads tells of agreement, an item with one or more
tells how often a stage is used; nothing is filled in and no item is dropped for being incomplete. The number of
stages is that of the declared scale, not of the stages that happen to occur.

Source: Gwet 2014, Handbook of Inter-Rater Reliability, 4th edition, chapters 2 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from core.agreement.bootstrap import subject_sums
from core.agreement.kappa import corrected_for_chance
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadSums:
    """What the coefficients are made of, summed over items; the first axis is the resample.

    `pair_shares`: ordered pairs of reads of one item, each item weighing 1 (resamples x stages x stages);
    `coincidences`: the same, each read weighing 1; `pair_counts`: the same, each pair weighing 1;
    `stage_shares`: reads by stage, each item weighing 1 (resamples x stages);
    `reader_counts`: reads by reader and stage (resamples x readers x stages).
    """

    n_paired_items: FloatArray
    n_read_items: FloatArray
    stage_shares: FloatArray
    pair_shares: FloatArray
    coincidences: FloatArray
    pair_counts: FloatArray
    reader_counts: FloatArray

    @property
    def stage_use(self) -> FloatArray:
        """Give how often each stage is used, rows summing to 1."""
        return _divided(self.stage_shares, self.n_read_items[:, None])


def read_features(ratings: Ratings) -> sparse.csr_array:
    """Give the summands of `ReadSums` by subject: subjects x features, sparse."""
    chosen = _one_hot(ratings)
    counts = chosen.sum(axis=1)
    n_reads = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    pairs = pairs.reshape(len(counts), counts.shape[1] ** 2)
    others = np.maximum(n_reads - 1.0, 1.0)[:, None]
    own = np.maximum(n_reads, 1.0)[:, None]
    features = np.hstack(
        [
            (n_reads >= 2)[:, None],
            (n_reads >= 1)[:, None],
            counts / own,
            pairs / (own * others),
            pairs / others,
            pairs,
            chosen.reshape(len(counts), chosen.shape[1] * chosen.shape[2]),
        ]
    )
    return subject_sums(features, ratings.subject_numbers(), ratings.n_subjects)


def read_sums(sums: FloatArray, n_readers: int, n_stages: int) -> ReadSums:
    """Take sums (resamples x features, in the order of `read_features`) apart."""
    n_cells = n_stages * n_stages
    starts = np.cumsum([1, 1, n_stages, n_cells, n_cells, n_cells])
    parts = np.split(sums, starts, axis=1)
    square = (len(sums), n_stages, n_stages)
    return ReadSums(
        n_paired_items=parts[0][:, 0],
        n_read_items=parts[1][:, 0],
        stage_shares=parts[2],
        pair_shares=parts[3].reshape(square),
        coincidences=parts[4].reshape(square),
        pair_counts=parts[5].reshape(square),
        reader_counts=parts[6].reshape(len(sums), n_readers, n_stages),
    )


def mean_agreement(sums: ReadSums, weights: FloatArray) -> FloatArray:
    """Give the weighted agreement of two reads of one item, each item weighing the same."""
    return _divided((sums.pair_shares * weights).sum(axis=(1, 2)), sums.n_paired_items)


def fleiss(sums: ReadSums, weights: FloatArray) -> FloatArray:
    """Give Fleiss' kappa, weighted; for two readers it is Scott's pi.

    Source: Fleiss 1971, Psychol Bull 76:378; with missing reads and weights: Gwet 2014, chapters 2 and 3.
    """
    use = sums.stage_use
    return corrected_for_chance(mean_agreement(sums, weights), ((use @ weights) * use).sum(axis=1))


def conger(sums: ReadSums, weights: FloatArray) -> FloatArray:
    """Give Conger's kappa: chance from each reader's own use of the stages; for two readers it is Cohen's.

    Source: Conger 1980, Psychol Bull 88:322; with missing reads and weights: Gwet 2014, chapters 2 and 3.
    """
    n_of_reader = sums.reader_counts.sum(axis=2)
    use = np.where(n_of_reader[..., None] > 0, _divided(sums.reader_counts, n_of_reader[..., None]), 0.0)
    n_readers = (n_of_reader > 0).sum(axis=1).astype(np.float64)
    together = use.sum(axis=1)
    all_pairs = ((together @ weights) * together).sum(axis=1)
    with_themselves = ((use @ weights) * use).sum(axis=(1, 2))
    by_chance = _divided(all_pairs - with_themselves, n_readers * (n_readers - 1.0))
    return corrected_for_chance(mean_agreement(sums, weights), by_chance)


def gwet(sums: ReadSums, weights: FloatArray) -> FloatArray:
    """Give Gwet's AC1 (unweighted) or AC2; it exists where all reads are one stage, and is 1 there.

    Source: Gwet 2008, Br J Math Stat Psychol 61:29; weighted, with missing reads: Gwet 2014, chapters 3 and 4.
    """
    n_stages = weights.shape[0]
    if n_stages < 2:
        return np.full(len(sums.n_paired_items), np.nan)
    use = sums.stage_use
    by_chance = weights.sum() * (use * (1.0 - use)).sum(axis=1) / (n_stages * (n_stages - 1.0))
    return corrected_for_chance(mean_agreement(sums, weights), by_chance)


def brennan_prediger(sums: ReadSums, weights: FloatArray) -> FloatArray:
    """Give Brennan and Prediger's kappa: every stage of the scale as likely by chance as any other.

    Source: Brennan and Prediger 1981, Educ Psychol Meas 41:687; weighted: Gwet 2014, chapter 4.
    """
    by_chance = np.full(len(sums.n_paired_items), weights.mean())
    return corrected_for_chance(mean_agreement(sums, weights), by_chance)


def _one_hot(ratings: Ratings) -> FloatArray:
    stages = np.arange(len(ratings.scale.labels), dtype=np.int16)  # MISSING is none of them
    return np.asarray(ratings.stages[:, :, None] == stages, dtype=np.float64)


def _divided(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(numerator / denominator)
