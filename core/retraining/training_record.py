"""What is on record of a training before its first step: the request, the set, the code and the machine."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from core.domain.training import TrainingId
from core.retraining.network_trainer import NetworkTrainer, TrainerWish, TrainingSchedule

RECORD_NAME = "record.json"
_LIBRARIES = (
    "torch",
    "torchvision",
    "safetensors",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "opencv-python-headless",
    "pyarrow",
)
_ROOT = Path(__file__).parents[2]
_CODE = ("models/*.py", "core/retraining/*.py", "core/preprocess/stain.py")
Plain = dict[str, Any]


def written_record(
    training_id: TrainingId, asked: TrainerWish, trainer: NetworkTrainer, *, set_facts: Plain, code_version: str
) -> Plain:
    """Give the record of a training: all that its weights depend on but the pixels, which the set's hash stands for."""
    return {
        "format_version": 1,
        "training_id": training_id,
        "configuration": asked.config.to_plain(),
        "set": set_facts,
        "started_from": trainer.started_from,
        "schedule": _plain_schedule(trainer.schedule_of(asked.n_examples)),
        "stain_gain_bounds": list(asked.gain_bounds),
        "class_weights": None if asked.class_weights is None else list(asked.class_weights),
        "threshold_weights": list(asked.threshold_weights),
        "device": asked.device,
        "n_threads": asked.n_threads,
        "machine": {"system": platform.system(), "processor": platform.machine(), "python": platform.python_version()},
        "software": {
            "fibroread": code_version,
            "code_sha256": code_sha256(),
            **{library: importlib.metadata.version(library) for library in _LIBRARIES},
        },
    }


def _plain_schedule(schedule: TrainingSchedule) -> Plain:
    return {
        "patches_a_step": schedule.n_a_step,
        "steps_a_pass": schedule.steps_a_pass,
        "steps_an_epoch": schedule.steps_an_epoch,
        "n_steps_at_most": schedule.n_steps,
    }


def code_sha256() -> str:
    """Hash the files that train, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _CODE for path in _ROOT.glob(pattern)):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def write_json(path: Path, plain: Plain) -> None:
    """Write an object; the file is whole or not there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(path)


def read_json(path: Path) -> Plain:
    """Read an object that was written so."""
    plain: Plain = json.loads(path.read_text(encoding="utf-8"))
    return plain
