"""The proof that no animal is on two sides of a training set; asked for again of what was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.agreement.bootstrap import Progress, unheard
from core.domain.datasets import Isolation, Split, TrainingPatch, comparable, side_name
from core.domain.errors import LeakingSplit
from core.retraining.near_duplicates import Comparison, Rgb, Shrunk, compare

NamesBySide = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SideRow:
    """What has to be on one side: a patch's subject, site, scanner, slide and image. Image '' is not known yet.

    `perceptual` is the hash that near-duplicates are looked for by; `fold` 0: in none.
    """

    split: Split
    subject: str
    site: str
    slide_id: str
    scanner: str = ""
    fold: int = 0
    patch_index: int = 0
    image: str = ""
    perceptual: int = 0

    @classmethod
    def of(cls, patch: TrainingPatch) -> SideRow:
        """Give the row of a patch that has a side; ValueError for one that has none."""
        if patch.split is None:
            raise ValueError(f"patch {patch.file_name} has no side")
        return cls(
            split=patch.split,
            fold=patch.fold,
            subject=patch.subject,
            site=patch.site or "",
            scanner=patch.scanner or "",
            slide_id=patch.slide_id,
            patch_index=patch.patch_index,
        )

    @property
    def side(self) -> str:
        """Name what leaks are looked for between: the fold where there is one, else the split."""
        return side_name(self.split, self.fold)

    @property
    def place(self) -> str:
        """Name the animal and the patch, so that somebody can take it out of the selection."""
        return f"subject {self.subject} (patch {self.slide_id}/{self.patch_index})"


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolationProof:
    """Who is on which side. `prove_isolation` makes one only when no subject, slide or image is on two."""

    isolation: Isolation
    subjects: NamesBySide
    sites: NamesBySide
    scanners: NamesBySide
    folds: NamesBySide
    n_patches: int
    n_images: int

    def to_json(self) -> dict[str, object]:
        """Give plain values, intersections included, for the file beside the patches."""
        return {
            "isolated_by": self.isolation.value,
            "subjects": {side: list(names) for side, names in self.subjects},
            "sites": {side: list(names) for side, names in self.sites},
            "scanners": {side: list(names) for side, names in self.scanners},
            "subjects_by_fold": {side: list(names) for side, names in self.folds},
            "subjects_on_two_sides": _shared(self.subjects) + _shared(self.folds),
            "sites_on_two_sides": _shared(self.sites),
            "scanners_on_two_sides": _shared(self.scanners),
            "n_patches": self.n_patches,
            "n_different_images": self.n_images,
            "checked": "on the manifest as written, before the set got its name; no slide or image is on two sides",
        }


def prove_isolation(rows: Iterable[SideRow], isolation: Isolation) -> IsolationProof:
    """Look at every row and give the proof that no subject, slide or image is on two sides.

    Folds are sides. By site no site is on two either, by scanner no scanner; else those that are, are listed and
    allowed. Names that differ in capitals, width or spacing alone are one name. An image is the same when every pixel
    is; `prove_images_apart` looks for near-duplicates. Overlap on one slide cannot cross, as a slide has one side.
    Raises: LeakingSplit, naming all offenders of the first kind found.
    """
    seen = tuple(rows)
    _refuse_shared("subject", ((row.side, comparable(row.subject), row.subject) for row in seen))
    if isolation is Isolation.SITE:
        _refuse_shared("site", ((row.side, comparable(row.site), row.site or "(none)") for row in seen))
    if isolation is Isolation.SCANNER:
        _refuse_shared("scanner", ((row.side, comparable(row.scanner), row.scanner or "(none)") for row in seen))
    _refuse_shared("slide", ((row.side, row.slide_id, row.slide_id) for row in seen))
    _refuse_shared("image", ((row.side, row.image, row.place) for row in seen if row.image))
    return IsolationProof(
        isolation=isolation,
        subjects=_names_by_side((row.split.value, row.subject) for row in seen),
        sites=_names_by_side((row.split.value, row.site) for row in seen if row.site),
        scanners=_names_by_side((row.split.value, row.scanner) for row in seen if row.scanner),
        folds=_names_by_side((row.side, row.subject) for row in seen if row.fold),
        n_patches=len(seen),
        n_images=len({row.image for row in seen}),
    )


def prove_images_apart(
    rows: Sequence[SideRow], shrunk: Sequence[Shrunk], image: Callable[[int], Rgb], progress: Progress = unheard
) -> Comparison:
    """Give what was compared across sides when no near-duplicate was found among different subjects' images.

    Args: shrunk: the structure of each row's image. image: gives the pixels of a row by its place.
    Raises: LeakingSplit, naming animals and patches.
    """
    found = compare([row.side for row in rows], [row.perceptual for row in rows], shrunk, image, progress)
    if found.found:
        pairs = [(rows[one.first], rows[one.second], one.correlation) for one in found.found]
        names = tuple(f"{one.place} with {other.place} at correlation {alike:.2f}" for one, other, alike in pairs)
        sides = sorted({row.side for one, other, _ in pairs for row in (one, other)}, key=_side_order)
        raise LeakingSplit("near-duplicate image", names, " and ".join(sides))
    return found


def _refuse_shared(kind: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Raise LeakingSplit when one key is on two sides. Args: rows: (side, key, name to show)."""
    sides: defaultdict[str, set[str]] = defaultdict(set)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for side, key, name in rows:
        sides[key].add(side)
        names[key].add(name)
    offenders = sorted(key for key, found in sides.items() if len(found) > 1)
    if offenders:
        shown = tuple(name for key in offenders for name in sorted(names[key]))
        both = sorted({side for key in offenders for side in sides[key]}, key=_side_order)
        raise LeakingSplit(kind, shown, " and ".join(both))


def _names_by_side(pairs: Iterable[tuple[str, str]]) -> NamesBySide:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for side, name in pairs:
        found[side].add(name)
    return tuple((side, tuple(sorted(found[side]))) for side in sorted(found, key=_side_order))


def _side_order(side: str) -> tuple[int, int]:
    splits = [split.value for split in Split]
    return (splits.index(side), 0) if side in splits else (len(splits), int(side.rpartition(" ")[2]))


def _shared(by_side: NamesBySide) -> list[str]:
    keys = [{comparable(name) for name in names} for _, names in by_side]
    return sorted({key for number, one in enumerate(keys) for other in keys[number + 1 :] for key in one & other})
