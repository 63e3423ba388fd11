"""All readers together: the coefficients for many readers, and agreement stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.agreement.alpha import Metric, alphas
from core.agreement.bootstrap import (
    Estimate,
    Progress,
    Resampling,
    drawing_of,
    estimates,
    resampled,
    totals,
    unheard,
)
from core.agreement.chance_corrected import (
    ReadSums,
    brennan_prediger,
    conger,
    fleiss,
    gwet,
    mean_agreement,
    read_features,
    read_sums,
)
from core.agreement.classification import ConfusedStages, most_confused, specific_agreement
from core.agreement.kappa import neighbours
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix

_COEFFICIENTS: tuple[Callable[[ReadSums, FloatArray], FloatArray], ...] = (fleiss, conger, gwet, brennan_prediger)


@dataclass(frozen=True, kw_only=True, slots=True)
class OverallAgreement:
    """People together, the model left out. `specific` has one estimate for each stage of the scale, in its order.

    `percent_agreement` and `within_one_stage` are fractions: two reads of one item, each item weighing the same.
    `confused` is None where all reads agree.
    """

    readers: tuple[str, ...]
    n_paired_items: int
    percent_agreement: Estimate
    within_one_stage: Estimate
    fleiss: Mapping[Weighting, Estimate]
    conger: Mapping[Weighting, Estimate]
    gwet: Mapping[Weighting, Estimate]
    brennan_prediger: Mapping[Weighting, Estimate]
    krippendorff: Mapping[Metric, Estimate]
    specific: tuple[Estimate, ...]
    confused: ConfusedStages | None


def overall_agreement(ratings: Ratings, resampling: Resampling, progress: Progress = unheard) -> OverallAgreement:
    """Compare all people of the ratings at once."""
    people = ratings.of_readers(ratings.people)
    shape = (len(people.readers), len(people.scale.labels))
    matrices = {weighting: weight_matrix(weighting, people.scale) for weighting in Weighting}
    weights = {name: matrix for name, matrix in matrices.items() if not isinstance(matrix, NotEstimable)}
    nearby = neighbours(people.scale)

    def statistics(sums: FloatArray) -> FloatArray:
        return _all_statistics(read_sums(sums, *shape), list(weights.values()), nearby)

    features = read_features(people)
    all_sums = totals(features)
    sums = read_sums(all_sums, *shape)
    drawn = resampled(features, statistics, drawing_of(people, resampling, progress))
    values = statistics(all_sums)[0]
    whys = _whys(people, sums, len(weights))
    found = list(estimates(values, whys, drawn, people.n_subjects, resampling))
    return _gathered(people, sums, found, matrices)


def _all_statistics(sums: ReadSums, weights: list[FloatArray], nearby: FloatArray) -> FloatArray:
    """Give, in this order: percent agreement, within one stage, coefficients by weighting, alphas, by stage."""
    columns = [mean_agreement(sums, np.eye(len(nearby))), mean_agreement(sums, nearby)]
    columns += [coefficient(sums, matrix) for coefficient in _COEFFICIENTS for matrix in weights]
    columns += [alphas(sums.coincidences, metric) for metric in Metric]
    return np.column_stack([*columns, specific_agreement(sums)])


def why_no_coefficient(people: Ratings, sums: ReadSums) -> str:
    """Say why a coefficient of all readers would not be estimable."""
    if len(people.readers) < 2:
        return "agreement needs two readers"
    if not sums.n_paired_items[0]:
        return "no item was read by two readers"
    return "every read is one and the same stage"


def _whys(people: Ratings, sums: ReadSums, n_weightings: int) -> list[str]:
    """Say for each statistic why it would not be estimable."""
    why = why_no_coefficient(people, sums)
    by_stage = [f"no item with two reads has a read of stage {label}" for label in people.scale.labels]
    return [why] * (2 + len(_COEFFICIENTS) * n_weightings + len(Metric)) + by_stage


def _gathered(
    people: Ratings,
    sums: ReadSums,
    found: list[Estimate],
    matrices: Mapping[Weighting, FloatArray | NotEstimable],
) -> OverallAgreement:
    queue = iter(found)

    def by_weighting() -> dict[Weighting, Estimate]:
        return {
            name: Estimate(value=None, why=matrix.why) if isinstance(matrix, NotEstimable) else next(queue)
            for name, matrix in matrices.items()
        }

    return OverallAgreement(
        readers=people.readers,
        n_paired_items=round(float(sums.n_paired_items[0])),
        percent_agreement=next(queue),
        within_one_stage=next(queue),
        fleiss=by_weighting(),
        conger=by_weighting(),
        gwet=by_weighting(),
        brennan_prediger=by_weighting(),
        krippendorff={metric: next(queue) for metric in Metric},
        specific=tuple(queue),
        confused=most_confused(sums.pair_counts[0], people.scale),
    )
