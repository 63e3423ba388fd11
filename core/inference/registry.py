"""Models come in through one door: a checkpoint that holds numbers only, with a card that fits it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from core.domain.errors import BadModel, OutsideRecipe
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.scope import Scope
from core.domain.stages import N_STAGES, STAGE_NAMES

WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"
_PICKLES = {".pt", ".pth", ".ckpt", ".pkl", ".bin"}
_LARGEST_CARD_BYTES = 1 << 20
_PATCH_PX = 224


class ModelPort(Protocol):
    """The table of models."""

    def add_model(self, model: RegisteredModel, actor: str) -> None:
        """Store a model; one that is stored already stays as it is."""

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None."""


DescribeWeights = Callable[[Path], int]
"""Give the number of classes of a checkpoint file; ValueError with the reason when it is no patch classifier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Card:
    name: str
    recipe: Recipe
    sha256: str
    is_demo: bool
    text: str


class ModelRegistry:
    """Checks models and copies them into the data folder, each under its own hash."""

    def __init__(
        self, models: ModelPort, models_dir: Path, clock: Callable[[], datetime], describe_weights: DescribeWeights
    ) -> None:
        self._models, self._models_dir, self._clock, self._describe = models, models_dir, clock, describe_weights

    def add(self, path: Path, actor: str, training_id: str | None = None) -> RegisteredModel:
        """Register a safetensors file with its card, or the folder of both; the same one again is the same model.

        `training_id`: the training it came out of here, which makes it a candidate.

        A file's card is the .json of the same name, or card.json beside it.
        Raises: BadModel when card and weights do not fit, or the file could run code.
        """
        weights, card_path = _parts(path)
        card = _read_card(card_path)
        sha256 = _sha256(weights)
        if card.sha256 != sha256:
            raise BadModel(
                path, f"the card was written for other weights (SHA-256 {card.sha256[:12]}, found {sha256[:12]})"
            )
        self._check_weights(weights)
        model_id = ModelId(sha256[:16])
        known = self._models.model_by_id(model_id)
        if known is not None and known.card_json != card.text:
            raise BadModel(path, f"these weights are registered as '{known.name}' with another card already")
        folder = self._models_dir / model_id
        self._copy(weights, card, folder, sha256)
        model = known or RegisteredModel(
            model_id=model_id,
            name=card.name,
            folder=folder,
            checkpoint_sha256=sha256,
            recipe=card.recipe,
            is_demo=card.is_demo,
            card_json=card.text,
            registered_at=self._clock(),
            training_id=training_id,
        )
        self._models.add_model(model, actor)
        return model

    def _check_weights(self, weights: Path) -> None:
        try:
            n_classes = self._describe(weights)
        except ValueError as error:
            raise BadModel(weights, str(error)) from error
        if n_classes != N_STAGES:
            raise BadModel(weights, f"it tells {n_classes} classes apart; the scale has {N_STAGES} stages")

    def _copy(self, weights: Path, card: _Card, folder: Path, sha256: str) -> None:
        """Put both files in place whole; what is there and right already is left alone."""
        if (folder / WEIGHTS_NAME).is_file() and _sha256(folder / WEIGHTS_NAME) == sha256:
            return
        unfinished = self._models_dir / f".{folder.name}.{os.getpid()}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        shutil.copyfile(weights, unfinished / WEIGHTS_NAME)
        (unfinished / CARD_NAME).write_text(card.text, encoding="utf-8")
        if _sha256(unfinished / WEIGHTS_NAME) != sha256:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise BadModel(weights, "the file changed while it was copied; try again")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.replace(folder)


def recipe_of(folder: Path) -> Recipe:
    """Give the recipe on a model folder's card. Raises: BadModel."""
    return _read_card(folder / CARD_NAME).recipe


def scope_of(card_json: str) -> Scope | None:
    """Give the scope that a card states, None where it states none."""
    plain = json.loads(card_json)
    return Scope.from_plain(plain["scope"]) if "scope" in plain else None


def _parts(path: Path) -> tuple[Path, Path]:
    """Give the weights and the card that a path means."""
    if path.suffix.lower() in _PICKLES or (path.is_dir() and not (path / WEIGHTS_NAME).exists() and _pickle_in(path)):
        raise BadModel(
            path,
            "a PyTorch pickle can run any code when it is opened, so it is refused. "
            "Save the tensors with safetensors.torch.save_file and write a card.json beside them",
        )
    if path.is_dir():
        weights, cards = path / WEIGHTS_NAME, [path / CARD_NAME]
    else:
        weights, cards = path, [path.with_suffix(".json"), path.with_name(CARD_NAME)]
    if not weights.is_file():
        raise BadModel(path, f"there is no {weights.name}")
    card = next((candidate for candidate in cards if candidate.is_file()), None)
    if card is None:
        raise BadModel(path, f"there is no {CARD_NAME} beside the weights; it must state classes, recipe and sha256")
    return weights, card


def _pickle_in(folder: Path) -> bool:
    return any(each.suffix.lower() in _PICKLES for each in folder.iterdir())


def _read_card(path: Path) -> _Card:
    try:
        if path.stat().st_size > _LARGEST_CARD_BYTES:
            raise ValueError("larger than 1 MB")
        text = path.read_text(encoding="utf-8")
        plain: dict[str, Any] = json.loads(text)
        card = _Card(
            name=" ".join(str(plain["name"]).split()),
            recipe=Recipe.from_json(plain["recipe"]),
            sha256=str(plain["sha256"]).lower(),
            is_demo=plain["demo"] is not False,
            text=text,
        )
        scope_of(text)
        classes = plain["classes"]
    except KeyError as error:
        raise BadModel(path, f"the card does not state {error}") from error
    except (OSError, ValueError, TypeError, AttributeError, OutsideRecipe) as error:
        raise BadModel(path, f"the card cannot be used: {error}") from error
    if classes != list(STAGE_NAMES):
        raise BadModel(path, f"its classes are {classes}, not the seven stages in order, {list(STAGE_NAMES)}")
    if not 1 <= len(card.name) <= 80 or not card.name.isprintable():
        raise BadModel(path, "the card's name must have 1 to 80 printable characters")
    if card.recipe.patch_px != _PATCH_PX:
        raise BadModel(path, f"its patches are {card.recipe.patch_px} px; the engine cuts {_PATCH_PX} px")
    return card


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
