"""The predictor that suits a device."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.exact import ExactPredictor
    from models.predictor import TorchPredictor

_DEVICES = ("auto", "cpu", "cuda")
_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg")


def load_predictor(weights_path: Path, device: str = "auto") -> "ExactPredictor | TorchPredictor":
    """Load a safetensors checkpoint onto 'auto', 'cpu' or 'cuda'.

    Raises: ValueError when the file does not fit, or there is no such device.
    """
    if device not in _DEVICES:
        raise ValueError(f"unknown device '{device}'; use auto, cpu or cuda")
    if device == "cuda" or (device == "auto" and _has_cuda()):
        from models.predictor import load_torch_predictor

        return load_torch_predictor(weights_path, "cuda")
    from models.exact import load_exact_predictor

    return load_exact_predictor(weights_path)


def _has_cuda() -> bool:
    """Ask torch, but not where Linux has no driver: importing torch takes seconds."""
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _GPU_DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()
