"""Facts for the viewer as JSON: a run, its patches, the film strip, and the reads that this reader may see."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from core.domain.cautions import cautions_to_plain
from core.domain.people import ReaderId
from core.domain.predictions import InferenceMode, PatchState, SlideCall
from core.domain.quality import concerns_to_plain
from core.domain.reads import Disposition, Item, Read
from core.domain.stages import STAGES, Stage, collapse_probabilities
from core.inference.layers import RUNNER_UP, Legend, legends
from pages.routes.gate import NoSuchThing, number_in, plain_facts, run_id_in, slide_id_in
from pages.routes.runs_in_view import RunInView, RunsInView, reader_named, reads_in_sight

if TYPE_CHECKING:
    from core.workspace import Workspace

_LONGEST_STRIP = 500


class Facts:
    """Answers with JSON; `runs` keeps what it is read from."""

    def __init__(self, runs: RunsInView) -> None:
        self._runs = runs

    def run(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give a run: grid, model, call, legends, what was left out and why, how much this reader brought back."""
        viewing_id = run_id_in(request)
        opened = self._runs.open(workspace, reader_id, viewing_id)
        is_open = viewing_id == opened.run.run_id
        model = workspace.model(opened.run.model_id)
        run, grid = opened.run, opened.predictions.grid
        return plain_facts(
            {
                "run_id": viewing_id,
                "slide_id": run.slide_id if is_open else viewing_id,
                "model": {"name": model.display_name, "is_demo": model.is_demo},
                "grid": asdict(grid),
                "n_patches": run.n_patches,
                "n_excluded": run.n_excluded,
                "n_failed": run.n_failed,
                "call": None if run.call is None else call_facts(run.call),
                "legends": [{**asdict(legend), "kind": legend.kind.value} for legend in _legends(opened)],
                "saliency_scale": opened.painter.saliency_scale,
                "n_strip": opened.n_predicted,
                "left_out": _left_out(opened),
                "n_brought_back": len(workspace.bringing_back.of_reader(reader_named(reader_id), run.run_id)),
                "concerns": concerns_to_plain(run.concerns),
                "cautions": cautions_to_plain(workspace.versions.cautions(run.run_id), is_discreet=not is_open),
                "mode": run.mode.value,
                "second_pass": None if run.second_pass is None else run.second_pass.words(run.n_patches),
            }
        )

    def patch(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give all that is known of one patch, and the reads of it that this reader may see."""
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        index = int(request.path_params["index"])
        if index >= opened.predictions.grid.n_patches:
            raise NoSuchThing(f"no patch {index}")
        item = Item(slide_id=opened.slide.slide_id, patch_index=index, recipe_hash=opened.run.recipe_hash)
        reads = reads_in_sight(workspace, reader_id, opened.slide.slide_id)
        is_back = workspace.bringing_back.is_back(reader_named(reader_id), opened.run.run_id, index)
        return plain_facts({**_patch(opened, index), "is_back": is_back, **_reads_of(item, reads, reader_id)})

    def brought_back(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give what the model says of a patch that this reader brought back, asked of the worker."""
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        index = int(request.path_params["index"])
        probabilities = workspace.predict_patch(reader_named(reader_id), opened.run.run_id, index)
        order = np.argsort(probabilities)
        margin = float(probabilities[order[-1]] - probabilities[order[-2]])
        return plain_facts(
            {
                "index": index,
                "stage": STAGES[int(order[-1])].value,
                "runner_up": STAGES[int(order[-2])].value,
                "probabilities": [float(value) for value in probabilities],
                "uncertainty": 1.0 - margin,
            }
        )

    def strip(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give a stretch of the film strip, least certain first, each patch with this reader's read."""
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        offset = int(number_in(request, "offset", 0, 0, 1e9))
        limit = int(number_in(request, "limit", 100, 1, _LONGEST_STRIP))
        own = {
            read.item.patch_index: read
            for read in reads_in_sight(workspace, reader_id, opened.slide.slide_id)
            if read.reader_id == reader_id and read.item.recipe_hash == opened.run.recipe_hash
        }
        return plain_facts(
            {
                "n": int(opened.order.size),
                "n_read": sum(1 for read in own.values() if read.disposition is not Disposition.WITHDRAWN),
                "offset": offset,
                "patches": [
                    {
                        "index": int(index),
                        "stage": _called(opened, int(index)),
                        "uncertainty": round(float(opened.predictions.uncertainty[index]), 4),
                        "read": _read(own.get(int(index))),
                    }
                    for index in opened.order[offset : offset + limit]
                ],
            }
        )

    def slide_reads(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give this reader's read of the whole slide, and those of others that may be seen; none in a study."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        slide = workspace.slide(viewing.slide_id)
        if not viewing.is_open:
            return plain_facts({"read": None, "others": []})
        reads = reads_in_sight(workspace, reader_id, slide.slide_id)
        return plain_facts(_reads_of(Item(slide_id=slide.slide_id), reads, reader_id))


def _left_out(opened: RunInView) -> list[dict[str, object]]:
    """Count what the quality gate left out, by reason."""
    counts = np.bincount(opened.predictions.state, minlength=len(PatchState))
    states = [state for state in PatchState if state.is_excluded and counts[state]]
    return [{"words": state.reason, "n": int(counts[state])} for state in states]


def _legends(opened: RunInView) -> tuple[Legend, ...]:
    return legends(opened.painter.saliency_scale)


def call_facts(call: SlideCall) -> dict[str, object]:
    """Give a call as the viewer takes it."""
    return {
        **asdict(call),
        "stage": call.stage.value,
        "five_stages": collapse_probabilities(call.probabilities),
    }


def _called(opened: RunInView, index: int) -> str | None:
    stage = opened.predictions.called_stage(index)
    return None if stage is None else stage.value


def _patch(opened: RunInView, index: int) -> dict[str, object]:
    predictions, scale = opened.predictions, opened.painter.saliency_scale
    state = PatchState(int(predictions.state[index]))
    maxima = predictions.saliency[index].reshape(len(STAGES), -1).max(axis=1).astype(np.float64)
    return {
        "index": index,
        "box": asdict(predictions.grid.box(index)),
        "state": state.name.lower(),
        "state_words": state.reason,
        "is_left_out": state.is_excluded,
        "stage": _called(opened, index),
        "runner_up": _runner_up(opened, index),
        "probabilities": [float(value) for value in predictions.probabilities[index]],
        "uncertainty": float(predictions.uncertainty[index]),
        "tissue_fraction": _number(predictions.tissue_fraction[index]),
        "collagen_fraction": _number(predictions.collagen_fraction[index]),
        "strength": [float(value / scale) if scale > 0 else 0.0 for value in maxima],
        "saliency_on_collagen": _number(predictions.saliency_on_collagen[index, 0]),
        "collagen_by_chance": _number(predictions.saliency_on_collagen[index, 1]),
        "position": int(opened.position[index]),
        "pass": _pass(opened, index),
    }


def _runner_up(opened: RunInView, index: int) -> str | None:
    if not opened.predictions.is_predicted[index]:
        return None
    return STAGES[opened.painter.saliency_stage(RUNNER_UP, index)].value


def _pass(opened: RunInView, index: int) -> str | None:
    """Say which pass of a fast run made a patch's probabilities; None where there is but one."""
    if opened.run.mode is InferenceMode.EXACT or not opened.predictions.is_predicted[index]:
        return None
    return "computed exactly" if opened.predictions.is_exact[index] else "computed in fewer digits"


def _number(value: object) -> float | None:
    """Give a number, or None for one that is not known (NaN is no JSON)."""
    number = float(np.asarray(value))
    return number if np.isfinite(number) else None


def _reads_of(item: Item, reads: tuple[Read, ...], reader_id: ReaderId) -> dict[str, object]:
    of_item = [read for read in reads if read.item == item]
    own = next((read for read in of_item if read.reader_id == reader_id), None)
    others = [read for read in of_item if read.reader_id != reader_id and read.disposition is not Disposition.WITHDRAWN]
    return {"read": _read(own), "others": [{"reader": read.reader_id, **(_read(read) or {})} for read in others]}


def _read(read: Read | None) -> dict[str, object] | None:
    """Give a read; a withdrawn one only for the comment or confidence that it may carry."""
    if read is None:
        return None
    if read.disposition is Disposition.WITHDRAWN and read.comment is None and read.confidence is None:
        return None
    stage: Stage | None = read.stage
    return {
        "stage": None if stage is None else stage.value,
        "disposition": read.disposition.value,
        "confidence": read.confidence,
        "comment": read.comment,
    }
