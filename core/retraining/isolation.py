"""The proof that no animal is on two sides of a training set; asked for again of what was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.datasets import Isolation, Split, TrainingPatch, comparable
from core.domain.errors import LeakingSplit

NamesBySplit = tuple[tuple[Split, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SideRow:
    """What has to be on one side: a patch's subject, site, slide and image. Image '' is not known yet."""

    split: Split
    subject: str
    site: str
    slide_id: str
    image: str = ""

    @classmethod
    def of(cls, patch: TrainingPatch) -> SideRow:
        """Give the row of a patch that has a side; ValueError for one that has none."""
        if patch.split is None:
            raise ValueError(f"patch {patch.file_name} has no side")
        return cls(split=patch.split, subject=patch.subject, site=patch.site or "", slide_id=patch.slide_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolationProof:
    """Who is on which side. `prove_isolation` makes one only when no subject, slide or image is on two."""

    isolation: Isolation
    subjects: NamesBySplit
    sites: NamesBySplit
    n_patches: int
    n_images: int

    def to_json(self) -> dict[str, object]:
        """Give plain values, intersections included, for the file beside the patches."""
        return {
            "isolated_by": self.isolation.value,
            "subjects": {side.value: list(names) for side, names in self.subjects},
            "sites": {side.value: list(names) for side, names in self.sites},
            "subjects_on_two_sides": _shared(self.subjects),
            "sites_on_two_sides": _shared(self.sites),
            "n_patches": self.n_patches,
            "n_different_images": self.n_images,
            "checked": "on the manifest as written, before the set got its name; no slide or image is on two sides",
        }


def prove_isolation(rows: Iterable[SideRow], isolation: Isolation) -> IsolationProof:
    """Look at every row and give the proof that no subject, slide or image is on two sides.

    By site no site is either; by subject, sites that are on two sides are listed and allowed. Names that
    differ in capitals, width or spacing alone are one name. An image is the same when every pixel is.
    Limits: near-duplicates are not looked for; overlap on one slide cannot cross, as a slide has one side.
    Raises: LeakingSplit, naming all offenders of the first kind found.
    """
    seen = tuple(rows)
    _refuse_shared("subject", ((row.split, comparable(row.subject), row.subject) for row in seen))
    if isolation is Isolation.SITE:
        _refuse_shared("site", ((row.split, comparable(row.site), row.site or "(none)") for row in seen))
    _refuse_shared("slide", ((row.split, row.slide_id, row.slide_id) for row in seen))
    _refuse_shared("image", ((row.split, row.image, _image_name(row)) for row in seen if row.image))
    return IsolationProof(
        isolation=isolation,
        subjects=_names_by_split((row.split, row.subject) for row in seen),
        sites=_names_by_split((row.split, row.site) for row in seen if row.site),
        n_patches=len(seen),
        n_images=len({row.image for row in seen}),
    )


def _image_name(row: SideRow) -> str:
    return f"{row.image[:12]} (subject {row.subject}, slide {row.slide_id[:12]})"


def _refuse_shared(kind: str, rows: Iterable[tuple[Split, str, str]]) -> None:
    """Raise LeakingSplit when one key is on two sides. Args: rows: (side, key, name to show)."""
    sides: defaultdict[str, set[Split]] = defaultdict(set)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for split, key, name in rows:
        sides[key].add(split)
        names[key].add(name)
    offenders = sorted(key for key, found in sides.items() if len(found) > 1)
    if offenders:
        shown = tuple(name for key in offenders for name in sorted(names[key]))
        both = [split.value for split in Split if any(split in sides[key] for key in offenders)]
        raise LeakingSplit(kind, shown, " and ".join(both))


def _names_by_split(pairs: Iterable[tuple[Split, str]]) -> NamesBySplit:
    found: defaultdict[Split, set[str]] = defaultdict(set)
    for split, name in pairs:
        found[split].add(name)
    return tuple((split, tuple(sorted(found[split]))) for split in Split if split in found)


def _shared(by_split: NamesBySplit) -> list[str]:
    keys = [{comparable(name) for name in names} for _, names in by_split]
    return sorted({key for number, one in enumerate(keys) for other in keys[number + 1 :] for key in one & other})
