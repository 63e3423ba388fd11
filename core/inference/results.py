"""A run's results as files: shards while it proceeds, whole arrays when it is done.

Everything is written under another name and renamed, so what carries its name is whole. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.errors import RunDamaged
from core.domain.geometry import Grid
from core.domain.predictions import EMBEDDING_SIZE, PatchPredictions
from core.domain.stages import N_STAGES

ARRAYS = (
    "state",
    "tissue_fraction",
    "collagen_fraction",
    "probabilities",
    "saliency",
    "embedding",
    "saliency_on_collagen",
    "is_exact",
)
"""What is known of each patch, under the names that the fields of Shard and PatchPredictions have, too."""
_FORMAT = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shard:
    """The outcome of some hundred patches, in the order they were read.

    `margin` within which patches were predicted a second time, 0 with one pass; `n_sampled` beyond it were as well, and
    `n_sampled_same` had the same stage in both; `seconds` that the shard took.
    """

    index: npt.NDArray[np.int64]
    state: npt.NDArray[np.uint8]
    tissue_fraction: npt.NDArray[np.float32]
    collagen_fraction: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float16]
    embedding: npt.NDArray[np.float16]
    saliency_on_collagen: npt.NDArray[np.float32]
    is_exact: npt.NDArray[np.bool_]
    margin: float = 0.0
    n_sampled: int = 0
    n_sampled_same: int = 0
    seconds: float = 0.0


_NUMBERS = ("margin", "n_sampled", "n_sampled_same", "seconds")
_SHARD_FIELDS = tuple(field.name for field in fields(Shard))


def results_folder(run_folder: Path) -> Path:
    """Give where a run's final arrays lie."""
    return run_folder / "arrays"


def shards_folder(run_folder: Path) -> Path:
    """Give where a run's shards lie while it goes on."""
    return run_folder / "shards"


def save_results(run_folder: Path, predictions: PatchPredictions) -> str:
    """Write a run's arrays whole and give the SHA-256 over their content."""
    final = results_folder(run_folder)
    unfinished = run_folder / f".arrays.{os.getpid()}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name in ARRAYS:
        with (unfinished / f"{name}.npy").open("wb") as file:
            np.save(file, getattr(predictions, name), allow_pickle=False)
            _to_disk(file.fileno())
    sha256 = content_sha256(predictions)
    head = {"format": _FORMAT, "grid": _grid_to_json(predictions.grid), "content_sha256": sha256}
    write_json(unfinished / "arrays.json", head)
    shutil.rmtree(final, ignore_errors=True)
    unfinished.replace(final)
    return sha256


def load_results(run_folder: Path) -> PatchPredictions:
    """Give a run's arrays, memory-mapped and kept open for the next call.

    Raises: RunDamaged when files are missing or do not fit together.
    """
    head = results_folder(run_folder) / "arrays.json"
    try:
        stamp = head.stat().st_mtime_ns
    except OSError as error:
        raise RunDamaged(f"The results of run {run_folder.name} are not on disk. Run the slide again.") from error
    return _load(results_folder(run_folder), stamp)


def check_results(run_folder: Path, sha256: str) -> None:
    """Raise RunDamaged unless the arrays on disk have this content."""
    if content_sha256(load_results(run_folder)) != sha256:
        raise RunDamaged(f"The arrays of run {run_folder.name} changed since it finished. Restore them from a backup.")


def content_sha256(predictions: PatchPredictions) -> str:
    """Give the SHA-256 over grid, names, types, shapes and bytes of all arrays."""
    digest = hashlib.sha256(json.dumps(_grid_to_json(predictions.grid), sort_keys=True).encode())
    for name in ARRAYS:
        array = np.ascontiguousarray(getattr(predictions, name))
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def save_shard(path: Path, shard: Shard) -> None:
    """Write a shard whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: getattr(shard, name) for name in _SHARD_FIELDS})
        _to_disk(file.fileno())
    unfinished.replace(path)


def load_shard(path: Path, index: npt.NDArray[np.int64]) -> Shard | None:
    """Give a stored shard of exactly these patches, or None when there is none that can be used."""
    shard = read_shard(path)
    return shard if shard is not None and np.array_equal(shard.index, index) else None


def read_shard(path: Path) -> Shard | None:
    """Give a stored shard, or None when there is none that can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            read = {name: stored[name] for name in _SHARD_FIELDS}
            return Shard(**{**read, **{name: read[name].item() for name in _NUMBERS}})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def gather(
    grid: Grid, state: npt.NDArray[np.uint8], tissue_fraction: npt.NDArray[np.float32], shards: Iterable[Shard]
) -> PatchPredictions:
    """Lay shards over the grid, holding none of them.

    Args: state, tissue_fraction: (n,) for the places that no shard speaks of.
    """
    n = grid.n_patches
    blank = Shard(
        index=np.arange(n),
        state=state.copy(),
        tissue_fraction=tissue_fraction.copy(),
        collagen_fraction=np.zeros(n, np.float32),
        probabilities=np.zeros((n, N_STAGES), np.float32),
        saliency=np.zeros((n, N_STAGES, 7, 7), np.float16),
        embedding=np.zeros((n, EMBEDDING_SIZE), np.float16),
        saliency_on_collagen=np.full((n, 2), np.nan, np.float32),
        is_exact=np.zeros(n, np.bool_),
    )
    for shard in shards:
        for name in ARRAYS:
            getattr(blank, name)[shard.index] = getattr(shard, name)
    return PatchPredictions(grid=grid, **{name: getattr(blank, name) for name in ARRAYS})


def write_json(path: Path, plain: dict[str, object]) -> None:
    """Write a JSON file whole."""
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(plain, file, sort_keys=True)
        file.flush()
        _to_disk(file.fileno())
    unfinished.replace(path)


@lru_cache(maxsize=16)
def _load(folder: Path, stamp: int) -> PatchPredictions:
    try:
        head = json.loads((folder / "arrays.json").read_text(encoding="utf-8"))
        if head["format"] != _FORMAT:
            raise ValueError(f"format {head['format']}")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
        return PatchPredictions(grid=Grid(**head["grid"]), **arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunDamaged(f"The results of run {folder.parent.name} cannot be read ({error}). Run it again.") from error


def _grid_to_json(grid: Grid) -> dict[str, object]:
    return {
        "x_px": grid.x_px,
        "y_px": grid.y_px,
        "side_px": grid.side_px,
        "n_columns": grid.n_columns,
        "n_rows": grid.n_rows,
    }


def _to_disk(descriptor: int) -> None:
    os.fsync(descriptor)
