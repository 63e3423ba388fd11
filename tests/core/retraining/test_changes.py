from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.domain.errors import NothingToDo
from core.domain.stages import Stage
from core.retraining.changes import open_parent
from core.retraining.export import ExportSources, write_training_set
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import ReadMaker, make_sources, with_reads

REQUEST = ExportRequest()


def changed(sources: ExportSources) -> ExportSources:
    """Add a read, take the reads of one patch away and stage another otherwise."""
    first, second = sources.reads[0], sources.reads[1]
    kept = replace(sources, reads=sources.reads[1:])
    return with_reads(
        kept,
        ReadMaker(sequence=900).read(sources.slides[0], 77, Stage.S4),
        ReadMaker(sequence=901).read(sources.slides[0], second.item.patch_index, Stage.S4, first.reader_id),
    )


def test_a_new_set_says_what_was_added_removed_and_relabelled(tmp_path: Path) -> None:
    sources = make_sources()
    first = write_training_set(REQUEST, sources, tmp_path / "first")
    later = replace(changed(sources), parent=open_parent(first.path))
    second = write_training_set(REQUEST, later, tmp_path / "second")
    said = json.loads((second.path / "changes.json").read_text())
    slide_id = sources.slides[0].slide_id
    assert second.parent_sha256 == said["parent_content_sha256"] == first.content_sha256
    assert [one.split(" at ")[0] for one in said["added"]] == [f"{slide_id}/77"]
    assert [one.split(" at ")[0] for one in said["removed"]] == [f"{slide_id}/0"]
    assert [(one["from"], one["to"]) for one in said["relabelled"]] == [("1a", "4")]
    assert dict(second.changes)["added"] == said["counts"]["added"] == 1
    card = json.loads((second.path / "card.json").read_text())
    assert card["changes_since_parent"]["counts"] == dict(second.changes)


def test_moved_patches_are_those_whose_side_differs(tmp_path: Path) -> None:
    first = write_training_set(REQUEST, make_sources(), tmp_path / "first")
    sources = replace(make_sources(), parent=open_parent(first.path))
    second = write_training_set(ExportRequest(seed=5), sources, tmp_path / "second")
    before, after = (
        pd.read_parquet(one.path / "manifest.parquet").set_index("file")["split"] for one in (first, second)
    )
    n_moved = int((before != after.reindex(before.index)).sum())
    said = json.loads((second.path / "changes.json").read_text())
    assert n_moved > 0
    assert len(said["moved"]) == said["counts"]["moved between sides"] == n_moved
    assert sum(said["moved_from_to"].values()) == n_moved


def test_the_same_set_again_says_that_nothing_changed(tmp_path: Path) -> None:
    first = write_training_set(REQUEST, make_sources(), tmp_path / "first")
    second = write_training_set(REQUEST, replace(make_sources(), parent=open_parent(first.path)), tmp_path / "second")
    assert second.content_sha256 == first.content_sha256
    assert not any(number for _, number in second.changes)


def test_a_set_without_a_parent_says_so(tmp_path: Path) -> None:
    written = write_training_set(REQUEST, make_sources(), tmp_path / "set")
    assert json.loads((written.path / "changes.json").read_text()) == {"parent_content_sha256": None}
    assert (written.parent_sha256, written.changes) == (None, ())


def test_a_parent_that_is_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="no training set"):
        open_parent(tmp_path)
