"""One name for each number of the product, and the same names for the numbers of other tools."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np

from core.agreement.alpha import alphas_by_distance
from core.agreement.bootstrap import Drawing, Resampling
from core.agreement.ceiling import human_ceilings
from core.agreement.chance_corrected import (
    ReadSums,
    brennan_prediger,
    conger,
    fleiss,
    gwet,
    read_features,
    read_sums,
)
from core.agreement.intraclass import intraclass_correlation
from core.agreement.kappa import contingency, kappas, large_sample_kappa
from core.agreement.measurements import Measurements
from core.agreement.overall import overall_agreement
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import MISSING, Ratings
from core.agreement.weights import FloatArray, NotEstimable, Weighting, stated_weights, weight_matrix

NO_RESAMPLES = Resampling(n_resamples=0)
IRRCAC_DIGITS = 2e-5
ALL_DIGITS = 1e-9
THREE_DECIMALS = 5.001e-4
TWO_DECIMALS = 5.001e-3
COHEN_1968_DISAGREEMENT = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 6.0], [3.0, 6.0, 0.0]])


def gwet_ordinal_weights(n_stages: int) -> FloatArray:
    """Give Gwet's ordinal weights. Source: Gwet 2014, Handbook of Inter-Rater Reliability, chapter 3."""
    lost = [[comb(abs(row - column) + 1, 2) for column in range(n_stages)] for row in range(n_stages)]
    return np.asarray(1.0 - np.array(lost) / comb(n_stages, 2))


def sums_of(ratings: Ratings) -> ReadSums:
    """Give the sums of all items as one resample."""
    totals = np.asarray(read_features(ratings).sum(axis=0), dtype=np.float64).reshape(1, -1)
    return read_sums(totals, len(ratings.readers), len(ratings.scale.labels))


def complete_items(ratings: Ratings) -> Ratings:
    """Keep the items that every reader has read."""
    rows = np.flatnonzero((ratings.stages != MISSING).all(axis=1))
    items = tuple(ratings.items[row] for row in rows)
    return Ratings(
        scale=ratings.scale, items=items, readers=ratings.readers, subjects=items, stages=ratings.stages[rows]
    )


def product_values(ratings: Ratings) -> dict[str, float]:
    """Give every number of the product that others have computed too, by name."""
    found: dict[str, Any] = {
        "n.items": ratings.n_items,
        "n.readers": len(ratings.readers),
        "n.reads": ratings.n_reads,
        "n.missing": ratings.n_missing,
    }
    complete = complete_items(ratings)
    found |= {"n.complete": complete.n_items}
    found |= _overall(ratings, "") | _stated(ratings) | _pairs(ratings)
    if complete.n_items:
        found |= _overall(complete, "complete.") | _by_stage(complete) | _intraclass(complete)
    return {name: float(value) for name, value in found.items() if value is not None}


def _overall(ratings: Ratings, prefix: str) -> dict[str, Any]:
    overall = overall_agreement(ratings, NO_RESAMPLES)
    found: dict[str, Any] = {f"{prefix}percent": overall.percent_agreement.value}
    for weighting in Weighting:
        found[f"{prefix}fleiss.{weighting.value}"] = overall.fleiss[weighting].value
        found[f"{prefix}conger.{weighting.value}"] = overall.conger[weighting].value
        found[f"{prefix}gwet.{weighting.value}"] = overall.gwet[weighting].value
        found[f"{prefix}brennan_prediger.{weighting.value}"] = overall.brennan_prediger[weighting].value
    found |= {f"{prefix}alpha.{metric.value}": leaf.value for metric, leaf in overall.krippendorff.items()}
    pairwise = pairwise_agreement(ratings, NO_RESAMPLES)
    for ceiling in human_ceilings(ratings, pairwise, NO_RESAMPLES):
        found[f"{prefix}light.{ceiling.weighting.value}"] = ceiling.reader_reader.value
    return found


def _stated(ratings: Ratings) -> dict[str, Any]:
    """Give what stated weights and distances give."""
    n_stages, sums = len(ratings.scale.labels), sums_of(ratings)
    ordinal = stated_weights(gwet_ordinal_weights(n_stages).tolist(), ratings.scale)
    linear = weight_matrix(Weighting.LINEAR, ratings.scale)
    assert not isinstance(linear, NotEstimable)
    found = {
        "fleiss.gwet_ordinal": fleiss(sums, ordinal)[0],
        "conger.gwet_ordinal": conger(sums, ordinal)[0],
        "gwet.gwet_ordinal": gwet(sums, ordinal)[0],
        "brennan_prediger.gwet_ordinal": brennan_prediger(sums, ordinal)[0],
        "alpha.gwet_ordinal": alphas_by_distance(sums.coincidences, 1.0 - ordinal)[0],
        "alpha.linear": alphas_by_distance(sums.coincidences, 1.0 - linear)[0],
    }
    if n_stages == 3 and len(ratings.readers) == 2:
        weights = stated_weights((1.0 - COHEN_1968_DISAGREEMENT / 6.0).tolist(), ratings.scale)
        found["kappa.cohen_1968_weights"] = kappas(
            contingency(ratings, (ratings.readers[0], ratings.readers[1])), weights
        )
    return found


def _pairs(ratings: Ratings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairwise_agreement(ratings, NO_RESAMPLES).pairs:
        name = f"pair {pair.reader_a} - {pair.reader_b}"
        found |= {f"{name} n": pair.n, f"{name} percent": pair.percent_agreement}
        table = np.array(pair.confusion, dtype=np.float64)
        for weighting in Weighting:
            weights = weight_matrix(weighting, ratings.scale)
            if isinstance(weights, NotEstimable):
                continue
            found[f"{name} {weighting.value}"] = pair.kappa[weighting].value
            found[f"{name} {weighting.value} se"] = large_sample_kappa(table, weights).standard_error
            found[f"{name} {weighting.value} low"] = pair.asymptotic[weighting].low
            found[f"{name} {weighting.value} high"] = pair.asymptotic[weighting].high
            if len(ratings.readers) == 2:
                found[f"kappa.{weighting.value}"] = pair.kappa[weighting].value
                for end in ("se", "low", "high"):
                    found[f"kappa.{weighting.value} {end}"] = found[f"{name} {weighting.value} {end}"]
    return found


def _intraclass(ratings: Ratings) -> dict[str, Any]:
    """Give the intraclass correlations of stages taken for numbers, with the intervals by variance."""
    measured = Measurements(
        name="measure",
        unit="stage",
        items=ratings.items,
        readers=ratings.readers,
        subjects=ratings.subjects,
        values=ratings.stages.astype(np.float64),
    )
    found = intraclass_correlation(measured, Drawing(resampling=NO_RESAMPLES, n_subjects=measured.n_subjects))
    return {
        f"{name}{end}": getattr(leaf, part)
        for name, leaf in zip(("icc_2_1", "icc_3_1"), found.by_variance, strict=True)
        for end, part in (("", "value"), (" low", "low"), (" high", "high"))
    }


def _by_stage(ratings: Ratings) -> dict[str, Any]:
    """Give Fleiss' kappa of each stage from its specific agreement s and use p: (s - p) / (1 - p).

    Source: Fleiss 1971, Psychol Bull 76:378, where s is the conditional probability of agreement.
    """
    specific = overall_agreement(ratings, NO_RESAMPLES).specific
    use = sums_of(ratings).stage_use[0]
    return {
        f"fleiss_of_stage.{place}": (leaf.value - use[place]) / (1.0 - use[place])
        for place, leaf in enumerate(specific)
        if leaf.value is not None
    }


_WEIGHTS = {"unweighted": "unweighted", "linear": "linear", "quadratic": "quadratic", "ordinal": "gwet_ordinal"}
_NAMES = {
    "mean_pairwise_percent_agreement": "percent",
    "percent_agreement": "percent",
    "fleiss_kappa": "fleiss.unweighted",
    "fleiss_kappa_all_ratings": "fleiss.unweighted",
    "conger_kappa_all_ratings": "conger.unweighted",
    "gwet_AC1": "gwet.unweighted",
    "brennan_prediger": "brennan_prediger.unweighted",
    "randolph_free_marginal": "brennan_prediger.unweighted",
    "fleiss_kappa_complete_cases": "complete.fleiss.unweighted",
    "light_kappa_complete_cases": "complete.light.unweighted",
    "krippendorff_nominal": "alpha.nominal",
    "krippendorff_ordinal": "alpha.ordinal",
    "krippendorff_interval": "alpha.interval",
    "krippendorff_alpha_unweighted": "alpha.nominal",
    "krippendorff_alpha_quadratic": "alpha.interval",
    "krippendorff_alpha_linear": "alpha.linear",
    "krippendorff_alpha_ordinal": "alpha.gwet_ordinal",
}
for _theirs, _ours in _WEIGHTS.items():
    _NAMES[f"gwet_AC2_{_theirs}"] = f"gwet.{_ours}"
    _NAMES[f"fleiss_weighted_{_theirs}"] = _NAMES[f"scott_pi_{_theirs}"] = f"fleiss.{_ours}"
    _NAMES[f"conger_weighted_{_theirs}"] = f"conger.{_ours}"
    _NAMES[f"brennan_prediger_{_theirs}"] = f"brennan_prediger.{_ours}"
_COUNTS = {
    "n_subjects": "n.items",
    "n": "n.items",
    "n_raters": "n.readers",
    "n_ratings": "n.reads",
    "n_missing": "n.missing",
    "complete_cases": "n.complete",
}


def expected_values(table: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Give (our name, value, tolerance) for everything in an expected table that the product computes."""
    yield from ((_COUNTS[key], value, 0.0) for key, value in table.items() if key in _COUNTS)
    for key, leaf in table.items():
        if key in _NAMES:
            yield _NAMES[key], leaf["value"], _tolerance(leaf)
        if key.startswith("cohen_kappa_"):
            yield from _kappa(f"kappa.{key.removeprefix('cohen_kappa_')}", leaf)
    yield from _expected_intraclass(table)
    by_stage = table.get("fleiss_per_category_complete_cases", {"value": {}})["value"]
    for place, value in enumerate(by_stage.values()):
        yield f"fleiss_of_stage.{place}", value, THREE_DECIMALS
    for pair in table.get("pairs", ()):
        name = f"pair {pair['rater1']} - {pair['rater2']}"
        yield f"{name} n", pair["n"], 0.0
        yield f"{name} percent", pair["percent_agreement"], ALL_DIGITS
        for weighting in ("unweighted", "linear", "quadratic"):
            if f"cohen_{weighting}" in pair:
                yield from _kappa(f"{name} {weighting}", pair[f"cohen_{weighting}"])


def _expected_intraclass(table: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Give what irr, irrNA (of complete tables) and pingouin say of ICC(2,1) and ICC(3,1)."""
    by_irr, by_pingouin = table.get("icc_complete_cases", {}), table.get("icc_pingouin", ())
    by_irrna = table.get("icc_with_missing", {"value": ()})["value"] if not table.get("n_missing") else ()
    for name, theirs, in_others in (("icc_2_1", "agreement", "ICC(A,1)"), ("icc_3_1", "consistency", "ICC(C,1)")):
        leaf = by_irr.get(f"twoway {theirs} single")
        if leaf is not None:
            yield name, leaf["value"], ALL_DIGITS
            yield f"{name} low", leaf["ci95"][0], ALL_DIGITS
            yield f"{name} high", leaf["ci95"][1], ALL_DIGITS
        for line in by_pingouin:
            if line["Type"] == in_others:
                yield name, line["ICC"], ALL_DIGITS
                yield f"{name} low", line["CI95"][0], TWO_DECIMALS
                yield f"{name} high", line["CI95"][1], TWO_DECIMALS
        for line in by_irrna:
            if line["name"] == in_others:
                yield name, line["ICC"], ALL_DIGITS
                yield f"{name} low", line["lower CI limit"], ALL_DIGITS
                yield f"{name} high", line["upper CI limit"], ALL_DIGITS


def _kappa(name: str, leaf: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    yield name, leaf["value"], ALL_DIGITS
    if "se" in leaf:
        yield f"{name} se", leaf["se"], ALL_DIGITS
    if "ci95" in leaf:
        yield f"{name} low", leaf["ci95"][0], ALL_DIGITS
        yield f"{name} high", leaf["ci95"][1], ALL_DIGITS


def _tolerance(leaf: dict[str, Any]) -> float:
    """Tell five printed digits from all."""
    return IRRCAC_DIGITS if round(leaf["value"], 5) == leaf["value"] else ALL_DIGITS
