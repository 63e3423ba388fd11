"""Patches to quantise with come from the right side of a set, in the recipe's colours."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.domain.errors import NothingToDo
from core.domain.recipe import Recipe, StainMethod
from core.preprocess import stain
from core.retraining.calibration import calibration_of_set
from core.retraining.manifest import COLUMNS
from core.retraining.open_set import pixels_sha256
from tests.core.preprocess.drawn_tissue import tissue


def _write_set(folder: Path, n_train: int, n_test: int) -> list[np.ndarray]:
    """Write patches of two slides, the training side of slide a, the test side of slide b."""
    patches, rows = [], []
    picture = tissue(0.2, side_px=224 * 16)
    for number in range(n_train + n_test):
        side, slide = ("train", "a") if number < n_train else ("test", "b")
        row, column = divmod(number, 16)
        patch = picture[row * 224 : row * 224 + 224, column * 224 : column * 224 + 224]
        name = f"{number:04d}.png"
        cv2.imwrite(str(folder / name), patch[..., ::-1])
        known = {"file": name, "slide_id": slide, "site": "A", "stain_batch": "1", "split": side, "stage": "2"}
        known["pixels_sha256"] = pixels_sha256(patch)
        place = {"patch": number, "x_px": column * 224, "y_px": row * 224, "width_px": 224, "height_px": 224}
        rows.append({column: (known | place).get(column) for column in COLUMNS})
        patches.append(patch)
    pq.write_table(pa.Table.from_pylist(rows), folder / "manifest.parquet")
    return patches


def test_the_training_side_calibrates_and_the_others_are_held_out(tmp_path: Path) -> None:
    patches = _write_set(tmp_path, 60, 120)
    found = calibration_of_set(tmp_path, Recipe(stain=StainMethod.NONE))
    assert np.array_equal(found.calibration, np.stack(patches[:60]))
    assert np.array_equal(found.held_out, np.stack(patches[60:]))


def test_patches_are_brought_to_the_recipe_by_the_fit_of_their_slide(tmp_path: Path) -> None:
    patches = _write_set(tmp_path, 60, 120)
    recipe = Recipe()
    source = stain.fit(StainMethod.PARENCHYMA, [patches[:60]])
    assert source is not None
    expected = stain.transfer(patches[7], source, recipe.stain_reference)
    assert np.array_equal(calibration_of_set(tmp_path, recipe).calibration[7], expected)


def test_too_small_a_set_is_refused_with_its_counts(tmp_path: Path) -> None:
    _write_set(tmp_path, 60, 30)
    with pytest.raises(NothingToDo, match="60 training and 30 other patches"):
        calibration_of_set(tmp_path, Recipe())


def test_a_folder_without_a_manifest_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="no training set"):
        calibration_of_set(tmp_path, Recipe())
