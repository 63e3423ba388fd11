"""What was done, in words a reviewer can check: written from the settings and the reads, not from a template."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions

from core.agreement.assisted import Assistance
from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.differences import KappaDifference
from core.agreement.ratings import Ratings
from core.agreement.reference import N_BINS, ReferenceReport
from core.agreement.strata import FEWEST_SUBJECTS, TraitStrata, multiplicity_words
from core.agreement.weights import Weighting, weightings_of

FEW_SUBJECTS = 10
RESAMPLING_UNIT = "animal"
_BCA = ", bias-corrected and accelerated (Efron 1987)"


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
    weights = {weighting: weighting.meaning for weighting in weightings_of(ratings.scale)}
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
        sentences=_sentences(ratings, resampling, missing, repeated),
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


def _sentences(ratings: Ratings, resampling: Resampling, missing: str, repeated: str) -> tuple[str, ...]:
    interval = interval_words(resampling)
    corrected = _BCA if resampling.interval is IntervalKind.BCA else ""
    scale = f"The scale is {', '.join(ratings.scale.labels)} ({ratings.scale.origin}); "
    model = f"The model is the reader {ratings.model_reader} and is left out of the coefficients for many readers."
    return (
        f"{len(ratings.people)} readers{' and a model' if ratings.model_reader else ''}, {ratings.n_items} items of "
        f"{ratings.n_subjects} animals.",
        scale + "coefficients that depend on the number of stages use all of them, whether or not they occur.",
        "Weights: " + "; ".join(f"{name.title}: {name.meaning}" for name in weightings_of(ratings.scale)) + ".",
        f"Intervals: {interval}{corrected}. Beside them stand large-sample intervals of kappa (Fleiss, Cohen and "
        "Everitt 1969).",
        missing,
        repeated,
        model if ratings.model_reader else "No model is among the readers.",
    )


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


AFTER_REVEAL = (
    "The reads compared were made with the model's call in sight, which draws readers towards it and towards each "
    "other: for the human range compare first reads."
)


def consensus_sentences(ratings: Ratings) -> Iterator[str]:
    """Say what consensuses are, where there are people enough."""
    if len(ratings.people) >= 3:
        yield (
            "A consensus is the stage of more than half of two or more reads; items whose reads tie have none. Each "
            "reader is compared with the consensus of the others, and the model with those same consensuses."
        )


def drawing_sentences(stratified_by: str | None, *, holds_others: bool) -> Iterator[str]:
    """Say what is not drawn within the strata that were asked for."""
    if stratified_by is not None and holds_others:
        yield (
            "For readers with themselves, after the reveal, against the reference and for measures animals are drawn "
            f"from all, not within {stratified_by}."
        )


def difference_sentences(found: Sequence[KappaDifference]) -> Iterator[str]:
    """Say how kappas were compared."""
    if found:
        yield (
            "Kappas are compared on the same draws of animals (paired bootstrap); p is twice the share of resamples on "
            "the other side of 0, corrected as the interval is. Seven stages are collapsed to five before they are "
            "compared with five."
        )


def assistance_sentences(found: Sequence[Assistance], is_stated: bool) -> Iterator[str]:
    """Say what right and wrong are after the reveal."""
    if found:
        rule = "the stated stage" if is_stated else "more than half of two or more first reads by other readers"
        yield (
            f"Reads after the reveal are right or wrong by {rule}. Anchoring is the share of the way from the first "
            "read to the call that the final read went. Times are medians."
        )


def strata_sentences(found: Sequence[TraitStrata]) -> Iterator[str]:
    """Say how strata were compared, and what it means that there were several."""
    if found:
        yield (
            f"Strata of fewer than {FEWEST_SUBJECTS} animals are suppressed. That strata are alike is tested by Wald's "
            "test on their mean kappas, with the covariance of their resamples."
        )
        yield multiplicity_words(len(found))


def reference_sentences(found: ReferenceReport | None) -> Iterator[str]:
    """Say what the model was measured against."""
    if found is not None:
        yield (
            f"The model's reference is {found.rule}. Its call is the most probable stage; each stage is measured "
            "against all others, macro measures are means over the stages that have them; AUPRC is average precision; "
            f"calibration error is that of the called stage over {N_BINS} bins."
        )
