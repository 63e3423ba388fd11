"""The annotation guide for the panel beside the slide: its words as plain parts, its examples by their own ids.

An example is named by an id of its own, never by its slide, and comes only to who may see that slide: core decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from starlette.requests import Request
from starlette.responses import Response

from core.domain.guide import GuideVersion
from core.domain.people import ReaderId
from pages.routes.gate import NoSuchThing, kept_nowhere, plain_facts

if TYPE_CHECKING:
    from core.workspace import Workspace

_SIDE_PX = 448
_PIN_ID = re.compile(r"[0-9a-f]{32}")
_MARKDOWN = MarkdownIt("zero").enable(["emphasis", "heading", "list", "newline"])
_TAGS = {
    "paragraph": "p",
    "heading": "h4",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "strong": "strong",
    "em": "em",
}
_BREAKS = {"softbreak": " ", "hardbreak": "\n"}

Part = str | dict[str, object]


def guide(workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
    """Give the current version, with the examples that this reader may see; `version` None before the first."""
    del request
    version = workspace.guide.current()
    return plain_facts({"version": None if version is None else _plain(workspace, reader_id, version)})


def example(workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
    """Give the picture of an example as JPEG. No cache keeps it: its slide may be hidden from this reader later."""
    pin_id = str(request.path_params["pin_id"])
    if not _PIN_ID.fullmatch(pin_id):
        raise NoSuchThing("no such id")
    pin = workspace.guide.pin_by_id(pin_id, reader_id)
    return kept_nowhere(workspace.tiles.patch(workspace.slide(pin.slide_id), pin.box, _SIDE_PX), "image/jpeg")


def parts_of(text: str) -> list[Part]:
    """Give a person's Markdown as parts: text, or a tag with parts of its own. Emphasis, lists and headings alone."""
    return list(_parts(SyntaxTreeNode(_MARKDOWN.parse(text))))


def _parts(node: SyntaxTreeNode) -> Iterator[Part]:
    for child in node.children:
        if child.type == "text":
            yield child.content
        elif child.type in _BREAKS:
            yield _BREAKS[child.type]
        elif child.type in _TAGS and not child.hidden:
            yield {"tag": _TAGS[child.type], "parts": list(_parts(child))}
        else:
            yield from _parts(child)


def _plain(workspace: Workspace, reader_id: ReaderId, version: GuideVersion) -> dict[str, object]:
    pins = workspace.guide.pins_of(version, reader_id)
    return {
        "number": version.number,
        "made_on": f"{version.made_at:%Y-%m-%d}",
        "preface": parts_of(version.preface),
        "stages": [
            {
                "stage": words.stage.value,
                "description": words.stage.description,
                "wording": parts_of(words.wording),
                "look_alikes": parts_of(words.look_alikes),
                "examples": [{"id": pin.pin_id, "caption": pin.caption} for pin in pins if pin.stage is words.stage],
            }
            for words in version.stages
        ],
    }
