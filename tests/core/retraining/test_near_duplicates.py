"""Copies of a patch are found on another side, and patches of different animals are not taken for copies."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, combinations, repeat
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from core.domain.stages import Stage
from core.retraining import near_duplicates
from core.retraining.near_duplicates import Comparison, compare, perceptual_hash, shrunk_structure
from core.slides.synthetic.render import render
from core.slides.synthetic.study import SyntheticSlide

Rgb = npt.NDArray[np.uint8]
_REAL = Path(__file__).parents[3].parent / "shared" / "data"


def cut(image: Rgb) -> list[Rgb]:
    height, width = image.shape[0] - 223, image.shape[1] - 223
    return [image[y : y + 224, x : x + 224] for y in range(0, height, 224) for x in range(0, width, 224)]


def cut_tissue(slide: SyntheticSlide) -> list[Rgb]:
    """Give the patches of a drawn slide that are tissue by half, as a recipe would."""
    rendered = render(slide)
    mask = np.repeat(rendered.tissue_mask[:, :, None].astype(np.uint8), 3, axis=2)
    return [image for image, tissue in zip(cut(rendered.image), cut(mask), strict=True) if tissue.mean() >= 0.5]


@pytest.fixture(scope="module")
def tissue() -> dict[str, list[Rgb]]:
    """Patches of four drawn animals of two stages."""
    slides = [
        SyntheticSlide(
            name=animal, animal=animal, site="A", stain_batch="A-1", stage=stage, seed=1, width_px=1024, height_px=1024
        )
        for animal, stage in (("a", Stage.S0), ("b", Stage.S0), ("c", Stage.S4), ("d", Stage.S4))
    ]
    return {slide.animal: cut_tissue(slide) for slide in slides}


def compared(**sides: list[Rgb]) -> Comparison:
    images = list(chain(*sides.values()))
    names = list(chain(*(repeat(name, len(of_side)) for name, of_side in sides.items())))
    hashes, shrunk = [perceptual_hash(image) for image in images], [shrunk_structure(image) for image in images]
    return compare(names, hashes, shrunk, images.__getitem__)


def as_jpeg(image: Rgb, quality: int) -> Rgb:
    _, encoded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[:, :, ::-1])


def shifted(image: Rgb, x_px: int, y_px: int) -> Rgb:
    matrix = np.array([[1, 0, x_px], [0, 1, y_px]], np.float32)
    return np.asarray(cv2.warpAffine(image, matrix, (224, 224), borderMode=cv2.BORDER_REFLECT), np.uint8)


COPIES: dict[str, Callable[[Rgb], Rgb]] = {
    "the same": lambda image: image,
    "saved as JPEG": lambda image: as_jpeg(image, 75),
    "turned by a quarter": lambda image: np.ascontiguousarray(np.rot90(image)),
    "mirrored, turned and saved": lambda image: as_jpeg(np.ascontiguousarray(np.rot90(image[:, ::-1], 3)), 75),
    "shifted by 3 px": lambda image: shifted(image, 3, -3),
    "shifted by 4 px and saved": lambda image: as_jpeg(shifted(image, 4, 2), 80),
    "lighter": lambda image: np.clip(image * 1.05 + 5, 0, 255).astype(np.uint8),
    "blurred": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
def test_a_copy_on_another_side_is_found(tissue: dict[str, list[Rgb]], copy: Callable[[Rgb], Rgb]) -> None:
    original = tissue["a"][5]
    found = compared(train=[*tissue["a"], *tissue["c"]], test=[*tissue["b"], copy(original)]).found
    assert len(found) == 1
    assert {found[0].first, found[0].second} == {5, len(tissue["a"]) + len(tissue["c"]) + len(tissue["b"])}


def test_every_mirrored_and_turned_copy_is_found(tissue: dict[str, list[Rgb]]) -> None:
    original = tissue["c"][6]
    for turns in range(4):
        for copy in (np.rot90(original, turns), np.rot90(original[:, ::-1], turns)):
            (found,) = compared(train=[original], test=[np.ascontiguousarray(copy)]).found
            assert found.correlation > 0.99


def test_patches_of_different_drawn_animals_are_not_taken_for_copies(tissue: dict[str, list[Rgb]]) -> None:
    found = compared(**tissue)
    assert found.n_pairs == sum(len(tissue[a]) * len(tissue[b]) for a, b in combinations(tissue, 2))
    assert found.found == ()


def test_copies_on_one_side_are_no_leak(tissue: dict[str, list[Rgb]]) -> None:
    assert compared(train=[*tissue["a"], tissue["a"][0]], test=tissue["b"]).found == ()


def test_nothing_is_lost_where_blocks_meet(tissue: dict[str, list[Rgb]], monkeypatch: pytest.MonkeyPatch) -> None:
    copies = [np.ascontiguousarray(np.rot90(image)) for image in tissue["a"]]
    whole = compared(train=tissue["a"], test=copies)
    monkeypatch.setattr(near_duplicates, "_COLUMNS", 5)
    monkeypatch.setattr(near_duplicates, "_ROWS", 3)
    assert compared(train=tissue["a"], test=copies) == whole
    assert len(whole.found) == len(copies)


def test_images_are_read_for_candidates_alone_that_shrunk_structure_does_not_rule_out(
    tissue: dict[str, list[Rgb]],
) -> None:
    images = [*tissue["a"], *tissue["b"], np.ascontiguousarray(tissue["a"][5].transpose(1, 0, 2))]
    sides = [*("train" for _ in tissue["a"]), *("test" for _ in images[len(tissue["a"]) :])]
    read, told = [], []
    found = compare(
        sides,
        [0] * len(images),  # so that every pair is close, as it lies and transposed
        [shrunk_structure(image) for image in images],
        lambda place: read.append(place) or images[place],
        told.append,
    )
    assert found.n_candidates == 2 * found.n_pairs
    assert set(read) == {5, len(images) - 1}
    assert told[-1] == 1.0


def test_a_set_on_one_side_has_no_pairs(tissue: dict[str, list[Rgb]]) -> None:
    assert compared(train=tissue["a"]) == Comparison(n_pairs=0, n_candidates=0, closest=None, found=())


@pytest.mark.skipif(not (_REAL / "sirius_red").is_dir(), reason="the real sections are not here")
def test_real_sirius_red_is_told_apart_and_its_copies_are_found() -> None:
    with Image.open(_REAL / "sirius_red" / "liverquant_liver_PSR_lefthalf.png") as image:
        section = np.asarray(image.convert("RGB"))
    upper, lower = cut(section[:896]), cut(section[1120:2016])
    assert compared(train=upper, test=lower).found == ()
    for copy in COPIES.values():
        found = compared(train=upper, test=[copy(image) for image in upper]).found
        assert {(one.first, one.second - len(upper)) for one in found} | {
            (one.second, one.first - len(upper)) for one in found
        } >= {(place, place) for place in range(len(upper))}
