"""The parts of our components for the browser: their own scripts and styles behind those that all of them share.

Streamlit sends what a component is registered with on each run of a page again. So the scripts lie at an address of
ours, by their content, and what is registered only fetches them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT_ADDRESS = "/assets/views/{digest}.js"

_SHARED = Path(__file__).parent / "shared_view"
_MODULES = ("words", "api", "outbox", "keyboard", "reads", "bars", "grade", "guide", "pinning")
_STYLES = ("shared", "guide")

_scripts: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewSource:
    """What a component is registered with: texts, one for each language."""

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
        js=_fetching("\n".join(map(_text, [*shared, *own]))),
    )


def script_of(digest: str) -> str | None:
    """Give the scripts of a component by the SHA-256 of their text; None: no component of this process has them."""
    return _scripts.get(digest)


def _fetching(script: str) -> str:
    """Keep a script, and give one that fetches it. It is run from a blob, against which no address can be resolved."""
    digest = hashlib.sha256(script.encode()).hexdigest()
    _scripts[digest] = script
    address = SCRIPT_ADDRESS.format(digest=digest)
    return (
        f'const view = await import(new URL("{address}", window.location.origin).href);\n'
        "export default view.default;\n"  # on a line of its own: Streamlit takes one line for the name of a file
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
