"""What a model learned from, as its card states it, and whether a slide lies outside of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.datasets import comparable
from core.domain.slides import Slide

_TOLERANCE = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The slides that a model learned from. Empty, or None: it is not known of all or any of them.

    `scan_mpp` is that of the finest and of the coarsest scan, before patches were brought to the recipe's.
    """

    stain: str
    species: str | None
    scanners: tuple[str, ...]
    sites: tuple[str, ...]
    scan_mpp: tuple[float, float] | None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Scope:
        """Take it from a card. Raises: KeyError, TypeError or ValueError for anything else."""
        mpp = plain["scan_mpp"]
        finest, coarsest = (0.0, 0.0) if mpp is None else (float(one) for one in mpp)
        if mpp is not None and not 0.0 < finest <= coarsest:
            raise ValueError(f"scan_mpp {mpp} is not that of the finest and of the coarsest scan")
        return cls(
            stain=str(plain["stain"]),
            species=None if plain["species"] is None else str(plain["species"]),
            scanners=tuple(str(one) for one in plain["scanners"]),
            sites=tuple(str(one) for one in plain["sites"]),
            scan_mpp=None if mpp is None else (finest, coarsest),
        )

    def to_plain(self) -> dict[str, Any]:
        """Give it as a card states it."""
        return {
            "stain": self.stain,
            "species": self.species,
            "scanners": list(self.scanners),
            "sites": list(self.sites),
            "scan_mpp": None if self.scan_mpp is None else list(self.scan_mpp),
        }

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Give each part with its name."""
        mpp = "not known" if self.scan_mpp is None else _span(self.scan_mpp)
        return (
            ("Stain", self.stain),
            ("Species", self.species or "not stated"),
            ("Scanners", ", ".join(self.scanners) or "not known of all slides"),
            ("Sites", ", ".join(self.sites) or "not known of all slides"),
            ("Scanned at", mpp),
        )

    def why_outside(self, slide: Slide) -> str | None:
        """Say what of a slide lies outside: a scanner, or um per pixel a tenth finer or coarser than of any; or None.

        Limits: a slide whose scanner is not stated raises nothing by it, and neither does another site. The stain is
        judged by the quality gate, from the pixels.
        """
        found: list[str] = []
        scanner = (slide.provenance.scanner or "").strip()
        if scanner and self.scanners and comparable(scanner) not in {comparable(one) for one in self.scanners}:
            found.append(f"Scanned by {scanner}; the model learned from {', '.join(self.scanners)}.")
        if slide.mpp is not None and slide.mpp.distrust is None and self.scan_mpp is not None:
            mpp, (finest, coarsest) = slide.mpp.mean, self.scan_mpp
            if not finest / _TOLERANCE <= mpp <= coarsest * _TOLERANCE:
                found.append(f"Scanned at {mpp:.3g} um per pixel; the model learned from {_span(self.scan_mpp)}.")
        return f"{' '.join(found)} How well it stages such slides is not known." if found else None


def _span(mpp: tuple[float, float]) -> str:
    finest, coarsest = (f"{one:.3g}" for one in mpp)
    return f"{finest} um per pixel" if finest == coarsest else f"{finest} to {coarsest} um per pixel"
