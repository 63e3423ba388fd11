"""A slide, what is known about it, and how its registration ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import NewType

from core.domain.geometry import Box
from core.domain.units import Mpp

SlideId = NewType("SlideId", str)
"""First 32 hexadecimal digits of the SHA-256 of the slide's content."""


class RegistrationStatus(Enum):
    """How the registration of one file ended."""

    REGISTERED = "registered"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanProperties:
    """What the file itself says. `mpp` is None when it says nothing; it may still be distrusted."""

    width_px: int
    height_px: int
    bounds: Box
    mpp: Mpp | None
    objective_power: float | None
    vendor: str
    has_icc_profile: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Where the section comes from, as the person's table says. None: not stated.

    `further` holds the columns that have no field here, such as species, strain, sex or stain, by name.
    """

    subject: str | None = None
    site: str | None = None
    stain_batch: str | None = None
    scanner: str | None = None
    group: str | None = None
    further: tuple[tuple[str, str], ...] = ()

    def stated(self, column: str) -> str | None:
        """Give what a further column says, however its name is written; None where it is not stated."""
        return next((value for name, value in self.further if name.strip().casefold() == column), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedMpp:
    """Microns per pixel that a person typed."""

    mpp: Mpp
    stated_by: str
    stated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Slide:
    """One registered whole-slide image.

    `path` is what is opened; for a plain image it is the pyramid made of it, and `source_path` is the file
    that the person gave. `file_stamp` is (bytes, modification time in ns) of the opened file at
    registration, for a quick check that it is still the same.
    """

    slide_id: SlideId
    name: str
    path: Path
    source_path: Path
    file_stamp: tuple[int, int]
    scan: ScanProperties
    provenance: Provenance = field(default_factory=Provenance)
    stated_mpp: StatedMpp | None = None
    is_demo: bool = False
    registered_at: datetime

    def matches(self, words: str) -> bool:
        """Say whether every word stands in the name or in where the slide comes from."""
        origin = self.provenance
        told = (self.name, origin.subject, origin.site, origin.stain_batch, origin.scanner, origin.group)
        text = " ".join(word for word in told if word).casefold()
        return all(word in text for word in words.casefold().split())

    @property
    def species(self) -> str | None:
        """Give the species that the person's table states, or None."""
        return self.provenance.stated("species")

    @property
    def stain(self) -> str | None:
        """Give the stain that the person's table states, or None."""
        return self.provenance.stated("stain")

    @property
    def mpp(self) -> Mpp | None:
        """Give the microns per pixel to measure with: stated by a person, else the file's if trusted."""
        if self.stated_mpp is not None:
            return self.stated_mpp.mpp
        return self.scan.mpp if self.scan.mpp is not None and self.scan.mpp.distrust is None else None

    @property
    def mpp_problem(self) -> str | None:
        """Say why measuring must wait, or None when it need not."""
        if self.mpp is not None:
            return None
        if self.scan.mpp is None:
            return "the file does not state its microns per pixel"
        return self.scan.mpp.distrust


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationOutcome:
    """How one file ended; `slide` is None when it was refused."""

    path: Path
    status: RegistrationStatus
    reason: str | None
    slide: Slide | None
