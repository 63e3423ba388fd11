"""Which synthetic slides there are: the record that a slide is rendered from, and the fourteen of the demo study."""

import zlib
from dataclasses import dataclass
from enum import Enum

import numpy as np

from core.domain.stages import Stage

MPP = 0.5


class Artefact(Enum):
    """What went wrong with a slide on purpose."""

    NONE = "none"
    FOLD = "fold"
    BLUR = "blur"
    PEN = "pen"
    BUBBLE = "bubble"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSlide:
    """One slide to render; equal records give equal pixels.

    `seed` is the section; sections of one animal share what belongs to the animal (amount of collagen, steatosis).
    """

    name: str
    animal: str
    site: str
    stain_batch: str
    stage: Stage
    seed: int
    artefact: Artefact = Artefact.NONE
    width_px: int = 4096
    height_px: int = 3072
    mpp: float = MPP

    def __post_init__(self) -> None:
        """Refuse what the renderer cannot draw."""
        if self.mpp != MPP:
            raise ValueError(f"synthetic tissue is drawn at {MPP} um/px only, not {self.mpp}")
        if min(self.width_px, self.height_px) < 256:
            raise ValueError(f"a slide needs at least 256 px a side, not {self.width_px} x {self.height_px}")

    def section_generator(self) -> np.random.Generator:
        """Give the random numbers that belong to this section."""
        return np.random.default_rng([zlib.crc32(self.animal.encode()), self.seed])

    def animal_generator(self) -> np.random.Generator:
        """Give the random numbers that all sections of the animal share."""
        return np.random.default_rng(zlib.crc32(self.animal.encode()))

    def stain_generator(self) -> np.random.Generator:
        """Give the random numbers that all slides of the stain batch share."""
        return np.random.default_rng(zlib.crc32(f"{self.site}/{self.stain_batch}".encode()))


_DEMO_PLAN: tuple[tuple[str, str, Stage, int, Artefact], ...] = (
    ("A01", "A", Stage.S3, 1, Artefact.NONE),
    ("B01", "B", Stage.S1C, 1, Artefact.NONE),
    ("A02", "A", Stage.S0, 1, Artefact.NONE),
    ("B02", "B", Stage.S4, 1, Artefact.FOLD),
    ("A03", "A", Stage.S1A, 1, Artefact.NONE),
    ("B03", "B", Stage.S2, 1, Artefact.NONE),
    ("A04", "A", Stage.S1B, 1, Artefact.BLUR),
    ("B04", "B", Stage.S0, 1, Artefact.NONE),
    ("A05", "A", Stage.S4, 1, Artefact.NONE),
    ("B05", "B", Stage.S1A, 1, Artefact.PEN),
    ("A06", "A", Stage.S2, 1, Artefact.BUBBLE),
    ("A01", "A", Stage.S3, 2, Artefact.NONE),
    ("B06", "B", Stage.S1B, 1, Artefact.NONE),
    ("B01", "B", Stage.S1C, 2, Artefact.NONE),
)


def demo_study() -> tuple[SyntheticSlide, ...]:
    """Give the demo's slides, two a stage, from twelve animals of two sites, in the order they are to be made."""
    return tuple(
        SyntheticSlide(
            name=f"DEMO-{animal}-{section}",
            animal=f"DEMO-{animal}",
            site=site,
            stain_batch=f"{site}-{1 + (number % 4) // 2}",
            stage=stage,
            seed=section,
            artefact=artefact,
        )
        for number, (animal, site, stage, section, artefact) in enumerate(_DEMO_PLAN)
    )
