"""The same numbers from irrCAC, pingouin, scikit-learn and krippendorff on 200 random tables with missing reads.

irrCAC's and pingouin's were written down by `tests/reference/other_tools.py`; the other two are asked here. Where the
tools differ from us by default, and what they were told: irrCAC and krippendorff count only the stages that occur
(given the whole scale); scikit-learn too (given all labels); irrCAC's alpha with linear weights is none of
Krippendorff's metrics (its quadratic one is his interval metric); irrCAC's Conger takes every read of a reader for
chance, Cohen's kappa of a pair only the items both have read, so the two differ for two readers with missing reads;
pingouin prints intervals to two decimals, needs complete items, and gives perfect readers an interval from 1 to 1,
where we say that there is none.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.agreement.alpha import Metric, alphas_by_distance
from core.agreement.bootstrap import Drawing, Resampling
from core.agreement.intraclass import intraclass_correlation
from core.agreement.measurements import Measurements
from core.agreement.ratings import MISSING, Ratings, Scale
from core.agreement.report import build_report
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from tests.core.agreement.product_values import sums_of
from tests.core.agreement.random_ratings import ratings_of

NO_RESAMPLES = Resampling(n_resamples=0)
TABLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "reference" / "other_tools.json").read_text(encoding="utf-8")
)
NUMBERS = range(len(TABLES))
TWO_DECIMALS = 5.001e-3


@cache
def table(number: int) -> Ratings:
    n_stages = TABLES[number]["n_stages"]
    rows = [[MISSING if read == "." else int(read) for read in row] for row in TABLES[number]["rows"]]
    return ratings_of(rows, Scale(labels=tuple(str(stage) for stage in range(n_stages))))


def ours(ratings: Ratings) -> dict[str, float | None]:
    overall = build_report(ratings, NO_RESAMPLES).overall
    found: dict[str, float | None] = {}
    for name in ("fleiss", "conger", "gwet", "brennan_prediger"):
        found |= {f"{name}.{one.value}": leaf.value for one, leaf in getattr(overall, name).items()}
    for weighting in (Weighting.UNWEIGHTED, Weighting.LINEAR, Weighting.QUADRATIC):
        weights = weight_matrix(weighting, ratings.scale)
        assert not isinstance(weights, NotEstimable)
        alpha = float(alphas_by_distance(sums_of(ratings).coincidences, 1.0 - weights)[0])
        found[f"alpha.{weighting.value}"] = None if np.isnan(alpha) else alpha
    return found


def test_two_hundred_tables_have_missing_reads_and_numbers() -> None:
    assert len(TABLES) == 200
    assert sum(table(number).n_missing > 0 for number in NUMBERS) > 180
    assert sum(len(one["irrCAC"]) for one in TABLES) > 2500
    assert sum(len(one["pingouin"]) for one in TABLES) > 500


@pytest.mark.parametrize("number", NUMBERS)
def test_coefficients_of_all_readers_are_those_of_irrcac(number: int) -> None:
    found = ours(table(number))

    theirs = TABLES[number]["irrCAC"]
    apart = {
        name: (found[name], value) for name, value in theirs.items() if found[name] != pytest.approx(value, abs=1e-9)
    }
    assert not apart


@pytest.mark.parametrize("number", NUMBERS)
def test_intraclass_correlation_is_that_of_pingouin(number: int) -> None:
    ratings, theirs = table(number), TABLES[number]["pingouin"]
    measured = Measurements(
        name="measure",
        unit="stage",
        items=ratings.items,
        readers=ratings.readers,
        subjects=ratings.subjects,
        values=np.where(ratings.stages == MISSING, np.nan, ratings.stages.astype(np.float64)),
    )

    found = intraclass_correlation(measured, Drawing(resampling=NO_RESAMPLES, n_subjects=measured.n_subjects))

    for name, leaf in zip(("icc_2_1", "icc_3_1"), found.by_variance, strict=True):
        if name in theirs:
            interval = theirs[f"{name} low"], theirs[f"{name} high"]
            assert leaf.value == pytest.approx(theirs[name], abs=1e-9)
            if leaf.low is None:
                assert (interval, "nothing is left" in str(leaf.why)) == ((1.0, 1.0), True)
            else:
                assert (leaf.low, leaf.high) == pytest.approx(interval, abs=TWO_DECIMALS)


@pytest.mark.parametrize("number", NUMBERS)
def test_kappa_is_that_of_scikit_learn(number: int) -> None:
    ratings = table(number)
    names = {Weighting.UNWEIGHTED: None, Weighting.LINEAR: "linear", Weighting.QUADRATIC: "quadratic"}

    for pair in build_report(ratings, NO_RESAMPLES).pairs:
        one, other = ratings.column(pair.reader_a), ratings.column(pair.reader_b)
        both = (one != MISSING) & (other != MISSING)
        for weighting, name in names.items():
            found = pair.kappa[weighting].value
            if found is not None:
                labels = range(len(ratings.scale.labels))
                assert found == pytest.approx(cohen_kappa_score(one[both], other[both], labels=labels, weights=name))


@pytest.mark.parametrize("number", NUMBERS)
def test_alpha_is_that_of_krippendorff(number: int) -> None:
    ratings = table(number)
    reads = np.where(ratings.stages == MISSING, np.nan, ratings.stages.astype(np.float64)).T
    domain = list(range(len(ratings.scale.labels)))

    for metric, found in build_report(ratings, NO_RESAMPLES).overall.krippendorff.items():
        if found.value is None:
            assert metric in Metric
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = krippendorff.alpha(reliability_data=reads, value_domain=domain, level_of_measurement=metric.value)
        assert found.value == pytest.approx(theirs, abs=1e-9)
