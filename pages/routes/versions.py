"""Two versions of a model on one slide: what each calls it, which patches differ, and that difference as tiles.

Addresses name runs, never an entry of a study: nothing is compared where a slide is read in one.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from core.domain.cautions import cautions_to_plain
from core.domain.jobs import JobStatus
from core.domain.people import ReaderId
from core.inference.layers import LAYER_VERSION, stage_entries
from core.inference.version_difference import Change, VersionDifference, difference_entries
from core.inference.versions import OTHER_GRID, ComparedVersions, Version
from pages.routes.facts import call_facts
from pages.routes.gate import NoSuchThing, kept_for_good, plain_facts, run_id_in, slide_id_in
from pages.routes.pictures import layer_cut, place_in, png_of
from pages.routes.runs_in_view import reader_named

if TYPE_CHECKING:
    from core.workspace import Workspace

_NAMES = ("A", "B")
_MOST_CHANGED = 200


class VersionFacts:
    """Answers for the versions of a slide, and for pairs of them."""

    def versions(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give every model beside a slide, with its run or how far that is; none where a study shows the slide."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        found: tuple[Version, ...] = ()
        if viewing.is_open:
            found = workspace.versions.of_slide(reader_named(reader_id), workspace.slide(viewing.slide_id))
        return plain_facts({"versions": [_listed(one) for one in found]})

    def compared(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give both calls, how many patches differ, and the table of their stages; why there is none, in words."""
        found = _compared(workspace, reader_id, request)
        painter = found.painter
        return plain_facts(
            {
                "versions": [_version(workspace, one, name) for one, name in _named(found)],
                "patches": None if painter is None else _patches(painter.difference),
                "why_no_patches": OTHER_GRID if painter is None else None,
                "stage_legend": [asdict(entry) for entry in stage_entries()],
                "legend": [asdict(entry) for entry in difference_entries(*_NAMES)],
            }
        )

    def difference(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give one tile of where two versions differ as PNG."""
        (tile_px, n_shards), place = layer_cut(request), place_in(request)
        painter = _compared(workspace, reader_id, request).painter
        if painter is None or n_shards is not None:
            raise NoSuchThing(OTHER_GRID if painter is None else "only finished runs are compared")
        painter = painter.in_tiles_of(tile_px)
        pair = f"{run_id_in(request)}-{run_id_in(request, 'other_run_id')}"
        etag = f"{pair}-difference-{LAYER_VERSION}-{tile_px}-{place[0]}-{place[1]}-{place[2]}"
        return kept_for_good(request, etag, "image/png", lambda: png_of(painter.tile(*place)))


def _compared(workspace: Workspace, reader_id: ReaderId, request: Request) -> ComparedVersions:
    pair = run_id_in(request), run_id_in(request, "other_run_id")
    return workspace.versions.compare(reader_named(reader_id), *pair)


def _named(found: ComparedVersions) -> zip[tuple[Version, str]]:
    return zip((found.first, found.second), _NAMES, strict=True)


def _listed(version: Version) -> dict[str, object]:
    run, job = version.run, version.job
    is_under_way = job is not None and job.is_under_way
    return {
        "model_id": version.model.model_id,
        "name": version.model.display_name,
        "status": version.status.value,
        "run_id": None if run is None else run.run_id,
        "call": None if run is None or run.call is None else run.call.stage.value,
        "is_under_way": is_under_way,
        "is_queued": job is not None and job.status is JobStatus.QUEUED,
        "n_done": job.n_done if job is not None and is_under_way else 0,
        "n_total": job.n_total if job is not None and is_under_way else 0,
        "reason": None if job is None or run is not None or is_under_way else job.reason,
    }


def _version(workspace: Workspace, version: Version, name: str) -> dict[str, object]:
    run = version.run
    if run is None:
        raise NoSuchThing("a version without a run")
    return {
        "name": name,
        "run_id": run.run_id,
        "model": {"name": version.model.display_name, "is_demo": version.model.is_demo},
        "status": version.status.value,
        "mode": run.mode.value,
        "call": None if run.call is None else call_facts(run.call),
        "n_patches": run.n_patches,
        "cautions": cautions_to_plain(workspace.versions.cautions(run.run_id)),
    }


def _patches(difference: VersionDifference) -> dict[str, object]:
    n_differ, n_same = difference.count(Change.STAGE, Change.SUBTYPE), difference.count(Change.SAME)
    return {
        "n_both": n_differ + n_same,
        "n_differ": n_differ,
        "n_subtype": difference.count(Change.SUBTYPE),
        "n_only_first": difference.count(Change.ONLY_FIRST),
        "n_only_second": difference.count(Change.ONLY_SECOND),
        "table": difference.table.tolist(),
        "grid": asdict(difference.grid),
        "most_changed": difference.most_changed(_MOST_CHANGED),
    }
