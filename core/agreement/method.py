"""What was done, in words a reviewer can check: written from the settings and the reads, not from a template."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions

from core.agreement.bootstrap import Resampling
from core.agreement.ratings import Ratings
from core.agreement.weights import NotEstimable, Weighting, weight_matrix

FEW_SUBJECTS = 10
RESAMPLING_UNIT = "animal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """How the numbers of one report came about. `cautions` are what a reader of the report has to know."""

    weights: Mapping[Weighting, str]
    scale_origin: str
    resampling_unit: str
    interval: str
    missing_reads: str
    repeated_reads: str
    resampling: Resampling
    overall_readers: tuple[str, ...]
    versions: Mapping[str, str]
    sentences: tuple[str, ...]
    cautions: tuple[str, ...]


def method_of(ratings: Ratings, resampling: Resampling, n_repeats: int = 0) -> Method:
    """Write down how a report on these ratings, and on so many repeats beside them, is made."""
    weights = {weighting: weighting.meaning for weighting in _defined(ratings)}
    missing = (
        f"{ratings.n_missing} of {ratings.n_reads + ratings.n_missing} reads are missing. Nothing is filled in: a pair "
        "of readers is compared on the items both have read; coefficients for many readers use every item with two "
        "reads or more, and every read for how often a stage is used (Gwet 2014)."
    )
    repeated = _repeated_words(ratings.n_repeated_reads, n_repeats)
    interval = interval_words(resampling)
    return Method(
        weights=weights,
        scale_origin=ratings.scale.origin,
        resampling_unit=RESAMPLING_UNIT,
        interval=interval,
        missing_reads=missing,
        repeated_reads=repeated,
        resampling=resampling,
        overall_readers=ratings.people,
        versions=versions(),
        sentences=_sentences(ratings, interval, missing, repeated),
        cautions=_cautions(ratings),
    )


def _repeated_words(n_repeated_reads: int, n_repeats: int) -> str:
    if n_repeats:
        return (
            f"{n_repeats} repeats: with other readers only the first read of an item is compared; later ones are "
            "compared with it, as agreement of a reader with themselves."
        )
    if n_repeated_reads:
        return f"{n_repeated_reads} further reads of one reader for one item were left out: the first stands."
    return "No reader read an item twice."


def interval_words(resampling: Resampling) -> str:
    """Say how intervals are made."""
    within = f" within {resampling.stratified_by}" if resampling.stratified_by else ""
    return (
        f"{resampling.interval.title} interval at {resampling.level_fraction:.0%} from {resampling.n_resamples} "
        f"resamples of animals{within}, seed {resampling.seed}"
    )


def _sentences(ratings: Ratings, interval: str, missing: str, repeated: str) -> tuple[str, ...]:
    scale = f"The scale is {', '.join(ratings.scale.labels)} ({ratings.scale.origin}); "
    model = f"The model is the reader {ratings.model_reader} and is left out of the coefficients for many readers."
    return (
        f"{len(ratings.readers)} readers, {ratings.n_items} items of {ratings.n_subjects} animals.",
        scale + "coefficients that depend on the number of stages use all of them, whether or not they occur.",
        "Weights: " + "; ".join(f"{name.title}: {name.meaning}" for name in _defined(ratings)) + ".",
        f"Intervals: {interval}. Beside them stand large-sample intervals of kappa (Fleiss, Cohen and Everitt 1969).",
        missing,
        repeated,
        model if ratings.model_reader else "No model is among the readers.",
    )


def _defined(ratings: Ratings) -> tuple[Weighting, ...]:
    matrices = {weighting: weight_matrix(weighting, ratings.scale) for weighting in Weighting}
    return tuple(name for name, matrix in matrices.items() if not isinstance(matrix, NotEstimable))


def _cautions(ratings: Ratings) -> tuple[str, ...]:
    found = []
    if not ratings.subjects_known:
        found.append(
            "No subject was stated, so each item was taken as an animal of its own. If an animal has several items, "
            "the intervals are too narrow."
        )
    if ratings.n_subjects < FEW_SUBJECTS:
        found.append(f"There are {ratings.n_subjects} animals: below {FEW_SUBJECTS}, intervals are not to be trusted.")
    if "not declared" in ratings.scale.origin:
        found.append(f"The scale was {ratings.scale.origin}; state it to be sure that no stage is missing.")
    return tuple(found)


def versions() -> dict[str, str]:
    """Give the versions of what computed."""
    packages = ("fibroread", "numpy", "scipy")
    found = {name: next((one.version for one in distributions(name=name)), "not installed") for name in packages}
    return found | {"python": platform.python_version()}
