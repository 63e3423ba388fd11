"""The slides that are known: files come in, each ends as registered, duplicate or refused with a reason."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.domain.errors import BadSlide, NothingToDo, SlideChanged, UserMustAct
from core.domain.slides import (
    Provenance,
    RegistrationOutcome,
    RegistrationStatus,
    Slide,
    SlideId,
    StatedMpp,
)
from core.domain.units import Mpp
from core.slides.fingerprint import file_stamp, fingerprint
from core.slides.folder import find_slide_files
from core.slides.intake import prepare
from core.slides.metadata import match, read_metadata
from core.slides.unchanged import holds_content

Progress = Callable[[int, int, str], None]
_Stamp = tuple[int, int]


class SlideStore(Protocol):
    """What the catalogue needs of the store."""

    def add_slide(self, slide: Slide, *, actor: str) -> None:
        """Add a slide."""

    def slide_by_id(self, slide_id: SlideId) -> Slide | None:
        """Give a slide, or None when it is unknown."""

    def slides(self) -> tuple[Slide, ...]:
        """Give all slides."""

    def record_refusal(self, path: Path, reason: str, *, actor: str) -> None:
        """Remember a file that was refused."""

    def set_provenance(self, slide_id: SlideId, provenance: Provenance, *, actor: str) -> None:
        """Put other provenance in place."""

    def set_stated_mpp(self, slide_id: SlideId, stated: StatedMpp, *, reason: str) -> None:
        """Remember what a person stated."""

    def set_place(self, slide: Slide, actor: str, reason: str | None = None) -> None:
        """Remember the path, source path and file stamp that a known slide has now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a person says beside a file. `mpp` and `provenance` None: nothing."""

    actor: str
    mpp: Mpp | None = None
    provenance: Provenance | None = None
    is_demo: bool = False


class Catalogue:
    """Registers slide files; safe to use from many threads."""

    def __init__(self, store: SlideStore, slides_dir: Path, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._slides_dir = slides_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._hashed: dict[Path, tuple[_Stamp, SlideId]] = {}

    def register_folder(
        self,
        folder: Path,
        *,
        actor: str,
        metadata: Path | None = None,
        mpp: float | None = None,
        progress: Progress | None = None,
    ) -> Iterator[RegistrationOutcome]:
        """Register every slide file of a folder; everything that concerns the whole is checked before the first.

        Args: mpp: microns per pixel, for the files that state none that can be trusted. progress: called with
            (files done, files in all, the next file's name).
        Raises: NothingToDo where there is no such folder or no slide in it; BadTable; UserMustAct for the mpp.
        """
        folder = folder.absolute()
        if not folder.is_dir():
            raise NothingToDo(f"There is no folder {folder}. Name the folder that holds the slides.")
        request = Request(actor=actor, mpp=trusted_mpp(mpp))
        files = find_slide_files(folder, left_out=self._slides_dir)
        if not files:
            raise NothingToDo(f"{folder} holds no slide or image file.")
        rows = None
        if metadata is not None:
            identities = self._identities(files)
            by_slide = match(metadata, read_metadata(metadata), folder, identities)
            rows = {path: by_slide.get(slide_id) for path, slide_id in identities.items()}
        return self._register_all(files, request, rows, progress)

    def register_file(self, path: Path, request: Request) -> RegistrationOutcome:
        """Register one file; a refusal is stored with its reason and given back, not raised."""
        path = path.absolute()
        with self._lock:
            try:
                return self._register(path, request)
            except BadSlide as error:
                return self._refuse(path, error.reason, request)
            except OSError as error:
                return self._refuse(path, f"the file cannot be read ({error.strerror or error})", request)

    def register_demo(self, path: Path, provenance: Provenance, *, actor: str) -> Slide:
        """Register a slide that we drew, or give the one it already is. Raises: BadSlide."""
        outcome = self.register_file(path, Request(actor=actor, provenance=provenance, is_demo=True))
        if outcome.slide is None:
            raise BadSlide(path, outcome.reason or "refused")
        return outcome.slide

    def verify(self, slide: Slide) -> None:
        """Compare a slide's file with what was registered.

        Raises: SlideChanged where its content is another; BadSlide where it is gone.
        """
        try:
            is_same = file_stamp(slide.path) == slide.file_stamp or holds_content(slide)
        except OSError as error:
            raise BadSlide(slide.path, f"the file cannot be found any more ({error.strerror})") from error
        if not is_same:
            raise SlideChanged(slide.path)

    def _register_all(
        self,
        files: Sequence[Path],
        request: Request,
        rows: Mapping[Path, Provenance | None] | None,
        progress: Progress | None,
    ) -> Iterator[RegistrationOutcome]:
        for done, path in enumerate(files):
            if progress is not None:
                progress(done, len(files), path.name)
            if rows is None:
                yield self.register_file(path, request)
                continue
            row = rows.get(path)
            outcome = self.register_file(path, replace(request, provenance=row))
            yield outcome if row or not outcome.slide else _with_reason(outcome, "the table has no row for it")
        if progress is not None:
            progress(len(files), len(files), "")

    def _identities(self, files: Sequence[Path]) -> dict[Path, SlideId]:
        """Give who the files are, leaving out those that cannot be read: they are refused when their turn comes."""
        identities = {}
        for path in files:
            with contextlib.suppress(OSError):
                identities[path] = self._identify(path, file_stamp(path))
        return identities

    def _identify(self, path: Path, stamp: _Stamp) -> SlideId:
        """Give who a file is; hashes only what is not known by its stamp. Raises: OSError."""
        stamped, slide_id = self._hashed.get(path, (None, None))
        if stamped == stamp and slide_id is not None:
            return slide_id
        for slide in self._store.slides():
            if slide.path == path and slide.file_stamp == stamp and slide.path == slide.source_path:
                return slide.slide_id
        slide_id = fingerprint(path)
        self._hashed[path] = stamp, slide_id
        return slide_id

    def _register(self, path: Path, request: Request) -> RegistrationOutcome:
        stamp = file_stamp(path)  # before the content is read: a file that is still being written shows later
        slide_id = self._identify(path, stamp)
        existing = self._store.slide_by_id(slide_id)
        if existing is not None:
            return self._meet_again(existing, path, request)
        intake = prepare(path, self._pyramid_path(slide_id), request.mpp)
        earlier = self._earlier_content(path)
        slide = Slide(
            slide_id=slide_id,
            name=path.stem,
            path=intake.path,
            source_path=path,
            file_stamp=stamp if intake.path == path else file_stamp(intake.path),
            scan=intake.scan,
            provenance=request.provenance or Provenance(),
            stated_mpp=self._stated(request, intake.scan.mpp),
            is_demo=request.is_demo,
            registered_at=self._clock(),
        )
        self._store.add_slide(slide, actor=request.actor)
        reasons = [*slide.scan.notes, slide.mpp_problem, *earlier]
        return RegistrationOutcome(
            path=path,
            status=RegistrationStatus.REGISTERED,
            reason="; ".join(reason for reason in reasons if reason) or None,
            slide=slide,
        )

    def _stated(self, request: Request, of_file: Mpp | None) -> StatedMpp | None:
        """Give what the person stated, where the file itself says nothing that can be trusted."""
        if request.mpp is None or (of_file is not None and of_file.distrust is None):
            return None
        return StatedMpp(mpp=request.mpp, stated_by=request.actor, stated_at=self._clock())

    def _meet_again(self, slide: Slide, path: Path, request: Request) -> RegistrationOutcome:
        """Take what is new about a known slide: where it lies, where it comes from, its scale."""
        reasons = [f"already registered as {slide.name}"]
        if self._is_out_of_place(slide, path):
            intake = prepare(path, self._pyramid_path(slide.slide_id), slide.mpp)
            moved = replace(slide, path=intake.path, source_path=path, file_stamp=file_stamp(intake.path))
            self._store.set_place(moved, request.actor, reason="found by an import")
            reasons.append("its file was touched" if path == slide.source_path else f"now opened from {path}")
        if request.provenance is not None and request.provenance != slide.provenance:
            self._store.set_provenance(slide.slide_id, request.provenance, actor=request.actor)
            reasons.append("its provenance was taken from the table")
        stated = self._stated(request, slide.mpp)
        if stated is not None:
            self._store.set_stated_mpp(slide.slide_id, stated, reason="stated with an import")
            reasons.append(f"{stated.mpp.x:g} um per pixel was stated")
        return RegistrationOutcome(
            path=path,
            status=RegistrationStatus.DUPLICATE,
            reason="; ".join(reasons),
            slide=self._store.slide_by_id(slide.slide_id),
        )

    def _is_out_of_place(self, slide: Slide, path: Path) -> bool:
        """Say whether the registered file no longer serves the slide, or is the one met and was touched."""
        if slide.path == path:
            return file_stamp(path) != slide.file_stamp
        try:
            self.verify(slide)
        except (BadSlide, SlideChanged):
            return True
        return False

    def _earlier_content(self, path: Path) -> list[str]:
        """Name the slides that this file was before it changed."""
        return [
            f"the file held other content before: slide {slide.slide_id[:8]} is marked as changed"
            if slide.path == path
            else f"the file held other content before: slide {slide.slide_id[:8]} keeps what it showed"
            for slide in self._store.slides()
            if slide.source_path == path
        ]

    def _pyramid_path(self, slide_id: SlideId) -> Path:
        return self._slides_dir.absolute() / f"{slide_id}.tif"

    def _refuse(self, path: Path, reason: str, request: Request) -> RegistrationOutcome:
        self._store.record_refusal(path, reason, actor=request.actor)
        return RegistrationOutcome(path=path, status=RegistrationStatus.REFUSED, reason=reason, slide=None)


def trusted_mpp(mpp: float | None) -> Mpp | None:
    """Give what a person stated as a pair. Raises: UserMustAct where no scanner has such pixels."""
    if mpp is None:
        return None
    if not 0 < mpp < float("inf"):
        raise UserMustAct(f"{mpp:g} is no scale; state the microns per pixel, such as 0.5 for a 20x scan.")
    pair = Mpp(x=mpp, y=mpp)
    if pair.distrust is not None:
        raise UserMustAct(f"{pair.distrust}. State the microns per pixel of the scan, such as 0.5 for 20x.")
    return pair


def _with_reason(outcome: RegistrationOutcome, reason: str) -> RegistrationOutcome:
    return replace(outcome, reason=f"{outcome.reason}; {reason}" if outcome.reason else reason)
