"""The tables of an agreement report, in words, for the page, the HTML and the PDF alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from core.agreement.publishing import Check
from core.agreement.report import AgreementReport
from core.reporting.words import fraction_words, pair_name, plural, words_of

_LITERATURE = (
    ("Kleiner 2005", "weighted kappa 0.84", "50 adult cases", "PMID 15915461"),
    ("Davison 2020", "linear kappa 0.484", "3 readers, 339 patients", "PMID 32610115"),
    ("Kuwashiro 2019", "local against central: equal in 43.3%", "150 patients", "PMID 32514460"),
    ("Ratziu 2005", "two samples of one liver at least one stage apart in 41%", "51 patients", "PMID 15940625"),
    ("AIM-MASH", "model against consensus, kappas of the features 0.62 to 0.74", "\N{EM DASH}", "PMC11485234"),
)


LITERATURE_KAPPAS = (
    ("Kleiner 2005, weighted, 50 cases", 0.84, 0.84),
    ("AIM-MASH, model \N{EN DASH} consensus", 0.62, 0.74),
    ("Davison 2020, linear, 339 patients", 0.484, 0.484),
)
"""Those of the table that are kappas: what, from, to."""

Row: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of words or counts below a header."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def pair_table(report: AgreementReport, noun: str) -> Table:
    """Give a row for each pair: n, equal reads, kappa in every weighting."""
    kappas = tuple(f"Kappa, {weighting.title}" for weighting in report.method.weights)
    rows: tuple[Row, ...] = tuple(
        (
            pair_name(pair, report.model_reader),
            pair.n,
            pair.n_subjects,
            fraction_words(pair.percent_agreement),
            fraction_words(pair.within_one_stage),
            *(words_of(pair.kappa[weighting]) for weighting in report.method.weights),
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
    rows = tuple(
        (name, *(words_of(leaves[weighting]) for weighting in report.method.weights)) for name, leaves in named
    )
    return Table(header=("Coefficient", *(weighting.title for weighting in report.method.weights)), rows=rows)


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


def literature_table() -> Table:
    """Give what people reached on human livers, to stand beside a kappa; each with its source."""
    return Table(header=("Study", "Agreement", "Cases", "Source"), rows=_LITERATURE)


def checks_table(checks: tuple[Check, ...]) -> Table:
    """Give what a reviewer asks, with the answers."""
    rows = tuple((one.question, "yes" if one.is_met else "look", one.answer) for one in checks)
    return Table(header=("A reviewer asks", "Met", "Answer"), rows=rows)
