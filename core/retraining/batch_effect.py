"""The warning of a batch effect: whether a patch's site, or stain batch, can be told from what a network makes of it.

A network that carries the laboratory in its embeddings may stage the laboratory. Told by a logistic regression on the
embeddings, on animals that it was not fitted on, and held against the same after the labels of animals are permuted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from core.agreement.bootstrap import Progress, unheard
from core.domain.datasets import Split
from core.domain.recipe import Recipe, StainMethod
from core.retraining.open_set import OpenSet, SetPatch
from core.retraining.set_patches import SetColours, SetPatches

_SEED = 1
_MOST_FOLDS, _FEWEST_ANIMALS = 5, 2
_MOST_OF_AN_ANIMAL = 8
_MINIBATCH = 16
_TOLD_BELOW = 0.05
_INVERSE_PENALTY, _TOLERANCE = 0.1, 1e-2
Rows = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Embedded(Protocol):
    """What a network says of patches."""

    @property
    def embedding(self) -> npt.NDArray[np.float16]:
        """Give (n, 64)."""


class EmbeddingNetwork(Protocol):
    """A loaded network."""

    def predict(self, patches: npt.NDArray[np.uint8]) -> Embedded:
        """Predict RGB patches (n, side, side, 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchEffect:
    """How well a trait of the slide is told from patches of animals that nothing was fitted on.

    `accuracy` is balanced over the trait's `values`, `chance` one in so many; `why` says why it is not estimable.
    `n_left_out`: animals without one value, or whose value no other animal has. `is_normalised`: the patches were in
    the recipe's colours.
    """

    trait: str
    is_normalised: bool
    values: tuple[str, ...]
    n_animals: int
    n_patches: int
    n_left_out: int
    n_permutations: int = 0
    accuracy: float | None = None
    chance: float | None = None
    p_value: float | None = None
    why: str | None = None

    @property
    def is_told(self) -> bool:
        """Say whether the trait can be told."""
        return self.p_value is not None and self.p_value < _TOLD_BELOW

    @property
    def sentence(self) -> str:
        """Say what was found."""
        colours = "after stain normalisation" if self.is_normalised else "as scanned"
        if self.accuracy is None or self.chance is None or self.p_value is None:
            return f"{self.trait.capitalize()} from the embeddings, {colours}: not estimable, because {self.why}."
        left_out = f", {self.n_left_out} animals left out" if self.n_left_out else ""
        return (
            f"{self.trait.capitalize()} from the embeddings, {colours}: balanced accuracy {self.accuracy:.2f} "
            f"(chance {self.chance:.2f}), p = {self.p_value:.3f} by {self.n_permutations} permutations of animals; "
            f"{self.n_patches} patches of {self.n_animals} animals, {len(self.values)} values{left_out}."
        )

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return asdict(self) | {"values": list(self.values), "is_told": self.is_told, "sentence": self.sentence}


def warning_of(effects: Sequence[BatchEffect]) -> str | None:
    """Give the warning where a trait can be told in the colours that the model works in, else None."""
    works_normalised = any(effect.is_normalised for effect in effects)
    told = [effect.trait for effect in effects if effect.is_told and effect.is_normalised is works_normalised]
    if not told:
        return None
    return (
        f"Batch effect: the {' and the '.join(told)} of a patch can be told from what the network makes of it, so part "
        "of its figures may be the laboratory and not the liver; on others expect less. Stages that differ between "
        f"one {' or one '.join(told)} and another do the same."
    )


def batch_effects(
    opened: OpenSet,
    recipe: Recipe,
    network: EmbeddingNetwork,
    *,
    n_permutations: int,
    progress: Progress = unheard,
) -> tuple[BatchEffect, ...]:
    """Tell site and stain batch from training and test patches, before stain normalisation and after it.

    At most eight patches of an animal, evenly over them. Without normalisation in the recipe there is no after.
    """
    patches = _sampled((*opened.side(Split.TRAIN), *opened.side(Split.TEST)))
    plain = replace(recipe, stain=StainMethod.NONE)
    ways = [plain] if recipe.stain is StainMethod.NONE else [plain, recipe]
    found: list[BatchEffect] = []
    for number, one in enumerate(ways):
        pictures = SetPatches(opened.folder, patches, SetColours(opened.folder, opened.patches, one), 1)
        rows = _embeddings(pictures, network, _part(progress, number, len(ways)))
        for trait in ("site", "stain batch"):
            effect = told_from(rows, trait, _values(patches, trait), [one.animal for one in patches], n_permutations)
            found.append(replace(effect, is_normalised=one is recipe))
    return tuple(found)


def told_from(
    embeddings: Rows, trait: str, values: Sequence[str], animals: Sequence[str], n_permutations: int
) -> BatchEffect:
    """Tell the trait of each patch from its embedding ('' : not stated), each fold of animals by the others.

    The labels of whole animals are permuted, folds made anew each time: p = (1 + as high or higher) / (1 + permuted).
    Source: Ojala and Garriga 2010, Permutation tests for studying classifier performance, JMLR 11:1833, test 1.
    Limits: an animal with several values is left out; where the trait goes with the stage, the stage tells it.
    """
    of_animal = _one_value(values, animals)
    names = sorted(of_animal)
    kept = np.array([animal in of_animal for animal in animals])
    labels, label_of_animal = np.unique([of_animal[name] for name in names], return_inverse=True)
    effect = BatchEffect(
        trait=trait,
        is_normalised=False,
        values=tuple(labels.tolist()),
        n_animals=len(names),
        n_patches=int(kept.sum()),
        n_left_out=len(set(animals)) - len(names),
    )
    if len(labels) < 2:
        return replace(effect, why=_why_not(trait, values, labels.tolist()))
    rows = _standardised(embeddings[kept])
    animal_of_row = np.searchsorted(names, [animal for animal in animals if animal in of_animal])
    generator = np.random.default_rng(_SEED)
    # fits this small are several times slower on many threads
    with threadpool_limits(1), config_context(assume_finite=True, skip_parameter_validation=True):
        accuracy = _accuracy(rows, label_of_animal, animal_of_row)
        permuted = [
            _accuracy(rows, generator.permutation(label_of_animal), animal_of_row) for _ in range(n_permutations)
        ]
    n_as_high = sum(one >= accuracy - 1e-12 for one in permuted)
    return replace(
        effect,
        accuracy=accuracy,
        chance=1.0 / len(labels),
        p_value=(1 + n_as_high) / (1 + n_permutations),
        n_permutations=n_permutations,
    )


def _one_value(values: Sequence[str], animals: Sequence[str]) -> dict[str, str]:
    """Give the value of each animal that has one and shares it with another."""
    found: dict[str, set[str]] = {}
    for animal, value in zip(animals, values, strict=True):
        found.setdefault(animal, set()).add(value)
    single = {animal: next(iter(one)) for animal, one in found.items() if len(one) == 1 and "" not in one}
    counted = list(single.values())
    return {animal: value for animal, value in single.items() if counted.count(value) >= _FEWEST_ANIMALS}


def _why_not(trait: str, values: Sequence[str], kept: Sequence[str]) -> str:
    stated = set(values) - {""}
    if not stated:
        return f"no {trait} is stated"
    if len(stated) == 1:
        return f"there is one {trait}"
    return f"{len(kept)} of {len(stated)} values of {trait} have {_FEWEST_ANIMALS} animals or more of their own"


def _accuracy(rows: Rows, label_of_animal: Places, animal_of_row: Places) -> float:
    """Give the balanced accuracy over all rows, those of each animal told by a fit on others."""
    n_folds = max(2, min(_MOST_FOLDS, int(np.bincount(label_of_animal).min())))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=_SEED)
    labels = label_of_animal[animal_of_row]
    told = np.empty_like(labels)
    for _, held_out in folds.split(label_of_animal, label_of_animal):
        is_out = np.isin(animal_of_row, held_out)
        fitted = LogisticRegression(C=_INVERSE_PENALTY, tol=_TOLERANCE, class_weight="balanced", max_iter=500)
        told[is_out] = fitted.fit(rows[~is_out], labels[~is_out]).predict(rows[is_out])
    n_of_label = np.bincount(labels)
    return float((np.bincount(labels[told == labels], minlength=len(n_of_label)) / n_of_label).mean())


def _standardised(rows: Rows) -> Rows:
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0))


def _sampled(patches: Sequence[SetPatch]) -> tuple[SetPatch, ...]:
    """Give at most eight patches of each animal, evenly over those it has."""
    of_animal: dict[str, list[SetPatch]] = {}
    for patch in patches:
        of_animal.setdefault(patch.animal, []).append(patch)
    taken: list[SetPatch] = []
    for own in of_animal.values():
        places = np.unique(np.linspace(0, len(own) - 1, min(len(own), _MOST_OF_AN_ANIMAL)).round().astype(int))
        taken += [own[place] for place in places.tolist()]
    return tuple(taken)


def _embeddings(pictures: SetPatches, network: EmbeddingNetwork, progress: Progress) -> Rows:
    rows = []
    for first in range(0, len(pictures), _MINIBATCH):
        places = np.arange(first, min(first + _MINIBATCH, len(pictures)))
        rows.append(network.predict(pictures.read(places)).embedding.astype(np.float64))
        progress((first + len(places)) / len(pictures))
    return np.concatenate(rows)


def _values(patches: Sequence[SetPatch], trait: str) -> list[str]:
    """Give the trait of each patch; a stain batch is one of its site."""
    if trait == "site":
        return [patch.site for patch in patches]
    return [patch.stain_batch and f"{patch.site} {patch.stain_batch}".strip() for patch in patches]


def _part(progress: Progress, number: int, n_parts: int) -> Progress:
    return lambda share: progress((number + share) / n_parts)
