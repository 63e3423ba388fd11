"""The parts of our components for the browser: their own scripts and styles behind those that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SHARED = Path(__file__).parent / "shared_view"
_MODULES = ("words", "api", "outbox", "keyboard", "reads", "bars", "grade", "guide", "pinning")
_STYLES = ("shared", "guide")


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewSource:
    """What a component is registered with: whole texts, one for each language."""

    html: str
    css: str
    js: str


def view_source(folder: Path, modules: Sequence[str], styles: Sequence[str] = ("view",)) -> ViewSource:
    """Read a component's folder. Args: modules, styles: its files in order, without suffix; the last module exports."""
    shared = [_SHARED / f"{name}.js" for name in _MODULES]
    own = [folder / f"{name}.js" for name in modules]
    return ViewSource(
        html=_text(folder / "view.html"),
        css="\n".join(
            map(_text, [*(_SHARED / f"{name}.css" for name in _STYLES), *(folder / f"{name}.css" for name in styles)])
        ),
        js="\n".join(map(_text, [*shared, *own])),
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
