"""Can this be published? What a reviewer asks of an agreement study, answered from the report itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.agreement.method import FEW_SUBJECTS
from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting

WIDEST_HALF = 0.10
MOST_MISSING_FRACTION = 0.10


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One question with its answer in words; `is_met` False asks for a look, or for a sentence in the paper."""

    question: str
    answer: str
    is_met: bool


def publication_checks(report: AgreementReport, weighting: Weighting) -> tuple[Check, ...]:
    """Give every check that applies to this report.

    Source: what to report: Kottner et al. 2011, Guidelines for Reporting Reliability and Agreement Studies (GRRAS),
    J Clin Epidemiol 64:96. The bounds (half-width, missing reads) are ours.
    """
    return (*_of_size(report, weighting), *_of_design(report), *_of_model(report))


def _of_size(report: AgreementReport, weighting: Weighting) -> Iterator[Check]:
    n, people = report.overall.n_paired_items, len(report.overall.readers)
    yield Check(
        question="Did two readers or more read the same items?",
        answer=f"{people} readers; {n:,} items have two reads or more.",
        is_met=people >= 2 and n > 0,
    )
    known = f"{report.n_subjects:,} animals." if report.subjects_known else "No animal is stated for some items."
    yield Check(
        question=f"Are the animals known, and {FEW_SUBJECTS} or more?",
        answer=known,
        is_met=report.subjects_known and report.n_subjects >= FEW_SUBJECTS,
    )
    found = next(one for one in report.ceilings if one.weighting is weighting).reader_reader
    if found.low is None or found.high is None:
        yield Check(question="Is the kappa of two readers precise?", answer=f"{found.why}.", is_met=False)
    else:
        half = (found.high - found.low) / 2.0
        yield Check(
            question=f"Is the kappa of two readers precise to {WIDEST_HALF:.2f}?",
            answer=f"Half of its {weighting.title} interval is {half:.2f}.",
            is_met=half <= WIDEST_HALF,
        )
    share = report.n_missing / max(report.n_reads + report.n_missing, 1)
    yield Check(
        question=f"Are at most {MOST_MISSING_FRACTION:.0%} of the reads missing?",
        answer=f"{report.n_missing:,} of {report.n_reads + report.n_missing:,} ({share:.0%}).",
        is_met=share <= MOST_MISSING_FRACTION,
    )


def _of_design(report: AgreementReport) -> Iterator[Check]:
    n_again = sum(one.found.n for one in report.intra_reader if one.reader is None)
    yield Check(
        question="Were readers compared with themselves?",
        answer=f"{n_again:,} repeated reads." if n_again else "No reader read an item twice.",
        is_met=n_again > 0,
    )
    yield Check(
        question="Were the reads made before the model's call was shown?",
        answer="No: these reads stand after the reveal. First reads are the ones for a human range."
        if report.after_reveal
        else "Yes, as far as is recorded.",
        is_met=not report.after_reveal,
    )
    has_guides = any(one.trait == "guide version" for one in report.strata)
    yield Check(
        question="Was one version of the guide in force?",
        answer="No: see the strata by guide version." if has_guides else "Yes, as far as is recorded.",
        is_met=not has_guides,
    )
    warned = [one.trait for one in report.stages_by_trait if one.warning is not None]
    yield Check(
        question="Are stages spread alike over sites, batches and groups?",
        answer=f"They go together with {', '.join(warned)}." if warned else "No warning (Cramer's V).",
        is_met=not warned,
    )


def _of_model(report: AgreementReport) -> Iterator[Check]:
    if report.model_reader is not None:
        is_demo = "DEMO" in report.model_reader
        yield Check(
            question="Is the model trained on real slides?",
            answer="No: it is a DEMO and says nothing about real livers." if is_demo else "It is not marked DEMO.",
            is_met=not is_demo,
        )
