from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.retraining.export import write_training_set
from core.retraining.selection import ExportRequest
from core.store import audit
from core.store.connection import Database
from core.store.exports import TrainingSetStore
from tests.core.retraining.training_material import make_sources


def test_a_written_set_is_given_back_as_it_was_and_audited(tmp_path: Path) -> None:
    written = write_training_set(ExportRequest(), make_sources(), tmp_path / "set")
    with Database.in_memory() as database:
        store = TrainingSetStore(database)
        store.add(written)
        assert store.training_sets() == (written,)
        (entry,) = audit.entries(database)
    assert (entry.actor, entry.action, entry.subject) == ("lena", "training set written", written.content_sha256)


def test_the_same_content_in_two_folders_is_two_sets(tmp_path: Path) -> None:
    written = write_training_set(ExportRequest(), make_sources(), tmp_path / "set")
    with Database.in_memory() as database:
        store = TrainingSetStore(database)
        store.add(written)
        store.add(replace(written, path=tmp_path / "copy"))
        assert [one.path.name for one in store.training_sets()] == ["set", "copy"]


def test_a_set_in_the_data_folder_moves_with_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    written = write_training_set(ExportRequest(), make_sources(), home / "exports" / "set")
    with Database(home / "fibroread.duckdb") as database:
        TrainingSetStore(database).add(written)
    home.rename(tmp_path / "moved")
    with Database(tmp_path / "moved" / "fibroread.duckdb") as database:
        (found,) = TrainingSetStore(database).training_sets()
    assert found.path == tmp_path / "moved" / "exports" / "set"
