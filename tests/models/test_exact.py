"""The graph in OpenVINO says what plain torch says, or torch takes its place and says so; and it tells nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import exact
from models.checkpoint import save_checkpoint
from models.exact import Comparison, ExactPredictor, load_exact_predictor
from models.loading import load_predictor
from models.minibatch import Minibatch
from models.openvino_graph import CompiledGraph, graph_path
from models.predictor import TorchPredictor, load_torch_predictor


@pytest.fixture(scope="module")
def weights(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a checkpoint with its graph beside it."""
    path = tmp_path_factory.mktemp("model") / "weights.safetensors"
    save_checkpoint(network, path)
    load_exact_predictor(path)
    return path


@pytest.fixture(scope="module")
def reference(weights: Path) -> TorchPredictor:
    """Give the same checkpoint in plain torch."""
    return load_torch_predictor(weights)


@pytest.fixture
def record(weights: Path) -> Path:
    """Give where the comparison is kept, and forget the last one."""
    path = graph_path(weights.parent / "graphs", "fp32").with_suffix(".json")
    path.unlink(missing_ok=True)
    return path


def test_the_graph_gives_torch_s_stages_probabilities_maps_and_embeddings(
    weights: Path, record: Path, reference: TorchPredictor, patches: np.ndarray
) -> None:
    found, expected = load_predictor(weights, "cpu").predict(patches), reference.predict(patches)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-4)
    assert np.array_equal(found.probabilities.argmax(axis=1), expected.probabilities.argmax(axis=1))
    assert found.saliency.astype(float) == pytest.approx(expected.saliency.astype(float), rel=4e-3, abs=1e-3)
    assert found.embedding.astype(float) == pytest.approx(expected.embedding.astype(float), abs=1e-3)
    assert found.embedding.dtype == np.float16


def test_a_minibatch_of_another_size_gives_the_same_probabilities(weights: Path, patches: np.ndarray) -> None:
    predictor = load_exact_predictor(weights)
    alone = np.concatenate([predictor.predict(patches[row : row + 1]).probabilities for row in range(len(patches))])
    assert predictor.predict(patches).probabilities == pytest.approx(alone, abs=1e-6)


def test_the_first_patches_are_compared_with_torch_once_and_that_is_kept(
    weights: Path, record: Path, reference: TorchPredictor, patches: np.ndarray
) -> None:
    compared = []

    class Counted:
        def predict(self, patches: np.ndarray) -> Minibatch:
            compared.append(len(patches))
            return reference.predict(patches)

    graph = CompiledGraph(record.with_suffix(".xml"))
    ExactPredictor(graph, Counted(), record).predict(patches)  # type: ignore[arg-type]
    kept = Comparison(**json.loads(record.read_text()))
    assert (kept.n_patches, kept.n_same) == (3, 3)
    assert 0 < kept.largest_difference <= 1e-4
    ExactPredictor(graph, Counted(), record).predict(patches)  # type: ignore[arg-type]
    assert compared == [3]


@pytest.mark.parametrize(("apart", "is_exact"), [(0.0, True), (5e-4, True), (2e-3, False)])
def test_a_graph_whose_embeddings_lie_elsewhere_may_not_stand_for_torch(
    reference: TorchPredictor, patches: np.ndarray, apart: float, is_exact: bool
) -> None:
    said = reference.predict(patches)
    embedding = np.zeros_like(said.embedding)
    moved = said._replace(embedding=embedding + np.float16(apart))
    assert Comparison.of(moved, said._replace(embedding=embedding)).is_exact is is_exact


def test_a_graph_that_differs_is_replaced_by_torch_and_the_device_says_so(
    weights: Path, record: Path, reference: TorchPredictor, patches: np.ndarray
) -> None:
    other = np.ascontiguousarray(patches[:, ::-1, ::2].repeat(2, axis=2))

    class Wrong:
        n_streams = 1

        def run(self, _patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return CompiledGraph(record.with_suffix(".xml")).run(other)

    predictor = ExactPredictor(Wrong(), reference, record)  # type: ignore[arg-type]
    found = predictor.predict(patches)
    assert np.array_equal(found.probabilities, reference.predict(patches).probabilities)
    assert "torch" in predictor.device_name
    assert "OpenVINO differed by" in predictor.device_name


def test_where_openvino_cannot_be_used_torch_is_and_says_why(
    weights: Path, patches: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> CompiledGraph:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(exact, "CompiledGraph", refuse)
    predictor = load_exact_predictor(weights)
    assert isinstance(predictor, TorchPredictor)
    assert predictor.device_name.endswith("OpenVINO could not be used: no such instruction")
    assert predictor.predict(patches).probabilities.shape == (3, 7)


def test_saliency_on_demand_is_that_of_torch(weights: Path, reference: TorchPredictor, patches: np.ndarray) -> None:
    asked = {"method": "gradcam", "layer": "layer3", "class_index": 2}
    found = load_exact_predictor(weights).explain(patches[0], **asked)
    assert found == pytest.approx(reference.explain(patches[0], **asked), abs=1e-5)


def test_all_who_use_a_checkpoint_at_a_time_share_one_graph(weights: Path) -> None:
    one = load_predictor(weights, "cpu")
    assert load_predictor(weights, "cpu") is one


def test_an_unknown_device_is_refused(weights: Path) -> None:
    with pytest.raises(ValueError, match="unknown device 'tpu'"):
        load_predictor(weights, "tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none_is_refused_in_words(weights: Path) -> None:
    with pytest.raises(ValueError, match="no CUDA device is available"):
        load_predictor(weights, "cuda")


def test_neither_openvino_s_telemetry_nor_torch_is_loaded_to_export_compare_predict_and_explain(
    network: nn.Module, patches: np.ndarray, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    save_checkpoint(network, weights)
    np.save(tmp_path / "patches.npy", patches)
    script = (
        "import sys; import numpy as np; from pathlib import Path; from models.loading import load_predictor\n"
        f"predictor, patches = load_predictor(Path({str(weights)!r})), np.load({str(tmp_path / 'patches.npy')!r})\n"
        "predictor.predict(patches); predictor.explain(patches[0], method='gradcam', layer='layer4', class_index=0)\n"
        "print('torch' in sys.modules, sys.modules.get('openvino_telemetry'))"
    )
    assert _in_empty_home(tmp_path, script) == "False None"


def test_an_export_leaves_nothing_of_telemetry_in_the_home_folder(network: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    script = (
        "from pathlib import Path; from models.exact import load_exact_predictor\n"
        f"print(load_exact_predictor(Path({str(tmp_path / 'weights.safetensors')!r})).device_name)"
    )
    assert "OpenVINO" in _in_empty_home(tmp_path, script)


def _in_empty_home(tmp_path: Path, script: str) -> str:
    """Run a script with an empty home folder, where OpenVINO's telemetry would make its `intel` folder."""
    home = tmp_path / "home"
    home.mkdir()
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HOME": str(home)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not (home / "intel").exists()
    return told.stdout.strip()
