"""The exact predictor of a CPU: OpenVINO in single precision, held against plain torch on its first real patches."""

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.minibatch import Minibatch, joined
from models.openvino_graph import CompiledGraph, graph_path, graphs_folder, openvino_version
from models.torch_process import TorchProcess

if TYPE_CHECKING:
    from models.predictor import TorchPredictor

LARGEST_DIFFERENCE = 1e-4
"""How far a probability may lie from plain torch's."""
LARGEST_EMBEDDING_DIFFERENCE = 1e-3
"""How far a number of an embedding may: a few steps of half precision."""
_COMPARED_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a graph did beside plain torch: on how many patches, how many with the same class, and how far apart.

    `largest_difference` of a probability, `largest_embedding_difference` of a number of an embedding.
    """

    n_patches: int
    n_same: int
    largest_difference: float
    largest_embedding_difference: float

    @classmethod
    def of(cls, found: Minibatch, reference: Minibatch) -> "Comparison":
        """Compare what was said of the same patches."""
        apart = found.embedding.astype(np.float32) - reference.embedding.astype(np.float32)
        return cls(
            n_patches=len(found.probabilities),
            n_same=int((found.probabilities.argmax(axis=1) == reference.probabilities.argmax(axis=1)).sum()),
            largest_difference=float(np.abs(found.probabilities - reference.probabilities).max()),
            largest_embedding_difference=float(np.abs(apart).max()),
        )

    @property
    def is_exact(self) -> bool:
        """Say whether the graph may stand for torch."""
        is_near = self.largest_embedding_difference <= LARGEST_EMBEDDING_DIFFERENCE
        return self.n_same == self.n_patches and self.largest_difference <= LARGEST_DIFFERENCE and is_near


class ExactPredictor:
    """Predicts through a graph once it has been compared with torch, and through torch where the two differ."""

    def __init__(self, graph: CompiledGraph, reference: "TorchProcess | TorchPredictor", record: Path) -> None:
        """Take a graph; `record` keeps its comparison, made with the first patches that it ever meets."""
        self._graph, self._reference, self._record = graph, reference, record
        self._lock = threading.Lock()
        self._comparison = _stored(record)

    @property
    def n_streams(self) -> int:
        """Give how many minibatches are best predicted at once."""
        return self._graph.n_streams

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        if self._comparison is not None and not self._comparison.is_exact:
            farthest = max(self._comparison.largest_difference, self._comparison.largest_embedding_difference)
            return f"{self._reference.device_name}; OpenVINO differed by {farthest:.1g}"
        return f"cpu ({len(os.sched_getaffinity(0))} threads, OpenVINO {openvino_version()})"

    def predict(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches (n, 224, 224, 3)."""
        comparison = self._comparison or self._compare(patches)
        if not comparison.is_exact:
            return self._reference.predict(patches)
        return self._through_graph(patches)

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch, as TorchPredictor does; torch is loaded for it."""
        with self._graph.at_rest():  # torch needs the memory, and the cores
            return self._reference.explain(patch, method=method, layer=layer, class_index=class_index)

    def _through_graph(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        probabilities, maps, embedding = self._graph.run(patches)
        is_exact = np.ones(len(patches), np.bool_)
        return Minibatch(probabilities, maps.astype(np.float16), embedding.astype(np.float16), is_exact)

    def _compare(self, patches: npt.NDArray[np.uint8]) -> Comparison:
        """Compare on the first minibatch; other streams wait. Torch gets a few at a time: it takes 15 MB for each."""
        with self._lock:
            if self._comparison is None:
                parts = [
                    patches[first : first + _COMPARED_AT_ONCE] for first in range(0, len(patches), _COMPARED_AT_ONCE)
                ]
                reference = joined([self._reference.predict(part) for part in parts])
                self._comparison = Comparison.of(self._through_graph(patches), reference)
                _store(self._record, self._comparison)
            return self._comparison


def load_exact_predictor(weights_path: Path) -> "ExactPredictor | TorchPredictor":
    """Load a checkpoint into OpenVINO, exported once and kept beside it; into torch, saying why, where that fails.

    Raises: ValueError when the file does not fit.
    """
    path, reference = graph_path(graphs_folder(weights_path), "fp32"), TorchProcess(weights_path)
    try:
        if not path.is_file():
            reference.export(path)
        return ExactPredictor(CompiledGraph(path), reference, path.with_suffix(".json"))
    except (ImportError, OSError, RuntimeError) as error:
        from models.predictor import load_torch_predictor

        predictor = load_torch_predictor(weights_path)
        predictor.note = f"OpenVINO could not be used: {error}"
        return predictor


def _stored(record: Path) -> Comparison | None:
    try:
        return Comparison(**json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _store(record: Path, comparison: Comparison) -> None:
    unfinished = record.with_name(f"{record.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps(asdict(comparison)), encoding="utf-8")
    unfinished.replace(record)
