"""Does a reader agree with themselves? Hidden repeats, second passes and further reads of the same item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from core.agreement.bootstrap import Resampling
from core.agreement.pairwise import PairAgreement, pairwise_agreement
from core.agreement.ratings import Ratings, Scale

FIRST, AGAIN = "first", "again"


class RepeatKind(Enum):
    """How an item came to one reader a second time."""

    HIDDEN = "hidden repeat"
    LATER_PASS = "second pass"  # noqa: S105
    FURTHER = "further read"


@dataclass(frozen=True, kw_only=True, slots=True)
class RepeatedRead:
    """Two reads of one item by one reader. `subject` None: not stated, the item stands for itself."""

    item: str
    subject: str | None
    reader: str
    kind: RepeatKind
    first: str
    again: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IntraReader:
    """How far reads agree with later ones of the same reader.

    `reader` None: of all readers together. `kind` None: of every kind. `found` is the pair of the first reads and the
    later ones; a positive mean difference says that the later are higher.
    """

    reader: str | None
    kind: RepeatKind | None
    found: PairAgreement


def intra_reader_agreement(
    repeats: Sequence[RepeatedRead], scale: Scale, resampling: Resampling
) -> tuple[IntraReader, ...]:
    """Compare first reads with later ones: of each reader by kind, then of all readers together."""
    groups: list[tuple[str | None, RepeatKind | None]] = []
    for reader in dict.fromkeys(repeat.reader for repeat in repeats):
        kinds = {repeat.kind for repeat in repeats if repeat.reader == reader}
        groups += [(reader, kind) for kind in RepeatKind if kind in kinds]
    if repeats:
        groups.append((None, None))
    return tuple(
        IntraReader(reader=reader, kind=kind, found=_agreement(chosen, scale, resampling))
        for reader, kind in groups
        for chosen in [[one for one in repeats if reader is None or (one.reader, one.kind) == (reader, kind)]]
    )


def _agreement(repeats: Sequence[RepeatedRead], scale: Scale, resampling: Resampling) -> PairAgreement:
    """Take each repeat for an item that two readers have read, the earlier and the later self."""
    position = {label: number for number, label in enumerate(scale.labels)}
    ratings = Ratings(
        scale=scale,
        items=tuple(f"{number} {repeat.item}" for number, repeat in enumerate(repeats)),
        readers=(FIRST, AGAIN),
        subjects=tuple(repeat.item if repeat.subject is None else repeat.subject for repeat in repeats),
        stages=np.array([[position[repeat.first], position[repeat.again]] for repeat in repeats], dtype=np.int16),
        subjects_known=all(repeat.subject is not None for repeat in repeats),
    )
    (found,) = pairwise_agreement(ratings, _unstratified(resampling)).pairs
    return found


def _unstratified(resampling: Resampling) -> Resampling:
    """Draw from all animals that were read again: there are too few to draw within sites."""
    return Resampling(
        n_resamples=resampling.n_resamples,
        seed=resampling.seed,
        level_fraction=resampling.level_fraction,
        interval=resampling.interval,
    )
