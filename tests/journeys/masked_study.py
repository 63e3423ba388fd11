"""A data folder with three small slides of drawn tissue, a run over each, and a masked study of them for one reader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from core.access.identity import local_reader
from core.domain.people import Role
from core.domain.predictions import RunId
from core.domain.protocols import Completeness, Protocol, Repeats
from core.domain.slides import Provenance, Slide
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.workspace import open_workspace
from tests.core.preprocess.drawn_tissue import glass, tissue
from tests.journeys.seeded import seed, varied

LEAD = replace(local_reader("Lea Lead"), roles=frozenset({Role.LEAD}))
NAMES = ("kidney-A7.tif", "mouse-B3.tif", "vehicle-C9.tif")
GROUPS = ("vehicle", "high dose", "low dose")
_WIDTH_PX, _HEIGHT_PX = 4200, 3000


@dataclass(frozen=True, kw_only=True)
class MaskedStudy:
    """The folder and what is in it."""

    data_dir: Path
    slides: tuple[Slide, ...]
    run_ids: tuple[RunId, ...]


def write_section(path: Path, seed_number: int) -> None:
    """Write a slide with two pieces of Sirius-Red-like tissue on glass."""
    picture = glass(_HEIGHT_PX, _WIDTH_PX, seed=seed_number)
    section = tissue(0.12 + 0.1 * seed_number, side_px=_HEIGHT_PX, seed=seed_number)
    for left, top, width, height in ((300, 400, 2300, 2200), (2900, 900, 1000, 1300)):
        piece = np.zeros((_HEIGHT_PX, _WIDTH_PX), np.uint8)
        centre, half = (left + width // 2, top + height // 2), (width // 2, height // 2)
        cv2.ellipse(piece, centre, half, 12.0 * seed_number, 0.0, 360.0, 1, -1)
        inside = piece[:, :_HEIGHT_PX].astype(bool)
        picture[:, :_HEIGHT_PX][inside] = section[inside]
        beyond = piece[:, _HEIGHT_PX:].astype(bool)
        picture[:, _HEIGHT_PX:][beyond] = section[:, : _WIDTH_PX - _HEIGHT_PX][beyond]
    write_pyramid(picture, path, mpp=0.5)


def make_masked_study(folder: Path, data_dir: Path, **asked: object) -> MaskedStudy:
    """Write the slides, seed a run over each, and have the lead set the study up for Ada."""
    for number, name in enumerate(NAMES):
        write_section(folder / name, number)
    seeded = seed(data_dir, [folder / name for name in NAMES], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        for (slide, _), group in zip(seeded, GROUPS, strict=True):
            provenance = Provenance(subject=slide.name[-6:-4], group=group, further=(("dose", f"{len(group)} mg/kg"),))
            workspace.slides.set_provenance(slide.slide_id, provenance, actor="test")
        whole: dict[str, object] = {
            "name": "Trial 1",
            "slides": tuple(slide.slide_id for slide, _ in seeded),
            "readers": (local_reader("Ada").reader_id,),
            "repeats": Repeats(fraction=0.3, distance=2),
            "completeness": Completeness(needs_confidence=True, coverage=0.02),
            **asked,
        }
        workspace.studies.create(LEAD, Protocol(**whole))  # type: ignore[arg-type]
    return MaskedStudy(
        data_dir=data_dir, slides=tuple(slide for slide, _ in seeded), run_ids=tuple(run_id for _, run_id in seeded)
    )
