"""The tables of an agreement report, in words, for the page, the HTML and the PDF alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from core.agreement.report import AgreementReport
from core.agreement.report_text import further_groups
from core.agreement.weights import Weighting
from core.reporting.words import fraction_words, pair_name, plural, words_of

_LITERATURE = (
    ("Kleiner 2005", "weighted kappa 0.84", "50 adult cases", "PMID 15915461"),
    ("Davison 2020", "linear kappa 0.484", "3 readers, 339 patients", "PMID 32610115"),
    ("Kuwashiro 2019", "local against central: equal in 43.3 %", "", ""),
    ("Ratziu 2005", "two samples of one liver at least one stage apart in 41 %", "", "PMID 15940625"),
    ("AIM-MASH", "model against consensus, kappas of the features 0.62 to 0.74", "", "PMC11485234"),
)


Row: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of words or counts below a header."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def pair_table(report: AgreementReport, noun: str) -> Table:
    """Give a row for each pair: n, equal reads, kappa in every weighting."""
    kappas = tuple(f"Kappa, {weighting.title}" for weighting in Weighting)
    rows: tuple[Row, ...] = tuple(
        (
            pair_name(pair),
            pair.n,
            pair.n_subjects,
            fraction_words(pair.percent_agreement),
            fraction_words(pair.within_one_stage),
            *(words_of(pair.kappa[weighting]) for weighting in Weighting),
        )
        for pair in report.pairs
    )
    header = ("Readers", plural(noun).capitalize(), "Animals", "Equal", "Within one stage", *kappas)
    return Table(header=header, rows=rows)


def overall_table(report: AgreementReport) -> Table:
    """Give a row for each coefficient over all readers, a column for each weighting."""
    overall = report.overall
    named = (
        ("Fleiss' kappa", overall.fleiss),
        ("Conger's kappa", overall.conger),
        ("Gwet's AC1 / AC2", overall.gwet),
        ("Brennan-Prediger", overall.brennan_prediger),
        ("Mean kappa of two readers", {found.weighting: found.reader_reader for found in report.ceilings}),
    )
    rows = tuple((name, *(words_of(leaves[weighting]) for weighting in Weighting)) for name, leaves in named)
    return Table(header=("Coefficient", *(weighting.title for weighting in Weighting)), rows=rows)


def alpha_table(report: AgreementReport) -> Table:
    """Give Krippendorff's alpha by metric."""
    found = report.overall.krippendorff
    return Table(
        header=("Coefficient", *(metric.value for metric in found)),
        rows=(("Krippendorff's alpha", *(words_of(leaf) for leaf in found.values())),),
    )


def stage_table(report: AgreementReport) -> Table:
    """Give, for each stage, how often a second read repeats it."""
    found = zip(report.scale.labels, report.overall.specific, strict=True)
    return Table(
        header=("Stage", "A second read repeats it"), rows=tuple((label, words_of(leaf)) for label, leaf in found)
    )


def further_tables(report: AgreementReport, weighting: Weighting) -> tuple[tuple[str, Table], ...]:
    """Give, each under its heading, what stands beside the agreement of readers.

    The model among them, readers with themselves, what a shown call did, strata, the model against the readers'
    consensus: whatever the report holds.
    """
    return tuple(
        (title, Table(header=("", "Found"), rows=tuple((name.strip(), words_of(found)) for name, found in named)))
        for title, named in further_groups(report, weighting)
    )


def literature_table() -> Table:
    """Give what people reached on human livers, to stand beside a kappa; each with its source."""
    return Table(header=("Study", "Agreement", "Cases", "Source"), rows=_LITERATURE)
