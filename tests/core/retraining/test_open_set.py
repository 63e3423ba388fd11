"""A set is opened whole or refused with what is wrong with it by name."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.domain.datasets import Split
from core.domain.errors import BadTrainingSet, LeakingSplit, NothingToDo
from core.domain.recipe import Recipe, StainMethod
from core.retraining.export import write_training_set
from core.retraining.images import encode_png
from core.retraining.manifest import content_sha256, read_manifest
from core.retraining.open_set import open_set, stated_content
from core.retraining.selection import ExportRequest
from core.retraining.set_patches import SetColours, SetPatches, read_patch
from tests.core.retraining.training_material import make_sources

Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a set of 8 animals with 2 patches each."""
    out = tmp_path_factory.mktemp("sets") / "set"
    write_training_set(ExportRequest(), make_sources(n_patches=2), out)
    return out


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """Give a copy of it to break."""
    return Path(shutil.copytree(written, tmp_path / "set"))


def forge(folder: Path, change: Callable[[Rows], None]) -> None:
    """Change the manifest as somebody would who writes every hash anew."""
    rows: Rows = [dict(row) for row in read_manifest(folder / "manifest.parquet")]
    schema = pq.read_schema(folder / "manifest.parquet")
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "manifest.parquet")
    card = json.loads((folder / "card.json").read_text())
    card["content_sha256"] = content_sha256(rows)
    (folder / "card.json").write_text(json.dumps(card))
    write_checksums(folder)


def write_checksums(folder: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "checksums.txt").write_text("".join(line for line in lines if "checksums.txt" not in line))


def a_row(rows: Rows, split: Split) -> dict[str, object]:
    return next(row for row in rows if row["split"] == split.value)


def test_a_whole_set_opens_with_its_sides(written: Path) -> None:
    opened = open_set(written)
    sides = {side: opened.side(side) for side in Split}
    assert sum(len(side) for side in sides.values()) == len(opened.patches) == 16
    assert not {one.animal for one in sides[Split.TRAIN]} & {one.animal for one in sides[Split.TEST]}
    assert opened.content_sha256 == stated_content(written)
    assert [recipe.hash for recipe in opened.recipes] == [Recipe().hash]
    assert all(sum(patch.votes) == 1 and patch.votes[patch.stage.index] == 1 for patch in opened.patches)


@pytest.mark.parametrize("name", ["manifest.parquet", "card.json", "recipe.json", "splits.json", "README.txt"])
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(BadTrainingSet, match=name):
        open_set(folder)


def test_a_missing_image_and_an_added_one_are_named(folder: Path) -> None:
    image = sorted((folder / "patches").rglob("*.png"))[0]
    added = shutil.copy(image, image.with_name("more.png"))
    with pytest.raises(BadTrainingSet, match=r"more\.png"):
        open_set(folder)
    Path(added).unlink()
    image.unlink()
    with pytest.raises(BadTrainingSet, match=image.name):
        open_set(folder)


def test_a_folder_that_is_no_set_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match=r"no manifest\.parquet"):
        open_set(tmp_path)
    with pytest.raises(NothingToDo, match=r"card\.json"):
        stated_content(tmp_path)


def test_a_manifest_that_the_content_hash_does_not_cover_is_refused(folder: Path) -> None:
    stated = stated_content(folder)
    forge(folder, lambda rows: rows[0].update(stage="4" if rows[0]["stage"] != "4" else "0"))
    card = json.loads((folder / "card.json").read_text()) | {"content_sha256": stated}
    (folder / "card.json").write_text(json.dumps(card))
    write_checksums(folder)
    with pytest.raises(BadTrainingSet, match="does not hash to the content"):
        open_set(folder)


def test_an_animal_planted_on_two_sides_is_refused_by_name(folder: Path) -> None:
    def plant(rows: Rows) -> None:
        a_row(rows, Split.TRAIN)["subject"] = str(a_row(rows, Split.TEST)["subject"]).upper()

    forge(folder, plant)
    with pytest.raises(LeakingSplit, match="Rat") as refused:
        open_set(folder)
    assert refused.value.kind == "subject"


def test_a_patch_planted_on_two_sides_is_refused(folder: Path) -> None:
    def plant(rows: Rows) -> None:
        one, other = a_row(rows, Split.TRAIN), a_row(rows, Split.VALIDATION)
        shutil.copy(folder / str(one["file"]), folder / str(other["file"]))
        other |= {name: one[name] for name in ("png_sha256", "pixels_sha256")}

    forge(folder, plant)
    with pytest.raises(LeakingSplit) as refused:
        open_set(folder)
    assert refused.value.kind == "image"


def test_pixels_that_are_not_those_of_their_row_are_refused_when_they_are_read(folder: Path) -> None:
    def plant(rows: Rows) -> None:
        png = encode_png(np.zeros((224, 224, 3), np.uint8))
        (folder / str(rows[0]["file"])).write_bytes(png)
        rows[0]["png_sha256"] = hashlib.sha256(png).hexdigest()

    forge(folder, plant)
    opened = open_set(folder)
    with pytest.raises(BadTrainingSet, match="other pixels"):
        read_patch(folder, opened.patches[0])


def test_patches_are_read_in_the_order_asked_for_and_kept(written: Path) -> None:
    opened = open_set(written)
    colours = SetColours(written, opened.patches, Recipe(stain=StainMethod.NONE))
    patches = SetPatches(written, opened.patches, colours, n_threads=2)
    expected = np.stack([read_patch(written, opened.patches[place]) for place in (5, 0, 5)])
    for _ in range(2):
        assert np.array_equal(patches.read(np.array([5, 0, 5])), expected)


def test_patches_have_one_key_for_equal_pixels_and_colours(written: Path) -> None:
    opened = open_set(written)
    plain = SetColours(written, opened.patches, Recipe(stain=StainMethod.NONE))
    fitted = SetColours(written, opened.patches, Recipe())
    keys = [
        SetPatches(written, patches, colours, 1).key
        for patches, colours in (
            (opened.patches, plain),
            (opened.patches, plain),
            (opened.patches[1:], plain),
            (opened.patches, fitted),
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
