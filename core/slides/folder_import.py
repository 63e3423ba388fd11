"""The registration of a folder beside the page that asked for it: one at a time, with progress, cancel, outcomes.

Slides and refusals are stored file by file by the catalogue, so a restart loses none; the folder named again goes on.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.domain.errors import Cancelled, NothingToDo, TryAgain
from core.domain.slides import RegistrationOutcome, RegistrationStatus
from core.side_work import Told, Underway


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadedTable:
    """A metadata table that came through the browser."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportWish:
    """What is to be registered. `mpp` None: as each file says."""

    folder: Path
    metadata: Path | UploadedTable | None = None
    mpp: float | None = None
    actor: str

    def __post_init__(self) -> None:
        if self.mpp is not None and self.mpp <= 0:
            raise ValueError(f"microns per pixel must be positive, got {self.mpp}")


class FolderCatalogue(Protocol):
    """What registers the files of a folder one by one."""

    def register_folder(
        self,
        folder: Path,
        *,
        metadata: Path | None,
        mpp: float | None,
        actor: str,
        progress: Callable[[int, int, str], None] | None,
    ) -> Iterator[RegistrationOutcome]:
        """Give each file's outcome as it is stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportProgress:
    """How far an import is; `n_total` 0 until the files are known, `problem` why it ended before its end."""

    folder: Path
    n_done: int = 0
    n_total: int = 0
    file_name: str = ""
    outcomes: tuple[RegistrationOutcome, ...] = ()
    problem: str | None = None
    is_running: bool = True

    def count(self, status: RegistrationStatus) -> int:
        """Give how many files ended so."""
        return sum(outcome.status is status for outcome in self.outcomes)


class FolderImports:
    """The imports of this process: one runs at a time, and the last one stays to be looked at."""

    def __init__(self, catalogue: FolderCatalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._latest: _FolderImport | None = None

    def begin(self, wish: ImportWish) -> None:
        """Start to register. Raises NothingToDo where there is no such folder, TryAgain while another import runs."""
        if not wish.folder.is_dir():
            raise NothingToDo(f"There is no folder {wish.folder} on this machine. Give the full path of one.")
        with self._lock:
            if self._latest is not None and self._latest.progress().is_running:
                raise TryAgain("A folder is being registered at this moment. Wait for its end, or cancel it.")
            self._latest = _FolderImport(self._catalogue, wish)

    def progress(self) -> ImportProgress | None:
        """Say how far the latest import is, or None when there was none since the start."""
        with self._lock:
            return None if self._latest is None else self._latest.progress()

    def cancel(self) -> None:
        """Stop the running import after the file at hand; what is registered stays."""
        with self._lock:
            if self._latest is not None:
                self._latest.cancel()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the running import; false when it has not come in time."""
        with self._lock:
            latest = self._latest
        return latest is None or latest.wait(timeout_s)


class _FolderImport:
    def __init__(self, catalogue: FolderCatalogue, wish: ImportWish) -> None:
        self._catalogue, self._wish = catalogue, wish
        self._outcomes: list[RegistrationOutcome] = []
        self._at: tuple[int, int, str] = (0, 0, "")
        self._work = Underway(self._register, kept="what was registered stays")

    def progress(self) -> ImportProgress:
        is_running = self._work.is_running
        n_done, n_total, file_name = self._at
        return ImportProgress(
            folder=self._wish.folder,
            n_done=n_done,
            n_total=n_total,
            file_name=file_name,
            outcomes=tuple(self._outcomes),
            problem=self._work.problem,
            is_running=is_running,
        )

    def cancel(self) -> None:
        self._work.cancel()

    def wait(self, timeout_s: float) -> bool:
        return self._work.wait(timeout_s)

    def _register(self, told: Told) -> None:
        wish = self._wish
        with _as_file(wish.metadata) as metadata:
            outcomes = self._catalogue.register_folder(
                wish.folder, metadata=metadata, mpp=wish.mpp, actor=wish.actor, progress=self._note
            )
            for outcome in outcomes:
                self._outcomes.append(outcome)
                if told.is_cancelled():
                    raise Cancelled("Cancelled. What was registered stays; name the folder again to go on.")

    def _note(self, n_done: int, n_total: int, file_name: str) -> None:
        self._at = (n_done, n_total, file_name)


def _as_file(metadata: Path | UploadedTable | None) -> AbstractContextManager[Path | None]:
    return _written(metadata) if isinstance(metadata, UploadedTable) else nullcontext(metadata)


@contextmanager
def _written(table: UploadedTable) -> Iterator[Path]:
    """Give the uploaded table as a file under its own bare name, so that errors name it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(table.name).name or "metadata.csv")
        path.write_bytes(table.content)
        yield path
