"""Checkpoints: half precision out, single precision in, and nothing that does not fit."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.checkpoint import checkpoint_sha256, describe_checkpoint, load_checkpoint, save_checkpoint
from models.patch_classifier import build_network


@pytest.fixture(scope="module")
def seven_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("checkpoint") / "weights.safetensors"
    save_checkpoint(build_network(7), path)
    return path


def test_a_checkpoint_is_kept_in_half_precision(seven_classes: Path) -> None:
    assert load_file(seven_classes)["fc.weight"].dtype is torch.float16
    assert seven_classes.stat().st_size < 48_000_000


def test_a_loaded_network_is_single_precision_and_ready_for_inference(seven_classes: Path) -> None:
    network = load_checkpoint(seven_classes, 7)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not network.training


def test_loading_and_saving_again_changes_nothing(seven_classes: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    save_checkpoint(load_checkpoint(seven_classes, 7), again)
    assert checkpoint_sha256(again) == checkpoint_sha256(seven_classes)


def test_no_unfinished_file_stays_behind(seven_classes: Path) -> None:
    assert [path.name for path in seven_classes.parent.iterdir()] == ["weights.safetensors"]


def test_another_number_of_classes_is_refused_by_the_tensor_s_name(seven_classes: Path) -> None:
    with pytest.raises(ValueError, match=r"fc\.weight is \(7, 2048\) instead of \(5, 2048\)"):
        load_checkpoint(seven_classes, 5)


def test_a_missing_and_an_unknown_tensor_are_named(seven_classes: Path, tmp_path: Path) -> None:
    tensors = load_file(seven_classes)
    tensors["stranger"] = tensors.pop("conv1.weight")
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(ValueError, match=r"conv1\.weight is missing; stranger is unknown"):
        load_checkpoint(tmp_path / "odd.safetensors", 7)


def test_a_pickle_under_the_name_of_a_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_checkpoint(path, 7)


def test_a_cut_checkpoint_is_refused(seven_classes: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(seven_classes.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_checkpoint(path, 7)


def test_a_checkpoint_tells_its_number_of_classes(seven_classes: Path) -> None:
    assert describe_checkpoint(seven_classes) == 7
