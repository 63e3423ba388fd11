"""Accepting in bulk: the calls of all patches in regions or in a drawn box, counted first, taken back as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.access.permissions import Permission, require
from core.domain.errors import BadRegion, NothingToDo
from core.domain.events import in_bulk
from core.domain.people import Reader
from core.domain.predictions import PatchPredictions, PatchState, Run, RunId
from core.domain.reads import Disposition, Item, Read, ReadRequest, Sight
from core.domain.regions import RegionEvent, RegionId, Shape
from core.domain.stages import STAGES
from core.review.reading import Reading
from core.review.regions import Regions
from core.review.shapes import holds

_LEFT_OUT = [state for state in PatchState if state.is_excluded]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which patches are meant: those whose centre lies in one of these regions, or in a shape that is not kept."""

    run_id: RunId
    region_ids: tuple[RegionId, ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """What accepting would do: the patches it reads, and how many it leaves and why."""

    patches: tuple[int, ...]
    n_read: int  # with a read of the reader's own
    n_left_out: int  # by the quality gate
    n_excluded: int  # in a region that the reader excluded


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptRequest:
    """What a reader asks: accept the calls in a scope, `n_counted` of them as they were told. One bulk, one event id.

    `sight` is what was on the screen; the call of each patch is put into its own.
    """

    event_id: str
    scope: Scope
    n_counted: int
    sight: Sight


class Accepting:
    """Counts and accepts. Patches that the reader has read, that the gate left out or that lie in an exclusion stay."""

    def __init__(
        self,
        reading: Reading,
        regions: Regions,
        *,
        run: Callable[[RunId], Run],
        predictions: Callable[[RunId], PatchPredictions],
    ) -> None:
        self._reading, self._regions, self._run, self._predictions = reading, regions, run, predictions

    def count(self, reader: Reader, scope: Scope) -> Acceptance:
        """Give what accepting in this scope would do now. Raises: NotPermitted, BadRegion, NothingToDo."""
        require(reader, Permission.READ_SLIDES)
        run, predictions = self._run_for(reader, scope.run_id), self._predictions(scope.run_id)
        events = self._regions.visible(reader, run.slide_id)
        in_scope = _centres_in(predictions, _shapes(scope, events))
        is_excluded = _centres_in(predictions, _own_exclusions(events, reader))
        is_read = np.zeros_like(in_scope)
        is_read[[index for index in self._own_reads(reader, run) if index < is_read.size]] = True
        is_called = in_scope & predictions.is_predicted
        is_left_out = in_scope & np.isin(predictions.state, _LEFT_OUT)
        return Acceptance(
            patches=tuple(np.flatnonzero(is_called & ~is_read & ~is_excluded).tolist()),
            n_read=int((is_called & is_read).sum()),
            n_left_out=int(is_left_out.sum()),
            n_excluded=int((is_called & ~is_read & is_excluded).sum()),
        )

    def accept(self, reader: Reader, request: AcceptRequest) -> tuple[Read, ...]:
        """Accept the call of each patch in the scope as one bulk, all or none; the same event again gives its reads.

        Raises: NothingToDo when nothing is left to accept, or when it is not as many as the reader was told.
        """
        require(reader, Permission.READ_SLIDES)
        known = self._reading.bulk(reader, request.event_id)
        if known:
            return known
        run, predictions = self._run_for(reader, request.scope.run_id), self._predictions(request.scope.run_id)
        patches = self.count(reader, request.scope).patches
        if len(patches) != request.n_counted:
            raise NothingToDo(
                f"{request.n_counted} patches were counted, and now it is {len(patches)}: nothing was accepted. "
                "Count again."
            )
        sight = replace(request.sight, model_run=run.run_id)
        calls = predictions.probabilities[list(patches)].argmax(axis=1)
        requests = [
            ReadRequest(
                event_id=in_bulk(request.event_id, place),
                item=Item(slide_id=run.slide_id, patch_index=index, recipe_hash=run.recipe_hash),
                sight=replace(sight, call=STAGES[int(call)]),
                disposition=Disposition.ACCEPTED,
            )
            for place, (index, call) in enumerate(zip(patches, calls, strict=True))
        ]
        return self._reading.record_all(reader, requests, (("scope", _words(request.scope)),))

    def _run_for(self, reader: Reader, run_id: RunId) -> Run:
        """Give a run. Raises: NothingToDo for an unknown one and for one of a slide that a study hides."""
        run = self._run(run_id)
        if self._regions.is_hidden(reader, run.slide_id):
            raise NothingToDo(f"There is no finished run {run_id}.")
        return run

    def _own_reads(self, reader: Reader, run: Run) -> set[int]:
        return {
            read.item.patch_index
            for read in self._reading.standing(reader.reader_id, run.slide_id).values()
            if read.item.recipe_hash == run.recipe_hash
            and read.item.patch_index is not None
            and read.disposition is not Disposition.WITHDRAWN
        }


def _shapes(scope: Scope, events: tuple[RegionEvent, ...]) -> tuple[Shape, ...]:
    known = {event.region.region_id: event.region.shape for event in events}
    if not set(scope.region_ids) <= set(known):
        raise BadRegion("The region is not there any more. Reload the page.")
    shapes = tuple(known[region_id] for region_id in scope.region_ids)
    return shapes if scope.shape is None else (*shapes, scope.shape)


def _own_exclusions(events: tuple[RegionEvent, ...], reader: Reader) -> tuple[Shape, ...]:
    return tuple(
        event.region.shape
        for event in events
        if event.region.mark.is_excluded and event.region.reader_id == reader.reader_id
    )


def _centres_in(predictions: PatchPredictions, shapes: tuple[Shape, ...]) -> npt.NDArray[np.bool_]:
    """Say of each place on the grid whether the centre of its patch lies in one of the shapes."""
    columns, rows = predictions.grid.centres_px()
    x_px, y_px = np.meshgrid(np.array(columns), np.array(rows))
    return holds(shapes, x_px.ravel(), y_px.ravel())


def _words(scope: Scope) -> str:
    """Name the scope for the audit: the regions, or the corners of the shape."""
    if scope.shape is None:
        return "regions " + " ".join(scope.region_ids)
    return f"shape {json.dumps(scope.shape.parts, separators=(',', ':'))}"
