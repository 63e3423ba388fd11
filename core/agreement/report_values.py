"""The parts of an agreement report as JSON values; the names are those of `agreement.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from core.agreement.alpha import Metric
from core.agreement.bootstrap import Estimate
from core.agreement.ceiling import HumanCeiling
from core.agreement.classification import ConfusedStages
from core.agreement.marginal import Homogeneity, MarginalAgreement
from core.agreement.method import Method
from core.agreement.pairwise import PairAgreement
from core.agreement.repeats import IntraReader
from core.agreement.stated import StatedAgreement
from core.agreement.weights import Weighting

_DECIMALS = 12

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def pair_json(pair: PairAgreement) -> Json:
    """Give two readers."""
    return {
        "reader_a": pair.reader_a,
        "reader_b": pair.reader_b,
        "n": pair.n,
        "n_subjects": pair.n_subjects,
        "percent_agreement": rounded(pair.percent_agreement),
        "within_one_stage": rounded(pair.within_one_stage),
        "kappa": leaves(pair.kappa),
        "asymptotic": leaves(pair.asymptotic),
        "marginal": _marginal(pair.marginal),
        "confusion": [list(row) for row in pair.confusion],
    }


def _marginal(found: MarginalAgreement) -> Json:
    return {
        "stuart_maxwell": homogeneity_json(found.stuart_maxwell),
        "by_animal": homogeneity_json(found.by_animal),
        "mean_difference": leaf(found.mean_difference),
    }


def homogeneity_json(found: Homogeneity) -> Json:
    """Give a test, or why there is none."""
    if found.statistic is None:
        return {"statistic": None, "why": found.why}
    return {
        "statistic": rounded(found.statistic),
        "degrees": found.degrees,
        "p_value": rounded(found.p_value),
    }


def leaf(found: Estimate) -> Json:
    """Give a number with its interval, or why there is none."""
    if found.value is None:
        return {"value": None, "why": found.why}
    numbers: dict[str, Json] = {
        "value": rounded(found.value),
        "low": rounded(found.low),
        "high": rounded(found.high),
    }
    return numbers | {"why": found.why} if found.why else numbers


def leaves(found: Mapping[Weighting, Estimate] | Mapping[Metric, Estimate]) -> Json:
    """Give numbers by weights or metric."""
    return {name.value: leaf(one) for name, one in found.items()}


def confused_json(found: ConfusedStages | None) -> Json:
    """Give the stages that are confused most."""
    if found is None:
        return None
    return {
        "stage_a": found.stage_a,
        "stage_b": found.stage_b,
        "n_pairs": found.n_pairs,
        "n_discordant": found.n_discordant,
    }


def ceiling_json(found: HumanCeiling) -> Json:
    """Give the model's place among people."""
    return {
        "reader_reader": leaf(found.reader_reader),
        "ceiling": leaf(found.ceiling),
        "model_reader": leaf(found.model_reader),
        "model_reader_minus_reader_reader": leaf(found.model_reader_minus_reader_reader),
        "reader_consensus": leaf(found.reader_consensus),
        "model_consensus": leaf(found.model_consensus),
        "model_consensus_minus_reader_consensus": leaf(found.model_consensus_minus_reader_consensus),
        "model_full_consensus": leaf(found.model_full_consensus),
    }


def method_json(method: Method) -> Json:
    """Give how the numbers came about."""
    return {
        "weights": {weighting.value: meaning for weighting, meaning in method.weights.items()},
        "scale_origin": method.scale_origin,
        "resampling_unit": method.resampling_unit,
        "resamples": method.resampling.n_resamples,
        "seed": method.resampling.seed,
        "level": method.resampling.level_fraction,
        "interval": method.interval,
        "missing_reads": method.missing_reads,
        "repeated_reads": method.repeated_reads,
        "text": list(method.sentences),
        "cautions": list(method.cautions),
        "versions": dict(method.versions),
    }


def rounded(number: float | None) -> float | None:
    """Round off what a different order of summation may change, the sign of 0 too."""
    return None if number is None else round(number, _DECIMALS) + 0.0


def intra_reader_json(found: IntraReader) -> Json:
    """Give one reader with themselves; `reader` null stands for all of them."""
    pair = found.found
    return {
        "reader": found.reader,
        "kind": None if found.kind is None else found.kind.value,
        "n": pair.n,
        "n_subjects": pair.n_subjects,
        "percent_agreement": rounded(pair.percent_agreement),
        "within_one_stage": rounded(pair.within_one_stage),
        "kappa": leaves(pair.kappa),
        "mean_difference": leaf(pair.marginal.mean_difference),
    }


def stated_json(found: StatedAgreement | None) -> Json:
    """Give what stated weights give, null where none are stated."""
    if found is None:
        return None
    return {
        "weights": [[float(weight) for weight in row] for row in found.weights.tolist()],
        "pairs": [{"reader_a": pair[0], "reader_b": pair[1], "kappa": leaf(kappa)} for pair, kappa in found.pairs],
        "fleiss": leaf(found.fleiss),
        "conger": leaf(found.conger),
        "gwet": leaf(found.gwet),
        "brennan_prediger": leaf(found.brennan_prediger),
    }
