"""A model whose fast mode was measured, without a network to measure."""

from __future__ import annotations

import json

from core.domain.registry import RegisteredModel
from models.openvino_graph import graph_path, graphs_folder


def measure(model: RegisteredModel, *, rule: int = 3) -> None:
    """Write what quantising the model would leave behind: 901 held-out patches, measured on 1 March 2026."""
    record = graph_path(graphs_folder(model.weights_path), "int8").with_suffix(".json")
    record.parent.mkdir(parents=True, exist_ok=True)
    measured = {
        "rule": rule,
        "measured_at": "2026-03-01T12:00:00+00:00",
        "n_calibration": 300,
        "n_held_out": 901,
        "margin": 0.17,
        "again_fraction": 0.127,
        "largest_misstatement": 0.085,
        "n_same_alone": 895,
        "largest_difference_alone": 0.047,
        "n_same": 901,
        "largest_difference": 0.043,
    }
    record.write_text(json.dumps(measured), encoding="utf-8")
