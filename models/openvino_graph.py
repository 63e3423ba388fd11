"""The exported network in OpenVINO, the fastest well-kept runtime for it on a CPU.

Importing OpenVINO would tell Google Analytics about it (2026.4.1, unless a file in the home folder forbids it). It has
a silent stand-in for when its telemetry package is not installed, so that package is made unimportable first. This can
go when OpenVINO asks before it tells; a test looks for what telemetry leaves behind.
"""

import importlib.metadata
import os
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import nn

_GRAPH_VERSION = 2
"""Raised with what a graph gives; graphs of another version are not found, and are made again."""

Floats = npt.NDArray[np.float32]
Answer = tuple[Floats, Floats, Floats]
"""Probabilities (n, classes), maps (n, classes, 7, 7) and embeddings (n, 64)."""


def silent_openvino() -> Any:
    """Give the openvino module without its telemetry, ready for many threads."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's way to make an import fail
    import openvino

    # OpenVINO 2026.4 meets NumPy at its first array; two threads there at once wait for each other for ever. This
    # line can go when tests/models/test_openvino_graph.py passes without it.
    openvino.Type.u8.to_dtype()
    return openvino


def graphs_folder(weights_path: Path) -> Path:
    """Give the folder beside a checkpoint that its graphs are kept in."""
    return weights_path.parent / "graphs"


def graph_path(folder: Path, precision: str) -> Path:
    """Give where a checkpoint's graph is kept; another version of OpenVINO or of ours does not find it."""
    return folder / f"{precision}-{_GRAPH_VERSION}-openvino-{openvino_version()}.xml"


def openvino_version() -> str:
    """Give the version of the installed OpenVINO."""
    return importlib.metadata.version("openvino")


def export_graph(classifier: "nn.Module", path: Path) -> None:
    """Write a classifier of uint8 patches (n, 224, 224, 3) as an OpenVINO graph; it appears when it is whole."""
    import torch

    example = torch.zeros((2, 224, 224, 3), dtype=torch.uint8)
    any_number = {"patches": {0: torch.export.Dim("n", min=1, max=4096)}}
    exported = torch.export.export(classifier, (example,), dynamic_shapes=any_number)
    save_graph(silent_openvino().convert_model(exported), path)


def save_graph(model: Any, path: Path) -> None:
    """Write a graph in full precision, its weights beside it; the graph appears last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"part{os.getpid()}-{path.name}")
    silent_openvino().save_model(model, unfinished, compress_to_fp16=False)
    unfinished.with_suffix(".bin").replace(path.with_suffix(".bin"))
    unfinished.replace(path)


class CompiledGraph:
    """A graph ready to run, as many times at once as it has streams; safe from many threads."""

    def __init__(self, path: Path) -> None:
        """Compile for this machine's cores in single precision, whatever shorter type its processor has."""
        openvino = silent_openvino()
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
        }
        self._compiled = openvino.Core().compile_model(path, "CPU", settings)
        self.n_streams = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._resting = threading.Lock()
        for _ in range(self.n_streams):
            self._idle.put(self._compiled.create_infer_request())

    def run(self, patches: npt.NDArray[np.uint8]) -> Answer:
        """Answer for RGB patches (n, 224, 224, 3)."""
        with self._request() as request:
            found = request.infer({0: np.ascontiguousarray(patches)}, share_inputs=True)
            return np.array(found[0], np.float32), np.array(found[1], np.float32), np.array(found[2], np.float32)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let what is under way end, keep all else waiting, and give back what it is computed in, 90 MB a stream."""
        with self._resting, ExitStack() as requests:  # two that each had some of the requests would wait for ever
            for _ in range(self.n_streams):
                requests.enter_context(self._request())
            self._compiled.release_memory()
            yield

    @contextmanager
    def _request(self) -> Iterator[Any]:
        request = self._idle.get()
        try:
            yield request
        finally:
            self._idle.put(request)
