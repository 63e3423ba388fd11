"""The predictors of a GPU, on the processor in its place: what they say, and which pass made what."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from core.inference.ports import OnDevice, TwoPassPredictor
from models.captured import CapturedNetwork
from models.checkpoint import save_checkpoint
from models.device import Processor
from models.on_device import ExactOnDevice, FastOnDevice, ScreeningOnDevice, SinglePass, load_on_device
from models.patch_classifier import folded, standardise
from models.predictor import ExplainedClassifier, TorchPredictor, load_torch_predictor

N_CLASSES = 7


@pytest.fixture(scope="module")
def exact(network: nn.Module) -> ExactOnDevice:
    """Give the network in single precision."""
    return ExactOnDevice(_pass(ExplainedClassifier(network)), network)


@pytest.fixture(scope="module")
def half(network: nn.Module) -> SinglePass:
    """Give it in the shorter numbers."""
    return _pass(ExplainedClassifier(folded(network), torch.bfloat16))


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    """Give patches of noise of many strengths."""
    noise = np.random.default_rng(5).integers(0, 256, (12, 224, 224, 3), np.uint8)
    return (noise // (1 + np.arange(12).reshape(12, 1, 1, 1) % 6)).astype(np.uint8)


def _pass(classifier: nn.Module) -> SinglePass:
    return SinglePass(CapturedNetwork(classifier, Processor(), N_CLASSES))


def test_exact_on_a_device_is_plain_torch(exact: ExactOnDevice, network: nn.Module, patches: np.ndarray) -> None:
    found, plain = exact.predict(patches), TorchPredictor(network).predict(patches)
    assert found.probabilities == pytest.approx(plain.probabilities, abs=1e-5)
    assert found.saliency.astype(float) == pytest.approx(plain.saliency.astype(float), rel=2e-3, abs=1e-3)
    assert found.is_exact.all()


def test_normalisation_folded_into_the_convolutions_changes_nothing_to_speak_of(
    network: nn.Module, patches: np.ndarray
) -> None:
    together = folded(network)
    assert not [module for module in together.modules() if isinstance(module, nn.BatchNorm2d)]
    assert [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    found = TorchPredictor(together).predict(patches).probabilities
    assert found == pytest.approx(TorchPredictor(network).predict(patches).probabilities, abs=1e-5)


def test_in_fast_mode_every_stage_is_that_of_single_precision(
    exact: ExactOnDevice, half: SinglePass, many: np.ndarray
) -> None:
    fast = FastOnDevice(half, exact)
    found, expected = fast.predict(many), exact.predict(many)
    assert np.array_equal(found.probabilities.argmax(axis=1), expected.probabilities.argmax(axis=1))
    assert found.probabilities[found.is_exact] == pytest.approx(expected.probabilities[found.is_exact], abs=1e-5)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=0.05)
    assert "below a margin of 0.050 or wider" in fast.device_name
    assert isinstance(fast, TwoPassPredictor)
    assert isinstance(fast, OnDevice)


def test_screening_is_the_shorter_numbers_alone(exact: ExactOnDevice, half: SinglePass, patches: np.ndarray) -> None:
    screening = ScreeningOnDevice(half, exact)
    found = screening.predict(patches)
    assert np.array_equal(found.probabilities, half.run(patches)[0])
    assert not found.is_exact.any()
    assert screening.device_name.endswith("single precision, half precision")


def test_a_patch_on_which_the_shorter_numbers_overflow_is_predicted_exactly(
    exact: ExactOnDevice, half: SinglePass, patches: np.ndarray
) -> None:
    class Overflowing(SinglePass):
        def run(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            probabilities, maps, embedding = super().run(patches)
            probabilities[1] = np.nan
            return probabilities, maps, embedding

    found = ScreeningOnDevice(Overflowing(half._captured), exact).predict(patches)
    assert found.is_exact.tolist() == [False, True, False]
    assert np.isfinite(found.probabilities).all()


def test_a_table_of_colours_is_applied_before_either_pass(
    exact: ExactOnDevice, half: SinglePass, patches: np.ndarray
) -> None:
    table = np.arange(256**3, dtype=np.uint32)[::-1].copy()
    packed = patches.astype(np.uint32)
    found = table[(packed[..., 0] << 16) | (packed[..., 1] << 8) | packed[..., 2]]
    recoloured = np.ascontiguousarray(found.view(np.uint8).reshape(*patches.shape[:3], 4)[..., :3])
    fast = ScreeningOnDevice(half, exact)
    assert np.array_equal(
        exact.with_colours(table).predict(patches).probabilities, exact.predict(recoloured).probabilities
    )
    assert np.array_equal(
        fast.with_colours(table).predict(patches).probabilities, fast.predict(recoloured).probabilities
    )
    assert not np.array_equal(exact.predict(patches).probabilities, exact.predict(recoloured).probabilities)


class _HostSteps(TorchDispatchMode):
    """Notes each step that needs the processor: a tensor that lies here, or a number that is brought here."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, step, types, args=(), kwargs=None):
        answer = step(*args, **(kwargs or {}))
        tensors = [one for one in tree_leaves((args, kwargs, answer)) if isinstance(one, torch.Tensor)]
        if step is torch.ops.aten._local_scalar_dense.default or {one.device.type for one in tensors} != {"cuda"}:
            self.found.append(str(step))
        return answer


def _host_steps(module: nn.Module) -> list[str]:
    """Give the steps that need the processor when a CUDA device, which is made believe, predicts a minibatch."""
    with torch.no_grad(), FakeTensorMode() as mode:
        held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        there = {name: mode.from_tensor(tensor).to("cuda") for name, tensor in held.items()}
        patches = torch.empty((4, 224, 224, 3), dtype=torch.uint8, device="cuda")
        with torch.inference_mode(), _HostSteps() as steps:
            functional_call(module, there, (patches,))
    return steps.found


@pytest.mark.parametrize("precision", [torch.float32, torch.float16])
def test_what_is_captured_never_needs_the_processor(network: nn.Module, precision: torch.dtype) -> None:
    assert _host_steps(ExplainedClassifier(folded(network), precision)) == []


def test_a_constant_that_is_fetched_from_the_processor_would_be_noticed() -> None:
    class Fetching(nn.Module):
        def forward(self, patches: torch.Tensor) -> torch.Tensor:
            return standardise(patches.permute(0, 3, 1, 2).float())

    assert _host_steps(Fetching())


@pytest.mark.parametrize("mode", ["exact", "fast", "screening"])
def test_a_checkpoint_is_loaded_onto_a_device_for_each_mode(
    mode: str, network: nn.Module, patches: np.ndarray, tmp_path: Path
) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    predictor = load_on_device(tmp_path / "weights.safetensors", Processor(), mode)
    expected = load_torch_predictor(tmp_path / "weights.safetensors")
    tolerance = {"exact": 1e-4, "fast": 1e-4, "screening": 0.1}[mode]
    assert predictor.predict(patches[:2]).probabilities == pytest.approx(
        expected.predict(patches[:2]).probabilities, abs=tolerance
    )
    asked = {"method": "gradcam", "layer": "layer4", "class_index": 2}
    assert predictor.explain(patches[0], **asked) == pytest.approx(expected.explain(patches[0], **asked), abs=1e-5)
    assert "single precision" in predictor.device_name
