"""The figures: plotly, one violet hue from light to dark, nothing that needs the network.

No red, orange, yellow or rainbow: Sirius Red is red on yellow, and ordered numbers need ordered lightness.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from core.agreement.weights import Weighting
from pages.parts.agreement_tables import pair_name, words_of

if TYPE_CHECKING:
    from core.agreement.ceiling import HumanCeiling
    from core.agreement.pairwise import PairAgreement
    from core.agreement.report import AgreementReport

CHART_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "plotlyServerURL": "",
    "topojsonURL": "",
    "scrollZoom": False,
    "modeBarButtons": [["toImage"]],
}
"""What every figure is drawn with: no logo, no link out, one button that saves a picture."""
VIOLETS = ((0.0, "#f1eff8"), (0.25, "#cbc4e4"), (0.5, "#9f92cb"), (0.75, "#6c55a6"), (1.0, "#3a1a70"))
_PEOPLE, _MODEL, _QUIET = "#6d8fc9", "#3a1a70", "#7a8290"


def pair_matrix(report: AgreementReport, weighting: Weighting, noun: str) -> go.Figure:
    """Draw kappa of every two readers, readers x readers; a pair without kappa is an empty square that says why."""
    place = {reader: number for number, reader in enumerate(report.readers)}
    size = len(place)
    values: list[list[float | None]] = [[None] * size for _ in range(size)]
    words = [["the same reader"] * size for _ in range(size)]
    for pair in report.pairs:
        found = pair.kappa[weighting]
        said = (
            f"{shown(pair_name(pair))}<br>{shown(words_of(found))}<br>n = {pair.n} ({noun}), {pair.n_subjects} animals"
        )
        for row, column in ((pair.reader_a, pair.reader_b), (pair.reader_b, pair.reader_a)):
            values[place[row]][place[column]] = found.value
            words[place[row]][place[column]] = said
    names = [shown(reader) for reader in report.readers]
    return _heat(values, words, (names, names), (0.0, 1.0), "%{z:.2f}")


def confusion_matrix(pair: PairAgreement, stages: Sequence[str]) -> go.Figure:
    """Draw how often each stage of one reader met each stage of the other; rows are the first reader."""
    values: list[list[float | None]] = [[float(count) for count in row] for row in pair.confusion]
    words = [
        [
            f"{shown(pair.reader_a)}: {shown(row)}<br>{shown(pair.reader_b)}: {shown(column)}<br>{count} read so"
            for column, count in zip(stages, counts, strict=True)
        ]
        for row, counts in zip(stages, pair.confusion, strict=True)
    ]
    names = [shown(stage) for stage in stages]
    most = max((count for row in pair.confusion for count in row), default=0)
    figure = _heat(values, words, (names, names), (0.0, float(max(most, 1))), "%{z:.0f}")
    figure.update_xaxes(title_text=shown(pair.reader_b), side="top")
    figure.update_yaxes(title_text=shown(pair.reader_a))
    return figure


def ceiling_chart(report: AgreementReport, ceiling: HumanCeiling) -> go.Figure:
    """Draw every pair's kappa with its interval, people and model apart, and the lines of mean and ceiling."""
    figure = go.Figure()
    with_model = [pair for pair in report.pairs if report.model_reader in (pair.reader_a, pair.reader_b)]
    people = [pair for pair in report.pairs if pair not in with_model]
    figure.add_trace(_dots(people, ceiling.weighting, "two readers", (_PEOPLE, "circle")))
    figure.add_trace(_dots(with_model, ceiling.weighting, "a reader and the model", (_MODEL, "diamond")))
    for line, name, dash, side in (
        (ceiling.reader_reader.value, "mean of readers", "dot", "right"),
        (ceiling.ceiling.value, "ceiling", "solid", "left"),
    ):
        if line is not None:
            above = {"text": name, "y": 1.0, "yanchor": "bottom", "xanchor": side, "showarrow": False}
            figure.add_vline(x=line, line={"color": _QUIET, "dash": dash}, annotation=above)
    figure.update_xaxes(title_text=f"{ceiling.weighting.title} kappa", range=_reach(report, ceiling.weighting))
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_layout(
        height=140 + 28 * len(report.pairs),
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        legend={"orientation": "h", "y": -0.25},
    )
    return figure


def shown(text: str) -> str:
    """Give text for a figure as it is: plotly would take tags in it for markup."""
    return html.escape(" ".join(text.split()))


def _heat(
    values: list[list[float | None]],
    words: list[list[str]],
    names: tuple[list[str], list[str]],
    limits: tuple[float, float],
    cell: str,
) -> go.Figure:
    rows, columns = names
    heat = go.Heatmap(
        z=values,
        x=columns,
        y=rows,
        zmin=limits[0],
        zmax=limits[1],
        colorscale=[list(stop) for stop in VIOLETS],
        customdata=words,
        hovertemplate="%{customdata}<extra></extra>",
        texttemplate=cell,
        xgap=2,
        ygap=2,
        hoverongaps=True,
        showscale=False,
    )
    figure = go.Figure(heat)
    figure.update_xaxes(type="category", showgrid=False, side="top")
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed")
    figure.update_layout(height=150 + 44 * len(rows), margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def _dots(pairs: Sequence[PairAgreement], weighting: Weighting, name: str, look: tuple[str, str]) -> go.Scatter:
    estimable = [pair for pair in pairs if pair.kappa[weighting].value is not None]
    found = [pair.kappa[weighting] for pair in estimable]
    values = [leaf.value or 0.0 for leaf in found]
    above = [value if leaf.high is None else leaf.high for value, leaf in zip(values, found, strict=True)]
    below = [value if leaf.low is None else leaf.low for value, leaf in zip(values, found, strict=True)]
    return go.Scatter(
        x=values,
        y=[shown(pair_name(pair)) for pair in estimable],
        mode="markers",
        name=name,
        marker={"color": look[0], "symbol": look[1], "size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value for high, value in zip(above, values, strict=True)],
            "arrayminus": [value - low for low, value in zip(below, values, strict=True)],
            "color": look[0],
        },
        customdata=[shown(f"{words_of(pair.kappa[weighting])}, n = {pair.n}") for pair in estimable],
        hovertemplate="%{y}<br>%{customdata}<extra></extra>",
    )


def _reach(report: AgreementReport, weighting: Weighting) -> list[float]:
    """Give the axis: 0 to 1, further down where an interval goes there."""
    lows = [pair.kappa[weighting].low for pair in report.pairs]
    return [min([0.0, *(low for low in lows if low is not None)]) - 0.02, 1.02]
