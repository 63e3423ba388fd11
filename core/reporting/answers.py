"""The five questions of a study lead, each answered in a few words and one sentence with its numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.agreement.bootstrap import Estimate
from core.agreement.ceiling import HumanCeiling
from core.agreement.publishing import publication_checks
from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting
from core.reporting.words import counted, percent_of, value_of, words_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A question, the answer in a word or a number, and the sentence that carries it."""

    question: str
    short: str
    words: str


def answers(report: AgreementReport, weighting: Weighting, noun: str) -> tuple[Answer, ...]:
    """Answer all five, in one weighting."""
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    return (
        _agree(report, ceiling, noun),
        _stages(report),
        _who(report, weighting),
        _model(report, ceiling),
        _publish(report, weighting),
    )


def _agree(report: AgreementReport, ceiling: HumanCeiling, noun: str) -> Answer:
    overall, n = report.overall, counted(report.overall.n_paired_items, noun)
    words = (
        f"Mean {ceiling.weighting.title} kappa of two readers {words_of(ceiling.reader_reader)}; same stage in "
        f"{percent_of(overall.percent_agreement)}, within one in {percent_of(overall.within_one_stage)}; n = {n}."
    )
    return Answer(question="Do the readers agree?", short=value_of(ceiling.reader_reader), words=words)


def _stages(report: AgreementReport) -> Answer:
    question, overall = "On which stages not?", report.overall
    named = zip(report.scale.labels, overall.specific, strict=True)
    known = [(found.value, label, found) for label, found in named if found.value is not None]
    if overall.confused is None or not known:
        return Answer(question=question, short="\N{EM DASH}", words="No two reads of one item differ.")
    confused, (_, label, found) = overall.confused, min(known, key=lambda one: one[0])
    words = (
        f"{confused.stage_a} and {confused.stage_b} are confused most: {confused.n_pairs:,} of "
        f"{confused.n_discordant:,} pairs of reads that differ. A second read repeats {label} least: "
        f"{percent_of(found)}."
    )
    return Answer(question=question, short=f"{confused.stage_a} and {confused.stage_b}", words=words)


def _who(report: AgreementReport, weighting: Weighting) -> Answer:
    question = "Who differs, and how?"
    people = [pair for pair in report.pairs if report.model_reader not in (pair.reader_a, pair.reader_b)]
    shifted = [pair for pair in people if pair.marginal.mean_difference.value is not None]
    if not shifted:
        return Answer(question=question, short="\N{EM DASH}", words="No two readers have read the same items.")
    furthest = max(shifted, key=lambda pair: abs(pair.marginal.mean_difference.value or 0.0))
    found, higher, lower = furthest.marginal.mean_difference, furthest.reader_b, furthest.reader_a
    if (found.value or 0.0) < 0.0:
        found, higher, lower = _turned(found), lower, higher
    words = f"{higher} stages {words_of(found)} higher than {lower}, the most of all pairs; n = {furthest.n:,}."
    least = [(pair.kappa[weighting].value, pair) for pair in people]
    known = [(value, pair) for value, pair in least if value is not None]
    if known:
        _, pair = min(known, key=lambda one: one[0])
        words += f" Least kappa: {pair.reader_a} and {pair.reader_b}, {words_of(pair.kappa[weighting])}."
    return Answer(question=question, short=higher if (found.low or 0.0) > 0.0 else "Nobody clearly", words=words)


def _turned(found: Estimate) -> Estimate:
    """Give the same difference seen from the other side."""
    low, high = (None if end is None else -end for end in (found.high, found.low))
    return replace(found, value=None if found.value is None else -found.value, low=low, high=high)


def _model(report: AgreementReport, ceiling: HumanCeiling) -> Answer:
    question, found = "Is the model in the human range?", ceiling.model_reader_minus_reader_reader
    if report.model_reader is None:
        return Answer(question=question, short="\N{EM DASH}", words="No model has read these items yet.")
    words = (
        f"The model and a reader {words_of(ceiling.model_reader)}; minus two readers {words_of(found)}; ceiling "
        f"{words_of(ceiling.ceiling)}."
    )
    if found.low is None or found.high is None:
        return Answer(question=question, short="Not known", words=words)
    short = "Above it" if found.low > 0.0 else "Below it" if found.high < 0.0 else "Not told apart"
    return Answer(question=question, short=short, words=words)


def _publish(report: AgreementReport, weighting: Weighting) -> Answer:
    checks = publication_checks(report, weighting)
    open_ones = [one.question for one in checks if not one.is_met]
    words = f"To look at: {' '.join(open_ones)}" if open_ones else "Every question of a reviewer is met."
    return Answer(
        question="Can I publish this?", short=f"{len(checks) - len(open_ones)} of {len(checks)} met", words=words
    )
