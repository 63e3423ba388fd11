"""A document as a typeset PDF with vector figures and page numbers."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import wrap

import typst
import vl_convert

from core.reporting.document import Block, Document, FigureBlock, FigureRow, Section, TableBlock

_TEMPLATE = Path(__file__).parent / "report.typ"
_FONT = "Libertinus Serif"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_MANY_COLUMNS, _SHORT = 6, 12
_NAME, _NUMBER = 44, 18
"""Letters of the longest cells that are kept on one line: a name of two readers, a number with its interval."""
_WIDEST_LETTER_PT, _CELL_MARGIN_PT, _PAGE_PT = 3.4, 6.0, 481.0


def as_pdf(document: Document) -> bytes:
    """Set a document in A4. Text reaches the typesetter as data, so that nothing in it is taken for markup."""
    content = {
        "title": document.title,
        "subtitle": document.subtitle,
        "facts": [list(fact) for fact in document.facts],
        "sections": [
            {"title": section.title, "blocks": [_placed(section, place) for place in range(len(section.blocks))]}
            for section in document.sections
        ],
    }
    pdf = typst.compile(_TEMPLATE, sys_inputs={"document": json.dumps(content)})
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no PDF")
    return pdf


def _placed(section: Section, place: int) -> dict[str, object]:
    """Give a block; words stick to what follows them in their section."""
    return {**_block(section.blocks[place]), "sticky": place + 1 < len(section.blocks)}


def _block(block: Block) -> dict[str, object]:
    if isinstance(block, FigureBlock):
        spec = block.chart.to_dict()
        spec["config"]["font"] = _FONT
        svg = vl_convert.vegalite_to_svg(spec)
        return {"kind": "figure", "caption": block.caption, "svg": svg, "width": _width_px(svg)}
    if isinstance(block, FigureRow):
        return {"kind": "row", "figures": [_block(one) for one in block.figures]}
    if isinstance(block, TableBlock):
        rows = _unbroken([[str(cell) for cell in row] for row in block.table.rows])
        return {"kind": "table", "caption": block.caption, "header": _headed(block.table.header), "rows": rows}
    return {"kind": "words", "paragraphs": list(block.paragraphs)}


def _headed(names: tuple[str, ...]) -> list[str]:
    """Break the names of many columns into short lines, so that their cells set the widths."""
    return ["\n".join(wrap(name, _SHORT)) for name in names] if len(names) > _MANY_COLUMNS else list(names)


def _unbroken(rows: list[list[str]]) -> list[list[str]]:
    """Keep short cells on one line, and names too where the whole table then still fits the page."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    kept = sum(widths) * _WIDEST_LETTER_PT + len(widths) * _CELL_MARGIN_PT <= _PAGE_PT
    return [
        [cell.replace(" ", _NO_BREAK) if len(cell) <= (_NAME if kept else _NUMBER) else cell for cell in row]
        for row in rows
    ]


def _width_px(svg: str) -> float:
    """Give the width that a figure was drawn in."""
    return float(svg.split('width="', 1)[1].split('"', 1)[0])
