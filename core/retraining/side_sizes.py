"""How many animals and patches each side of a set has beside what was asked for, and whether a side is too small."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.datasets import Split, TrainingPatch, side_name
from core.domain.held_out import caution_of

_Side = tuple[Split, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SideSize:
    """One side, or one fold: what it has, and which fraction of all animals and patches was asked for."""

    name: str
    n_animals: int
    n_patches: int
    animal_fraction: float
    patch_fraction: float
    asked_fraction: float
    is_validated_on: bool

    @property
    def caution(self) -> str | None:
        """Say that it is too small to be validated on; None where it is not, or is for something else."""
        if not self.is_validated_on:
            return None
        return caution_of(
            f"the {self.name} side" if " " not in self.name else self.name, self.n_animals, self.n_patches
        )

    def to_plain(self) -> dict[str, float]:
        """Give it as JSON holds it."""
        return {
            "n_animals": self.n_animals,
            "n_patches": self.n_patches,
            "animal_fraction": round(self.animal_fraction, 4),
            "patch_fraction": round(self.patch_fraction, 4),
            "asked_fraction": round(self.asked_fraction, 4),
        }


def sides_asked(fractions: tuple[float, float, float], n_folds: int) -> list[tuple[_Side, float]]:
    """Give every side, with its fold, and its share. Folds are equal parts of what the test side leaves."""
    shares = dict(zip(Split, fractions, strict=True))
    if not n_folds:
        return [((side, 0), share) for side, share in shares.items() if share > 0]
    part = (1 - shares[Split.TEST]) / n_folds
    folds = range(1, n_folds + 1)
    test = [((Split.TEST, 0), shares[Split.TEST])] if shares[Split.TEST] > 0 else []
    return [((Split.VALIDATION if fold == 1 else Split.TRAIN, fold), part) for fold in folds] + test


def side_sizes(
    patches: Iterable[TrainingPatch], fractions: tuple[float, float, float], n_folds: int
) -> tuple[SideSize, ...]:
    """Give the size of every side that was asked for. Weak patches count only where there are no others."""
    known = tuple(patches)
    counted = [patch for patch in known if not patch.is_weak] or known
    n_all = max(len({patch.subject_key for patch in counted}), 1)
    sizes: list[SideSize] = []
    for (split, fold), asked in sides_asked(fractions, n_folds):
        here = [patch for patch in counted if (patch.split, patch.fold) == (split, fold)]
        n_animals = len({patch.subject_key for patch in here})
        sizes.append(
            SideSize(
                name=side_name(split, fold),
                n_animals=n_animals,
                n_patches=len(here),
                animal_fraction=n_animals / n_all,
                patch_fraction=len(here) / max(len(counted), 1),
                asked_fraction=asked,
                is_validated_on=split is Split.VALIDATION or fold > 0,
            )
        )
    return tuple(sizes)


def cautions_of(sizes: Iterable[SideSize]) -> tuple[str, ...]:
    """Say of every side that is too small to be validated on that it is."""
    return tuple(size.caution for size in sizes if size.caution is not None)
