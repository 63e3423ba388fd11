"""What near-duplicates are told by: the hash and the structure of every image of a set, worked out of its pixels.

They are kept by the content of the set: that names the pixels of every patch, and nothing is learned from others.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from core.domain.errors import BadTrainingSet
from core.retraining.images import read_png
from core.retraining.manifest import Row
from core.retraining.near_duplicates import METHOD, Rgb, Shrunk, perceptual_hash, shrunk_structure
from core.retraining.open_set import pixels_sha256
from core.shelf import Shelf

_MOST_KEPT, _MOST_BYTES = 8, 1 << 30
_AT_ONCE = 256
Look = tuple[int, Shrunk]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """Of some images in their order: the hashes, and the structures at 37 px."""

    hashes: tuple[int, ...]
    shrunk: tuple[Shrunk, ...]

    @classmethod
    def of(cls, looks: Sequence[Look]) -> Looks:
        """Give those of the images, one after the other."""
        return cls(hashes=tuple(hashed for hashed, _ in looks), shrunk=tuple(shrunk for _, shrunk in looks))

    def packed(self) -> bytes:
        """Give them as bytes."""
        packed = io.BytesIO()
        np.savez(packed, hashes=np.array(self.hashes, np.uint64), shrunk=np.array(self.shrunk, np.uint8))
        return packed.getvalue()

    @classmethod
    def unpacked(cls, stored: bytes) -> Looks:
        """Give what `packed` gave."""
        with np.load(io.BytesIO(stored)) as arrays:
            return cls(hashes=tuple(arrays["hashes"].tolist()), shrunk=tuple(arrays["shrunk"]))


class KeptLooks:
    """The looks of sets that were worked out before, 1 GiB of them at most."""

    def __init__(self, folder: Path) -> None:
        """Take where they are kept."""
        self._shelf = Shelf(folder, METHOD, most=_MOST_KEPT, most_bytes=_MOST_BYTES)

    def of(self, folder: Path, key: str, rows: Sequence[Row], tell: Callable[[float], None]) -> Looks:
        """Give those of some rows of the set in a folder, which the key names; `tell` hears the share that is read.

        Raises: BadTrainingSet where an image has not the pixels of its row.
        """
        stored = self._shelf.get(key)
        if stored is not None:
            return Looks.unpacked(stored)
        found: list[Look] = []
        for look in looks_of(folder, rows):
            found.append(look)
            tell(len(found) / len(rows))
        looks = Looks.of(found)
        self._shelf.put(key, looks.packed())
        return looks


def look_at(pixels: Rgb) -> Look:
    """Give the hash and the structure of an image."""
    return perceptual_hash(pixels), shrunk_structure(pixels)


def looks_of(folder: Path, rows: Sequence[Row]) -> Iterator[Look]:
    """Give the hash and the structure of each row's image, read again.

    Raises: BadTrainingSet where its pixels are not the row's.
    """
    waiting = iter(rows)
    with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) - 1), "looks") as threads:
        while some := list(islice(waiting, _AT_ONCE)):
            yield from threads.map(lambda row: look_at(read_row(folder, row)), some)


def read_row(folder: Path, row: Row) -> Rgb:
    """Give the image of a row. Raises: BadTrainingSet where it cannot be read or its pixels are not the row's."""
    try:
        pixels = read_png(folder / str(row["file"]))
    except (OSError, ValueError) as error:
        raise BadTrainingSet(folder, f"{row['file']} cannot be read: {error}") from error
    if pixels_sha256(pixels) != row["pixels_sha256"]:
        raise BadTrainingSet(folder, f"{row['file']} has not the pixels of its row in the manifest")
    return pixels
