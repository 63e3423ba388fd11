"""The patches of a set in a recipe's colours, read as they are asked for."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.errors import BadTrainingSet, OutsideRecipe
from core.domain.recipe import LabStatistics, Recipe, StainMethod
from core.preprocess.stain import fit, transfer
from core.retraining.open_set import SetPatch, pixels_sha256

Rgb = npt.NDArray[np.uint8]
_KEPT_BYTES = 1 << 29
_FITTED_ON = 64


class SetPatches:
    """Some patches of a set as examples of a training; safe to read from several threads.

    Each is compared with its row's pixels when it is first read. Those that fit into half a gigabyte are kept.
    """

    def __init__(self, folder: Path, patches: Sequence[SetPatch], colours: SetColours, n_threads: int) -> None:
        self.patches = tuple(patches)
        self._folder, self._colours = folder, colours
        self._threads = ThreadPoolExecutor(n_threads, "patches")
        self._kept: dict[int, Rgb] = {}
        self._n_kept = 0 if not patches else _KEPT_BYTES // (colours.recipe.patch_px**2 * 3)

    @property
    def key(self) -> str:
        """Name these patches in these colours; equal patches of equal slides have one name."""
        digest = hashlib.sha256(self._colours.recipe.hash.encode())
        for patch in self.patches:
            digest.update(f"{patch.pixels_sha256} {self._colours.source_of(patch)}\n".encode())
        return digest.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.patches)

    def read(self, places: npt.NDArray[np.int64]) -> Rgb:
        """Give patches (n, side, side, 3) in the recipe's colours. Raises: BadTrainingSet, naming a file."""
        return np.stack(list(self._threads.map(self._one, places.tolist())))

    def _one(self, place: int) -> Rgb:
        kept = self._kept.get(place)
        if kept is not None:
            return kept
        pixels = self._colours.of(self.patches[place], read_patch(self._folder, self.patches[place]))
        if len(self._kept) < self._n_kept:
            self._kept[place] = pixels
        return pixels


class SetColours:
    """Brings the patches of a set to a recipe's reference: each slide, or stain batch, by the fit of its own patches.

    Limits: the fit is on the patches of the set, not on the whole slide as in inference.
    """

    def __init__(self, folder: Path, patches: Sequence[SetPatch], recipe: Recipe) -> None:
        """Fit all of a set's slides, whatever side they are on. Raises: OutsideRecipe, naming the slide."""
        self.recipe = recipe
        self._fits: dict[tuple[str, ...], LabStatistics | None] = {}
        for group, slides in self._grouped(patches).items():
            pictures = [[read_patch(folder, one) for one in _spread(of_slide)] for of_slide in slides.values()]
            try:
                self._fits[group] = fit(recipe.stain, pictures)
            except OutsideRecipe as error:
                raise OutsideRecipe(f"Slide or stain batch {' '.join(group)}: {error}") from error

    def of(self, patch: SetPatch, pixels: Rgb) -> Rgb:
        """Give a patch's pixels in the recipe's colours."""
        source = self.source_of(patch)
        return pixels if source is None else transfer(pixels, source, self.recipe.stain_reference)

    def source_of(self, patch: SetPatch) -> LabStatistics | None:
        """Give the statistics that a patch is brought from; None where it keeps its colours."""
        return self._fits[self._group_of(patch)]

    def _grouped(self, patches: Sequence[SetPatch]) -> dict[tuple[str, ...], dict[str, list[SetPatch]]]:
        groups: dict[tuple[str, ...], dict[str, list[SetPatch]]] = defaultdict(lambda: defaultdict(list))
        for patch in patches:
            groups[self._group_of(patch)][patch.slide_id].append(patch)
        return groups

    def _group_of(self, patch: SetPatch) -> tuple[str, ...]:
        return (patch.site, patch.stain_batch) if self.recipe.stain is StainMethod.STAIN_BATCH else (patch.slide_id,)


class Pictured(Protocol):
    """A patch whose picture lies in a set."""

    @property
    def file(self) -> str:
        """Give its file."""

    @property
    def pixels_sha256(self) -> str:
        """Give the hash of its RGB bytes."""


def read_patch(folder: Path, patch: Pictured) -> Rgb:
    """Give a patch as it was scanned. Raises: BadTrainingSet when its pixels are not those of its row."""
    picture = cv2.imread(str(folder / patch.file), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise BadTrainingSet(folder, f"{patch.file} cannot be read as an image")
    pixels = np.asarray(picture, np.uint8)
    if pixels_sha256(pixels) != patch.pixels_sha256:
        raise BadTrainingSet(folder, f"{patch.file} holds other pixels than its row in the manifest says")
    return pixels


def _spread(patches: Sequence[SetPatch]) -> list[SetPatch]:
    """Give enough of a slide's patches to fit on, evenly over all of them."""
    places = np.unique(np.linspace(0, len(patches) - 1, min(len(patches), _FITTED_ON)).astype(int))
    return [patches[place] for place in places.tolist()]


class ArrayPatches:
    """Patches in memory as examples of a training; `key` names them, '' where nothing of them is to be kept."""

    def __init__(self, patches: Rgb, key: str = "") -> None:
        self._patches, self.key = patches, key

    def __len__(self) -> int:
        return len(self._patches)

    def read(self, places: npt.NDArray[np.int64]) -> Rgb:
        """Give patches (n, side, side, 3)."""
        return np.asarray(self._patches[places])
