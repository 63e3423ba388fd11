"""Which stages readers agree on and which they confuse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.agreement.chance_corrected import ReadSums
from core.agreement.ratings import Scale
from core.agreement.weights import FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfusedStages:
    """The two stages that one item most often received from two readers.

    `n_pairs` counts pairs of reads of one item; `n_discordant` counts all pairs of reads that differ.
    """

    stage_a: str
    stage_b: str
    n_pairs: int
    n_discordant: int


def specific_agreement(sums: ReadSums) -> FloatArray:
    """Give the chance that a second read repeats a stage, resamples x stages, NaN where a stage has no pair.

    Every pair of reads weighs the same. Source: Uebersax 1982, J Psychiatr Res 17:335; for two readers: Cicchetti
    and Feinstein 1990, J Clin Epidemiol 43:551.
    """
    same = np.diagonal(sums.pair_counts, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(same / sums.pair_counts.sum(axis=2))


def most_confused(pair_counts: FloatArray, scale: Scale) -> ConfusedStages | None:
    """Name the two stages confused most, the lower ones of equals; None where all reads agree.

    Args:
        pair_counts: ordered pairs of reads of one item, stages x stages, symmetric.
    """
    unordered = np.triu(pair_counts, k=1)
    if not unordered.any():
        return None
    row, column = np.unravel_index(int(unordered.argmax()), unordered.shape)
    return ConfusedStages(
        stage_a=scale.labels[int(row)],
        stage_b=scale.labels[int(column)],
        n_pairs=round(float(unordered[row, column])),
        n_discordant=round(float(unordered.sum())),
    )
