"""Which layers a reader had on, and how strong: kept as a preference, checked on the way in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.people import Reader
from core.inference.layers import LayerKind

if TYPE_CHECKING:
    from core.workspace import Workspace

_NAME = "review.layers"
_LONGEST_CHOICE = 12


def kept_layers(workspace: Workspace, reader: Reader) -> dict[str, object]:
    """Give the layers as this reader left them; empty for a first visit."""
    text = workspace.preferences.get(reader.reader_id, _NAME)
    try:
        return checked_layers(json.loads(text)) if text else {}
    except ValueError:
        return {}


def keep_layers(workspace: Workspace, reader: Reader, sent: object) -> None:
    """Remember the layers that the viewer sent."""
    layers = checked_layers(sent)
    if layers:
        workspace.preferences.put(reader.reader_id, _NAME, json.dumps(layers, sort_keys=True))


def checked_layers(sent: object) -> dict[str, object]:
    """Give what is well formed of the viewer's layer settings."""
    if not isinstance(sent, Mapping):
        return {}
    kinds = {kind.value for kind in LayerKind}
    return {str(kind): _setting(value) for kind, value in sent.items() if kind in kinds and isinstance(value, Mapping)}


def _setting(value: Mapping[str, object]) -> dict[str, object]:
    opacity, choice = value.get("opacity"), value.get("choice")
    is_number = isinstance(opacity, int | float) and not isinstance(opacity, bool)
    return {
        "on": value.get("on") is True,
        "opacity": min(1.0, max(0.0, float(str(opacity)))) if is_number else 0.6,
        "choice": choice[:_LONGEST_CHOICE] if isinstance(choice, str) else None,
    }
