"""A model comes in only when card and weights fit, and nothing in it can run."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import BadModel
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.stages import STAGE_NAMES
from core.inference.registry import ModelRegistry
from tests.core.inference.small_study import NOW


class MemoryModels:
    """A table of models."""

    def __init__(self) -> None:
        self.models: dict[ModelId, RegisteredModel] = {}

    def add_model(self, model: RegisteredModel, actor: str) -> None:
        self.models.setdefault(model.model_id, model)

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        return self.models.get(model_id)


def _registry(tmp_path: Path, describe: Callable[[Path], int] = lambda _: 7) -> ModelRegistry:
    return ModelRegistry(MemoryModels(), tmp_path / "registered", lambda: NOW, describe)


def _folder(tmp_path: Path, **changes: Any) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(b"numbers")
    card = {
        "name": "A model",
        "classes": list(STAGE_NAMES),
        "recipe": Recipe().to_json(),
        "training": {},
        "metrics": {},
        "sha256": hashlib.sha256(b"numbers").hexdigest(),
        "demo": True,
    } | changes
    (folder / "card.json").write_text(json.dumps({k: v for k, v in card.items() if v is not None}))
    return folder


def test_a_folder_is_registered_under_its_own_hash_and_copied(tmp_path: Path) -> None:
    model = _registry(tmp_path).add(_folder(tmp_path), "a person")
    assert model.model_id == hashlib.sha256(b"numbers").hexdigest()[:16]
    assert model.weights_path.read_bytes() == b"numbers"
    assert model.recipe == Recipe()
    assert model.display_name == "A model (DEMO: not trained on real slides)"


def test_a_file_with_its_card_beside_it_is_the_same_model(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    registry = _registry(tmp_path)
    assert registry.add(folder, "a") == registry.add(folder / "weights.safetensors", "b")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "written for other weights"),
        ({"classes": ["0", "1", "2", "3", "4"]}, "not the seven stages in order"),
        ({"classes": list(reversed(STAGE_NAMES))}, "not the seven stages in order"),
        ({"recipe": {**Recipe().to_json(), "stain": "patch"}}, "the amount of red is the stage"),
        ({"recipe": {**Recipe().to_json(), "flavour": 1}}, "flavour"),
        ({"recipe": {**Recipe().to_json(), "patch_px": 256}}, "the engine cuts 224 px"),
        ({"recipe": None}, "does not state 'recipe'"),
        ({"demo": None}, "does not state 'demo'"),
        ({"name": ""}, "1 to 80 printable"),
        ({"scope": {"stain": "Sirius Red"}}, "does not state 'scan_mpp'"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    registry = _registry(tmp_path)
    with pytest.raises(BadModel, match=reason):
        registry.add(_folder(tmp_path, **changes), "a")
    assert not (tmp_path / "registered").exists()


def test_a_pickle_is_refused_because_it_can_run_code(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"\x80\x02.")
    with pytest.raises(BadModel, match="can run any code"):
        _registry(tmp_path).add(tmp_path / "model.pth", "a")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    def describe(path: Path) -> int:
        raise ValueError("conv1.weight is missing")

    with pytest.raises(BadModel, match=r"conv1.weight is missing"):
        _registry(tmp_path, describe).add(_folder(tmp_path), "a")


def test_weights_with_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="5 classes"):
        _registry(tmp_path, lambda _: 5).add(_folder(tmp_path), "a")


def test_weights_without_a_card_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"numbers")
    with pytest.raises(BadModel, match=r"no card.json"):
        _registry(tmp_path).add(tmp_path / "w.safetensors", "a")


def test_the_same_weights_with_another_card_are_refused(tmp_path: Path) -> None:
    registry = _registry(tmp_path)
    registry.add(_folder(tmp_path), "a")
    (tmp_path / "other").mkdir()
    with pytest.raises(BadModel, match="registered as 'A model' with another card"):
        registry.add(_folder(tmp_path / "other", name="Another name"), "a")
