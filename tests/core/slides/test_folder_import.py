"""A folder is registered beside the page: one at a time, stoppable, with an outcome for every file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.domain.errors import BadTable, NothingToDo, TryAgain
from core.domain.slides import RegistrationOutcome, RegistrationStatus
from core.slides.folder_import import FolderImports, ImportWish, UploadedTable


class Scripted:
    """A catalogue of three files that all are refused; it waits before the second until it is let go."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.has_begun = threading.Event()
        self.table: tuple[str, bytes] | None = None

    def register_folder(
        self,
        folder: Path,
        *,
        metadata: Path | None,
        mpp: float | None,
        actor: str,
        progress: Callable[[int, int, str], None] | None,
    ) -> Iterator[RegistrationOutcome]:
        if metadata is not None:
            self.table = (metadata.name, metadata.read_bytes())
        for number in range(3):
            if progress is not None:
                progress(number, 3, f"{number}.svs")
            if number == 1:
                self.has_begun.set()
                assert self.may_go_on.wait(20)
            yield RegistrationOutcome(
                path=folder / f"{number}.svs", status=RegistrationStatus.REFUSED, reason="scripted", slide=None
            )


def test_progress_names_the_file_at_hand_and_ends_with_every_outcome(tmp_path: Path) -> None:
    catalogue = Scripted()
    imports = FolderImports(catalogue)
    imports.begin(ImportWish(folder=tmp_path, actor="anna"))
    assert catalogue.has_begun.wait(20)
    progress = imports.progress()
    assert progress is not None and progress.is_running
    assert (progress.n_done, progress.n_total, progress.file_name) == (1, 3, "1.svs")
    catalogue.may_go_on.set()
    assert imports.wait(20)
    ended = imports.progress()
    assert ended is not None and not ended.is_running and ended.problem is None
    assert ended.count(RegistrationStatus.REFUSED) == 3


def test_a_second_import_waits_for_the_first(tmp_path: Path) -> None:
    catalogue = Scripted()
    imports = FolderImports(catalogue)
    imports.begin(ImportWish(folder=tmp_path, actor="anna"))
    assert catalogue.has_begun.wait(20)
    with pytest.raises(TryAgain):
        imports.begin(ImportWish(folder=tmp_path, actor="ben"))
    catalogue.may_go_on.set()
    assert imports.wait(20)
    imports.begin(ImportWish(folder=tmp_path, actor="ben"))
    assert imports.wait(20)


def test_cancel_stops_after_the_file_at_hand_and_keeps_its_outcome(tmp_path: Path) -> None:
    catalogue = Scripted()
    imports = FolderImports(catalogue)
    imports.begin(ImportWish(folder=tmp_path, actor="anna"))
    assert catalogue.has_begun.wait(20)
    imports.cancel()
    catalogue.may_go_on.set()
    assert imports.wait(20)
    progress = imports.progress()
    assert progress is not None and len(progress.outcomes) == 2
    assert progress.problem is not None and progress.problem.startswith("Cancelled")


def test_an_uploaded_table_reaches_the_catalogue_under_its_bare_name(tmp_path: Path) -> None:
    catalogue = Scripted()
    catalogue.may_go_on.set()
    imports = FolderImports(catalogue)
    table = UploadedTable(name="../../slides.csv", content=b"file,subject\n")
    imports.begin(ImportWish(folder=tmp_path, metadata=table, actor="anna"))
    assert imports.wait(20)
    assert catalogue.table == ("slides.csv", b"file,subject\n")


def test_a_table_that_does_not_fit_is_the_problem_told(tmp_path: Path) -> None:
    class Refusing(Scripted):
        def register_folder(self, folder: Path, **_: object) -> Iterator[RegistrationOutcome]:
            raise BadTable("slides.csv", "two rows for one slide", line=3)

    imports = FolderImports(Refusing())
    imports.begin(ImportWish(folder=tmp_path, actor="anna"))
    assert imports.wait(20)
    progress = imports.progress()
    assert progress is not None and progress.problem == "slides.csv, line 3: two rows for one slide"


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="There is no folder"):
        FolderImports(Scripted()).begin(ImportWish(folder=tmp_path / "nowhere", actor="anna"))
