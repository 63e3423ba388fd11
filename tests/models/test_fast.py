"""The fast way gives the exact stages, asks again where it is close, and says which pass made what."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from core.inference.ports import TwoPassPredictor
from models.checkpoint import save_checkpoint
from models.doubt import SAFETY
from models.exact import load_exact_predictor
from models.fast import FastPredictor
from models.loading import load_predictor
from models.minibatch import Minibatch
from models.openvino_graph import CompiledGraph, graph_path, graphs_folder, silent_openvino
from models.quantisation import Quantisation, is_of_earlier_rule, quantise, stored_quantisation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = np.array([[0.50, 0.40, 0.10], [0.90, 0.06, 0.04], [0.20, 0.50, 0.30], [0.02, 0.03, 0.95]], np.float32)
EXACT = np.array([[0.44, 0.46, 0.10], [0.88, 0.07, 0.05], [0.21, 0.49, 0.30], [0.02, 0.03, 0.95]], np.float32)


def test_the_margin_is_wider_than_any_misstated_lead_and_leaves_no_stage_that_differs() -> None:
    measured = Quantisation.of(10, QUICK, EXACT, NOW)
    assert measured.largest_misstatement == pytest.approx(0.12, abs=1e-6)
    assert measured.margin == pytest.approx(SAFETY * 0.12, abs=1e-6)
    assert measured.n_same_alone == 3
    assert measured.n_same == measured.n_held_out == 4
    assert measured.again_fraction == pytest.approx(0.5)


def test_differences_are_those_of_one_pass_and_of_both_together() -> None:
    measured = Quantisation.of(10, QUICK, EXACT, NOW)
    assert measured.largest_difference_alone == pytest.approx(0.06)
    assert measured.largest_difference == pytest.approx(0.02)


@pytest.fixture(scope="module")
def weights(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a checkpoint that was quantised on noise."""
    path = tmp_path_factory.mktemp("model") / "weights.safetensors"
    save_checkpoint(network, path)
    noise = np.random.default_rng(5).integers(0, 256, (24, 224, 224, 3), np.uint8)
    noise = (noise // (1 + np.arange(24).reshape(24, 1, 1, 1) % 5)).astype(np.uint8)
    quantise(path, noise[:8], noise[8:], NOW, lambda *_: None)
    return path


def test_what_was_measured_is_kept_and_no_held_out_stage_differs(weights: Path) -> None:
    measured = stored_quantisation(graphs_folder(weights))
    assert measured is not None
    assert (measured.n_calibration, measured.n_held_out, measured.n_same) == (8, 16, 16)
    assert datetime.fromisoformat(measured.measured_at) == NOW


def test_the_8_bit_graph_computes_embeddings_of_its_features_in_single_precision(weights: Path) -> None:
    path = graph_path(graphs_folder(weights), "int8")
    waiting, kinds = [silent_openvino().Core().read_model(path).outputs[2].get_node()], set()
    while waiting:
        kinds.add((node := waiting.pop()).get_type_name())
        sources = [] if node.get_type_name() == "ReduceMean" else node.input_values()
        waiting += [source.get_node() for source in sources]
    assert {"MatMul", "Divide", "ReduceSum", "ReduceMean"} <= kinds
    assert "FakeQuantize" not in kinds
    noise = np.random.default_rng(6).integers(0, 256, (8, 224, 224, 3), np.uint8)
    quick, sure = CompiledGraph(path).run(noise)[2], load_exact_predictor(weights).predict(noise).embedding
    cosine = (quick * sure).sum(axis=1) / np.linalg.norm(quick, axis=1) / np.linalg.norm(sure.astype(float), axis=1)
    assert cosine.min() > 0.98


def test_every_convolution_but_the_first_is_in_8_bits(weights: Path) -> None:
    graph, types = silent_openvino().Core().read_model(graph_path(graphs_folder(weights), "int8")), []
    for convolution in (node for node in graph.get_ordered_ops() if node.get_type_name() == "Convolution"):
        kept = convolution.input_value(1).get_node()
        while kept.get_type_name() != "Constant":
            kept = kept.input_value(0).get_node()
        types.append(kept.get_element_type().get_type_name())
    assert types == ["f32"] + ["i8"] * 52


def test_a_second_quantisation_is_refused(weights: Path, patches: np.ndarray) -> None:
    with pytest.raises(ValueError, match="8-bit graph already"):
        quantise(weights, patches, patches, NOW, lambda *_: None)


class Table:
    """Either pass: says of a patch what a table holds in the row that its pixels name, with maps of one value."""

    n_streams, device_name = 1, "a table"

    def __init__(self, leads: np.ndarray, value: float) -> None:
        first = (0.9 + leads) / 2
        self.rows = np.stack([first, first - leads, np.full(len(leads), 0.1)], axis=1).astype(np.float32)
        self._value = value

    def run(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        maps = np.full((len(patches), 3, 7, 7), self._value, np.float32)
        return self.rows[patches[:, 0, 0, 0]], maps, np.full((len(patches), 64), self._value, np.float32)

    def predict(self, patches: np.ndarray) -> Minibatch:
        probabilities, maps, embedding = self.run(patches)
        is_exact = np.ones(len(patches), np.bool_)
        return Minibatch(probabilities, maps.astype(np.float16), embedding.astype(np.float16), is_exact)

    def explain(self, patch: np.ndarray, *, method: str, layer: str, class_index: int) -> np.ndarray:
        raise AssertionError("nobody asks for it here")


def test_patches_in_doubt_carry_what_the_exact_pass_says_and_say_so() -> None:
    leads = np.linspace(0.0, 0.8, 200)
    quick, exact = Table(leads, 1.0), Table(leads - 0.06, 2.0)
    patches = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    found = FastPredictor(quick, exact, 0.05).predict(patches)
    assert found.is_exact[leads < 0.12].all()
    assert 0.15 < found.is_exact.mean() < 0.3
    assert np.array_equal(found.probabilities, np.where(found.is_exact[:, None], exact.rows, quick.rows))
    assert np.array_equal(found.saliency[:, 0, 0, 0], np.where(found.is_exact, 2.0, 1.0))
    assert np.array_equal(found.embedding[:, 63], np.where(found.is_exact, 2.0, 1.0))
    assert np.array_equal(found.probabilities.argmax(axis=1), exact.rows.argmax(axis=1))
    assert not np.array_equal(quick.rows.argmax(axis=1), exact.rows.argmax(axis=1))


def test_of_the_passes_of_a_network_only_the_exact_one_says_that_it_is_exact(weights: Path) -> None:
    noise = np.random.default_rng(6).integers(0, 256, (8, 224, 224, 3), np.uint8)
    assert not load_predictor(weights, "cpu", "screening").predict(noise).is_exact.any()
    sure, few = load_predictor(weights, "cpu").predict(noise), load_predictor(weights, "cpu", "fast").predict(noise)
    assert sure.is_exact.all()
    assert few.is_exact.all()
    assert few.probabilities == pytest.approx(sure.probabilities, abs=1e-6)


def test_only_the_fast_mode_has_two_passes(weights: Path) -> None:
    assert isinstance(load_predictor(weights, "cpu", "fast"), TwoPassPredictor)
    assert not isinstance(load_predictor(weights, "cpu", "screening"), TwoPassPredictor)
    assert not isinstance(load_predictor(weights, "cpu"), TwoPassPredictor)


def test_the_device_says_which_mode_it_was(weights: Path) -> None:
    assert "8-bit integers, again in single precision below" in load_predictor(weights, "cpu", "fast").device_name
    assert load_predictor(weights, "cpu", "screening").device_name.endswith("8-bit integers")


def test_a_model_that_was_not_quantised_has_no_fast_mode(network: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    load_exact_predictor(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="no fast mode here yet"):
        load_predictor(tmp_path / "weights.safetensors", "cpu", "fast")


@pytest.mark.parametrize("mode", ["fast", "screening"])
def test_a_model_quantised_by_an_earlier_rule_is_refused_until_it_is_quantised_again(
    weights: Path, tmp_path: Path, mode: str
) -> None:
    model = shutil.copytree(weights.parent, tmp_path / "model")
    own, folder = model / weights.name, graphs_folder(model / weights.name)
    record = graph_path(folder, "int8").with_suffix(".json")
    earlier = json.loads(record.read_text())
    del earlier["rule"]
    record.write_text(json.dumps(earlier))
    assert is_of_earlier_rule(folder)
    with pytest.raises(ValueError, match="of an earlier rule; quantise it again"):
        load_predictor(own, "cpu", mode)
    noise = np.random.default_rng(8).integers(0, 256, (8, 224, 224, 3), np.uint8)
    quantise(own, noise[:4], noise[4:], NOW, lambda *_: None)
    assert not is_of_earlier_rule(folder)
    assert load_predictor(own, "cpu", mode).predict(noise[:1]).probabilities.shape == (1, 7)
