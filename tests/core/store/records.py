"""Whole records for tests of the store and of what is built on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.domain.geometry import Box
from core.domain.jobs import Job, JobStatus
from core.domain.people import Reader, ReaderId, Role
from core.domain.predictions import Run, RunId, SlideCall
from core.domain.reads import Disposition, Item, ReadDraft, Sight
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Provenance, ScanProperties, Slide, SlideId, StatedMpp
from core.domain.stages import Stage
from core.domain.units import Mpp
from core.store.connection import Database
from core.store.models import ModelStore
from core.store.runs import RunStore
from core.store.slides import SlideStore

START = datetime(2026, 3, 1, 8, 30, 15, 123456, tzinfo=UTC)
SLIDE_ID = SlideId("5" * 32)
MODEL_ID = ModelId("a" * 16)
RUN_ID = RunId("f" * 32)
RECIPE = Recipe()
WHOLE_SLIDE = Item(slide_id=SLIDE_ID)
UNSEEN = Sight(mode="masked")


class TickingClock:
    """A clock that goes on by one second at each look."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """Give the next instant."""
        self.now += timedelta(seconds=1)
        return self.now


def make_slide(slide_id: SlideId = SLIDE_ID, *, path: Path = Path("/slides/liver.svs"), plain: bool = False) -> Slide:
    """Give a slide that carries everything, or a plain one that carries as little as it may."""
    scan = ScanProperties(
        width_px=2220,
        height_px=2967,
        bounds=Box(x_px=0, y_px=10, width_px=2220, height_px=2900),
        mpp=None if plain else Mpp(x=0.499, y=0.499),
        objective_power=None if plain else 20,
        vendor="aperio",
        has_icc_profile=not plain,
        notes=() if plain else ("flattened alpha",),
    )
    provenance = Provenance(subject="rat 7", site="Lyon", group="dose 2", further=(("sex", "f"), ("sex", "?")))
    stated = StatedMpp(mpp=Mpp(x=0.5, y=0.5), stated_by="anna", stated_at=START)
    return Slide(
        slide_id=slide_id,
        name=path.name,
        path=path,
        source_path=path,
        file_stamp=(1_938_955, 1_772_000_000_123_456_789),
        scan=scan,
        provenance=Provenance() if plain else provenance,
        stated_mpp=None if plain else stated,
        is_demo=not plain,
        registered_at=START,
    )


def make_model(model_id: ModelId = MODEL_ID, *, is_demo: bool = False) -> RegisteredModel:
    """Give a model whose checkpoint hash begins with its id."""
    return RegisteredModel(
        model_id=model_id,
        name="ResNet-50",
        folder=Path("/models") / model_id,
        checkpoint_sha256=(model_id * 4)[:64],
        recipe=RECIPE,
        is_demo=is_demo,
        card_json='{"classes": 7}',
        registered_at=START,
    )


def make_run(run_id: RunId = RUN_ID, *, slide_id: SlideId = SLIDE_ID, with_call: bool = True) -> Run:
    """Give a finished run."""
    call = SlideCall(
        stage=Stage.S1C,
        probabilities=(0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1),
        continuous_score=1.25,
        n_patches=90,
        n_excluded=5,
        n_failed=1,
        collagen_fraction=0.07,
        rule="tissue-weighted",
    )
    return Run(
        run_id=run_id,
        slide_id=slide_id,
        model_id=MODEL_ID,
        recipe_hash=RECIPE.hash,
        call=call if with_call else None,
        n_patches=90,
        n_excluded=5,
        n_failed=1,
        seconds=12,
        device="cpu",
        code_version="0.1.0",
        finished_at=START,
        content_sha256="c" * 64,
    )


def make_job(run_id: RunId = RUN_ID, *, requested_by: str = "anna") -> Job:
    """Give a job as it is asked for."""
    return Job(
        run_id=run_id,
        slide_id=SLIDE_ID,
        model_id=MODEL_ID,
        status=JobStatus.QUEUED,
        requested_by=requested_by,
        requested_at=START,
    )


def make_draft(
    event_id: str, *, reader_id: str = "anna", item: Item = WHOLE_SLIDE, stage: Stage | None = Stage.S2
) -> ReadDraft:
    """Give a read made without a call in sight."""
    return ReadDraft(
        event_id=event_id,
        reader_id=ReaderId(reader_id),
        item=item,
        disposition=Disposition.STAGED if stage else Disposition.WITHDRAWN,
        stage=stage,
        confidence=2,
        comment="périportal ✓",
        sight=UNSEEN,
        replaces=None,
        undoes=None,
        read_at=START,
    )


def make_reader(name: str = "anna", *roles: Role) -> Reader:
    """Give a reader with these roles, or the role of reader."""
    return Reader(reader_id=ReaderId(name), name=name.title(), roles=frozenset(roles or (Role.READER,)))


def patch(index: int, slide_id: SlideId = SLIDE_ID) -> Item:
    """Give a patch of the grid that RECIPE lays."""
    return Item(slide_id=slide_id, patch_index=index, recipe_hash=RECIPE.hash)


def with_run(database: Database) -> Database:
    """Put the slide, the model and the run into a store."""
    SlideStore(database).add_slide(make_slide(), "anna")
    ModelStore(database).add_model(make_model(), "anna")
    RunStore(database).add_run(make_run())
    return database
