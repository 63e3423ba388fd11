"""The agreement report: everything computed from one set of ratings, as one record and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from core.agreement.alpha import Metric
from core.agreement.bootstrap import Estimate, Progress, Resampling, unheard
from core.agreement.ceiling import HumanCeiling, human_ceilings
from core.agreement.marginal import Homogeneity, MarginalAgreement
from core.agreement.method import Method, method_of
from core.agreement.overall import OverallAgreement, overall_agreement
from core.agreement.pairwise import PairAgreement, pairwise_agreement
from core.agreement.ratings import Ratings, Scale
from core.agreement.weights import Weighting

SCHEMA_FILE = Path(__file__).parent / "agreement.schema.json"
"""The contract of `to_json`, as JSON Schema."""
_DECIMALS = 12

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementReport:
    """What the readers of one set of ratings agree on, and how it was computed."""

    scale: Scale
    readers: tuple[str, ...]
    model_reader: str | None
    n_items: int
    n_subjects: int
    n_reads: int
    n_missing: int
    pairs: tuple[PairAgreement, ...]
    overall: OverallAgreement
    ceilings: tuple[HumanCeiling, ...]
    method: Method

    def to_json(self) -> str:
        """Write the report as JSON of `SCHEMA_FILE`; equal ratings, settings and versions give equal bytes."""
        return json.dumps(_document(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def build_report(
    ratings: Ratings, resampling: Resampling | None = None, progress: Progress = unheard
) -> AgreementReport:
    """Compute everything, with 2,000 resamples and seed 1 unless told otherwise.

    `progress` is told the share that is done.
    """
    chosen = resampling or Resampling()
    pairwise = pairwise_agreement(ratings, chosen, lambda share: progress(share / 2.0))
    return AgreementReport(
        scale=ratings.scale,
        readers=ratings.readers,
        model_reader=ratings.model_reader,
        n_items=ratings.n_items,
        n_subjects=ratings.n_subjects,
        n_reads=ratings.n_reads,
        n_missing=ratings.n_missing,
        pairs=pairwise.pairs,
        overall=overall_agreement(ratings, chosen, lambda share: progress((1.0 + share) / 2.0)),
        ceilings=human_ceilings(ratings, pairwise, chosen),
        method=method_of(ratings, chosen),
    )


def _document(report: AgreementReport) -> dict[str, Json]:
    overall = report.overall
    return {
        "scale": list(report.scale.labels),
        "n_items": report.n_items,
        "n_subjects": report.n_subjects,
        "n_readers": len(report.readers),
        "n_reads": report.n_reads,
        "n_missing": report.n_missing,
        "readers": list(report.readers),
        "model_reader": report.model_reader,
        "pairs": [_pair(pair) for pair in report.pairs],
        "overall_readers": list(overall.readers),
        "n_paired_items": overall.n_paired_items,
        "percent_agreement": _leaf(overall.percent_agreement),
        "within_one_stage": _leaf(overall.within_one_stage),
        "fleiss": _leaves(overall.fleiss),
        "conger": _leaves(overall.conger),
        "gwet": _leaves(overall.gwet),
        "brennan_prediger": _leaves(overall.brennan_prediger),
        "krippendorff": _leaves(overall.krippendorff),
        "specific_agreement": {
            label: _leaf(found) for label, found in zip(report.scale.labels, overall.specific, strict=True)
        },
        "most_confused": _confused(overall),
        "ceiling": {found.weighting.value: _ceiling(found) for found in report.ceilings},
        "method": _method(report.method),
    }


def _pair(pair: PairAgreement) -> Json:
    return {
        "reader_a": pair.reader_a,
        "reader_b": pair.reader_b,
        "n": pair.n,
        "n_subjects": pair.n_subjects,
        "percent_agreement": _rounded(pair.percent_agreement),
        "within_one_stage": _rounded(pair.within_one_stage),
        "kappa": _leaves(pair.kappa),
        "asymptotic": _leaves(pair.asymptotic),
        "marginal": _marginal(pair.marginal),
        "confusion": [list(row) for row in pair.confusion],
    }


def _marginal(found: MarginalAgreement) -> Json:
    return {
        "stuart_maxwell": _homogeneity(found.stuart_maxwell),
        "by_animal": _homogeneity(found.by_animal),
        "mean_difference": _leaf(found.mean_difference),
    }


def _homogeneity(found: Homogeneity) -> Json:
    if found.statistic is None:
        return {"statistic": None, "why": found.why}
    return {
        "statistic": _rounded(found.statistic),
        "degrees": found.degrees,
        "p_value": _rounded(found.p_value),
    }


def _leaf(found: Estimate) -> Json:
    if found.value is None:
        return {"value": None, "why": found.why}
    numbers: dict[str, Json] = {
        "value": _rounded(found.value),
        "low": _rounded(found.low),
        "high": _rounded(found.high),
    }
    return numbers | {"why": found.why} if found.why else numbers


def _leaves(found: Mapping[Weighting, Estimate] | Mapping[Metric, Estimate]) -> Json:
    return {name.value: _leaf(leaf) for name, leaf in found.items()}


def _confused(overall: OverallAgreement) -> Json:
    found = overall.confused
    if found is None:
        return None
    return {
        "stage_a": found.stage_a,
        "stage_b": found.stage_b,
        "n_pairs": found.n_pairs,
        "n_discordant": found.n_discordant,
    }


def _ceiling(found: HumanCeiling) -> Json:
    return {
        "reader_reader": _leaf(found.reader_reader),
        "ceiling": _leaf(found.ceiling),
        "model_reader": _leaf(found.model_reader),
    }


def _method(method: Method) -> Json:
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


def _rounded(number: float | None) -> float | None:
    """Round off what a different order of summation may change, the sign of 0 too."""
    return None if number is None else round(number, _DECIMALS) + 0.0
