"""A document as a typeset PDF with vector figures and page numbers."""

from __future__ import annotations

import json
from pathlib import Path

import typst
import vl_convert

from core.reporting.document import Block, Document, FigureBlock, TableBlock

_TEMPLATE = Path(__file__).parent / "report.typ"
_FONT = "Libertinus Serif"


def as_pdf(document: Document) -> bytes:
    """Set a document in A4. Text reaches the typesetter as data, so that nothing in it is taken for markup."""
    content = {
        "title": document.title,
        "subtitle": document.subtitle,
        "facts": [list(fact) for fact in document.facts],
        "sections": [
            {"title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in document.sections
        ],
    }
    pdf = typst.compile(_TEMPLATE, sys_inputs={"document": json.dumps(content)})
    if not isinstance(pdf, bytes):
        raise TypeError("the typesetter gave no PDF")
    return pdf


def _block(block: Block) -> dict[str, object]:
    if isinstance(block, FigureBlock):
        spec = block.chart.to_dict()
        spec["config"]["font"] = _FONT
        svg = vl_convert.vegalite_to_svg(spec)
        return {"kind": "figure", "caption": block.caption, "svg": svg, "width": _width_px(svg)}
    if isinstance(block, TableBlock):
        rows = [[str(cell) for cell in row] for row in block.table.rows]
        return {"kind": "table", "caption": block.caption, "header": list(block.table.header), "rows": rows}
    return {"kind": "words", "paragraphs": list(block.paragraphs)}


def _width_px(svg: str) -> float:
    """Give the width that a figure was drawn in."""
    return float(svg.split('width="', 1)[1].split('"', 1)[0])
