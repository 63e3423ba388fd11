"""A report on reads whose names try to be markup."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from core.agreement.bootstrap import Resampling
from core.agreement.measurements import Measurements
from core.agreement.ratings import MISSING, SEVEN_STAGES, Ratings
from core.agreement.report import AgreementReport, Beside, build_report
from core.agreement.weights import Weighting
from core.reporting.document import Document, Origin, agreement_document

READERS = ("=Ann </script><b>", "Bo #link $x$", "Model (DEMO)")


def made_ratings() -> Ratings:
    """Give 20 items of 10 animals; one read is missing."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 7, 20)
    stages = np.clip(truth[:, None] + generator.integers(-1, 2, (20, 3)), 0, 6).astype(np.int16)
    stages[0, 1] = MISSING
    return Ratings(
        scale=SEVEN_STAGES,
        items=tuple(f"slide {number}" for number in range(20)),
        readers=READERS,
        subjects=tuple(f"animal {number // 2}" for number in range(20)),
        stages=stages,
        model_reader=READERS[-1],
    )


def made_measures() -> Measurements:
    """Give a score of the same items by two models; one has not measured the first."""
    ratings = made_ratings()
    score = ratings.stages[:, 2] * 0.6
    values = np.column_stack([score, score + np.random.default_rng(1).normal(0.1, 0.2, 20)])
    values[0, 0] = np.nan
    return Measurements(
        name="Continuous score",
        unit="stages",
        items=ratings.items,
        readers=("one", "two"),
        subjects=ratings.subjects,
        values=values,
        by="model",
    )


def made_report() -> AgreementReport:
    """Give its report."""
    return build_report(made_ratings(), Resampling(n_resamples=50), beside=Beside(measures=(made_measures(),)))


def made_document() -> Document:
    """Give the report as a document."""
    origin = Origin(
        title="Trial & error", noun="slide", made_at=datetime(2026, 1, 2, tzinfo=UTC), facts=(("Study", "<i>T</i>"),)
    )
    return agreement_document(made_report(), Weighting.LINEAR, origin)
