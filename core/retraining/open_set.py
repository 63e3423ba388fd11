"""A written training set, opened again: every file is as written and no animal is on two sides, or it is refused.

Covered: a file that is changed, missing or added; a row that the content hash does not cover; a subject, slide or image
on two sides, by the manifest as it lies there; and, as each patch is first read, pixels that are not those of its row.
Near-duplicates are proved apart when a set is written, and again when its test side is frozen (`whole_proof`).
Not covered: a set that somebody wrote anew as a whole, hashes included; a card kept elsewhere, or the store, tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.agreement.bootstrap import Progress, unheard
from core.domain.datasets import Isolation, PatchSize, Split, comparable
from core.domain.errors import BadTrainingSet, NothingToDo, RunDamaged
from core.domain.geometry import Box
from core.domain.recipe import Recipe
from core.domain.stages import N_STAGES, STAGES, Stage
from core.retraining.isolation import prove_isolation
from core.retraining.manifest import Row, content_sha256, read_manifest, side_rows

CHECKSUMS_NAME = "checksums.txt"
_PAPERS = ("manifest.parquet", "card.json", "recipe.json", "splits.json", CHECKSUMS_NAME)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetPatch:
    """One patch of a set. `votes`: how many readers gave each stage; `fold` 0: in none; `split` as it was written."""

    file: str
    slide_id: str
    subject: str
    site: str
    stain_batch: str
    scanner: str
    species: str
    patch_index: int
    box: Box
    stage: Stage
    votes: tuple[int, ...]
    split: Split | None
    fold: int
    is_weak: bool
    recipe_hash: str
    pixels_sha256: str

    @property
    def animal(self) -> str:
        """Give the subject as splits compare it."""
        return comparable(self.subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSet:
    """A training set that was found whole. `recipes`: those that its patches were read under, the most used first."""

    folder: Path
    content_sha256: str
    isolation: Isolation
    is_demo: bool
    patch_size: PatchSize
    recipes: tuple[Recipe, ...]
    patches: tuple[SetPatch, ...]

    def side(self, split: Split, *, fold: int | None = None, with_weak: bool = False) -> tuple[SetPatch, ...]:
        """Give the patches of a side; with a fold named it is the validation side and the other folds the training one.

        Weak patches come only when asked for, and are then only trained on, unless the set holds no others.
        """
        takes_weak = with_weak and (split is Split.TRAIN or self.is_weak_alone)
        return tuple(
            patch for patch in self.patches if _side_of(patch, fold) is split and (takes_weak or not patch.is_weak)
        )

    @property
    def is_weak_alone(self) -> bool:
        """Say whether every patch carries its slide's stage: nobody staged a patch itself."""
        return all(patch.is_weak for patch in self.patches)

    @property
    def folds(self) -> tuple[int, ...]:
        """Give the numbers of the folds, none where it has none."""
        return tuple(sorted({patch.fold for patch in self.patches} - {0}))


def open_set(folder: Path, progress: Progress = unheard) -> OpenSet:
    """Open a set after checking all of it; `progress` hears the share of the files that were read.

    Raises: NothingToDo for no set, BadTrainingSet naming what is broken, LeakingSplit naming who leaks.
    """
    if not (folder / "manifest.parquet").is_file():
        raise NothingToDo(f"{folder} is no training set: it has no manifest.parquet. Export one first.")
    found = _check_files(folder, progress)
    rows, card = _rows(folder), _json(folder, "card.json")
    _check_rows(folder, rows, found, card)
    try:
        isolation = Isolation(card["isolated_by"])
        opened = OpenSet(
            folder=folder,
            content_sha256=str(card["content_sha256"]),
            isolation=isolation,
            is_demo=card["is_demo"] is not False,
            patch_size=_patch_size(folder),
            recipes=_recipes(folder, rows),
            patches=tuple(patch_of(row) for row in rows),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadTrainingSet(folder, f"its manifest, card or recipe cannot be read: {error}") from error
    prove_isolation(side_rows(rows), isolation)
    return opened


def stated_content(folder: Path) -> str:
    """Give the content hash that a set's card states, without checking anything else; NothingToDo for no set."""
    try:
        return str(json.loads((folder / "card.json").read_text(encoding="utf-8"))["content_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NothingToDo(f"{folder} is no training set: its card.json cannot be read ({error}).") from error


def pixels_sha256(pixels: npt.NDArray[np.uint8]) -> str:
    """Hash the RGB bytes of a patch as the manifest does."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _check_files(folder: Path, progress: Progress) -> dict[str, str]:
    """Give the SHA-256 of every file after comparing it with what was written down."""
    for name in _PAPERS:
        if not (folder / name).is_file():
            raise BadTrainingSet(folder, f"{name} is missing")
    lines = (folder / CHECKSUMS_NAME).read_text(encoding="utf-8").splitlines()
    stated = {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}
    here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {CHECKSUMS_NAME}
    if missing := sorted(stated.keys() - here):
        raise BadTrainingSet(folder, f"{_some(missing)} missing")
    if added := sorted(here - stated.keys()):
        raise BadTrainingSet(folder, f"{_some(added)} not among the files that were written")
    for place, (name, sha256) in enumerate(stated.items()):
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise BadTrainingSet(folder, f"{name} is not the file that was written")
        progress(place / len(stated))
    return stated


def _check_rows(folder: Path, rows: Iterable[Row], found: Mapping[str, str], card: Mapping[str, Any]) -> None:
    for row in rows:
        if found.get(str(row["file"])) != row["png_sha256"]:
            raise BadTrainingSet(folder, f"{row['file']} is not the image of its row in the manifest")
    if content_sha256(rows) != card.get("content_sha256"):
        raise BadTrainingSet(folder, "the manifest does not hash to the content that card.json states")


def _rows(folder: Path) -> tuple[Row, ...]:
    try:
        return read_manifest(folder / "manifest.parquet")
    except (RunDamaged, OSError, pa.ArrowException) as error:
        raise BadTrainingSet(folder, f"manifest.parquet cannot be read: {error}") from error


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        plain = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadTrainingSet(folder, f"{name} cannot be read: {error}") from error
    if not isinstance(plain, dict):
        raise BadTrainingSet(folder, f"{name} holds no object")
    return plain


def _patch_size(folder: Path) -> PatchSize:
    plain = _json(folder, "recipe.json")
    return PatchSize(mpp=float(plain["mpp"]), side_px=int(plain["patch_px"]))


def _recipes(folder: Path, rows: Iterable[Row]) -> tuple[Recipe, ...]:
    hashes = [str(row["recipe_hash"]) for row in rows]
    known = {name: Recipe.from_json(plain) for name, plain in _json(folder, "recipe.json")["recipes"].items()}
    return tuple(known[name] for name in sorted(known, key=lambda name: (-hashes.count(name), name)))


def patch_of(row: Mapping[str, Any]) -> SetPatch:
    """Give the patch of a row of a manifest; columns that older sets do not have may be missing."""
    stage = Stage(row["stage"])
    return SetPatch(
        file=str(row["file"]),
        slide_id=str(row["slide_id"]),
        subject=str(row["subject"]),
        site=str(row["site"] or ""),
        stain_batch=str(row["stain_batch"] or ""),
        scanner=str(row.get("scanner") or ""),
        species=str(row.get("species") or ""),
        patch_index=int(row["patch"]),
        box=Box(**{name: int(row[name]) for name in ("x_px", "y_px", "width_px", "height_px")}),
        stage=stage,
        votes=_votes(row.get("votes"), stage, int(row.get("n_readers") or 1)),
        split=Split(row["split"]) if row["split"] else None,
        fold=int(row.get("fold") or 0),
        is_weak=bool(row.get("is_weak")),
        recipe_hash=str(row["recipe_hash"]),
        pixels_sha256=str(row["pixels_sha256"]),
    )


def _votes(stated: Any, stage: Stage, n_readers: int) -> tuple[int, ...]:
    """Give a number for each stage; a set that states none holds patches that all of their readers agreed on."""
    if stated is None:
        return tuple(n_readers if one is stage else 0 for one in STAGES)
    votes = tuple(int(one) for one in (json.loads(stated) if isinstance(stated, str) else stated))
    if len(votes) != N_STAGES or min(votes) < 0 or not sum(votes):
        raise ValueError(f"votes {votes} are not one number for each of {N_STAGES} stages")
    return votes


def _side_of(patch: SetPatch, fold: int | None) -> Split | None:
    if fold is None or not patch.fold:
        return patch.split
    return Split.VALIDATION if patch.fold == fold else Split.TRAIN


def _some(names: list[str]) -> str:
    """Name the first and say how many more."""
    more = f" and {len(names) - 1} more files are" if len(names) > 1 else " is"
    return f"{names[0]}{more}"
