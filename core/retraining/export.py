"""Writes a retraining set whole or not at all: patches, manifest, splits with their proof, recipe, card, checksums."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.domain.datasets import (
    LeftOutPatch,
    LeftOutReason,
    PatchSize,
    Split,
    TrainingPatch,
    TrainingSet,
    count,
)
from core.domain.errors import BadSlide, Cancelled, FolderTaken, NothingToDo, SlideChanged, TooFewSubjects, UserMustAct
from core.domain.geometry import Box
from core.domain.people import ReaderId
from core.domain.quality import Concerns
from core.domain.reads import Read
from core.domain.recipe import Recipe
from core.domain.slides import Slide, SlideId
from core.domain.stages import STAGE_NAMES
from core.retraining.card import write_card, write_checksums, write_recipe, write_splits
from core.retraining.isolation import SideRow, prove_isolation
from core.retraining.manifest import WrittenPatch, content_sha256, read_manifest, side_rows, write_manifest
from core.retraining.selection import ExportRequest, Selection, count_left_out, leave_out, select, without_left_out
from core.retraining.splits import assign_splits

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_PNG_COMPRESSION = 1  # three times as fast as the usual 6, files a seventh larger


class PatchReader(Protocol):
    """Reads a level-0 box of one slide at a size."""

    def read(self, box: Box, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
        """Give (height, width, 3) sRGB; BadSlide when the pixels cannot be read."""
        ...


class PatchReaders(Protocol):
    """Lends the reader of a slide."""

    def lease(self, slide: Slide) -> AbstractContextManager[PatchReader]:
        """Give the reader for a while; SlideChanged or BadSlide when the file is not the slide."""
        ...


def _show_nothing(n_done: int, n_total: int, words: str) -> None:
    """Take the progress and show nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Whoever waits for long work: is told (done, total, words) and may ask it to stop."""

    progress: Callable[[int, int, str], None] = _show_nothing
    is_cancelled: Callable[[], bool] = _never

    def tell(self, n_done: int, n_total: int, words: str) -> None:
        """Report progress; Cancelled when the person asked to stop."""
        if self.is_cancelled():
            raise Cancelled("The export was stopped. Nothing was written.")
        self.progress(n_done, n_total, words)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportSources:
    """All that a set is made of: every standing read, slide and recipe, a way to the pixels, and who wrote when.

    `keepers_out` say of patches whether they stay out, each for its reason.
    """

    reads: tuple[Read, ...]
    slides: tuple[Slide, ...]
    recipes: tuple[Recipe, ...]
    readers: PatchReaders
    code_version: str
    written_by: ReaderId
    written_at: datetime
    concerns: Mapping[SlideId, Concerns] = field(default_factory=dict)
    keepers_out: Mapping[LeftOutReason, Callable[[Sequence[TrainingPatch]], Sequence[bool]]] = field(
        default_factory=dict
    )

    def select(self, request: ExportRequest) -> Selection:
        """Give what would be in the set, and what would not."""
        selection = select(self.reads, self.slides, {recipe.hash: recipe for recipe in self.recipes}, request)
        for reason, keeps_out in self.keepers_out.items():
            selection = without_left_out(selection, keeps_out, reason)
        return selection


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPlan:
    """A set to be: every patch has its side. `left_out` are the patches read and not taken."""

    request: ExportRequest
    patches: tuple[TrainingPatch, ...]
    left_out: tuple[LeftOutPatch, ...]
    patch_size: PatchSize
    is_demo: bool


def write_training_set(
    request: ExportRequest, sources: ExportSources, out: Path, watch: Watch | None = None
) -> TrainingSet:
    """Select, split, prove, write and prove again; give the summary of the set in `out`.

    The same reads, slides and request give the same `content_sha256`.
    Raises: NothingToDo, TooFewSubjects, LeakingSplit, FolderTaken, Cancelled; then nothing is left behind.
    """
    return write_plan(plan_training_set(request, sources), sources, out, watch or Watch())


def plan_training_set(request: ExportRequest, sources: ExportSources) -> ExportPlan:
    """Give every selected patch its side; NothingToDo or TooFewSubjects when that cannot be."""
    selection = sources.select(request)
    patches = assign_splits(selection.patches, request)
    if selection.patch_size is None:
        raise NothingToDo("No patch can go into a training set.")
    return ExportPlan(
        request=request,
        patches=patches,
        left_out=selection.left_out,
        patch_size=selection.patch_size,
        is_demo=selection.is_demo,
    )


def write_plan(plan: ExportPlan, sources: ExportSources, out: Path, watch: Watch) -> TrainingSet:
    """Write a planned set into `out`, which must not exist or be empty.

    Isolation is proved of the plan before any pixel is read, and again of the manifest as it lies on disk.
    Patches whose slide changed or whose pixels cannot be read are left out and counted.
    """
    prove_isolation((SideRow.of(patch) for patch in plan.patches), plan.request.isolation)
    with _written_whole(out) as folder:
        outcomes = tuple(_write_images(plan, sources, folder, watch))
        written = tuple(one for one in outcomes if isinstance(one, WrittenPatch))
        left_out = (*plan.left_out, *(one for one in outcomes if isinstance(one, LeftOutPatch)))
        _require_all_sides(plan, written)
        write_manifest(written, folder / "manifest.parquet")
        rows = read_manifest(folder / "manifest.parquet")
        proof = prove_isolation(side_rows(rows), plan.request.isolation)
        summary = _summary(plan, sources, out, written, left_out, content_sha256(rows))
        used = {one.patch.recipe_hash for one in written}
        write_splits(folder / "splits.json", summary, proof, written)
        write_recipe(folder / "recipe.json", plan.patch_size, [one for one in sources.recipes if one.hash in used])
        write_card(folder, summary, left_out, _slide_concerns(sources, written))
        write_checksums(folder, written)
        watch.tell(len(plan.patches), len(plan.patches), "done")
    return summary


def folder_named(exports_dir: Path, name: str) -> Path:
    """Give the folder of a set in our own exports; UserMustAct for a name that is not a plain one."""
    if not _FOLDER_NAME.fullmatch(name):
        raise UserMustAct(f"'{name}' cannot name a set. Use up to 80 letters, digits, dots, dashes and underscores.")
    return exports_dir / name


@contextmanager
def _written_whole(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that becomes `out` when the block ends well and goes away when it does not.

    Limits: a process that is killed leaves the hidden folder `.NAME.*.part` behind, never one named `out`.
    """
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise FolderTaken(out)
    made = [parent for parent in out.absolute().parents if not parent.exists()]
    folder = out.absolute().with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        folder.mkdir(parents=True)
        yield folder
        if out.exists():
            out.rmdir()
        folder.rename(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        for parent in made:
            if parent.exists() and not any(parent.iterdir()):
                parent.rmdir()
        raise


def _write_images(
    plan: ExportPlan, sources: ExportSources, folder: Path, watch: Watch
) -> Iterator[WrittenPatch | LeftOutPatch]:
    """Write the image of every patch, slide by slide; give each as written or as left out."""
    slides = {slide.slide_id: slide for slide in sources.slides}
    n_done, n_total = 0, len(plan.patches)
    by_slide = groupby(sorted(plan.patches, key=lambda patch: patch.slide_id), key=lambda patch: patch.slide_id)
    for slide_id, of_slide in by_slide:
        patches = tuple(of_slide)
        for outcome in _write_slide(slides[slide_id], patches, plan.patch_size.side_px, sources.readers, folder):
            watch.tell(n_done, n_total, patches[0].slide_name)
            n_done += 1
            yield outcome


def _write_slide(
    slide: Slide, patches: Sequence[TrainingPatch], side_px: int, readers: PatchReaders, folder: Path
) -> Iterator[WrittenPatch | LeftOutPatch]:
    n_done = 0
    try:
        with readers.lease(slide) as reader:
            for patch in patches:
                outcome = _write_patch(reader, patch, side_px, folder)
                n_done += 1
                yield outcome
    except (SlideChanged, BadSlide):
        yield from (leave_out(patch, LeftOutReason.SLIDE_CHANGED) for patch in patches[n_done:])


def _write_patch(reader: PatchReader, patch: TrainingPatch, side_px: int, folder: Path) -> WrittenPatch | LeftOutPatch:
    try:
        pixels = np.ascontiguousarray(reader.read(patch.box, side_px, side_px))
    except BadSlide:
        return leave_out(patch, LeftOutReason.UNREADABLE)
    png = encode_png(pixels)
    path = folder / patch.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png)
    return WrittenPatch(
        patch=patch,
        png_sha256=hashlib.sha256(png).hexdigest(),
        pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
    )


def encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Give an RGB image as PNG without time, name or any other note."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=_PNG_COMPRESSION)
    return buffer.getvalue()


def _require_all_sides(plan: ExportPlan, written: Sequence[WrittenPatch]) -> None:
    """Refuse a set that lost a whole side because its slides could not be read."""
    wanted = {patch.split for patch in plan.patches}
    found = {one.patch.split for one in written}
    if wanted != found:
        raise TooFewSubjects(f"readable {plan.request.isolation.value}", n_needed=len(wanted), n_found=len(found))


def _slide_concerns(sources: ExportSources, written: Sequence[WrittenPatch]) -> dict[str, Concerns]:
    """Give what is wrong with the slides in the set, by name; slides without a concern are left out."""
    by_name = {one.patch.slide_name: sources.concerns.get(one.patch.slide_id, ()) for one in written}
    return {name: concerns for name, concerns in sorted(by_name.items()) if concerns}


def _summary(
    plan: ExportPlan,
    sources: ExportSources,
    out: Path,
    written: Sequence[WrittenPatch],
    left_out: Sequence[LeftOutPatch],
    content: str,
) -> TrainingSet:
    patches = [one.patch for one in written]
    return TrainingSet(
        content_sha256=content,
        path=out.absolute(),
        isolation=plan.request.isolation,
        seed=plan.request.seed,
        fractions=plan.request.fractions,
        patch_size=plan.patch_size,
        n_patches=len(patches),
        n_slides=len({patch.slide_id for patch in patches}),
        n_subjects=len({patch.subject_key for patch in patches}),
        n_sites=len({patch.site_key for patch in patches if patch.site}),
        by_split=count((patch.split.value for patch in patches if patch.split), [side.value for side in Split]),
        by_stage=count((patch.stage.value for patch in patches), STAGE_NAMES),
        left_out=count_left_out(left_out),
        is_demo=plan.is_demo,
        code_version=sources.code_version,
        written_by=sources.written_by,
        written_at=sources.written_at,
    )
