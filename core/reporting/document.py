"""An agreement report as a document: sections of words, tables and figures, before it is HTML or PDF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import altair as alt

from core.agreement.pairwise import PairAgreement
from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting
from core.reporting import charts, tables
from core.reporting.tables import Table
from core.reporting.words import counted, fraction_words, pair_name, words_of

_MOST_CONFUSIONS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Paragraphs of plain text."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableBlock:
    """A table below its caption."""

    caption: str
    table: Table


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureBlock:
    """A figure above its caption."""

    caption: str
    chart: alt.LayerChart


Block: TypeAlias = Words | TableBlock | FigureBlock


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a report is of: its title, and facts such as study, versions, hashes, as name and value.

    `noun` is what was read, slide or patch or item. `made_at` is printed on the report, and on nothing that is
    compared byte by byte.
    """

    title: str
    noun: str
    made_at: datetime
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A report that is ready to be set."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def agreement_document(report: AgreementReport, weighting: Weighting, origin: Origin) -> Document:
    """Write a report down, figures in one weighting, tables in all."""
    sections = (
        Section(title="In short", blocks=(Words(paragraphs=tuple(_in_short(report, weighting, origin.noun))),)),
        _pairs(report, weighting, origin.noun),
        _stages(report, origin.noun),
        _model(report, weighting),
        _overall(report, weighting),
        *_further(report, weighting),
        _others(),
        Section(title="How this was computed", blocks=(Words(paragraphs=report.method.sentences), _versions(report))),
    )
    counts = (
        ("Items", f"{counted(report.n_items, origin.noun)} of {counted(report.n_subjects, 'animal')}"),
        ("Reads", f"{report.n_reads:,}, {report.n_missing:,} missing"),
        ("Readers", ", ".join(report.readers)),
        ("Scale", ", ".join(report.scale.labels)),
        ("Weights of the figures", f"{weighting.title}: {weighting.meaning}"),
    )
    made = f"Made {origin.made_at:%Y-%m-%d %H:%M} UTC by Fibroread"
    return Document(title=origin.title, subtitle=made, facts=(*origin.facts, *counts), sections=sections)


def _in_short(report: AgreementReport, weighting: Weighting, noun: str) -> Iterator[str]:
    overall = report.overall
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    if overall.percent_agreement.value is not None:
        yield (
            f"Two readers of one {noun} give it the same stage in {overall.percent_agreement.value:.0%} "
            f"and lie within one stage in {fraction_words(overall.within_one_stage.value)} of cases "
            f"({counted(overall.n_paired_items, noun)} with two reads or more)."
        )
    yield f"Mean {weighting.title} kappa of two readers: {words_of(ceiling.reader_reader)}."
    if overall.confused is not None:
        yield (
            f"Stages {overall.confused.stage_a} and {overall.confused.stage_b} are confused most: "
            f"{overall.confused.n_pairs:,} of {overall.confused.n_discordant:,} pairs of reads that differ."
        )
    if report.model_reader is not None:
        yield (
            f"The model against a reader: {words_of(ceiling.model_reader)}; what the readers' own disagreement leaves "
            f"a perfect model to reach against one of them: {words_of(ceiling.ceiling)}."
        )
    yield from (f"Caution: {caution}" for caution in report.method.cautions)


def _pairs(report: AgreementReport, weighting: Weighting, noun: str) -> Section:
    caption = f"{weighting.title.capitalize()} kappa of every two readers; darker is closer to 1, empty has none."
    return Section(
        title="Who agrees with whom",
        blocks=(
            FigureBlock(caption=caption, chart=charts.pair_matrix(report, weighting, noun)),
            TableBlock(
                caption="Kappa with its 95% interval from drawing animals again, not slides or patches.",
                table=tables.pair_table(report, noun),
            ),
        ),
    )


def _stages(report: AgreementReport, noun: str) -> Section:
    repeated = "Of two reads of one item where one is this stage, how often the other is too."
    compared = [pair for pair in report.pairs if pair.n and report.model_reader not in (pair.reader_a, pair.reader_b)]
    furthest = sorted(compared, key=lambda pair: pair.percent_agreement or 0.0)[:_MOST_CONFUSIONS]
    said = f"The {len(furthest)} of {len(compared)} pairs of readers who agree least are drawn; all are in the JSON."
    return Section(
        title="On which stages they differ",
        blocks=(
            FigureBlock(caption=repeated, chart=charts.stage_forest(report)),
            *([Words(paragraphs=(said,))] if len(furthest) < len(compared) else []),
            *(_confusion(pair, report, noun) for pair in furthest),
        ),
    )


def _confusion(pair: PairAgreement, report: AgreementReport, noun: str) -> FigureBlock:
    caption = f"{pair_name(pair)}: n = {counted(pair.n, noun)} of {counted(pair.n_subjects, 'animal')}."
    return FigureBlock(caption=caption, chart=charts.confusion_matrix(pair, report.scale.labels))


def _model(report: AgreementReport, weighting: Weighting) -> Section:
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    title = "Is the model inside the human range?" if report.model_reader else "Every pair of readers"
    explained = (
        "The ceiling is the root of the mean kappa of two readers: what a model that is always right reaches against "
        "one reader who errs. Against a consensus of several readers more can be reached."
    )
    caption = f"{weighting.title.capitalize()} kappa of every pair, with its 95% interval. {explained}"
    return Section(title=title, blocks=(FigureBlock(caption=caption, chart=charts.ceiling_chart(report, ceiling)),))


def _overall(report: AgreementReport, weighting: Weighting) -> Section:
    caption = f"Coefficients over {counted(len(report.overall.readers), 'reader')}, without a model."
    return Section(
        title="All readers together",
        blocks=(
            FigureBlock(
                caption=f"{weighting.title.capitalize()} weights.", chart=charts.coefficient_forest(report, weighting)
            ),
            TableBlock(caption=caption, table=tables.overall_table(report)),
            TableBlock(caption="By metric.", table=tables.alpha_table(report)),
        ),
    )


def _further(report: AgreementReport, weighting: Weighting) -> Iterator[Section]:
    found = tables.further_tables(report, weighting)
    if found:
        blocks = tuple(TableBlock(caption=f"{title}.", table=table) for title, table in found)
        yield Section(title=f"In more detail, {weighting.title} weights", blocks=blocks)


def _others() -> Section:
    caption = "Compare with care: other livers, other stains, other weights."
    return Section(
        title="What others found on human livers",
        blocks=(TableBlock(caption=caption, table=tables.literature_table()),),
    )


def _versions(report: AgreementReport) -> TableBlock:
    rows = tuple(report.method.versions.items())
    return TableBlock(caption="Software.", table=Table(header=("Package", "Version"), rows=rows))
