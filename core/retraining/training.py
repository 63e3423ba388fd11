"""A training from a set to a calibrated model with its card: what `fibroread train` and the Training page start.

Everything it makes lies in its folder: record.json (what was asked, of which set, by which code), steps.parquet and
epochs.parquet (curves), the checkpoint it goes on from, baseline.json, model/ (weights and card) and outcome.json.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.special import log_softmax, softmax

from core.domain.errors import BadConfiguration, Cancelled, FolderTaken
from core.domain.held_out import NOTHING, RULE, caution_of, shortage
from core.domain.training import Jitter, TrainingConfig, TrainingId, training_id_of
from core.retraining.baseline import METHOD, features_of_all, fitted_on
from core.retraining.frozen_images import FrozenSet, prove_set_apart
from core.retraining.learning_material import Material, Side, material_of
from core.retraining.measures import Measures, measure
from core.retraining.network_trainer import FloatRows, MakeTrainer, NetworkTrainer, TrainerWish, TrainingEnd
from core.retraining.open_set import OpenSet, open_set, stated_content
from core.retraining.stain_spread import observed_gain_bounds
from core.retraining.temperature import expected_calibration_error, fit_temperature, negative_log_likelihood
from core.retraining.training_card import scope_of, write_model_card
from core.retraining.training_log import TrainingLog
from core.retraining.training_record import RECORD_NAME, read_json, write_json, written_record

BASELINE_NAME, OUTCOME_NAME, MODEL_NAME = "baseline.json", "outcome.json", "model"
_WEIGHTS_NAME = "weights.safetensors"
_LEFTOVERS = ("checkpoint.safetensors", "best.safetensors", "backbone.safetensors")
Plain = dict[str, Any]


class Follower(Protocol):
    """Whoever waits for a training."""

    def tell(self, share: float, words: str) -> None:
        """Hear how far it is, 0 to 1."""

    def is_stopping(self) -> bool:
        """Say whether to stop soon, so that it can go on later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingWish:
    """A training that is asked for.

    `served`: the checkpoint of the model that serves, None where there is none; `kept_dir`: where what is worked out
    once for all trainings on a set is kept; `frozen`: the test that nothing learned from may copy, None: none is;
    `leaves_test`: the test side is frozen, and only examinations look at it.
    """

    set_folder: Path
    config: TrainingConfig
    folder: Path
    kept_dir: Path
    served: Path | None
    device: str
    n_threads: int
    code_version: str
    frozen: FrozenSet | None = None
    leaves_test: bool = False


def train(wish: TrainingWish, make_trainer: MakeTrainer, follower: Follower) -> Plain:
    """Train on a set, or go on where it was cut off, and give the outcome; a finished one is only read again.

    Raises: Cancelled when it was stopped and can go on; UserMustAct for a set or a configuration that will not do.
    """
    wish = _as_begun(wish)
    if (wish.folder / OUTCOME_NAME).is_file():
        return read_json(wish.folder / OUTCOME_NAME)
    follower.tell(0.0, "checking the set")
    opened = open_set(wish.set_folder)
    apart = _proved_apart(wish, opened, follower)
    material = material_of(opened, wish.config, wish.n_threads)
    if wish.leaves_test:
        material = replace(material, test=None)
    run = _Run(wish=wish, opened=opened, material=material, apart=apart, follower=follower)
    outcome = run.outcome_with(make_trainer)
    write_json(wish.folder / OUTCOME_NAME, outcome)
    for name in _LEFTOVERS:
        (wish.folder / name).unlink(missing_ok=True)
    return outcome


def _proved_apart(wish: TrainingWish, opened: OpenSet, follower: Follower) -> Plain | None:
    """Prove, each time it begins or goes on, that nothing of the frozen test is learned from; give what was compared.

    Raises: CopiesFrozenTest, naming patches and animals of both.
    """

    def tell(share: float, words: str) -> None:
        if follower.is_stopping():
            raise Cancelled("The training was stopped before it began; it can begin again.")
        follower.tell(0.0, f"{words}, {share:.0%}")

    if wish.frozen is None:
        return None
    return prove_set_apart(wish.frozen, wish.set_folder, opened.content_sha256, tell)


def _as_begun(wish: TrainingWish) -> TrainingWish:
    """Give the wish as it was begun in its folder: with as many threads, on which every bit depends.

    Raises: FolderTaken when the folder holds anything else.
    """
    path = wish.folder / RECORD_NAME
    if not path.is_file():
        if wish.folder.is_dir() and any(
            one.name[0] != "." and one.name != BASELINE_NAME for one in wish.folder.iterdir()
        ):
            raise FolderTaken(wish.folder)
        wish.folder.mkdir(parents=True, exist_ok=True)
        return wish
    record = read_json(path)
    if record["training_id"] != training_id_of(stated_content(wish.set_folder), wish.config):
        raise FolderTaken(wish.folder)
    return replace(wish, n_threads=record["n_threads"], device=record["device"])


@dataclass(kw_only=True, slots=True)
class _Run:
    """One training under way."""

    wish: TrainingWish
    opened: OpenSet
    material: Material
    apart: Plain | None
    follower: Follower
    training_id: TrainingId = field(init=False)

    def __post_init__(self) -> None:
        self.training_id = training_id_of(self.opened.content_sha256, self.wish.config)

    def outcome_with(self, make_trainer: MakeTrainer) -> Plain:
        baseline = self._baseline()
        trainer_wish = self._trainer_wish()
        trainer = make_trainer(trainer_wish)
        record = self._record(trainer, trainer_wish)
        n_steps = trainer.schedule_of(trainer_wish.n_examples).n_steps
        log = _FollowedTraining(self, TrainingLog(self.wish.folder), n_steps)
        training, validation = self.material.training, self.material.validation
        held_out = None if validation is None else validation.patches
        try:
            end = trainer.fit(training.patches, training.targets, held_out, log)
        except ValueError as error:
            raise BadConfiguration(str(error)) from error
        log.log.flush()
        if end.is_stopped:
            raise Cancelled(f"The training was stopped after step {end.n_steps}; it can go on from there.")
        return self._finished(trainer, end, record, baseline)

    def _trainer_wish(self) -> TrainerWish:
        config, wish = self.wish.config, self.wish
        self.follower.tell(0.0, "looking at the stain batches")
        is_observed = config.jitter is Jitter.OBSERVED
        bounds = observed_gain_bounds(self.material.training.patches) if is_observed else (0.0, 0.0, 0.0)
        return TrainerWish(
            config=config,
            folder=wish.folder,
            kept_dir=wish.kept_dir,
            n_classes=len(self.material.class_names),
            n_examples=len(self.material.training),
            gain_bounds=bounds,
            class_weights=self.material.class_weights if config.balances_classes else None,
            threshold_weights=self.material.threshold_weights,
            has_validation=self.material.validation is not None,
            served=wish.served,
            device=wish.device,
            n_threads=wish.n_threads,
        )

    def _record(self, trainer: NetworkTrainer, asked: TrainerWish) -> Plain:
        """Give what is on record of this training, written before its first step and never again."""
        path = self.wish.folder / RECORD_NAME
        if path.is_file():
            return read_json(path)
        sides = {"train": self.material.training, "validation": self.material.validation, "test": self.material.test}
        record = written_record(
            self.training_id,
            asked,
            trainer,
            set_facts={
                "path": str(self.opened.folder),
                "content_sha256": self.opened.content_sha256,
                "isolated_by": self.opened.isolation.value,
                "is_demo": self.opened.is_demo,
                "near_duplicates_of_frozen_test": self.apart,
                "recipe": self.material.recipe.to_json(),
                "sides": {name: _side_facts(side, self.material) for name, side in sides.items() if side is not None},
                "cautions": list(self._cautions()),
            },
            code_version=self.wish.code_version,
        )
        write_json(path, record)
        return record

    def _baseline(self) -> Plain:
        """Give the measures of the baseline on the sides that were held out, worked out once."""
        path = self.wish.folder / BASELINE_NAME
        if path.is_file():
            return read_json(path)
        training, mpp = self.material.training, self.material.recipe.mpp
        n_classes = len(self.material.class_names)
        logistic, n_fitted = fitted_on(
            training.patches, training.classes, n_classes, mpp, self._told("measuring collagen")
        )
        measured: Plain = {"method": METHOD, "n_trained_on": n_fitted}
        for name, side in self._held_out().items():
            theirs = features_of_all(side.patches, mpp, self._told(f"measuring collagen, {name}"))
            measured[name] = self._measure(side, logistic.probabilities(theirs)).to_plain()
        write_json(path, measured)
        return measured

    def _finished(self, trainer: NetworkTrainer, end: TrainingEnd, record: Plain, baseline: Plain) -> Plain:
        self.follower.tell(1.0, "calibrating and measuring")
        held_out, validation, temperature = self._held_out(), self.material.validation, 1.0
        if validation is not None and self._uncalibrated() is None:
            temperature = round(fit_temperature(trainer.logits_of(validation.patches), validation.targets), 4)
        model = self.wish.folder / MODEL_NAME
        model.mkdir(exist_ok=True)
        sha256 = trainer.save(model / _WEIGHTS_NAME, temperature)
        logits = {name: trainer.logits_of(side.patches) for name, side in held_out.items()}
        outcome: Plain = {
            "training_id": self.training_id,
            "set_sha256": self.opened.content_sha256,
            "checkpoint_sha256": sha256,
            "is_demo": self.opened.is_demo,
            "classes": list(self.material.class_names),
            "scope": scope_of(self.material.training.patches.patches, self.opened.patch_size).to_plain(),
            "started_from": record["started_from"],
            "n_steps": end.n_steps,
            "n_epochs": end.n_epochs,
            "best_epoch": end.best_epoch,
            "is_ended_early": end.is_ended_early,
            "cautions": record["set"]["cautions"],
            "calibration": self._calibration(temperature, logits),
            "metrics": {
                name: self._measure(side, softmax(logits[name], axis=1)).to_plain() for name, side in held_out.items()
            },
            "baseline": baseline,
        }
        write_model_card(model, outcome, record, is_demo=self.opened.is_demo)
        return outcome

    def _calibration(self, temperature: float, logits: dict[str, FloatRows]) -> Plain:
        """Say what the temperature changed on each held-out side, or why none was fitted on the validation animals."""
        why_not = self._uncalibrated()
        changes: Plain = {
            "temperature": temperature,
            "fitted_on": "validation" if why_not is None else None,
            "not_calibrated": why_not,
            "rule": RULE,
            "applied": "in the last layer of the checkpoint",
        }
        for name, side in self._held_out().items():
            shares = {"before": softmax(logits[name] * temperature, axis=1), "after": softmax(logits[name], axis=1)}
            changes[name] = {when: _calibration_facts(side, probabilities) for when, probabilities in shares.items()}
        return changes

    def _uncalibrated(self) -> str | None:
        """Say why no temperature is fitted; None: it is."""
        validation = self.material.validation
        if validation is None:
            return NOTHING
        found = shortage(validation.n_animals, len(validation))
        return None if found is None else f"too few: {found}"

    def _cautions(self) -> tuple[str, ...]:
        validation = self.material.validation
        found = None if validation is None else caution_of("the validation side", validation.n_animals, len(validation))
        return () if found is None else (found,)

    def _held_out(self) -> dict[str, Side]:
        sides = {"validation": self.material.validation, "test": self.material.test}
        return {name: side for name, side in sides.items() if side is not None}

    def _measure(self, side: Side, probabilities: Any) -> Measures:
        return measure(side.classes, side.animals, probabilities, self.material.class_names)

    def _told(self, words: str) -> Callable[[int, int], None]:
        def tell(n_done: int, n_total: int) -> None:
            if self.follower.is_stopping():
                raise Cancelled("The training was stopped before its first step; it can begin again.")
            self.follower.tell(0.0, f"{words}, {n_done} of {n_total}")

        return tell


class _FollowedTraining:
    """Writes the curves of a training and tells how far it is."""

    def __init__(self, run: _Run, log: TrainingLog, n_steps: int) -> None:
        self._run, self.log, self._n_steps = run, log, n_steps

    def prepared(self, words: str, n_done: int, n_total: int) -> None:
        self._run._told(words)(n_done, n_total)

    def begun_at(self, step: int) -> None:
        self.log.go_on_from(step)

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        self.log.add_step(step, loss, learning_rate)
        self._run.follower.tell(step / self._n_steps, f"step {step}, loss {loss:.3f}")

    def examined(self, epoch: int, training_loss: float, logits: FloatRows) -> float:
        validation = self._run.material.validation
        if validation is None:
            raise ValueError("there are no validation patches to have looked at")
        loss = -float((validation.targets * log_softmax(logits, axis=1)).sum(axis=1).mean())
        measures = self._run._measure(validation, softmax(logits, axis=1))
        self.log.add_epoch(epoch, training_loss, loss, measures)
        return loss

    def is_stopping(self) -> bool:
        return self._run.follower.is_stopping()


def _calibration_facts(side: Side, probabilities: FloatRows) -> Plain:
    return {
        "calibration_error": round(expected_calibration_error(probabilities, side.classes), 4),
        "negative_log_likelihood": round(negative_log_likelihood(probabilities, side.targets), 4),
    }


def _side_facts(side: Side, material: Material) -> Plain:
    counts = np.bincount(side.classes, minlength=len(material.class_names)).tolist()
    return {
        "n_patches": len(side),
        "n_animals": side.n_animals,
        "by_class": dict(zip(material.class_names, counts, strict=True)),
    }
