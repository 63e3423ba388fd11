"""Torch beside OpenVINO: it answers as torch does, from a process that goes when idle and comes back when asked."""

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from models.checkpoint import save_checkpoint
from models.openvino_graph import CompiledGraph
from models.predictor import TorchPredictor, load_torch_predictor
from models.torch_process import TorchProcess

ASKED = {"method": "layercam", "layer": "layer3", "class_index": 2}


@pytest.fixture(scope="module")
def weights(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a checkpoint."""
    path = tmp_path_factory.mktemp("model") / "weights.safetensors"
    save_checkpoint(network, path)
    return path


@pytest.fixture(scope="module")
def reference(weights: Path) -> TorchPredictor:
    """Give the same in this process."""
    return load_torch_predictor(weights)


@pytest.fixture(scope="module")
def kept(weights: Path) -> Iterator[TorchProcess]:
    """Give a process that stays, whatever the machine is busy with."""
    yield TorchProcess(weights, seconds_idle=600)
    gc.collect()


def test_it_answers_as_torch_does(kept: TorchProcess, reference: TorchPredictor, patches: np.ndarray) -> None:
    found, expected = kept.predict(patches), reference.predict(patches)
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)
    assert kept.explain(patches[0], **ASKED) == pytest.approx(reference.explain(patches[0], **ASKED), abs=1e-6)
    assert kept.device_name == reference.device_name


def test_questions_from_many_threads_are_answered_each_with_its_own(
    kept: TorchProcess, reference: TorchPredictor, patches: np.ndarray
) -> None:
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda row: kept.predict(patches[row : row + 1]).probabilities, range(3)))
    expected = [reference.predict(patches[row : row + 1]).probabilities for row in range(3)]
    assert np.array_equal(np.concatenate(found), np.concatenate(expected))


def test_what_torch_refuses_is_refused_in_its_words_and_the_next_question_is_answered(
    kept: TorchProcess, patches: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="unknown saliency method 'magic'"):
        kept.explain(patches[0], method="magic", layer="layer4", class_index=0)
    process_id = kept.process_id
    kept.explain(patches[0], **ASKED)
    assert kept.process_id == process_id


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, patches: np.ndarray) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        TorchProcess(tmp_path / "weights.safetensors").predict(patches)


def test_it_ends_when_no_question_comes_and_another_takes_the_next(weights: Path, patches: np.ndarray) -> None:
    passing = TorchProcess(weights, seconds_idle=0.0)
    assert passing.process_id is None
    passing.predict(patches[:1])
    first = _process_of(passing)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert passing.predict(patches[:1]).probabilities.shape == (1, 7)
    assert _process_of(passing) != first


def test_an_export_leaves_the_graph_and_no_process(
    weights: Path, reference: TorchPredictor, patches: np.ndarray, tmp_path: Path
) -> None:
    process = TorchProcess(weights, seconds_idle=600)
    process.export(tmp_path / "graph.xml")
    assert process.process_id is None
    found, *_ = CompiledGraph(tmp_path / "graph.xml").run(patches)
    assert found == pytest.approx(reference.predict(patches).probabilities, abs=1e-4)


def test_the_process_ends_with_the_one_that_asks(weights: Path, patches: np.ndarray) -> None:
    process = TorchProcess(weights, seconds_idle=600)
    process.predict(patches[:1])
    process_id = _process_of(process)
    del process
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def _process_of(process: TorchProcess) -> int:
    assert process._running is not None
    return process._running.process_id
