"""From the viewer's entries about the guide to stored pins: what the browser sent is checked field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.domain.errors import BadGuide
from core.domain.people import Reader
from core.domain.predictions import RunId
from pages.parts.event_fields import Entry, id_in, stage_in, undone_in, whole_in

if TYPE_CHECKING:
    from core.workspace import Workspace

GUIDE = "guide"


def record_guide_entry(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    """Record one entry. Raises: BadRead, BadGuide and whatever core refuses it for."""
    _RECORDS[str(entry["action"])](workspace, reader, entry)


def _pin(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    run_id, index, stage = RunId(id_in(entry, "run")), whole_in(entry.get("index")), stage_in(entry.get("stage"))
    run = workspace.runs.run_by_id(run_id)
    if run is None or workspace.sight.is_hidden(reader.reader_id, run.slide_id):
        raise BadGuide("There is no such patch to pin. Examples come from slides outside of your studies.")
    grid = workspace.predictions(run_id).grid
    if index is None or stage is None or not 0 <= index < grid.n_patches:
        raise BadGuide("An example is a patch of the grid and the stage it shows. Reload the page.")
    workspace.guide.pin(reader, run.slide_id, grid.box(index), stage, str(entry["eid"]))


def _unpin(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    workspace.guide.unpin(reader, undone_in(entry) or "", str(entry["eid"]))


_RECORDS: dict[str, Callable[[Workspace, Reader, Entry], None]] = {"guide-pin": _pin, "guide-unpin": _unpin}
GUIDE_ACTIONS = frozenset(_RECORDS)
