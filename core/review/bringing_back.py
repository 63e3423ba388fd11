"""Bringing back: a reader decides that a patch is fit to be read though the quality gate left it out."""

from __future__ import annotations

from collections.abc import Callable

from core.access.permissions import Permission, require
from core.domain.bringing_back import BackEvent, BackRequest
from core.domain.errors import BadRead, NothingToDo, NotPermitted
from core.domain.people import Reader
from core.domain.predictions import PatchPredictions, PatchState, RunId
from core.store.bringing_back import BringingBackStore


class BringingBack:
    """Records what readers bring back. Every decision is a new row, and the slide's call stays as it is."""

    def __init__(self, store: BringingBackStore, predictions: Callable[[RunId], PatchPredictions]) -> None:
        self._store, self._predictions = store, predictions

    def record(self, reader: Reader, request: BackRequest) -> BackEvent:
        """Store a decision and give it; the same event again gives what it was stored as.

        Raises: NotPermitted, BadRead for a patch that the gate did not leave out, NothingToDo when it is so.
        """
        require(reader, Permission.READ_SLIDES)
        with self._store.exclusively():
            known = self._store.by_event(request.event_id)
            if known is not None:
                return _own(known, reader, request)
            state = self._state(request)
            is_back = self.is_back(reader, request.run_id, request.patch_index)
            if is_back == request.is_back:
                raise NothingToDo(
                    f"Patch {request.patch_index} is {'back already' if is_back else 'left out already'}."
                )
            event = BackEvent(
                event_id=request.event_id,
                reader_id=reader.reader_id,
                run_id=request.run_id,
                patch_index=request.patch_index,
                is_back=request.is_back,
                state=state,
                reason=request.reason,
                decided_at=self._store.now(),
            )
            self._store.add(event)
        return event

    def is_back(self, reader: Reader, run_id: RunId, patch_index: int) -> bool:
        """Say whether this reader has brought a patch back."""
        return any(event.patch_index == patch_index for event in self.of_reader(reader, run_id))

    def of_reader(self, reader: Reader, run_id: RunId) -> tuple[BackEvent, ...]:
        """Give what this reader has brought back; what others did stays theirs, as their reads do."""
        return self._store.standing(run_id, reader.reader_id)

    def is_left_out(self, run_id: RunId, patch_index: int) -> bool:
        """Say whether the gate left a patch of a run out and no reader at all has brought it back."""
        predictions = self._predictions(run_id)
        if patch_index >= predictions.grid.n_patches or not PatchState(int(predictions.state[patch_index])).is_excluded:
            return False
        return all(event.patch_index != patch_index for event in self._store.standing(run_id))

    def _state(self, request: BackRequest) -> PatchState:
        predictions = self._predictions(request.run_id)
        if not 0 <= request.patch_index < predictions.grid.n_patches:
            raise BadRead(f"There is no patch {request.patch_index}. Reload the page.")
        state = PatchState(int(predictions.state[request.patch_index]))
        if not state.is_excluded:
            raise BadRead(f"Patch {request.patch_index} was not left out by the quality gate ({state.reason}).")
        return state


def _own(known: BackEvent, reader: Reader, request: BackRequest) -> BackEvent:
    if known.reader_id != reader.reader_id:
        raise NotPermitted("This event was already stored for another reader. Reload the page.")
    if (known.run_id, known.patch_index) != (request.run_id, request.patch_index):
        raise BadRead("This event was already stored for another patch. Reload the page.")
    return known
