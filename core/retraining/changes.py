"""What changed in a training set since its parent: patches added, removed, relabelled and moved between sides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.domain.datasets import Counts, count
from core.domain.errors import NothingToDo
from core.retraining.manifest import Row, content_sha256, read_manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """A set that was written before, by what its manifest says."""

    path: Path
    content_sha256: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """One patch of both sets, by its id, and what it was and is."""

    patch: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetChanges:
    """What is new. A patch is the same one when it is the same box of the same slide; weak ones are said to be so."""

    parent_sha256: str
    n_same: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[Changed, ...]
    moved: tuple[Changed, ...]

    @property
    def counts(self) -> Counts:
        """Count each kind of change, all of them."""
        kinds = (("added", self.added), ("removed", self.removed), ("relabelled", self.relabelled))
        return (*((name, len(found)) for name, found in kinds), ("moved between sides", len(self.moved)))

    def to_json(self) -> dict[str, object]:
        """Give plain values for the file beside the patches."""
        return {
            "parent_content_sha256": self.parent_sha256,
            "counts": dict(self.counts) | {"in both": self.n_same},
            "relabelled_from_to": _from_to(self.relabelled),
            "moved_from_to": _from_to(self.moved),
            "added": list(self.added),
            "removed": list(self.removed),
            "relabelled": [_plain(one) for one in self.relabelled],
            "moved": [_plain(one) for one in self.moved],
        }


def open_parent(folder: Path) -> Parent:
    """Read a written set to compare with; NothingToDo when there is none."""
    try:
        rows = read_manifest(folder / "manifest.parquet")
    except OSError as error:
        raise NothingToDo(f"{folder} is no training set: it has no manifest.parquet. Name another parent.") from error
    return Parent(path=folder, content_sha256=content_sha256(rows), rows=rows)


def changes_since(parent: Parent, rows: Iterable[Row]) -> SetChanges:
    """Compare the rows of a set with its parent's, each list in the order of slides and patches."""
    before, after = ({_name(row): row for row in some} for some in (parent.rows, rows))
    both = sorted(before.keys() & after.keys())
    stages = (Changed(patch=name, before=_stage(before[name]), after=_stage(after[name])) for name in both)
    sides = (Changed(patch=name, before=_side(before[name]), after=_side(after[name])) for name in both)
    return SetChanges(
        parent_sha256=parent.content_sha256,
        n_same=len(both),
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        relabelled=tuple(one for one in stages if one.before != one.after),
        moved=tuple(one for one in sides if one.before != one.after),
    )


def _name(row: Row) -> str:
    box = ",".join(str(row[name]) for name in ("x_px", "y_px", "width_px", "height_px"))
    return f"{row['slide_id']}/{row['patch']} at {box}"


def _stage(row: Row) -> str:
    return f"{row['stage']} (weak)" if row["is_weak"] else str(row["stage"])


def _side(row: Row) -> str:
    return f"{row['split']}, fold {row['fold']}" if row["fold"] else str(row["split"])


def _from_to(changed: Iterable[Changed]) -> dict[str, int]:
    return dict(count(f"{one.before} to {one.after}" for one in changed))


def _plain(one: Changed) -> dict[str, str]:
    return {"patch": one.patch, "from": one.before, "to": one.after}
