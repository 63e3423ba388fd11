"""The predictor that suits a device, and which devices there are."""

import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.exact import ExactPredictor
    from models.fast import ScreeningPredictor
    from models.on_device import ExactOnDevice, FastOnDevice, ScreeningOnDevice
    from models.predictor import TorchPredictor

_DEVICES = ("auto", "cpu", "cuda")
_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg")
_in_use: "weakref.WeakValueDictionary[Path, ExactPredictor | TorchPredictor]" = weakref.WeakValueDictionary()


def load_predictor(
    weights_path: Path, device: str = "auto", mode: str = "exact"
) -> "ExactPredictor | ScreeningPredictor | TorchPredictor | ExactOnDevice":
    """Load a safetensors checkpoint onto 'auto', 'cpu' or 'cuda', to predict 'exact', 'fast' or 'screening'.

    Raises: ValueError when the file does not fit, there is no such device, or the checkpoint has no such mode there.
    """
    if device not in _DEVICES:
        raise ValueError(f"unknown device '{device}'; use auto, cpu or cuda")
    if device == "cuda" or (device == "auto" and visible_devices()):
        return _load_on_cuda(weights_path, mode)
    from models.exact import ExactPredictor

    exact = _exact_predictor(weights_path)
    if mode == "exact":
        return exact
    from models.fast import load_fast_predictor
    from models.openvino_graph import graphs_folder

    if not isinstance(exact, ExactPredictor):
        raise ValueError(f"the mode '{mode}' needs OpenVINO; {exact.note}")
    return load_fast_predictor(exact, graphs_folder(weights_path), is_screening=mode == "screening")


def _exact_predictor(weights_path: Path) -> "ExactPredictor | TorchPredictor":
    """Give a checkpoint's exact predictor, one to all who use it at a time: fast mode has it inside."""
    from models.exact import load_exact_predictor

    exact = _in_use.get(weights_path) or load_exact_predictor(weights_path)
    return _in_use.setdefault(weights_path, exact)


def visible_devices() -> tuple[str, ...]:
    """Give the name of each CUDA device that can be used here, as CUDA_VISIBLE_DEVICES would have it.

    Asks torch, but not where Linux has no driver: importing torch takes seconds.
    """
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _GPU_DRIVERS):
        return ()
    from models.device import visible_devices as find

    return find()


def _load_on_cuda(weights_path: Path, mode: str) -> "ExactOnDevice | ScreeningOnDevice | FastOnDevice":
    if not visible_devices():
        raise ValueError("no CUDA device is available here; use auto or cpu")
    from models.device import CudaDevice
    from models.on_device import load_on_device

    return load_on_device(weights_path, CudaDevice(), mode)
