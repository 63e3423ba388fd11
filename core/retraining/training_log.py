"""The curves of a training: one row a step and one a class and epoch, as Parquet files that are whole or not there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.retraining.measures import Measures

STEPS_NAME, EPOCHS_NAME = "steps.parquet", "epochs.parquet"
_SECONDS_BETWEEN_WRITES = 5.0
_STEPS = pa.schema([("step", pa.int64()), ("loss", pa.float64()), ("learning_rate", pa.float64())])
_NUMBERS = ("accuracy", "kappa_unweighted", "kappa_linear", "kappa_quadratic", "calibration_error", "animal_accuracy")
_EPOCHS = pa.schema(
    [
        ("epoch", pa.int64()),
        ("step", pa.int64()),
        ("training_loss", pa.float64()),
        ("validation_loss", pa.float64()),
        *((name, pa.float64()) for name in _NUMBERS),
        ("class", pa.string()),
        ("n_patches", pa.int64()),
        ("n_called", pa.int64()),
        *((name, pa.float64()) for name in ("precision", "recall", "f1")),
    ]
)
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochPoint:
    """One epoch as a curve shows it."""

    epoch: int
    step: int
    training_loss: float
    validation_loss: float
    accuracy: float
    kappa_linear: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """What a training has logged so far: (step, loss) of every step, and a point an epoch."""

    steps: tuple[tuple[int, float], ...] = ()
    epochs: tuple[EpochPoint, ...] = ()


class TrainingLog:
    """Writes the curves; one that goes on keeps what lies before the step it goes on from."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock, self._written_at = folder, clock, clock()
        self._steps, self._epochs = _rows(folder / STEPS_NAME), _rows(folder / EPOCHS_NAME)

    def go_on_from(self, step: int) -> None:
        """Forget what comes after a step: it is done again."""
        self._steps = [row for row in self._steps if row["step"] <= step]
        self._epochs = [row for row in self._epochs if row["step"] <= step]

    def add_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Add a step; it is on disk some seconds later."""
        self._steps.append({"step": step, "loss": loss, "learning_rate": learning_rate})
        if self._clock() - self._written_at > _SECONDS_BETWEEN_WRITES:
            self._write(STEPS_NAME, self._steps, _STEPS)
            self._written_at = self._clock()

    def add_epoch(self, epoch: int, training_loss: float, validation_loss: float, measures: Measures) -> None:
        """Add an epoch, a row a class, and write both files."""
        plain = measures.to_plain()
        step = self._steps[-1]["step"] if self._steps else 0
        shared = {"epoch": epoch, "step": step, "training_loss": training_loss, "validation_loss": validation_loss}
        for one in plain["classes"]:
            self._epochs.append(shared | {name: plain[name] for name in _NUMBERS} | one | {"class": one["name"]})
        self.flush()

    def flush(self) -> None:
        """Write both files."""
        self._write(STEPS_NAME, self._steps, _STEPS)
        self._write(EPOCHS_NAME, self._epochs, _EPOCHS)

    def _write(self, name: str, rows: list[Row], schema: pa.Schema) -> None:
        unfinished = self._folder / f".{name}.{os.getpid()}.part"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), unfinished)
        unfinished.replace(self._folder / name)


def read_curves(folder: Path) -> Curves:
    """Give what a training in a folder has logged; nothing where it has not begun."""
    epochs = {
        row["epoch"]: EpochPoint(**{name: row[name] for name in EpochPoint.__dataclass_fields__})
        for row in _rows(folder / EPOCHS_NAME)
    }
    steps = tuple((int(row["step"]), float(row["loss"])) for row in _rows(folder / STEPS_NAME))
    return Curves(steps=steps, epochs=tuple(epochs.values()))


def _rows(path: Path) -> list[Row]:
    return [dict(row) for row in pq.read_table(path).to_pylist()] if path.is_file() else []
