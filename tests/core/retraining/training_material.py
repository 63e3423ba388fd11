"""Slides, reads and a fake pool of readers for the tests of training sets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadSlide, SlideChanged
from core.domain.geometry import Box
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.reads import Disposition, Item, Read, ReadId, Sight
from core.domain.recipe import Recipe
from core.domain.slides import Provenance, ScanProperties, Slide, SlideId
from core.domain.stages import STAGES, Stage
from core.domain.units import Mpp
from core.retraining.export import ExportSources

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
RECIPE = Recipe()


def make_slide(name: str, subject: str | None, site: str | None = "Basel", *, is_demo: bool = False) -> Slide:
    """Give a slide of 10 x 10 patches at 0.5 um per pixel."""
    return Slide(
        slide_id=SlideId(hashlib.sha256(name.encode()).hexdigest()[:32]),
        name=name,
        path=Path(f"{name}.tif"),
        source_path=Path(f"{name}.tif"),
        file_stamp=(1, 1),
        scan=ScanProperties(
            width_px=2240,
            height_px=2240,
            bounds=Box(x_px=0, y_px=0, width_px=2240, height_px=2240),
            mpp=Mpp(x=0.5, y=0.5),
            objective_power=20.0,
            vendor="generic-tiff",
            has_icc_profile=False,
        ),
        provenance=Provenance(subject=subject, site=site, stain_batch="S1"),
        is_demo=is_demo,
        registered_at=NOON,
    )


@dataclass
class ReadMaker:
    """Makes reads one after the other."""

    sequence: int = 0
    recipe_hash: str = RECIPE.hash

    def read(
        self,
        slide: Slide,
        patch_index: int | None,
        stage: Stage | None,
        reader: str = "anna",
        disposition: Disposition = Disposition.CORRECTED,
    ) -> Read:
        """Give the next read."""
        self.sequence += 1
        has_patch = patch_index is not None
        return Read(
            read_id=ReadId(f"read-{self.sequence:05d}"),
            event_id=f"event-{self.sequence:05d}",
            reader_id=ReaderId(reader),
            item=Item(
                slide_id=slide.slide_id, patch_index=patch_index, recipe_hash=self.recipe_hash if has_patch else None
            ),
            disposition=disposition,
            stage=stage,
            confidence=None,
            comment=None,
            sight=Sight(call=stage, model_run=RunId("run-1")),
            replaces=None,
            undoes=None,
            read_at=NOON + timedelta(seconds=self.sequence),
            sequence=self.sequence,
        )


@dataclass
class NoiseReaders:
    """Every box of every slide is noise of its own; a slide or a patch can be broken."""

    changed: set[SlideId] = field(default_factory=set)
    unreadable: set[tuple[SlideId, int, int]] = field(default_factory=set)
    same_everywhere: set[tuple[SlideId, int, int]] = field(default_factory=set)
    crash_after: int | None = None
    n_reads: int = 0

    @contextmanager
    def lease(self, slide: Slide) -> Iterator[_NoiseReader]:
        """Lend the reader of a slide."""
        if slide.slide_id in self.changed:
            raise SlideChanged(slide.path)
        yield _NoiseReader(pool=self, slide=slide)


@dataclass
class _NoiseReader:
    pool: NoiseReaders
    slide: Slide

    def read(self, box: Box, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
        place = (self.slide.slide_id, box.x_px, box.y_px)
        self.pool.n_reads += 1
        if self.pool.crash_after is not None and self.pool.n_reads > self.pool.crash_after:
            raise OSError("No space left on device")
        if place in self.pool.unreadable:
            raise BadSlide(self.slide.path, "pixels cannot be decoded")
        key = "same" if place in self.pool.same_everywhere else repr(place)
        seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
        return np.random.default_rng(seed).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)


def make_sources(n_subjects: int = 8, n_patches: int = 4, *, is_demo: bool = False) -> ExportSources:
    """Give one slide for each subject on two sites, with some patches read by one reader."""
    slides = tuple(
        make_slide(f"slide-{n}", f"Rat {n}", "Basel" if n % 2 else "Kyoto", is_demo=is_demo) for n in range(n_subjects)
    )
    maker = ReadMaker()
    reads = tuple(
        maker.read(slide, patch, STAGES[(number + patch) % 7])
        for number, slide in enumerate(slides)
        for patch in range(n_patches)
    )
    return ExportSources(
        reads=reads,
        slides=slides,
        recipes=(RECIPE,),
        readers=NoiseReaders(),
        code_version="0.1.0",
        written_by=ReaderId("lena"),
        written_at=NOON,
    )


def with_reads(sources: ExportSources, *reads: Read) -> ExportSources:
    """Give the sources with more reads."""
    return replace(sources, reads=(*sources.reads, *reads))
