"""Whether two ways of computing a network say the same of a slide's patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.bench.steps import Subject
from core.domain.errors import NothingToDo
from core.inference.feeding import MINIBATCH
from core.inference.plan import make_plan
from core.inference.ports import Minibatch, PatchPredictor, TwoPassPredictor
from core.inference.reading import PatchSource
from core.preprocess.colours import Colours

Pixels = npt.NDArray[np.uint8]
_GROUP = 256


class _Said(NamedTuple):
    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float16]
    embedding: npt.NDArray[np.float16]
    is_exact: npt.NDArray[np.bool_]


@dataclass(slots=True)
class StageTally:
    """What two ways said of the same patches; `n_exact` of them the first way computed exactly."""

    n_patches: int = 0
    n_same: int = 0
    n_exact: int = 0
    largest_difference: float = 0.0
    largest_embedding_difference: float = 0.0

    def add(self, found: Minibatch, reference: Minibatch) -> None:
        """Count a minibatch."""
        self.n_patches += len(found.probabilities)
        self.n_same += int((found.probabilities.argmax(axis=1) == reference.probabilities.argmax(axis=1)).sum())
        self.n_exact += int(found.is_exact.sum())
        farthest = float(np.abs(found.probabilities - reference.probabilities).max())
        self.largest_difference = max(self.largest_difference, farthest)
        apart = found.embedding.astype(np.float32) - reference.embedding.astype(np.float32)
        self.largest_embedding_difference = max(self.largest_embedding_difference, float(np.abs(apart).max()))


def compare_stages(
    subject: Subject, ways: Mapping[str, PatchPredictor], pairs: Sequence[tuple[str, str]], n_patches: int | None
) -> dict[tuple[str, str], StageTally]:
    """Predict a slide's patches in each way, and compare the ways of each pair.

    Args: n_patches: the first so many; None: all.
    Raises: NothingToDo where none is to be predicted.
    """
    tallies = {pair: StageTally() for pair in pairs}
    for pixels in _groups(subject, n_patches):
        said = {name: _predict(predictor, pixels) for name, predictor in ways.items()}
        for pair, tally in tallies.items():
            tally.add(said[pair[0]], said[pair[1]])
    if not any(tally.n_patches for tally in tallies.values()):
        raise NothingToDo("No patch of the slide can be predicted. Name another one.")
    return tallies


def _predict(predictor: PatchPredictor, pixels: Pixels) -> Minibatch:
    """Predict a group, which in two passes is looked at as a whole, as a shard is in a run."""
    if isinstance(predictor, TwoPassPredictor):
        return predictor.predict(pixels)
    said = [predictor.predict(part) for part in np.split(pixels, range(MINIBATCH, len(pixels), MINIBATCH))]
    return _Said(
        np.concatenate([one.probabilities for one in said]),
        np.concatenate([one.saliency for one in said]),
        np.concatenate([one.embedding for one in said]),
        np.concatenate([one.is_exact for one in said]),
    )


def _groups(subject: Subject, n_patches: int | None) -> Iterator[Pixels]:
    """Give the patches that pass the quality gate, as the network sees them in a run."""
    waiting: list[Pixels] = []
    n_left = n_patches
    for pixels in _patches(subject):
        if n_left == 0:
            break
        n_left = None if n_left is None else n_left - 1
        waiting.append(pixels)
        if len(waiting) == _GROUP:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def _patches(subject: Subject) -> Iterator[Pixels]:
    reader = subject.open_reader()
    try:
        plan = make_plan(reader, subject.slide, subject.recipe, lambda: iter(()))
        source = PatchSource(reader=reader, plan=plan, recipe=subject.recipe, colours=Colours(plan.stain))
        for blocks in plan.shards:
            for block in blocks:
                yield from (patch.pixels for patch in source.read(block) if patch.pixels is not None)
    finally:
        reader.close()
