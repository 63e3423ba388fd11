"""The one shape every agreement statistic starts from: items x readers on a declared scale."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.domain.stages import STAGE_NAMES

MISSING = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """The stages a reader could have chosen, in order, whether or not they occur; `origin` says who chose it."""

    labels: tuple[str, ...]
    origin: str = "declared"

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels) or "" in self.labels:
            raise ValueError(f"a scale needs different, non-empty stages: {self.labels}")

    @property
    def is_seven_stage(self) -> bool:
        """Say whether this is Kleiner's scale in its order."""
        return self.labels == STAGE_NAMES


SEVEN_STAGES = Scale(labels=STAGE_NAMES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratings:
    """Reads of the same items by several readers.

    `stages` is items x readers, int16, a position on the scale or `MISSING`. `subjects` names the animal of each
    item: the unit of independence. `model_reader` is the reader that is a model, None where none is.
    `subjects_known` is False where every item was taken as its own subject for want of a column.
    `n_repeated_reads` counts further reads of one reader for one item that were left out: the first stands.
    `traits` names what else is known of each item (site, scanner, group, ...); None where it is not stated.
    """

    scale: Scale
    items: tuple[str, ...]
    readers: tuple[str, ...]
    subjects: tuple[str, ...]
    stages: NDArray[np.int16] = field(compare=False, repr=False)
    model_reader: str | None = None
    subjects_known: bool = True
    n_repeated_reads: int = 0
    traits: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(len(values) != len(self.items) for values in self.traits.values()):
            raise ValueError("a trait has one value for each item")
        if self.stages.shape != (len(self.items), len(self.readers)) or len(self.subjects) != len(self.items):
            raise ValueError("stages, items, readers and subjects do not fit each other")
        if len(set(self.items)) != len(self.items) or len(set(self.readers)) != len(self.readers):
            raise ValueError("an item or a reader is named twice")
        if self.stages.size and not MISSING <= self.stages.min() <= self.stages.max() < len(self.scale.labels):
            raise ValueError("a stage lies outside the scale")
        if self.model_reader is not None and self.model_reader not in self.readers:
            raise ValueError(f"the model {self.model_reader!r} is none of the readers")
        frozen = self.stages.astype(np.int16)
        frozen.setflags(write=False)
        object.__setattr__(self, "stages", frozen)

    @property
    def n_items(self) -> int:
        """Count the items, read or not."""
        return len(self.items)

    @property
    def n_subjects(self) -> int:
        """Count the animals."""
        return len(set(self.subjects))

    @property
    def n_reads(self) -> int:
        """Count the reads that are there."""
        return int((self.stages != MISSING).sum())

    @property
    def n_missing(self) -> int:
        """Count the reads that are not there."""
        return int(self.stages.size) - self.n_reads

    @property
    def people(self) -> tuple[str, ...]:
        """Give the readers without the model."""
        return tuple(reader for reader in self.readers if reader != self.model_reader)

    def column(self, reader: str) -> NDArray[np.int16]:
        """Give one reader's stage positions, one for each item."""
        return self.stages[:, self.readers.index(reader)]

    def of_readers(self, readers: tuple[str, ...]) -> Ratings:
        """Give the reads of these readers, all items kept, without a model that is not among them."""
        chosen = [self.readers.index(reader) for reader in readers]
        model = self.model_reader if self.model_reader in readers else None
        return replace(self, readers=readers, stages=self.stages[:, chosen], model_reader=model)

    def subject_numbers(self) -> NDArray[np.int64]:
        """Number the subject of each item, 0 upwards in order of their names."""
        return np.unique(np.array(self.subjects, dtype=np.str_), return_inverse=True)[1].astype(np.int64)

    def of_items(self, rows: NDArray[np.int64]) -> Ratings:
        """Give the reads of these items, by their places; all readers kept."""
        chosen = rows.tolist()
        return replace(
            self,
            items=tuple(self.items[row] for row in chosen),
            subjects=tuple(self.subjects[row] for row in chosen),
            stages=self.stages[rows],
            traits={name: tuple(values[row] for row in chosen) for name, values in self.traits.items()},
        )

    def subject_trait(self, name: str) -> NDArray[np.int64]:
        """Number the value of a trait of each subject, in the order of `subject_numbers`.

        A subject whose items differ in it has a value of its own, made of all of them; so has one without any.
        """
        found: dict[int, set[str]] = {}
        for number, value in zip(self.subject_numbers().tolist(), self.traits[name], strict=True):
            found.setdefault(number, set()).add("" if value is None else f"={value}")
        words = [" ".join(sorted(found[number])) for number in range(len(found))]
        return np.unique(np.array(words, dtype=np.str_), return_inverse=True)[1].astype(np.int64)

    def fingerprint(self) -> str:
        """Hash everything that can change a statistic; equal for equal ratings."""
        said = (self.scale, self.items, self.readers, self.subjects, self.model_reader, self.subjects_known)
        digest = hashlib.sha256(repr((said, self.n_repeated_reads, dict(self.traits))).encode())
        digest.update(self.stages.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedItem:
    """One read in long form. `subject` None means that it is not known, `stage` None that the read is missing."""

    item: str
    reader: str
    stage: str | None
    subject: str | None = None


def ratings_from_reads(
    reads: Sequence[RatedItem], scale: Scale = SEVEN_STAGES, model_reader: str | None = None
) -> Ratings:
    """Gather long-form reads; readers and items in order of appearance, the first read of a pair stands.

    An item whose reads name no subject is its own subject; `subjects_known` is then False.
    """
    items = {name: row for row, name in enumerate(dict.fromkeys(read.item for read in reads))}
    readers = {name: column for column, name in enumerate(dict.fromkeys(read.reader for read in reads))}
    position = {label: number for number, label in enumerate(scale.labels)}
    stages = np.full((len(items), len(readers)), MISSING, dtype=np.int16)
    subjects: dict[str, str] = {}
    n_repeated = 0
    for read in reads:
        if read.subject is not None and subjects.setdefault(read.item, read.subject) != read.subject:
            raise ValueError(f"item {read.item!r} has two subjects")
        if read.stage is None:
            continue
        cell = items[read.item], readers[read.reader]
        if stages[cell] == MISSING:
            stages[cell] = position[read.stage]
        else:
            n_repeated += 1
    return Ratings(
        scale=scale,
        items=tuple(items),
        readers=tuple(readers),
        subjects=tuple(subjects.get(item, item) for item in items),
        stages=stages,
        model_reader=model_reader,
        subjects_known=all(item in subjects for item in items),
        n_repeated_reads=n_repeated,
    )
