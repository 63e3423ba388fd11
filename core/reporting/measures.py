"""Continuous measures in a report: how alike two readers, models or recipes measure, as a table and as figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.agreement.bland_altman import BlandAltman
from core.agreement.measurement_report import MeasurementReport
from core.reporting.charts import MOST_POINTS, bland_altman_chart
from core.reporting.tables import Row, Table
from core.reporting.topic import Place, Topic
from core.reporting.words import counted, plural, words_of

_MOST_FIGURES = 6
_HOW = (
    "ICC is the intraclass correlation of single measurements: the share of all spread that lies between the {items} "
    "(1: measured alike, 0: not more alike than any two). ICC(2,1) counts it as disagreement when one {by} measures "
    "higher throughout, ICC(3,1) does not. The bias is how much higher the second measures; 95% of differences lie "
    "within the limits of agreement if they are normal. Whether that is little enough is for the study to say."
)
_ALONE = "{name}: {whole}. A run with a second {by} would."
_NO_MEASURE = "Readers give stages and no continuous measure; these come from the finished runs of models."


def measure_topics(reports: Sequence[MeasurementReport], noun: str) -> Iterator[Topic]:
    """Give a topic for each measure that was taken twice, and one for all that were not."""
    for report in reports:
        if report.has_two:
            yield _compared(report, noun)
    alone = [report for report in reports if not report.has_two]
    if alone:
        said = [_alone(report, noun) for report in alone]
        yield Topic(
            title=f"{' and '.join(_lowered(one.name, at) for at, one in enumerate(alone))}: measured once",
            place=Place.MEASURES,
            words=" ".join([*said, _NO_MEASURE]),
            tables=(),
        )


def _lowered(name: str, place: int) -> str:
    return name if place == 0 else name[:1].lower() + name[1:]


def _alone(report: MeasurementReport, noun: str) -> str:
    n = f"{counted(report.n_items, noun)} of {counted(report.n_subjects, 'animal')}"
    who = report.readers[0]
    whole = f"{n}, by {who} alone; agreement is not estimable, because nothing else has measured them"
    return _ALONE.format(name=report.name, whole=whole, by=report.by)


def _compared(report: MeasurementReport, noun: str) -> Topic:
    shown = report.pairs[:_MOST_FIGURES]
    fewer = (
        "" if len(shown) == len(report.pairs) else f" The first {len(shown)} of {len(report.pairs)} pairs are drawn."
    )
    how = _HOW.format(items=plural(noun), by=report.by)
    return Topic(
        title=f"Is it measured alike? {report.name}",
        place=Place.MEASURES,
        words=f"Measured in {report.unit}. {how}{fewer}",
        tables=((_icc_caption(report, noun), _icc_table(report)), (_pairs_caption(report), _pairs_table(report, noun))),
        figures=tuple((_figure_caption(pair, noun), bland_altman_chart(pair, report.unit)) for pair in shown if pair.n),
    )


def _icc_caption(report: MeasurementReport, noun: str) -> str:
    icc = report.intraclass
    return (
        f"Intraclass correlation of {len(report.readers)} {report.by}s; n = {counted(icc.n_items, noun)} that all of "
        f"them measured, of {counted(report.n_items, noun)} of {counted(report.n_subjects, 'animal')}."
    )


def _icc_table(report: MeasurementReport) -> Table:
    icc = report.intraclass
    agreement, consistency = icc.by_variance
    rows: tuple[Row, ...] = (
        ("ICC(2,1), absolute agreement", words_of(icc.agreement), words_of(agreement)),
        ("ICC(3,1), consistency", words_of(icc.consistency), words_of(consistency)),
    )
    return Table(
        header=("Coefficient", "Value (interval from drawing animals)", "Value (interval by analysis of variance)"),
        rows=rows,
    )


def _pairs_caption(report: MeasurementReport) -> str:
    return f"Bias and limits of agreement, in {report.unit}, with 95% intervals from drawing animals again."


def _pairs_table(report: MeasurementReport, noun: str) -> Table:
    header = (
        "Second minus first",
        plural(noun).capitalize(),
        "Animals",
        "Bias",
        "Lower limit",
        "Upper limit",
        "Slope",
    )
    rows: tuple[Row, ...] = tuple(
        (
            _names(pair),
            pair.n,
            pair.n_subjects,
            *(words_of(found, pair.decimals) for found in (pair.bias, pair.lower_limit, pair.upper_limit)),
            words_of(pair.slope),
        )
        for pair in report.pairs
    )
    return Table(header=header, rows=rows)


def _names(pair: BlandAltman) -> str:
    return f"{pair.reader_b} \N{MINUS SIGN} {pair.reader_a}"


def _figure_caption(pair: BlandAltman, noun: str) -> str:
    drawn = "" if pair.n <= MOST_POINTS else f" {MOST_POINTS:,} of them are drawn, evenly by their mean."
    return (
        f"{_names(pair)}: each point is a {noun}, its mean across and its difference up (Bland and Altman 1986). "
        f"Solid: bias; dashed: limits of agreement; bands: their 95% intervals. n = {counted(pair.n, noun)} of "
        f"{counted(pair.n_subjects, 'animal')}.{drawn}"
    )
