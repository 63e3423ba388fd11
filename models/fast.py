"""Eight-bit integers first, single precision again where the two best classes are close: the exact stages, sooner.

The graph is quantised once a checkpoint on patches it was trained on. On patches it was not trained on it is compared
with the exact predictor, and the margin is set so wide that every stage the quantised graph got wrong is asked again.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.exact import ExactPredictor, load_exact_predictor
from models.minibatch import Minibatch
from models.openvino_graph import CompiledGraph, graph_path, graphs_folder, save_graph, silent_openvino

Patches = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]

_SMALLEST_MARGIN = 0.05
_SAFETY = 1.5
_MINIBATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """What was measured on held-out patches when a checkpoint was quantised.

    `margin` between the two best probabilities below which a patch is predicted again, `again_fraction` of the patches;
    `n_same_alone` stages and `largest_difference_alone` of the quantised graph by itself, `n_same` and
    `largest_difference` of both passes together, all against the exact predictor.
    """

    n_calibration: int
    n_held_out: int
    margin: float
    again_fraction: float
    n_same_alone: int
    largest_difference_alone: float
    n_same: int
    largest_difference: float

    @classmethod
    def of(cls, n_calibration: int, quick: Probabilities, exact: Probabilities) -> "Quantisation":
        """Choose the margin and measure; probabilities are (n, classes) of the same held-out patches."""
        is_same = quick.argmax(axis=1) == exact.argmax(axis=1)
        margins = margins_of(quick)
        margin = max(_SMALLEST_MARGIN, _SAFETY * float(margins[~is_same].max(initial=0.0)))
        is_again = margins < margin
        together = np.where(is_again[:, None], exact, quick)
        return cls(
            n_calibration=n_calibration,
            n_held_out=len(quick),
            margin=margin,
            again_fraction=float(is_again.mean()),
            n_same_alone=int(is_same.sum()),
            largest_difference_alone=float(np.abs(quick - exact).max()),
            n_same=int((together.argmax(axis=1) == exact.argmax(axis=1)).sum()),
            largest_difference=float(np.abs(together - exact).max()),
        )


class QuickPass(Protocol):
    """A network in fewer digits."""

    n_streams: int

    def run(self, patches: Patches) -> tuple[Probabilities, npt.NDArray[np.floating[Any]]]:
        """Give probabilities (n, classes) and maps (n, classes, 7, 7)."""


class ExactPass(Protocol):
    """The same network in single precision."""

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches."""

    def explain(self, patch: Patches, *, method: str, layer: str, class_index: int) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch."""


class FastPredictor:
    """Predicts with the quantised graph, and again exactly where that is close; safe from many threads."""

    def __init__(self, quick: QuickPass, exact: ExactPass, margin: float, precision: str = "8-bit integers") -> None:
        """Take both passes; a margin of 0 never asks again, which is screening and not for a call."""
        self._quick, self._exact, self._margin, self._precision = quick, exact, margin, precision
        self.n_streams = quick.n_streams

    @property
    def margin(self) -> float:
        """Give the margin below which it asks again."""
        return self._margin

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        again = f", again in single precision below a margin of {self.margin:.3f}" if self.margin else ""
        return f"{self._exact.device_name}, {self._precision}{again}"

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches (n, 224, 224, 3)."""
        probabilities, maps = self._quick.run(patches)
        saliency = maps.astype(np.float16)
        is_again = ~(margins_of(probabilities) >= self.margin)  # no number is close, too: half precision can overflow
        if is_again.any():
            again = self._exact.predict(patches[is_again])
            probabilities[is_again], saliency[is_again] = again.probabilities, again.saliency
        return Minibatch(probabilities, saliency, is_again)

    def explain(self, patch: Patches, *, method: str, layer: str, class_index: int) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch in single precision."""
        return self._exact.explain(patch, method=method, layer=layer, class_index=class_index)


def margins_of(probabilities: Probabilities) -> npt.NDArray[np.float32]:
    """Give by how much the best class leads the second, (n,)."""
    best = np.partition(probabilities, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2], np.float32)


def quantise(weights_path: Path, calibration: Patches, held_out: Patches) -> Quantisation:
    """Quantise a checkpoint's graph and keep it beside the exact one with what was measured.

    Args: calibration, held_out: RGB patches (n, 224, 224, 3) in the recipe's colours, of subjects apart.
    Raises: ValueError when there is no exact graph to begin with, or one was made already: runs made with it stand.
    """
    folder, exact = graphs_folder(weights_path), load_exact_predictor(weights_path)
    if stored_quantisation(folder) is not None:
        raise ValueError("this model has its 8-bit graph already; it stays as it is, so that its runs can be compared")
    if not isinstance(exact, ExactPredictor):
        raise ValueError(f"a fast mode needs OpenVINO; {exact.note}")
    path = graph_path(folder, "int8")
    save_graph(_quantised(graph_path(folder, "fp32"), calibration), path)
    quick = CompiledGraph(path)
    measured = Quantisation.of(
        len(calibration),
        np.concatenate([quick.run(part)[0] for part in _minibatches(held_out)]),
        np.concatenate([exact.predict(part).probabilities for part in _minibatches(held_out)]),
    )
    write_quantisation(path.with_suffix(".json"), measured)
    return measured


def stored_quantisation(folder: Path) -> Quantisation | None:
    """Give what was measured when a checkpoint was quantised; None when it was not, or for another OpenVINO."""
    return read_quantisation(graph_path(folder, "int8").with_suffix(".json"))


def read_quantisation(record: Path) -> Quantisation | None:
    """Give what was measured and kept; None when nothing was."""
    try:
        return Quantisation(**json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_quantisation(record: Path, measured: Quantisation) -> None:
    """Keep what was measured; the record appears when it is whole."""
    unfinished = record.with_name(f"{record.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps(asdict(measured)), encoding="utf-8")
    unfinished.replace(record)


def load_fast_predictor(exact: ExactPredictor, folder: Path, *, is_screening: bool) -> FastPredictor:
    """Load a quantised checkpoint. Raises: ValueError when it was not quantised."""
    measured = stored_quantisation(folder)
    if measured is None:
        raise ValueError("this model has no 8-bit graph here; make it with `fibroread model quantise`")
    return FastPredictor(CompiledGraph(graph_path(folder, "int8")), exact, 0.0 if is_screening else measured.margin)


def _quantised(path: Path, calibration: Patches) -> Any:
    """Quantise by NNCF (post-training, mixed preset), which tells nobody either once OpenVINO is silent."""
    openvino = silent_openvino()
    import nncf

    nncf.set_log_level("ERROR")
    return nncf.quantize(
        openvino.Core().read_model(path),
        nncf.Dataset(list(calibration[:, None])),
        subset_size=len(calibration),
        preset=nncf.QuantizationPreset.MIXED,
    )


def _minibatches(patches: Patches) -> Iterator[Patches]:
    for first in range(0, len(patches), _MINIBATCH):
        yield patches[first : first + _MINIBATCH]
