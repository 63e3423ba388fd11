"""Continuous measures of the same items by several readers: collagen area, a continuous score."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.agreement.weights import FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurements:
    """What readers, models or recipes (`by`) measured of items; `name` says what it is and `unit` in what.

    `values` is items x readers, float64, NaN for a missing measurement. `subjects` names the animal of each item;
    `subjects_known` is False where every item was taken as its own. `n_repeated` counts further measurements of one
    reader on one item that were left out: the first stands.
    """

    name: str
    unit: str
    items: tuple[str, ...]
    readers: tuple[str, ...]
    subjects: tuple[str, ...]
    values: FloatArray = field(compare=False, repr=False)
    subjects_known: bool = True
    n_repeated: int = 0
    by: str = "reader"

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.items), len(self.readers)) or len(self.subjects) != len(self.items):
            raise ValueError("values, items, readers and subjects do not fit each other")
        if len(set(self.items)) != len(self.items) or len(set(self.readers)) != len(self.readers):
            raise ValueError("an item or a reader is named twice")
        if np.isinf(self.values).any():
            raise ValueError("a measurement is infinite")
        frozen = self.values.astype(np.float64)
        frozen.setflags(write=False)
        object.__setattr__(self, "values", frozen)

    @property
    def n_subjects(self) -> int:
        """Count the animals."""
        return len(set(self.subjects))

    @property
    def n_missing(self) -> int:
        """Count the measurements that are not there."""
        return int(np.isnan(self.values).sum())

    @property
    def is_complete(self) -> NDArray[np.bool_]:
        """Mark the items that every reader has measured."""
        return np.asarray(~np.isnan(self.values).any(axis=1))

    def of_readers(self, readers: tuple[str, ...]) -> Measurements:
        """Give the measurements of these readers, all items kept."""
        return replace(self, readers=readers, values=self.values[:, [self.readers.index(one) for one in readers]])

    def fingerprint(self) -> str:
        """Hash everything that can change a statistic; equal for equal measurements."""
        said = (self.name, self.unit, self.items, self.readers, self.subjects, self.subjects_known, self.n_repeated)
        digest = hashlib.sha256(repr((said, self.by)).encode())
        digest.update(self.values.tobytes())
        return digest.hexdigest()

    def subject_numbers(self) -> NDArray[np.int64]:
        """Number the subject of each item, 0 upwards in order of their names."""
        return np.unique(np.array(self.subjects, dtype=np.str_), return_inverse=True)[1].astype(np.int64)
