"""The confusion matrix of two readers; a click on a square lists its cases, and a case opens in the viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.agreement.pairwise import PairAgreement
from core.domain.reads import Item
from core.reporting import charts
from pages.parts import destinations
from pages.parts.agreement_choice import Chosen
from pages.parts.messages import plain

_MOST_LISTED = 30


def draw_confusion(chosen: Chosen, pair: PairAgreement) -> None:
    """Draw the matrix and the cases of the square that was clicked."""
    chart = charts.confusion_matrix(pair, chosen.ratings.scale.labels, chosen.ratings.model_reader)
    # another pair is another chart: a square that was chosen in one is not in the other
    key = f"agreement.confusion_{chosen.name}_{pair.reader_a}_{pair.reader_b}"
    event = st.altair_chart(chart, width="content", key=key, on_select="rerun", selection_mode=charts.CELL)
    square = _square(event, chosen.ratings.scale.labels)
    if square is None:
        st.caption("Click a square to list its cases.")
        return
    row, column = square
    cases = cases_of(chosen, pair, row, column)
    st.markdown(
        f"**{len(cases)}** read {plain(row)} by {plain(pair.reader_a)} and {plain(column)} by {plain(pair.reader_b)}"
    )
    for name, item in cases[:_MOST_LISTED]:
        destinations.draw_slide_link(item.slide_id, plain(name))
    if len(cases) > _MOST_LISTED:
        st.caption(f"{len(cases) - _MOST_LISTED} more are in the reads that Export gives.")


def cases_of(chosen: Chosen, pair: PairAgreement, row: str, column: str) -> list[tuple[str, Item]]:
    """Give the items that the first reader of a pair staged `row` and the second `column`, with their names."""
    ratings, labels = chosen.ratings, chosen.ratings.scale.labels
    first = ratings.column(pair.reader_a) == labels.index(row)
    second = ratings.column(pair.reader_b) == labels.index(column)
    names = [ratings.items[number] for number in np.flatnonzero(first & second)]
    return [(name, chosen.items[name]) for name in names]


def _square(event: Any, labels: tuple[str, ...]) -> tuple[str, str] | None:
    """Give the stages of the square that was clicked, if one was."""
    points = event.selection.get(charts.CELL, []) if event else []
    if not points:
        return None
    row, column = str(points[0].get("row")), str(points[0].get("column"))
    return (row, column) if row in labels and column in labels else None
