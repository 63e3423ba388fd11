"""The annotation guide: versions of its wording, and example patches pinned from real slides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from core.domain.geometry import Box
from core.domain.people import ReaderId
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage

PinId = NewType("PinId", str)

LONGEST_TEXT = 20_000
LONGEST_CAPTION = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """An example of a stage: a box of a slide in level-0 pixels. Withdrawn, it stays in the versions that show it."""

    pin_id: PinId
    slide_id: SlideId
    box: Box
    stage: Stage
    caption: str
    is_withdrawn: bool
    pinned_by: ReaderId
    pinned_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StageWording:
    """What the guide says of one stage, and what is easily taken for it; both in Markdown."""

    stage: Stage
    wording: str
    look_alikes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GuideVersion:
    """The guide as it stood from `made_at` on; its number is stamped on every read. `change` says what is new."""

    number: int
    preface: str
    stages: tuple[StageWording, ...]
    pins: tuple[PinId, ...]
    change: str
    made_by: ReaderId
    made_at: datetime

    def __post_init__(self) -> None:
        if tuple(one.stage for one in self.stages) != STAGES:
            raise ValueError("a guide words every stage once, in order")


FIRST_WORDING = {
    Stage.S0: ("No fibrosis beyond the normal collagen of portal tracts and the walls of large veins.", ""),
    Stage.S1A: (
        "Delicate perisinusoidal fibrosis in zone 3; needs a collagen stain to be seen.",
        "Normal fine collagen around the central vein. Over-stained background between hepatocytes.",
    ),
    Stage.S1B: ("Dense perisinusoidal fibrosis in zone 3, visible without a collagen stain.", "1a in a strong stain."),
    Stage.S1C: (
        "Portal or periportal fibrosis only, without perisinusoidal fibrosis.",
        "A large portal tract cut along its length. 1c is another place than 1a and 1b, not more fibrosis.",
    ),
    Stage.S2: ("Perisinusoidal fibrosis in zone 3 and portal or periportal fibrosis.", "Two lesions that do not meet."),
    Stage.S3: (
        "Bridging fibrosis: septa from portal tract to central vein, or between either.",
        "A portal tract or a vein cut along its length. A fold.",
    ),
    Stage.S4: ("Cirrhosis: nodules surrounded by septa throughout.", "Parenchyma under the capsule."),
}
"""What a new guide begins with. Source: Kleiner 2005, Hepatology 41:1313, table 1; look-alikes are our own."""

FIRST_PREFACE = (
    "The scale was made for human biopsies in Masson's trichrome. Rodent livers in Sirius Red are an adaptation: agree "
    "on examples before reading, and pin them here. Stage is fibrosis; inflammation is not staged."
)
