"""The figures of an agreement report: Altair, one violet hue from light to dark, for page, HTML and PDF alike.

No red, orange, yellow or rainbow: Sirius Red is red on yellow, and ordered numbers need ordered lightness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import altair as alt
import numpy as np

from core.agreement.weights import Weighting
from core.reporting.tables import LITERATURE_KAPPAS
from core.reporting.words import pair_name, short_name, words_of

if TYPE_CHECKING:
    from core.agreement.bland_altman import BlandAltman
    from core.agreement.bootstrap import Estimate
    from core.agreement.ceiling import HumanCeiling
    from core.agreement.pairwise import PairAgreement
    from core.agreement.reference import ReferenceReport
    from core.agreement.report import AgreementReport

VIOLETS = ("#f1eff8", "#cbc4e4", "#9f92cb", "#6c55a6", "#3a1a70")
CELL = "cell"
"""The name of the selection that a click on a confusion matrix makes, with the fields `row` and `column`."""
_PEOPLE, _MODEL, _QUIET, _INK = "#5577b5", "#3a1a70", "#6b7280", "#1f2430"
_SQUARE_PX, _ROW_PX, _PLOT_PX = 58, 28, 480
_LONGEST_LABEL_PX = 260
MOST_POINTS = 2_000
"""Of one figure: more make a page slow, and no clearer."""


def pair_matrix(report: AgreementReport, weighting: Weighting, noun: str) -> alt.LayerChart:
    """Draw kappa of every two readers, readers x readers; a pair without kappa is an empty square that says why."""
    short = {reader: short_name(reader, report.model_reader) for reader in report.readers}
    cells = [_cell(one, one, None, "", "the same reader") for one in short.values()]
    for pair in report.pairs:
        found = pair.kappa[weighting]
        said = f"{words_of(found)}; n = {pair.n} ({noun}), {pair.n_subjects} animals"
        shown = "" if found.value is None else f"{found.value:.2f}"
        for row, column in ((pair.reader_a, pair.reader_b), (pair.reader_b, pair.reader_a)):
            cells.append(_cell(short[row], short[column], found.value, shown, said))
    names = [_line(reader) for reader in short.values()]
    return _matrix(cells, names, 1.0, (None, None))


def confusion_matrix(pair: PairAgreement, stages: Sequence[str], model_reader: str | None = None) -> alt.LayerChart:
    """Draw how often each stage of one reader met each stage of the other; rows are the first reader."""
    counts = [
        _cell(row, column, float(count), str(count) if count else "", f"{count} read so")
        for row, of_row in zip(stages, pair.confusion, strict=True)
        for column, count in zip(stages, of_row, strict=True)
    ]
    most = max((count for of_row in pair.confusion for count in of_row), default=0)
    return _matrix(counts, list(stages), float(max(most, 1)), _of_pair(pair, model_reader))


def ceiling_chart(report: AgreementReport, ceiling: HumanCeiling) -> alt.LayerChart:
    """Draw every pair's kappa with its interval, people and model apart, and the lines of mean and ceiling."""
    dots = [
        _dot(
            pair_name(pair, report.model_reader),
            pair.kappa[ceiling.weighting],
            "a reader and the model" if report.model_reader in (pair.reader_a, pair.reader_b) else "two readers",
            f"n = {pair.n}, {pair.n_subjects} animals",
        )
        for pair in report.pairs
    ]
    lines = [
        {"at": line.value, "name": name}
        for line, name in ((ceiling.reader_reader, "mean of two readers"), (ceiling.ceiling, "ceiling"))
        if line.value is not None
    ]
    return _forest(dots, lines, f"{ceiling.weighting.title.capitalize()} kappa")


def coefficient_forest(report: AgreementReport, weighting: Weighting) -> alt.LayerChart:
    """Draw every coefficient over all readers in one weighting, with its interval."""
    overall = report.overall
    n = f"n = {overall.n_paired_items}, {report.n_subjects} animals"
    named: list[tuple[str, Estimate]] = [
        ("Fleiss' kappa", overall.fleiss[weighting]),
        ("Conger's kappa", overall.conger[weighting]),
        (f"Gwet's AC{1 if weighting is Weighting.UNWEIGHTED else 2}", overall.gwet[weighting]),
        ("Brennan-Prediger", overall.brennan_prediger[weighting]),
        *((f"Krippendorff's alpha, {metric.value}", found) for metric, found in overall.krippendorff.items()),
    ]
    return _forest([_dot(name, found, "all readers", n) for name, found in named], [], "Coefficient")


def stage_forest(report: AgreementReport) -> alt.LayerChart:
    """Draw, for each stage, how often a second read repeats it."""
    n = f"n = {report.overall.n_paired_items}, {report.n_subjects} animals"
    found = zip(report.scale.labels, report.overall.specific, strict=True)
    dots = [_dot(f"stage {label}", leaf, "all readers", n) for label, leaf in found]
    return _forest(dots, [], "A second read repeats the stage", 320)


def literature_chart(report: AgreementReport, ceiling: HumanCeiling) -> alt.LayerChart:
    """Draw the kappa of two readers, and of the model, beside what others found on human livers."""
    n = f"{report.n_items} items, {report.n_subjects} animals"
    weights = ceiling.weighting.title
    dots = [_dot(f"Two readers here, {weights}", ceiling.reader_reader, "here", n)]
    if report.model_reader is not None:
        dots.append(_dot(f"The model and a reader here, {weights}", ceiling.model_reader, "the model here", n))
    for name, low, high in LITERATURE_KAPPAS:
        said = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        dots.append(
            {
                "name": name,
                "value": (low + high) / 2.0 if low == high else None,
                "low": low,
                "high": high,
                "kind": "published",
                "said": said,
                "why": "",
            }
        )
    return _forest(dots, [], "Kappa")


def reliability_chart(found: ReferenceReport) -> alt.LayerChart:
    """Draw, for each tenth of the called stage's probability, how often the call is the reference."""
    bins = [
        {
            "confidence": one.confidence.value,
            "accuracy": one.accuracy.value,
            "low": one.accuracy.value if one.accuracy.low is None else one.accuracy.low,
            "high": one.accuracy.value if one.accuracy.high is None else one.accuracy.high,
            "n": f"n {one.n}",
        }
        for one in found.bins
        if one.n
    ]
    axis = alt.Scale(domain=[0, 1])
    across = alt.X("confidence:Q", title="Probability of the called stage", scale=axis)
    rows = alt.Chart(alt.InlineData(values=bins)).encode(x=across)
    title = "Call is the reference"
    said = [alt.Tooltip("n:N", title="items"), alt.Tooltip("accuracy:Q", title=title, format=".2f")]
    points = rows.mark_point(filled=True, size=80, opacity=1, color=_MODEL).encode(
        y=alt.Y("accuracy:Q", title=title, scale=axis), tooltip=said
    )
    spans = rows.mark_rule(strokeWidth=2, color=_MODEL).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    halo = rows.mark_text(dx=8, align="left", stroke="#ffffff", strokeWidth=4, fontSize=11).encode(
        y="accuracy:Q", text="n:N"
    )
    counts = rows.mark_text(dx=8, align="left", color=_INK, fontSize=11).encode(y="accuracy:Q", text="n:N")
    ends = alt.Chart(alt.InlineData(values=[{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}]))
    diagonal = ends.mark_line(color=_QUIET, strokeDash=[5, 4], strokeWidth=1).encode(
        x=across, y=alt.Y("accuracy:Q", title=title)
    )
    return _styled(alt.LayerChart(layer=[diagonal, spans, points, halo, counts]).properties(width=280, height=280))


def bland_altman_chart(pair: BlandAltman, unit: str) -> alt.LayerChart:
    """Draw each item's difference over its mean, with bias and limits of agreement and their intervals."""
    order = np.argsort(pair.means, kind="stable")
    drawn = order[np.unique(np.linspace(0, pair.n - 1, min(pair.n, MOST_POINTS)).round().astype(np.int64))]
    points = [
        {"mean": round(float(pair.means[at]), 9), "difference": round(float(pair.differences[at]), 9)}
        for at in drawn.tolist()
    ]
    lines = [
        {
            "at": found.value,
            "low": found.value if found.low is None else found.low,
            "high": found.value if found.high is None else found.high,
            "name": name,
            "said": f"{name}: {words_of(found, pair.decimals)}",
        }
        for name, found in (("upper limit", pair.upper_limit), ("bias", pair.bias), ("lower limit", pair.lower_limit))
        if found.value is not None
    ]
    title = f"Difference, in {unit}"
    up = alt.Y("difference:Q", title=title, scale=alt.Scale(zero=True, nice=True))
    across = alt.X("mean:Q", title=f"Mean of the two, in {unit}", scale=alt.Scale(zero=False, nice=False, padding=12))
    dots = alt.Chart(alt.InlineData(values=points)).encode(
        x=across,
        y=up,
        tooltip=[alt.Tooltip("mean:Q", title="mean"), alt.Tooltip("difference:Q", title="difference")],
    )
    marks = alt.Chart(alt.InlineData(values=lines))
    heights = marks.encode(y=alt.Y("at:Q", title=title))
    style = alt.condition("datum.name === 'bias'", alt.value([1, 0]), alt.value([5, 4]))
    layers = [
        marks.mark_rect(color=_MODEL, opacity=0.12).encode(y=alt.Y("low:Q", title=title), y2="high:Q"),
        dots.mark_point(filled=True, size=28, opacity=0.55, color=_PEOPLE),
        heights.mark_rule(color=_MODEL, strokeWidth=1.5).encode(
            strokeDash=style, tooltip=alt.Tooltip("said:N", title="found")
        ),
        heights.mark_text(align="right", dx=-4, dy=-7, color=_INK, fontSize=11).encode(
            x=alt.value("width"), text="said:N"
        ),
    ]
    return _styled(alt.LayerChart(layer=layers).properties(width=_PLOT_PX, height=240))


def _of_pair(pair: PairAgreement, model_reader: str | None) -> tuple[str, str]:
    return _line(short_name(pair.reader_a, model_reader)), _line(short_name(pair.reader_b, model_reader))


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(row: str, column: str, value: float | None, shown: str, said: str) -> dict[str, object]:
    return {"row": _line(row), "column": _line(column), "value": value, "shown": shown, "said": _line(said)}


def _matrix(
    cells: list[dict[str, object]], names: list[str], most: float, titles: tuple[str | None, str | None]
) -> alt.LayerChart:
    rows, columns = titles
    label = alt.Axis(domain=False, labelOverlap=False, ticks=False, labelLimit=_LONGEST_LABEL_PX, labelPadding=6)
    across = alt.Axis(orient="top", domain=False, ticks=False, labelAngle=0, labelLimit=_SQUARE_PX * 2, labelPadding=6)
    wide = _SQUARE_PX if max(map(len, names), default=0) < 8 else 2 * _SQUARE_PX
    grid = alt.Chart(alt.InlineData(values=cells)).encode(
        x=alt.X("column:N", sort=names, title=columns, axis=across),
        y=alt.Y("row:N", sort=names, title=rows, axis=label),
        tooltip=[
            alt.Tooltip("row:N", title=rows or "reader"),
            alt.Tooltip("column:N", title=columns or "reader"),
            alt.Tooltip("said:N", title="found"),
        ],
    )
    squares = grid.mark_rect(stroke="#ffffff", strokeWidth=2, cursor="pointer").encode(
        color=alt.condition(
            "isValid(datum.value)",
            alt.Color("value:Q", scale=alt.Scale(domain=[0, most], range=list(VIOLETS), clamp=True), legend=None),
            alt.value("#f6f7f9"),
        )
    )
    dark = f"datum.value > {0.55 * most}"
    figures = grid.mark_text(fontSize=13).encode(
        text="shown:N", color=alt.condition(dark, alt.value("#ffffff"), alt.value(_INK))
    )
    picked = alt.selection_point(name=CELL, fields=["row", "column"], on="click", clear="dblclick")
    return _framed([squares.add_params(picked), figures], alt.Step(wide), 38)


def _dot(name: str, found: Estimate, kind: str, n: str) -> dict[str, object]:
    value = found.value
    return {
        "name": _line(name),
        "value": value,
        "low": value if found.low is None else found.low,
        "high": value if found.high is None else found.high,
        "kind": kind,
        "said": _line(f"{words_of(found)}; {n}"),
        "why": "" if value is not None else f"not estimable, because {found.why}",
    }


def _forest(
    dots: list[dict[str, object]], lines: list[dict[str, object]], title: str, width_px: int = 560
) -> alt.LayerChart:
    names = [str(dot["name"]) for dot in dots]
    kinds = list(dict.fromkeys(str(dot["kind"]) for dot in dots))
    colours = [_MODEL if "model" in kind else _QUIET if kind == "published" else _PEOPLE for kind in kinds]
    legend = alt.Legend(title=None, orient="bottom") if len(kinds) > 1 else None
    start = min([0.0, *_numbers(dot["low"] for dot in dots)])
    place = alt.Y(
        "name:N", sort=names, title=None, axis=alt.Axis(labelLimit=_LONGEST_LABEL_PX, labelOverlap=False, ticks=False)
    )
    across = alt.X("value:Q", title=title, scale=alt.Scale(domain=[start, 1.0]))
    said = [alt.Tooltip("name:N", title="of"), alt.Tooltip("said:N", title="found")]
    rows = alt.Chart(alt.InlineData(values=dots)).encode(y=place, tooltip=said)
    hue = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=colours), legend=legend)
    shape = alt.Shape(
        "kind:N", scale=alt.Scale(domain=kinds, range=["circle", "diamond", "square"][: len(kinds)]), legend=legend
    )
    spans = rows.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q", color=hue)
    points = rows.mark_point(filled=True, size=90, opacity=1).encode(x=across, color=hue, shape=shape)
    gaps = rows.mark_text(align="left", color=_QUIET, fontSize=11).encode(x=alt.datum(start), text="why:N")
    layers: list[alt.Chart] = [spans, points, gaps]
    if lines:
        marks = alt.Chart(alt.InlineData(values=lines))
        layers.append(marks.mark_rule(color=_QUIET, strokeDash=[5, 4]).encode(x="at:Q"))
        names_of = marks.mark_text(align="right", dx=-4, dy=-8, color=_QUIET, fontSize=11)
        layers.append(names_of.encode(x="at:Q", y=alt.value(0), text="name:N"))
    return _framed(layers, width_px, _ROW_PX)


def _numbers(values: Iterable[object]) -> list[float]:
    return [value for value in values if isinstance(value, float)]


def _framed(layers: list[alt.Chart], width: int | alt.Step, row_px: int) -> alt.LayerChart:
    """Frame a figure. Args: width: in pixels, a page may fit labels into it; a step a column is never squeezed."""
    return _styled(alt.LayerChart(layer=layers).properties(width=width, height=alt.Step(row_px)))


def _styled(sized: alt.LayerChart) -> alt.LayerChart:
    sized = sized.properties(background="transparent")
    framed: alt.LayerChart = sized.configure_view(stroke=None).configure_axis(
        labelColor=_INK,
        titleColor=_INK,
        gridColor="#e6e8ec",
        labelFontSize=12,
        titleFontWeight="normal",
        labelFlush=False,
    )
    return framed
