"""An agreement report as a document: sections of words, tables and figures, before it is HTML or PDF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import altair as alt

from core.agreement.measurement_report import MeasurementReport
from core.agreement.method import versions as software_versions
from core.agreement.pairwise import PairAgreement
from core.agreement.publishing import publication_checks
from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting
from core.reporting import charts, tables
from core.reporting.measures import measure_topics
from core.reporting.tables import Table
from core.reporting.topic import Topic
from core.reporting.topics import topics
from core.reporting.words import counted, pair_name, percent_of, plural, words_of

_MOST_CONFUSIONS = 6
SOURCES = (
    "Fleiss 1971; Conger 1980; Gwet 2008 and 2014; Brennan and Prediger 1981; Krippendorff 2011; each corrects for "
    "chance in its own way."
)
LIMITS = (
    "The seven stages were made for human trichrome biopsies (Kleiner 2005); rodents in Sirius Red are adaptations.",
    "The ceiling supposes readers who err alike and independently; it is approximate for kappa.",
    "Agreement is not accuracy: readers may agree on a stage that is wrong.",
    "Designed to support a validated workflow; no claim of compliance or of diagnostic use.",
)


SHARES = "Equal and within one stage are shares of what both have read, without interval."
_WITH_CALLS = "; the model's calls are among them"
_KAPPA = (
    "Kappa is agreement beyond what chance would give: 1 is perfect, 0 no better than chance. In brackets stand 95% "
    "intervals, from drawing the animals again."
)
MEASURE_LIMITS = (
    "Measuring alike is not measuring right: two may share an error.",
    "Limits of agreement suppose that differences are normal and as wide at every level; look at the figure, and at "
    "the slope, which is 0 where neither reader measures relatively higher at higher levels.",
    "Designed to support a validated workflow; no claim of compliance or of diagnostic use.",
)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureRow:
    """Figures of one kind, two beside each other."""

    figures: tuple[FigureBlock, ...]


Block: TypeAlias = Words | TableBlock | FigureBlock | FigureRow


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
        _short(report, weighting, origin.noun),
        _pairs(report, weighting, origin.noun),
        _stages(report, origin.noun),
        _model(report, weighting, origin.noun),
        _overall(report, weighting, origin.noun),
        *_beside(report, weighting, origin.noun),
        _others(report, weighting, origin.noun),
        Section(title="How this was computed", blocks=(Words(paragraphs=report.method.sentences), _versions(report))),
        Section(title="Limits", blocks=(Words(paragraphs=(*report.method.cautions, *LIMITS)),)),
    )
    counts = (
        ("Items", f"{counted(report.n_items, origin.noun)} of {counted(report.n_subjects, 'animal')}"),
        (
            "Reads",
            f"{report.n_reads:,}, {report.n_missing:,} missing{'' if report.model_reader is None else _WITH_CALLS}",
        ),
        ("Readers", ", ".join(reader for reader in report.readers if reader != report.model_reader)),
        *([] if report.model_reader is None else [("As one more reader", report.model_reader)]),
        ("Scale", ", ".join(report.scale.labels)),
        ("Weights of the figures", f"{weighting.title}: {weighting.meaning}"),
    )
    return Document(title=origin.title, subtitle=_made(origin), facts=(*origin.facts, *counts), sections=sections)


def measurement_document(report: MeasurementReport, origin: Origin) -> Document:
    """Write down what readers of a continuous measure agree on."""
    versions = Table(header=("Package", "Version"), rows=tuple(software_versions().items()))
    method = (Words(paragraphs=report.sentences), TableBlock(caption="Software.", table=versions))
    sections = (
        *map(_of_topic, measure_topics([report], origin.noun)),
        Section(title="How this was computed", blocks=method),
        Section(title="Limits", blocks=(Words(paragraphs=(*report.cautions, *MEASURE_LIMITS)),)),
    )
    counts = (
        ("Measure", f"{report.name}, in {report.unit}"),
        ("Items", f"{counted(report.n_items, origin.noun)} of {counted(report.n_subjects, 'animal')}"),
        ("Missing", f"{counted(report.n_missing, 'measurement')}"),
        (f"{plural(report.by).capitalize()}", ", ".join(report.readers)),
    )
    return Document(title=origin.title, subtitle=_made(origin), facts=(*origin.facts, *counts), sections=sections)


def _made(origin: Origin) -> str:
    return f"Made {origin.made_at:%Y-%m-%d %H:%M} UTC by Fibroread"


def _in_short(report: AgreementReport, weighting: Weighting, noun: str) -> Iterator[str]:
    overall = report.overall
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    if overall.percent_agreement.value is not None:
        yield (
            f"Two readers of one {noun} give it the same stage in {percent_of(overall.percent_agreement)} of cases "
            f"and lie within one stage of each other in {percent_of(overall.within_one_stage)} "
            f"({counted(overall.n_paired_items, noun)} with two reads or more)."
        )
    yield f"Mean {weighting.title} kappa of two readers: {words_of(ceiling.reader_reader)}. {_KAPPA}"
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


def _short(report: AgreementReport, weighting: Weighting, noun: str) -> Section:
    checks = publication_checks(report, weighting)
    n_met = sum(one.is_met for one in checks)
    caption = f"Can this be published? {n_met} of {len(checks)} questions are met; the others ask for a look."
    return Section(
        title="In short",
        blocks=(
            Words(paragraphs=tuple(_in_short(report, weighting, noun))),
            TableBlock(caption=caption, table=tables.checks_table(checks)),
        ),
    )


def _pairs(report: AgreementReport, weighting: Weighting, noun: str) -> Section:
    n = f"{counted(report.n_items, noun)} of {counted(report.n_subjects, 'animal')}"
    caption = (
        f"{weighting.title.capitalize()} kappa of every two readers; darker is closer to 1, empty has none. n = {n}."
    )
    return Section(
        title="Who agrees with whom",
        blocks=(
            FigureBlock(caption=caption, chart=charts.pair_matrix(report, weighting, noun)),
            TableBlock(
                caption=f"Kappa with its 95% interval from drawing animals again, not slides or patches. {SHARES}",
                table=tables.pair_table(report, noun),
            ),
        ),
    )


def _stages(report: AgreementReport, noun: str) -> Section:
    n = f"{counted(report.overall.n_paired_items, noun)} of {counted(report.n_subjects, 'animal')}"
    repeated = f"Of two reads of one {noun} where one is this stage, how often the other is too; n = {n}."
    compared = [pair for pair in report.pairs if pair.n and report.model_reader not in (pair.reader_a, pair.reader_b)]
    furthest = sorted(compared, key=lambda pair: pair.percent_agreement or 0.0)[:_MOST_CONFUSIONS]
    said = (
        f"The {len(furthest)} of {len(compared)} pairs of readers who agree least follow, the first of each in rows; "
        "all are in the JSON."
    )
    return Section(
        title="On which stages they differ",
        blocks=(
            FigureBlock(caption=repeated, chart=charts.stage_forest(report)),
            *([Words(paragraphs=(said,))] if len(furthest) < len(compared) else []),
            FigureRow(figures=tuple(_confusion(pair, report, noun) for pair in furthest)),
        ),
    )


def _confusion(pair: PairAgreement, report: AgreementReport, noun: str) -> FigureBlock:
    caption = (
        f"{pair_name(pair, report.model_reader)}: n = {counted(pair.n, noun)} of {counted(pair.n_subjects, 'animal')}."
    )
    return FigureBlock(caption=caption, chart=charts.confusion_matrix(pair, report.scale.labels, report.model_reader))


def _model(report: AgreementReport, weighting: Weighting, noun: str) -> Section:
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    title = "Is the model inside the human range?" if report.model_reader else "Every pair of readers"
    explained = (
        "The ceiling is the root of the mean kappa of two readers: what a model that is always right reaches against "
        "one reader who errs. Against a consensus of several readers more can be reached."
    )
    n = f"{counted(report.n_items, noun)} of {counted(report.n_subjects, 'animal')}"
    caption = f"{weighting.title.capitalize()} kappa of every pair, with its 95% interval; n = {n}. {explained}"
    return Section(title=title, blocks=(FigureBlock(caption=caption, chart=charts.ceiling_chart(report, ceiling)),))


def _overall(report: AgreementReport, weighting: Weighting, noun: str) -> Section:
    n = f"{counted(report.overall.n_paired_items, noun)} of {counted(report.n_subjects, 'animal')}"
    people = f"{counted(len(report.overall.readers), 'reader')}, without a model; {n}"
    return Section(
        title="All readers together",
        blocks=(
            FigureBlock(
                caption=f"Coefficients over {people}; {weighting.title} weights, alpha by its metric. {SOURCES}",
                chart=charts.coefficient_forest(report, weighting),
            ),
            TableBlock(caption=f"Coefficients over {people}, by weights.", table=tables.overall_table(report)),
            TableBlock(caption="The same by the metrics of Krippendorff's alpha.", table=tables.alpha_table(report)),
        ),
    )


def _beside(report: AgreementReport, weighting: Weighting, noun: str) -> Iterator[Section]:
    yield from map(_of_topic, topics(report, weighting, noun))


def _of_topic(topic: Topic) -> Section:
    blocks: list[Block] = [Words(paragraphs=(topic.words,))]
    blocks += [TableBlock(caption=caption, table=table) for caption, table in topic.tables]
    blocks += [FigureBlock(caption=caption, chart=chart) for caption, chart in topic.figures]
    return Section(title=topic.title, blocks=tuple(blocks))


def _others(report: AgreementReport, weighting: Weighting, noun: str) -> Section:
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    n = f"{counted(report.n_items, noun)} of {counted(report.n_subjects, 'animal')}"
    caption = f"Kappas here (n = {n}) and published. Compare with care: other livers, other stains, other weights."
    return Section(
        title="What others found on human livers",
        blocks=(
            FigureBlock(caption=caption, chart=charts.literature_chart(report, ceiling)),
            TableBlock(caption="Published agreement, with its source.", table=tables.literature_table()),
        ),
    )


def _versions(report: AgreementReport) -> TableBlock:
    rows = tuple(report.method.versions.items())
    return TableBlock(caption="Software.", table=Table(header=("Package", "Version"), rows=rows))
