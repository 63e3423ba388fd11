"""Fewer digits first, single precision again where a stage is in doubt: the exact stages, sooner."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.doubt import Doubt, doubt
from models.exact import ExactPredictor
from models.minibatch import Minibatch, joined
from models.openvino_graph import CompiledGraph, graph_path
from models.quantisation import is_of_earlier_rule, stored_quantisation

Patches = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.floating[Any]]

_MINIBATCH = 32


class QuickPass(Protocol):
    """A network in fewer digits."""

    n_streams: int

    def run(self, patches: Patches) -> tuple[Probabilities, Numbers, Numbers]:
        """Give probabilities (n, classes), maps (n, classes, 7, 7) and embeddings (n, 64)."""


class ExactPass(Protocol):
    """The same network in single precision."""

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches."""

    def explain(self, patch: Patches, *, method: str, layer: str, class_index: int) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch."""


class ScreeningPredictor:
    """Predicts in fewer digits alone, which is for triage and not for a call; safe from many threads."""

    def __init__(self, quick: QuickPass, exact: ExactPass, precision: str = "8-bit integers") -> None:
        """Take the network in fewer digits, and the exact one for what those cannot hold and for single patches."""
        self._quick, self._exact, self._precision = quick, exact, precision
        self.n_streams = quick.n_streams

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        return f"{self._exact.device_name}, {self._precision}"

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches (n, 224, 224, 3); those whose numbers overflow are predicted exactly."""
        found = self._run(patches)
        _replace(found, np.flatnonzero(~np.isfinite(found.probabilities).all(axis=1)), patches, self._exact)
        return found

    def explain(self, patch: Patches, *, method: str, layer: str, class_index: int) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch in single precision."""
        return self._exact.explain(patch, method=method, layer=layer, class_index=class_index)

    def _run(self, patches: Patches) -> Minibatch:
        probabilities, maps, embedding = self._quick.run(patches)
        is_exact = np.zeros(len(patches), np.bool_)
        return Minibatch(probabilities, maps.astype(np.float16), embedding.astype(np.float16), is_exact)


class FastPredictor(ScreeningPredictor):
    """Predicts in fewer digits, and again exactly where a stage is in doubt; safe from many threads."""

    def __init__(self, quick: QuickPass, exact: ExactPass, margin: float, precision: str = "8-bit integers") -> None:
        """Take both passes and the narrowest margin: what held-out patches called for, where some were measured."""
        super().__init__(quick, exact, precision)
        self.margin = margin

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        return f"{super().device_name}, again in single precision below a margin of {self.margin:.3f} or wider"

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches (n, 224, 224, 3) as one group: what is in doubt is made sure of among them."""
        parts = np.split(patches, range(_MINIBATCH, len(patches), _MINIBATCH))
        found = joined([self.predict_quickly(part) for part in parts])
        quick = found.probabilities.copy()
        while (rows := self.doubt(quick, found.probabilities, found.is_exact).rows).size:
            for part in np.array_split(rows, -(-len(rows) // _MINIBATCH)):
                _replace(found, part, patches, self._exact)
        return found

    def predict_quickly(self, patches: Patches) -> Minibatch:
        """Predict RGB patches in fewer digits; what overflows is no number."""
        return self._run(patches)

    def predict_exactly(self, patches: Patches) -> Minibatch:
        """Predict RGB patches in single precision."""
        return self._exact.predict(patches)

    def doubt(self, quick: Probabilities, exact: Probabilities, is_exact: npt.NDArray[np.bool_]) -> Doubt:
        """Say which patches of a group are to be computed exactly next; see `models.doubt`."""
        return doubt(quick, exact, is_exact, self.margin)


def load_fast_predictor(exact: ExactPredictor, folder: Path, *, is_screening: bool) -> ScreeningPredictor:
    """Load a quantised checkpoint. Raises: ValueError when it was not quantised, or by an earlier rule."""
    measured = stored_quantisation(folder)
    if is_of_earlier_rule(folder):
        raise ValueError("its 8-bit graph is of an earlier rule; quantise it again")
    if measured is None:
        raise ValueError("this model has no fast mode here yet; prepare it on the Models page")
    quick = CompiledGraph(graph_path(folder, "int8"))
    return ScreeningPredictor(quick, exact) if is_screening else FastPredictor(quick, exact, measured.margin)


def _replace(found: Minibatch, rows: npt.NDArray[np.int64], patches: Patches, exact: ExactPass) -> None:
    """Put in what the exact pass says of some rows."""
    if rows.size:
        again = exact.predict(patches[rows])
        found.probabilities[rows], found.saliency[rows] = again.probabilities, again.saliency
        found.embedding[rows], found.is_exact[rows] = again.embedding, True
