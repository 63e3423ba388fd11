"""Results on disk are whole, and said to be damaged when they are not."""

from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import RunDamaged
from core.inference.results import check_results, content_sha256, load_results, results_folder, save_results
from tests.core.inference.test_aggregate import predictions_of


def _some(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(7), size=20)


def test_what_was_saved_is_loaded_and_cannot_be_written_to(tmp_path: Path) -> None:
    saved = predictions_of(_some())
    sha256 = save_results(tmp_path, saved)
    loaded = load_results(tmp_path)
    assert loaded.grid == saved.grid
    assert np.array_equal(loaded.probabilities, saved.probabilities)
    assert content_sha256(loaded) == sha256
    with pytest.raises(ValueError, match="read-only"):
        loaded.probabilities[0, 0] = 1.0


def test_a_second_call_opens_no_file_again(tmp_path: Path) -> None:
    save_results(tmp_path, predictions_of(_some()))
    assert load_results(tmp_path) is load_results(tmp_path)


def test_results_written_again_are_not_served_from_the_cache(tmp_path: Path) -> None:
    save_results(tmp_path, predictions_of(_some(1)))
    first = load_results(tmp_path)
    second = predictions_of(_some(2))
    save_results(tmp_path, second)
    assert np.array_equal(load_results(tmp_path).probabilities, second.probabilities)
    assert not np.array_equal(first.probabilities, second.probabilities)


def test_missing_results_say_which_run(tmp_path: Path) -> None:
    with pytest.raises(RunDamaged, match="abc"):
        load_results(tmp_path / "abc")


def test_a_cut_array_is_damage(tmp_path: Path) -> None:
    save_results(tmp_path, predictions_of(_some()))
    path = results_folder(tmp_path) / "saliency.npy"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunDamaged):
        load_results(tmp_path)


def test_a_changed_array_is_damage_when_checked(tmp_path: Path) -> None:
    sha256 = save_results(tmp_path, predictions_of(_some()))
    check_results(tmp_path, sha256)
    path = results_folder(tmp_path) / "probabilities.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunDamaged, match="changed since it finished"):
        check_results(tmp_path, sha256)


def test_an_interrupted_write_leaves_the_old_results(tmp_path: Path) -> None:
    sha256 = save_results(tmp_path, predictions_of(_some(1)))
    (tmp_path / ".arrays.1.part").mkdir()
    (tmp_path / ".arrays.1.part" / "state.npy").write_bytes(b"half")
    check_results(tmp_path, sha256)
