"""The 8-bit graph of a checkpoint: made once on patches it was trained on, measured on patches it was not.

How wide a margin these call for is where every run in fast mode begins; each run widens it by what it sees itself.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.doubt import leads_of, margin_for, misstatements
from models.exact import ExactPredictor, load_exact_predictor
from models.openvino_graph import CompiledGraph, graph_path, graphs_folder, save_graph, silent_openvino

Patches = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
Tell = Callable[[str, int, int], None]
"""Hears what is done, with how many patches it is done, and of how many."""

_MINIBATCH = 32
_RULE = 3
"""Raised where a graph is quantised, or its margin chosen, in another way; a model of an earlier rule is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """What was measured on held-out patches when a checkpoint was quantised, and when (`measured_at`, ISO 8601).

    `margin` between the two best probabilities below which a patch is predicted again, `again_fraction` of the patches;
    `largest_misstatement` of that lead by the quantised graph, which the margin follows from; `n_same_alone` stages
    and `largest_difference_alone` of the quantised graph by itself, `n_same` and `largest_difference` of both passes
    together, all against the exact predictor.
    """

    measured_at: str
    n_calibration: int
    n_held_out: int
    margin: float
    again_fraction: float
    largest_misstatement: float
    n_same_alone: int
    largest_difference_alone: float
    n_same: int
    largest_difference: float

    @classmethod
    def of(
        cls, n_calibration: int, quick: Probabilities, exact: Probabilities, measured_at: datetime
    ) -> "Quantisation":
        """Choose the margin and measure; probabilities are (n, classes) of the same held-out patches."""
        margin = margin_for(quick, exact)
        is_again = leads_of(quick) < margin
        together = np.where(is_again[:, None], exact, quick)
        return cls(
            measured_at=measured_at.isoformat(timespec="seconds"),
            n_calibration=n_calibration,
            n_held_out=len(quick),
            margin=margin,
            again_fraction=float(is_again.mean()),
            largest_misstatement=float(misstatements(quick, exact).max()),
            n_same_alone=int((quick.argmax(axis=1) == exact.argmax(axis=1)).sum()),
            largest_difference_alone=float(np.abs(quick - exact).max()),
            n_same=int((together.argmax(axis=1) == exact.argmax(axis=1)).sum()),
            largest_difference=float(np.abs(together - exact).max()),
        )


def quantise(weights_path: Path, calibration: Patches, held_out: Patches, now: datetime, tell: Tell) -> Quantisation:
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
    save_graph(_quantised(graph_path(folder, "fp32"), _Told(calibration, tell)), path)
    quick = CompiledGraph(path)
    parts = list(_minibatches(held_out))
    measured = Quantisation.of(
        len(calibration),
        np.concatenate([quick.run(part)[0] for part in _told(parts, tell, "predicting other patches with it")]),
        np.concatenate([exact.predict(part).probabilities for part in _told(parts, tell, "predicting them exactly")]),
        now,
    )
    record = _record(folder)
    unfinished = record.with_name(f"{record.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps({"rule": _RULE, **asdict(measured)}), encoding="utf-8")
    unfinished.replace(record)
    return measured


def stored_quantisation(folder: Path) -> Quantisation | None:
    """Give what was measured when a checkpoint was quantised; None: it was not by today's rule and OpenVINO."""
    try:
        plain = json.loads(_record(folder).read_text(encoding="utf-8"))
        return Quantisation(**plain) if plain.pop("rule", None) == _RULE else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def is_of_earlier_rule(folder: Path) -> bool:
    """Say whether a checkpoint was quantised in a way that is of no use any more, so that it has to be done again."""
    return stored_quantisation(folder) is None and _record(folder).exists()


def _record(folder: Path) -> Path:
    return graph_path(folder, "int8").with_suffix(".json")


class _Told:
    """Patches one by one, as often as they are asked for, each told of."""

    def __init__(self, patches: Patches, tell: Tell) -> None:
        self._patches, self._tell = patches, tell

    def __len__(self) -> int:
        return len(self._patches)

    def __iter__(self) -> Iterator[Patches]:
        for number, patch in enumerate(self._patches):
            self._tell("quantising the network", number, len(self._patches))
            yield patch[None]


def _quantised(path: Path, calibration: _Told) -> Any:
    """Quantise by NNCF (post-training, mixed preset), which tells nobody either once OpenVINO is silent.

    On 1457 patches of a real Sirius Red section, unlike what it was calibrated on, leads are misstated by 0.09 at most:
    by 0.24 with NNCF's mean range of the patches for activations, not the whole range; by 0.45 with the first
    convolution in 8 bits, by 0.35 with what follows the last features (the one gains no time so, the other is small);
    by 0.29 with NNCF's fast correction of biases; by 0.23 with 7 bits for the first weights, its default.
    """
    openvino = silent_openvino()
    import nncf
    from nncf.quantization.advanced_parameters import OverflowFix
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    nncf.set_log_level("ERROR")
    graph = openvino.Core().read_model(path)
    return nncf.quantize(
        graph,
        nncf.Dataset(calibration),
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=_ends_of(graph)),
        preset=nncf.QuantizationPreset.MIXED,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            overflow_fix=OverflowFix.DISABLE,
            disable_bias_correction=True,
        ),
    )


def _ends_of(graph: Any) -> list[str]:
    """Give the names of the first convolution, and of what follows the last features: classifier, maps, embedding."""
    nodes = graph.get_ordered_ops()
    waiting = [[node for node in nodes if node.get_type_name() == "Relu"][-1]]
    found = [next(node for node in nodes if node.get_type_name() == "Convolution").get_friendly_name()]
    while waiting:
        readers = [each.get_node() for output in waiting.pop().outputs() for each in output.get_target_inputs()]
        waiting += [node for node in readers if node.get_friendly_name() not in found]
        found += [node.get_friendly_name() for node in readers if node.get_type_name() != "Result"]
    return found


def _minibatches(patches: Patches) -> Iterator[Patches]:
    for first in range(0, len(patches), _MINIBATCH):
        yield patches[first : first + _MINIBATCH]


def _told(parts: list[Patches], tell: Tell, words: str) -> Iterator[Patches]:
    n_done, n_total = 0, sum(map(len, parts))
    for part in parts:
        tell(words, n_done, n_total)
        yield part
        n_done += len(part)
