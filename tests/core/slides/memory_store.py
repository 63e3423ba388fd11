"""A store of slides that forgets everything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.domain.slides import Provenance, RegistrationOutcome, Slide, SlideId, StatedMpp
from core.slides.catalogue import Catalogue
from core.slides.synthetic.pyramid import write_pyramid

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class MemoryStore:
    """Satisfies what the catalogue needs of the store."""

    def __init__(self) -> None:
        self.kept: dict[SlideId, Slide] = {}
        self.refused: list[tuple[Path, str]] = []

    def add_slide(self, slide: Slide, *, actor: str) -> None:
        self.kept[slide.slide_id] = slide

    def slide_by_id(self, slide_id: SlideId) -> Slide | None:
        return self.kept.get(slide_id)

    def slides(self) -> tuple[Slide, ...]:
        return tuple(self.kept.values())

    def record_refusal(self, path: Path, reason: str, *, actor: str) -> None:
        self.refused.append((path, reason))

    def set_provenance(self, slide_id: SlideId, provenance: Provenance, *, actor: str) -> None:
        self.kept[slide_id] = replace(self.kept[slide_id], provenance=provenance)

    def set_stated_mpp(self, slide_id: SlideId, stated: StatedMpp, *, reason: str) -> None:
        self.kept[slide_id] = replace(self.kept[slide_id], stated_mpp=stated)

    def set_place(self, slide: Slide, actor: str, reason: str | None = None) -> None:
        self.kept[slide.slide_id] = slide


def catalogue_in(
    folder: Path, store: MemoryStore | None = None, clock: Callable[[], datetime] | None = None
) -> Catalogue:
    """Give a catalogue that keeps its pyramids in a folder."""
    return Catalogue(store or MemoryStore(), folder / "slides", clock or (lambda: NOW))


def register(catalogue: Catalogue, folder: Path, **said: object) -> dict[str, RegistrationOutcome]:
    """Register a folder and give the outcomes by file name."""
    return {outcome.path.name: outcome for outcome in catalogue.register_folder(folder, actor="Ada", **said)}  # type: ignore[arg-type]


def write_slide(path: Path, *, shade: int = 120, mpp: float = 0.5) -> Path:
    """Write a small pyramid whose content depends on the shade."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_pyramid(np.full((300, 400, 3), shade, np.uint8), path, mpp=mpp)
    return path
