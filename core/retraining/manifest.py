"""The manifest of a training set: one row a patch, as Parquet, and the hash of what the set holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.domain.datasets import Split, TrainingPatch, comparable
from core.domain.errors import NothingToDo, RunDamaged
from core.retraining.isolation import SideRow
from core.retraining.near_duplicates import Shrunk

_TEXT = ("file", "slide", "slide_id", "subject", "site", "stain_batch")
_NUMBERS = ("patch", "x_px", "y_px", "width_px", "height_px")
_MORE_TEXT = ("stage", "source", "reader", "read_id", "model_run", "recipe_hash", "split")
_HASHES = ("png_sha256", "pixels_sha256")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT),
        *((name, pa.int64()) for name in _NUMBERS),
        *((name, pa.string()) for name in _MORE_TEXT),
        ("n_readers", pa.int64()),
        *((name, pa.string()) for name in _HASHES),
        ("fold", pa.int64()),
        ("is_weak", pa.bool_()),
        ("scanner", pa.string()),
        ("species", pa.string()),
        ("rule", pa.string()),
        ("guide_version", pa.int64()),
        ("confidence", pa.int64()),
        ("votes", pa.string()),
        ("perceptual_hash", pa.string()),
    ]
)
COLUMNS: tuple[str, ...] = tuple(_SCHEMA.names)
NOT_HASHED = ("slide", "png_sha256", "perceptual_hash")
"""Columns that the content hash leaves out: the name of a slide, how a PNG is packed, what follows from the pixels."""

Row = Mapping[str, str | int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenPatch:
    """A patch whose image lies in the set. `pixels_sha256` is over its RGB bytes, `png_sha256` over its file.

    `perceptual` is the hash that near-duplicates are looked for by, `shrunk` the structure that they are laid over by.
    """

    patch: TrainingPatch
    png_sha256: str
    pixels_sha256: str
    perceptual: int
    shrunk: Shrunk = field(compare=False, repr=False)

    def to_row(self) -> dict[str, str | int | None]:
        """Give the manifest's row."""
        patch, box = self.patch, self.patch.box
        return {
            "file": patch.file_name,
            "slide": patch.slide_name,
            "slide_id": patch.slide_id,
            "subject": patch.subject,
            "site": patch.site,
            "stain_batch": patch.stain_batch,
            "patch": patch.patch_index,
            "x_px": box.x_px,
            "y_px": box.y_px,
            "width_px": box.width_px,
            "height_px": box.height_px,
            "stage": patch.stage.value,
            "source": patch.source_name,
            "reader": patch.reader_id,
            "read_id": patch.read_id,
            "model_run": patch.model_run,
            "recipe_hash": patch.recipe_hash,
            "split": patch.split.value if patch.split else None,
            "n_readers": patch.n_readers,
            "png_sha256": self.png_sha256,
            "pixels_sha256": self.pixels_sha256,
            "fold": patch.fold,
            "is_weak": patch.is_weak,
            "scanner": patch.scanner,
            "species": patch.species,
            "rule": patch.rule.value,
            "guide_version": patch.guide_version,
            "confidence": patch.confidence,
            "votes": json.dumps(patch.votes),
            "perceptual_hash": f"{self.perceptual:016x}",
        }


def write_manifest(written: Sequence[WrittenPatch], path: Path) -> None:
    """Write the rows in the order of their files."""
    rows = sorted((one.to_row() for one in written), key=lambda row: str(row["file"]))
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), path)


def read_manifest(path: Path) -> tuple[Row, ...]:
    """Give the rows of a written manifest; RunDamaged when its columns are others."""
    table = pq.read_table(path)
    if tuple(table.schema.names) != COLUMNS:
        raise RunDamaged(f"{path.name} has the columns {', '.join(table.schema.names)}; export the set again.")
    return tuple(table.to_pylist())


def animals_by_side(folder: Path) -> dict[Split, frozenset[str]]:
    """Give the subjects, as splits compare them, on each side of the set in a folder; NothingToDo for no set."""
    try:
        rows = pq.read_table(folder / "manifest.parquet", columns=["subject", "split"]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise NothingToDo(f"{folder} is no training set: its manifest cannot be read ({error}).") from error
    found: dict[Split, set[str]] = {side: set() for side in Split}
    for row in rows:
        found[Split(row["split"])].add(comparable(str(row["subject"])))
    return {side: frozenset(names) for side, names in found.items()}


def side_rows(rows: Iterable[Row]) -> tuple[SideRow, ...]:
    """Give what has to be on one side for each row of a manifest."""
    return tuple(
        SideRow(
            split=Split(row["split"]),
            subject=str(row["subject"]),
            site=str(row["site"] or ""),
            slide_id=str(row["slide_id"]),
            scanner=str(row["scanner"] or ""),
            fold=int(row["fold"] or 0),
            patch_index=int(row["patch"] or 0),
            image=str(row["pixels_sha256"]),
            perceptual=int(str(row["perceptual_hash"]), 16),
        )
        for row in rows
    )


def content_sha256(rows: Iterable[Row]) -> str:
    """Hash what a set holds: its rows in the order of their files, pixels included, without `NOT_HASHED`.

    Each row is a line of JSON with sorted keys, after the line `training-set-1`. Time, place and the
    versions of image and table libraries play no part.
    """
    digest = hashlib.sha256(b"training-set-1\n")
    for row in sorted(rows, key=lambda one: str(one["file"])):
        kept = {name: value for name, value in row.items() if name not in NOT_HASHED}
        digest.update(json.dumps(kept, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
