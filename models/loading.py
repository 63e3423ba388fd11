"""The predictor that suits a device."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.exact import ExactPredictor
    from models.fast import FastPredictor
    from models.predictor import TorchPredictor

_DEVICES = ("auto", "cpu", "cuda")
_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg")


def load_predictor(
    weights_path: Path, device: str = "auto", mode: str = "exact"
) -> "ExactPredictor | FastPredictor | TorchPredictor":
    """Load a safetensors checkpoint onto 'auto', 'cpu' or 'cuda', to predict 'exact', 'fast' or 'screening'.

    Raises: ValueError when the file does not fit, there is no such device, or the checkpoint has no such mode there.
    """
    if device not in _DEVICES:
        raise ValueError(f"unknown device '{device}'; use auto, cpu or cuda")
    if device == "cuda" or (device == "auto" and _has_cuda()):
        from models.predictor import load_torch_predictor

        if mode != "exact":
            raise ValueError(f"a GPU predicts exactly; '{mode}' is for processors, use --device cpu")
        return load_torch_predictor(weights_path, "cuda")
    from models.exact import ExactPredictor, load_exact_predictor

    exact = load_exact_predictor(weights_path)
    if mode == "exact":
        return exact
    from models.fast import load_fast_predictor
    from models.openvino_graph import graphs_folder

    if not isinstance(exact, ExactPredictor):
        raise ValueError(f"the mode '{mode}' needs OpenVINO; {exact.note}")
    return load_fast_predictor(exact, graphs_folder(weights_path), is_screening=mode == "screening")


def _has_cuda() -> bool:
    """Ask torch, but not where Linux has no driver: importing torch takes seconds."""
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _GPU_DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()
