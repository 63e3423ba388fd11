"""Writes a retraining set whole or not at all: patches, manifest, splits with their proof, recipe, card, checksums."""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from core.agreement.bootstrap import Progress
from core.domain.cautions import Caution
from core.domain.datasets import LeftOutPatch, LeftOutReason, PatchSize, Split, TrainingPatch, TrainingSet, count
from core.domain.errors import FolderTaken, NothingToDo, TooFewSubjects, UserMustAct
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.quality import Concerns
from core.domain.reads import Read
from core.domain.recipe import Recipe
from core.domain.slides import Slide, SlideId
from core.domain.stages import STAGE_NAMES
from core.retraining.card import CardFacts, write_card, write_changes, write_checksums, write_recipe, write_splits
from core.retraining.changes import Parent, changes_since
from core.retraining.frozen_images import FrozenImages, Learned
from core.retraining.images import ImageWriter, PatchReaders, Watch, read_png
from core.retraining.isolation import SideRow, prove_images_apart, prove_isolation
from core.retraining.manifest import Row, WrittenPatch, content_sha256, read_manifest, side_rows, write_manifest
from core.retraining.near_duplicates import Rgb
from core.retraining.selection import (
    ExportRequest,
    Selection,
    SelectionFacts,
    count_left_out,
    select,
    without_left_out,
)
from core.retraining.settling import ReadingFacts
from core.retraining.side_sizes import SideSize, cautions_of, side_sizes
from core.retraining.splits import assign_splits, weak_held_out
from core.retraining.weak import SetMaterial, WeakSources, with_weak

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportSources:
    """All that a set is made of: every standing read, slide and recipe, a way to the pixels, and who wrote when.

    `keepers_out` say of patches whether they stay out, each for its reason; `cautions` what has to be known of the
    model behind a run. `held_out`: the animals of the frozen test; `frozen` opens its images, None where none is.
    `parent` None: nothing to compare with.
    """

    reads: tuple[Read, ...]
    slides: tuple[Slide, ...]
    recipes: tuple[Recipe, ...]
    readers: PatchReaders
    code_version: str
    written_by: ReaderId
    written_at: datetime
    concerns: Mapping[SlideId, Concerns] = field(default_factory=dict)
    cautions: Mapping[RunId, tuple[Caution, ...]] = field(default_factory=dict)
    keepers_out: Mapping[LeftOutReason, Callable[[Sequence[TrainingPatch]], Sequence[bool]]] = field(
        default_factory=dict
    )
    reading: ReadingFacts = field(default_factory=ReadingFacts)
    weak: WeakSources = field(default_factory=WeakSources)
    held_out: frozenset[str] = frozenset()
    frozen: Callable[[Progress], FrozenImages | None] = lambda _: None
    parent: Parent | None = None

    def select(self, request: ExportRequest) -> Selection:
        """Give what would be in the set, and what would not."""
        recipes = {recipe.hash: recipe for recipe in self.recipes}
        facts = SelectionFacts(reading=self.reading, concerns=self.concerns)
        selection = select(self.reads, self.slides, recipes, request, facts)
        slides = {slide.slide_id: slide for slide in self.slides}
        material = SetMaterial(slides=slides, recipes=recipes, facts=facts)
        selection = with_weak(selection, request, self.weak, material)
        for reason, keeps_out in self.keepers_out.items():
            selection = without_left_out(selection, keeps_out, reason)
        return replace(selection, held_out=self.held_out)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPlan:
    """A set to be: every patch has its side. `left_out` are the patches read and not taken."""

    request: ExportRequest
    patches: tuple[TrainingPatch, ...]
    left_out: tuple[LeftOutPatch, ...]
    patch_size: PatchSize
    is_demo: bool

    @property
    def learned(self) -> tuple[TrainingPatch, ...]:
        """Give the patches that would be learned from: all but those of the test side."""
        return tuple(patch for patch in self.patches if patch.split is not Split.TEST)

    @property
    def learned_sha256(self) -> str:
        """Name what would be learned from: which patch of which animal."""
        lines = (f"{one.slide_id} {one.box} {one.subject_key}" for one in self.learned)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def sizes(self) -> tuple[SideSize, ...]:
        """Give what each side would have."""
        return side_sizes(self.patches, self.request.fractions, self.request.n_folds)

    def shown_as(self, selection: Selection) -> Selection:
        """Give the selection that the plan was made of, with what the sides left out taken out of its counts."""
        return replace(selection, patches=self.patches, left_out=self.left_out)


def write_training_set(
    request: ExportRequest, sources: ExportSources, out: Path, watch: Watch | None = None
) -> TrainingSet:
    """Select, split, prove, write and prove again; give the summary of the set in `out`.

    The same reads, slides and request give the same `content_sha256`.
    Raises: NothingToDo, TooFewSubjects, LeakingSplit, CopiesFrozenTest, FolderTaken, Cancelled; then nothing is left
    behind.
    """
    return write_plan(plan_training_set(request, sources), sources, out, watch or Watch())


def plan_training_set(request: ExportRequest, sources: ExportSources) -> ExportPlan:
    """Give every selected patch its side; NothingToDo or TooFewSubjects when that cannot be."""
    return plan_of(sources.select(request), request)


def plan_of(selection: Selection, request: ExportRequest) -> ExportPlan:
    """Give every patch of a selection its side; weak ones of animals that are held out stay out.

    Animals of the frozen test go to the test side, and stay out of a set without one.
    Raises: NothingToDo, TooFewSubjects.
    """
    if not request.fractions[2]:
        frozen = [patch.subject_key in selection.held_out for patch in selection.patches]
        selection = without_left_out(selection, lambda _: frozen, LeftOutReason.FROZEN_TEST)
    patches = assign_splits(selection.patches, request, selection.held_out)
    held_out = weak_held_out(patches)
    sided = replace(selection, patches=patches)
    kept = without_left_out(sided, lambda _: held_out, LeftOutReason.WEAK_HELD_OUT)
    if kept.patch_size is None:
        raise NothingToDo("No patch can go into a training set.")
    return ExportPlan(
        request=request,
        patches=kept.patches,
        left_out=kept.left_out,
        patch_size=kept.patch_size,
        is_demo=kept.is_demo,
    )


def write_plan(plan: ExportPlan, sources: ExportSources, out: Path, watch: Watch) -> TrainingSet:
    """Write a planned set into `out`, which must not exist or be empty.

    Isolation is proved of the plan before any pixel is read, and again of the manifest as it lies on disk, images
    included. Patches whose slide changed or whose pixels cannot be read are left out and counted.
    """
    prove_isolation((SideRow.of(patch) for patch in plan.patches), plan.request.isolation)
    frozen = open_frozen(plan, sources, watch)
    if frozen is not None:
        frozen.refuse_slides([SideRow.of(patch) for patch in plan.learned])
    with _written_whole(out) as folder:
        slides = {slide.slide_id: slide for slide in sources.slides}
        writer = ImageWriter(slides=slides, readers=sources.readers, side_px=plan.patch_size.side_px, folder=folder)
        outcomes = tuple(writer.write(plan.patches, watch))
        written = tuple(one for one in outcomes if isinstance(one, WrittenPatch))
        left_out = (*plan.left_out, *(one for one in outcomes if isinstance(one, LeftOutPatch)))
        _require_all_sides(plan, written)
        summary = _write_papers(plan, sources, _Written(out, folder, written, left_out, frozen), watch)
        write_checksums(folder, written)
        watch.tell(len(plan.patches), len(plan.patches), "done")
    return summary


def open_frozen(plan: ExportPlan, sources: ExportSources, watch: Watch) -> FrozenImages | None:
    """Give the images of the frozen test, which nothing that is learned from may copy; None where no test is frozen."""
    n = len(plan.patches)
    return sources.frozen(lambda share: watch.tell(0, n, f"reading the frozen test, {share:.0%}"))


@dataclass(frozen=True, slots=True)
class _Written:
    out: Path
    folder: Path
    patches: tuple[WrittenPatch, ...]
    left_out: tuple[LeftOutPatch, ...]
    frozen: FrozenImages | None

    def sizes(self, request: ExportRequest) -> tuple[SideSize, ...]:
        """Give what each side has."""
        return side_sizes((one.patch for one in self.patches), request.fractions, request.n_folds)


def _write_papers(plan: ExportPlan, sources: ExportSources, written: _Written, watch: Watch) -> TrainingSet:
    """Write the manifest, prove of it that nothing leaks, and write the other papers."""
    folder = written.folder
    write_manifest(written.patches, folder / "manifest.parquet")
    rows = read_manifest(folder / "manifest.parquet")
    seen = side_rows(rows)
    proof = prove_isolation(seen, plan.request.isolation)
    apart = _prove_images_apart(written, rows, watch)
    changes = None if sources.parent is None else changes_since(sources.parent, rows)
    summary = replace(
        _summary(plan, sources, written, content_sha256(rows)), changes=() if changes is None else changes.counts
    )
    used = {one.patch.recipe_hash for one in written.patches}
    stated, sizes = {**proof.to_json(), **apart}, written.sizes(plan.request)
    write_splits(folder / "splits.json", summary, stated, written.patches, sizes)
    write_recipe(folder / "recipe.json", plan.patch_size, [one for one in sources.recipes if one.hash in used])
    write_changes(folder / "changes.json", changes)
    facts = CardFacts(
        choice=plan.request.choice,
        left_out=written.left_out,
        slide_concerns=_slide_concerns(sources, written.patches),
        cautions=_cautions(sources, written.patches),
        changes=changes,
    )
    write_card(folder, summary, facts)
    return summary


def _prove_images_apart(written: _Written, rows: Sequence[Row], watch: Watch) -> dict[str, object]:
    """Prove of the images as written that none is on two sides, or of the frozen test, and give what was compared."""
    by_file = {one.patch.file_name: one.shrunk for one in written.patches}
    seen, shrunk, n = side_rows(rows), [by_file[str(row["file"])] for row in rows], len(rows)

    def image(place: int) -> Rgb:
        return read_png(written.folder / str(rows[place]["file"]))

    def looking(share: float) -> None:
        watch.tell(n, n, f"looking for near-duplicates, {share:.0%}")

    stated: dict[str, object] = {"near_duplicates": prove_images_apart(seen, shrunk, image, looking).to_json()}
    if written.frozen is not None:
        at = [place for place, row in enumerate(seen) if row.split is not Split.TEST]
        learned = Learned(
            rows=[seen[place] for place in at],
            shrunk=[shrunk[place] for place in at],
            image=lambda place: image(at[place]),
        )
        compared = written.frozen.prove_apart(learned, looking)
        stated["near_duplicates_of_frozen_test"] = written.frozen.stated(compared)
    return stated


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


def _require_all_sides(plan: ExportPlan, written: Sequence[WrittenPatch]) -> None:
    """Refuse a set that lost a whole side because its slides could not be read."""
    wanted = {patch.side for patch in plan.patches}
    found = {one.patch.side for one in written}
    if wanted != found:
        raise TooFewSubjects(f"readable {plan.request.isolation.value}", n_needed=len(wanted), n_found=len(found))


def _slide_concerns(sources: ExportSources, written: Sequence[WrittenPatch]) -> dict[str, Concerns]:
    """Give what is wrong with the slides in the set, by name; slides without a concern are left out."""
    by_name = {one.patch.slide_name: sources.concerns.get(one.patch.slide_id, ()) for one in written}
    return {name: concerns for name, concerns in sorted(by_name.items()) if concerns}


def _cautions(sources: ExportSources, written: Sequence[WrittenPatch]) -> dict[Caution, int]:
    """Give what has to be known of the models whose calls readers had in sight, with how many patches it is of."""
    seen = (one.patch.model_run for one in written if one.patch.model_run is not None)
    found = Counter(caution for run_id in seen for caution in sources.cautions.get(run_id, ()))
    return dict(sorted(found.items(), key=lambda one: one[0].sentence))


def _summary(plan: ExportPlan, sources: ExportSources, written: _Written, content: str) -> TrainingSet:
    patches, sizes = [one.patch for one in written.patches], written.sizes(plan.request)
    return TrainingSet(
        content_sha256=content,
        path=written.out.absolute(),
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
        left_out=count_left_out(written.left_out),
        is_demo=plan.is_demo,
        code_version=sources.code_version,
        written_by=sources.written_by,
        written_at=sources.written_at,
        n_weak=sum(patch.is_weak for patch in patches),
        n_folds=plan.request.n_folds,
        animals_by_side=tuple((size.name, size.n_animals) for size in sizes),
        cautions=cautions_of(sizes),
        choice_sha256=plan.request.choice.sha256,
        choice_name=plan.request.choice_name,
        parent_sha256=None if sources.parent is None else sources.parent.content_sha256,
    )
