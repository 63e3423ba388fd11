"""Agreement in words and tables: numbers as 0.78 (0.70-0.85), and why there is none where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from core.agreement.weights import Weighting

if TYPE_CHECKING:
    from core.agreement.bootstrap import Estimate
    from core.agreement.pairwise import PairAgreement
    from core.agreement.report import AgreementReport

LITERATURE = (
    ("Kleiner 2005", "weighted kappa 0.84", "50 adult cases", "PMID 15915461"),
    ("Davison 2020", "linear kappa 0.484", "3 readers, 339 patients", "PMID 32610115"),
    ("Kuwashiro 2019", "local against central: equal in 43.3 %", "", ""),
    ("Ratziu 2005", "two samples of one liver at least one stage apart in 41 %", "", "PMID 15940625"),
    ("AIM-MASH", "model against consensus, kappas of the features 0.62 to 0.74", "", "PMC11485234"),
)
"""Agreement of people on human fibrosis, to stand beside a kappa; each with its source."""


def words_of(found: Estimate) -> str:
    """Give 0.78 (0.70-0.85), or why there is no number."""
    if found.value is None:
        return f"not estimable: {found.why}"
    if found.low is None or found.high is None:
        return f"{found.value:.2f} ({found.why})"
    return f"{found.value:.2f} ({found.low:.2f}\N{EN DASH}{found.high:.2f})"


def interval_of(found: Estimate) -> str:
    """Give the interval alone, or why there is none."""
    if found.low is None or found.high is None:
        return str(found.why)
    return f"95% interval {found.low:.2f}\N{EN DASH}{found.high:.2f}, from drawing animals again"


def value_of(found: Estimate) -> str:
    """Give the number alone, a dash where there is none."""
    return "\N{EM DASH}" if found.value is None else f"{found.value:.2f}"


def counted(number: int, noun: str) -> str:
    """Give the number with its noun: 1 slide, 2 patches."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def pair_name(pair: PairAgreement) -> str:
    """Name the two readers."""
    return f"{pair.reader_a} \N{EN DASH} {pair.reader_b}"


def pair_table(report: AgreementReport, noun: str) -> pd.DataFrame:
    """Give a row for each pair: n, equal reads, kappa in every weighting."""
    rows = [
        {
            "Readers": pair_name(pair),
            counted(2, noun).removeprefix("2 ").capitalize(): pair.n,
            "Animals": pair.n_subjects,
            "Equal": fraction_words(pair.percent_agreement),
            "Within one stage": fraction_words(pair.within_one_stage),
            **{f"Kappa, {weighting.title}": words_of(pair.kappa[weighting]) for weighting in Weighting},
        }
        for pair in report.pairs
    ]
    return pd.DataFrame(rows)


def overall_table(report: AgreementReport) -> pd.DataFrame:
    """Give a row for each coefficient over all readers, a column for each weighting."""
    overall = report.overall
    named = (
        ("Fleiss' kappa", overall.fleiss),
        ("Conger's kappa", overall.conger),
        ("Gwet's AC1 / AC2", overall.gwet),
        ("Brennan-Prediger", overall.brennan_prediger),
        ("Mean kappa of two readers", {found.weighting: found.reader_reader for found in report.ceilings}),
    )
    rows = [
        {"Coefficient": name, **{weighting.title: words_of(leaves[weighting]) for weighting in Weighting}}
        for name, leaves in named
    ]
    return pd.DataFrame(rows)


def alpha_table(report: AgreementReport) -> pd.DataFrame:
    """Give Krippendorff's alpha by metric."""
    return pd.DataFrame(
        [{metric.value: words_of(found) for metric, found in report.overall.krippendorff.items()}],
        index=["Krippendorff's alpha"],
    )


def stage_table(report: AgreementReport) -> pd.DataFrame:
    """Give, for each stage, how often a second read repeats it."""
    rows = [
        {"Stage": label, "A second read repeats it": words_of(found)}
        for label, found in zip(report.scale.labels, report.overall.specific, strict=True)
    ]
    return pd.DataFrame(rows)


def literature_table() -> pd.DataFrame:
    """Give what others reported, with its source."""
    return pd.DataFrame(LITERATURE, columns=["Study", "Agreement", "Cases", "Source"])


def fraction_words(fraction: float | None) -> str:
    """Give a fraction as a percentage, a dash where there is none."""
    return "\N{EM DASH}" if fraction is None else f"{fraction:.0%}"
