"""A written training set of drawn tissue: real files and checks, slides whose stage can be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.geometry import Box
from core.domain.people import ReaderId
from core.domain.slides import Slide
from core.domain.stages import STAGES, Stage
from core.retraining.export import ExportSources, write_training_set
from core.retraining.selection import ExportRequest
from core.slides.synthetic.render import render
from core.slides.synthetic.study import SyntheticSlide
from tests.core.retraining.training_material import NOON, RECIPE, ReadMaker, make_slide

SIDE_PX = 448


@dataclass
class DrawnReaders:
    """Reads the pixels of drawn slides; a slide is drawn when it is first asked for."""

    plans: dict[str, SyntheticSlide] = field(default_factory=dict)

    @contextmanager
    def lease(self, slide: Slide) -> Iterator[_DrawnReader]:
        """Lend the reader of a slide."""
        yield _DrawnReader(_picture(self.plans[slide.name]))


@dataclass
class _DrawnReader:
    picture: npt.NDArray[np.uint8]

    def read(self, box: Box, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
        """Give a box at full size."""
        return self.picture[box.y_px : box.y_px + height_px, box.x_px : box.x_px + width_px]


@lru_cache(maxsize=64)
def _picture(plan: SyntheticSlide) -> npt.NDArray[np.uint8]:
    return render(plan).image


def read_as_every_stage_alike(n_animals: int, stages: tuple[Stage, ...] = STAGES) -> tuple[Stage, ...]:
    """Give stages that say nothing of the animals: those of each drawn stage and stain batch get every stage alike."""
    return tuple(stages[(number // 4) % len(stages)] for number in range(n_animals))


def drawn_sources(
    n_animals: int,
    stages: tuple[Stage, ...] = STAGES,
    *,
    read_as: tuple[Stage, ...] | None = None,
    sites: tuple[str, ...] = ("B", "A"),
) -> ExportSources:
    """Give one slide of four patches an animal, stages and sites in turn; `read_as`: what each animal is read as."""
    stage_of = tuple(stages[number % len(stages)] for number in range(n_animals))
    read_as = stage_of if read_as is None else read_as
    readers, slides, reads, maker = DrawnReaders(), [], [], ReadMaker()
    for number, stage in enumerate(stage_of):
        slide = make_slide(f"slide-{number}", f"Rat {number}", sites[number % len(sites)], is_demo=True)
        slide = replace(slide, scan=replace(slide.scan, width_px=SIDE_PX, height_px=SIDE_PX, bounds=_BOUNDS))
        slides.append(slide)
        readers.plans[slide.name] = SyntheticSlide(
            name=slide.name,
            animal=f"Rat {number}",
            site=sites[number % len(sites)],
            stain_batch=f"{number % 4}",
            stage=stage,
            seed=1,
            width_px=SIDE_PX,
            height_px=SIDE_PX,
        )
        reads += [maker.read(slide, patch, read_as[number]) for patch in range(4)]
    return ExportSources(
        reads=tuple(reads),
        slides=tuple(slides),
        recipes=(RECIPE,),
        readers=readers,
        code_version="0.1.0",
        written_by=ReaderId("lena"),
        written_at=NOON,
    )


_BOUNDS = Box(x_px=0, y_px=0, width_px=SIDE_PX, height_px=SIDE_PX)


def write_drawn_set(
    out: Path, sources: ExportSources, *, seed: int = 1, fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
) -> Path:
    """Write the set of some sources, and give its folder."""
    write_training_set(ExportRequest(seed=seed, fractions=fractions), sources, out)
    return out
