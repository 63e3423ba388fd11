"""One topic of a report: a question, a word on how to read what follows, its tables and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import altair as alt

from core.reporting.tables import Table


class Place(Enum):
    """What a topic belongs to."""

    READERS = "readers"
    MODEL = "model"
    STRATA = "strata"
    COEFFICIENTS = "coefficients"
    MEASURES = "measures"


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A question with its tables and figures, each with its caption; `words` says how to read them."""

    title: str
    place: Place
    words: str
    tables: tuple[tuple[str, Table], ...]
    figures: tuple[tuple[str, alt.LayerChart], ...] = ()
