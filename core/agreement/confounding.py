"""Do stages and a trait go together? Where all of stage 4 comes from one site, the two cannot be told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.agreement.bootstrap import Estimate, Resampling, drawing_of, estimates, resampled, subject_sums, totals
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray

WORTH_A_WARNING = 0.3
_NO_ITEMS = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class StageByTrait:
    """How often each stage occurs for each value of a trait (`counts`: values x stages; an item's reads share its 1).

    `cramers_v` lies between 0 (independent) and 1 and is above 0 by chance in small tables; `corrected` takes that off.
    `warning` is None where there is nothing to warn of.
    """

    trait: str
    values: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    cramers_v: Estimate
    corrected: Estimate
    warning: str | None


def stage_by_trait(ratings: Ratings, trait: str, resampling: Resampling) -> StageByTrait:
    """Count stages by the values of a trait that are stated, with Cramer's V.

    Source: Cramer 1946, Mathematical Methods of Statistics, section 21.9; corrected: Bergsma 2013, J Korean Stat Soc
    42:323.
    """
    people = ratings.of_readers(ratings.people)
    values = tuple(sorted({value for value in ratings.traits[trait] if value is not None}))
    of_value = np.array([[value == one for one in values] for value in ratings.traits[trait]], dtype=np.float64)
    of_stage = (people.stages[:, :, None] == np.arange(len(ratings.scale.labels))).sum(axis=1).astype(np.float64)
    of_stage /= np.maximum(of_stage.sum(axis=1, keepdims=True), 1.0)
    shape = (len(values), len(ratings.scale.labels))
    cells = of_value.reshape(ratings.n_items, shape[0], 1) * of_stage[:, None, :]
    features = subject_sums(
        cells.reshape(ratings.n_items, shape[0] * shape[1]), ratings.subject_numbers(), ratings.n_subjects
    )

    def statistics(sums: FloatArray) -> FloatArray:
        return _both(sums.reshape(len(sums), *shape))

    all_sums = totals(features)
    drawn = resampled(features, statistics, drawing_of(ratings, resampling))
    why = "there are fewer than two values with reads, or fewer than two stages"
    v, corrected = estimates(statistics(all_sums)[0], [why, why], drawn, ratings.n_subjects, resampling)
    return StageByTrait(
        trait=trait,
        values=values,
        counts=tuple(tuple(row) for row in all_sums.reshape(shape).tolist()),
        cramers_v=v,
        corrected=corrected,
        warning=_warning(trait, corrected),
    )


def _both(tables: FloatArray) -> FloatArray:
    """Give Cramer's V of tables (resamples x values x stages), as it is and corrected; NaN where not estimable."""
    of_value, of_stage = tables.sum(axis=2), tables.sum(axis=1)
    n = of_value.sum(axis=1)
    n_values, n_stages = (of_value > _NO_ITEMS).sum(axis=1), (of_stage > _NO_ITEMS).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = of_value[:, :, None] * of_stage[:, None, :] / n[:, None, None]
        apart = np.where(expected > _NO_ITEMS, (tables - expected) ** 2 / expected, 0.0)
        squared = apart.sum(axis=(1, 2)) / n
        smaller = np.minimum(n_values, n_stages) - 1.0
        by_chance = (n_values - 1.0) * (n_stages - 1.0) / (n - 1.0)
        rows = n_values - (n_values - 1.0) ** 2 / (n - 1.0)
        columns = n_stages - (n_stages - 1.0) ** 2 / (n - 1.0)
        room = np.minimum(rows, columns) - 1.0
        v = np.where(smaller > 0.0, np.sqrt(squared / smaller), np.nan)
        corrected = np.where(
            (smaller > 0.0) & (room > 0.0), np.sqrt(np.maximum(squared - by_chance, 0.0) / room), np.nan
        )
    return np.column_stack([v, np.minimum(corrected, 1.0)])


def _warning(trait: str, corrected: Estimate) -> str | None:
    if corrected.value is None or corrected.value < WORTH_A_WARNING:
        return None
    return (
        f"Stages and {trait} go together (Cramer's V {corrected.value:.2f}, corrected for chance): a difference "
        f"between values of {trait} may be one between stages, and the other way round."
    )
