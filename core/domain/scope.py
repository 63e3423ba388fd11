"""What a model learned from, as its card states it, and whether a slide lies outside of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.datasets import comparable
from core.domain.slides import Slide

_TOLERANCE = 1.1
_STAINS = dict.fromkeys(("sirius red", "picrosirius", "psr", "picro sirius red"), "picrosirius red")
_SPECIES = {
    **dict.fromkeys(("mice", "murine", "mus musculus"), "mouse"),
    **dict.fromkeys(("rats", "rattus norvegicus"), "rat"),
    **dict.fromkeys(("man", "humans", "patient", "homo sapiens"), "human"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The slides that a model learned from. Empty, or None: it is not known of all or any of them.

    `scan_mpp` is that of the finest and of the coarsest scan, before patches were brought to the recipe's.
    """

    stain: str
    species: tuple[str, ...]
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
            species=_names(plain["species"]),
            scanners=_names(plain["scanners"]),
            sites=_names(plain["sites"]),
            scan_mpp=None if mpp is None else (finest, coarsest),
        )

    def to_plain(self) -> dict[str, Any]:
        """Give it as a card states it."""
        return {
            "stain": self.stain,
            "species": list(self.species),
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
            ("Species", ", ".join(self.species) or "not known of all slides"),
            ("Scanners", ", ".join(self.scanners) or "not known of all slides"),
            ("Sites", ", ".join(self.sites) or "not known of all slides"),
            ("Scanned at", mpp),
        )

    def outside(self, slide: Slide) -> tuple[tuple[str, str], ...]:
        """Say what of a slide lies outside, each with its name: stain, species, scanner, or um per pixel a tenth off.

        Limits: what is not stated of a slide raises nothing, and neither does another site. A wrong stain that nobody
        stated is found by the quality gate, from the pixels.
        """
        return tuple((name, words) for name, words in self._compared(slide) if words is not None)

    def _compared(self, slide: Slide) -> Iterator[tuple[str, str | None]]:
        yield "stain", _unlike("Stained with", slide.stain, (self.stain,) if self.stain else (), _STAINS)
        yield "species", _unlike("Of the species", slide.species, self.species, _SPECIES)
        yield "scanner", _unlike("Scanned by", slide.provenance.scanner, self.scanners, {})
        if slide.mpp is not None and slide.mpp.distrust is None and self.scan_mpp is not None:
            mpp, (finest, coarsest) = slide.mpp.mean, self.scan_mpp
            if not finest / _TOLERANCE <= mpp <= coarsest * _TOLERANCE:
                words = f"Scanned at {mpp:.3g} um per pixel; the model learned from {_span(self.scan_mpp)}."
                yield "um per pixel", words


def _unlike(words: str, stated: str | None, known: tuple[str, ...], same: Mapping[str, str]) -> str | None:
    """Say that what is stated is none of what is known; None where it is, or where either is not stated."""
    stated = (stated or "").strip()
    if not stated or not known or _plain(stated, same) in {_plain(one, same) for one in known}:
        return None
    return f"{words} {stated}; the model learned from {', '.join(known)}."


def _plain(name: str, same: Mapping[str, str]) -> str:
    name = comparable(name)
    return same.get(name, name)


def _names(plain: Any) -> tuple[str, ...]:
    """Give names as a card states them: one, several, or none."""
    return () if plain is None else (plain,) if isinstance(plain, str) else tuple(str(one) for one in plain)


def _span(mpp: tuple[float, float]) -> str:
    finest, coarsest = (f"{one:.3g}" for one in mpp)
    return f"{finest} um per pixel" if finest == coarsest else f"{finest} to {coarsest} um per pixel"
