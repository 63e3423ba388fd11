"""Runs: what the model found on a slide, and where from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from core.domain.predictions import InferenceMode, Run, RunId, SecondPass, SlideCall
from core.domain.quality import concerns_from_json, concerns_to_json
from core.domain.registry import ModelId
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class RunStore:
    """The finished runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs = Kept(database, self._query_runs)

    def add_run(self, run: Run, actor: str = "worker") -> None:
        """Store a finished run; one that is stored already stays as it is."""
        deed = Deed(actor=actor, action="run finished", subject=run.run_id, details=(("slide_id", run.slide_id),))
        with self._database.transaction() as cursor:
            if cursor.execute("SELECT 1 FROM run WHERE run_id = $id", {"id": run.run_id}).fetchone():
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                entry.insert("run", _INSERT_RUN, _run_row(run))

    def run_by_id(self, run_id: RunId) -> Run | None:
        """Give a finished run, or None."""
        return self._runs.get().get(run_id)

    def runs(self) -> tuple[Run, ...]:
        """Give every run in the order of finishing."""
        return tuple(self._runs.get().values())

    def runs_of_slide(self, slide_id: SlideId) -> tuple[Run, ...]:
        """Give the runs of a slide in the order of finishing."""
        return tuple(run for run in self.runs() if run.slide_id == slide_id)

    def finished_run(self, slide_id: SlideId, model_id: ModelId) -> Run | None:
        """Give the last run of this model on this slide, or None."""
        return next((run for run in reversed(self.runs_of_slide(slide_id)) if run.model_id == model_id), None)

    def _query_runs(self) -> dict[RunId, Run]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_RUNS).fetchall()
        return {RunId(row[0]): _run(row) for row in rows}


def _run_row(run: Run) -> dict[str, Value]:
    return {
        "run_id": run.run_id,
        "slide_id": run.slide_id,
        "model_id": run.model_id,
        "recipe_hash": run.recipe_hash,
        "call_json": _call_json(run.call) if run.call else None,
        "n_patches": run.n_patches,
        "n_excluded": run.n_excluded,
        "n_failed": run.n_failed,
        "seconds": run.seconds,
        "device": run.device,
        "code_version": run.code_version,
        "finished_at": to_column(run.finished_at),
        "content_sha256": run.content_sha256,
        "mode": run.mode.value,
        "concerns_json": concerns_to_json(run.concerns),
        "quality_version": run.quality_version,
        "second_pass_json": None if run.second_pass is None else json.dumps(asdict(run.second_pass), sort_keys=True),
    }


def _run(row: tuple[Any, ...]) -> Run:
    return Run(
        run_id=RunId(row[0]),
        slide_id=SlideId(row[1]),
        model_id=ModelId(row[2]),
        recipe_hash=row[3],
        call=None if row[4] is None else _call(row[4]),
        n_patches=row[5],
        n_excluded=row[6],
        n_failed=row[7],
        seconds=row[8],
        device=row[9],
        code_version=row[10],
        finished_at=from_column(row[11]),
        content_sha256=row[12],
        mode=InferenceMode(row[13] or InferenceMode.EXACT.value),
        concerns=concerns_from_json(row[14]),
        quality_version=row[15] or "",
        second_pass=None if row[16] is None else SecondPass(**json.loads(row[16])),
    )


def _call_json(call: SlideCall) -> str:
    return json.dumps({**asdict(call), "stage": call.stage.value}, sort_keys=True)


def _call(stored: str) -> SlideCall:
    plain = json.loads(stored)
    return SlideCall(
        **{**plain, "stage": Stage(plain["stage"]), "probabilities": tuple(plain["probabilities"])},
    )


_INSERT_RUN = """
    INSERT INTO run (
        sequence, run_id, slide_id, model_id, recipe_hash, call_json, n_patches, n_excluded, n_failed, seconds,
        device, code_version, finished_at, content_sha256, mode, concerns_json, quality_version,
        second_pass_json
    ) VALUES (
        $sequence, $run_id, $slide_id, $model_id, $recipe_hash, $call_json, $n_patches, $n_excluded, $n_failed,
        $seconds, $device, $code_version, $finished_at, $content_sha256, $mode, $concerns_json, $quality_version,
        $second_pass_json
    )
"""
_SELECT_RUNS = """
    SELECT
        run_id, slide_id, model_id, recipe_hash, call_json, n_patches, n_excluded, n_failed, seconds, device,
        code_version, finished_at, content_sha256, mode, concerns_json, quality_version, second_pass_json
    FROM run ORDER BY sequence
"""
