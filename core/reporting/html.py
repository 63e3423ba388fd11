"""A document as one HTML file that carries everything it needs and asks nothing of the network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from core.reporting.document import Document, FigureBlock, FigureRow, TableBlock, Words

_HERE = Path(__file__).parent


def as_html(document: Document) -> str:
    """Write a document as HTML; its figures tell their numbers under the pointer, its tables sort by a click."""
    template = _environment().get_template("report.html.j2")
    kinds = {Words: "words", TableBlock: "table", FigureBlock: "figure", FigureRow: "row"}
    return template.render(document=document, kind=lambda block: kinds[type(block)], spec=_spec, script=_javascript())


def _spec(block: FigureBlock) -> Markup:
    """Give a figure as JSON in HTML."""
    return htmlsafe_json_dumps(block.chart.to_dict())


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _javascript() -> Markup:
    """Give the library that draws the figures, about 0.9 MB; it is no text of anyone's."""
    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))  # noqa: S704
