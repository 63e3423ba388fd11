"""Models on the test side of a training set: animals that none of them learned from, by patch and by slide.

The reference is what the readers of the set agree on; each model is one more reader beside it, so that every figure is
one of the agreement report: drawn again by animal, with its method and its cautions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from core.agreement.bootstrap import Progress, Resampling, unheard
from core.agreement.probabilities import ReferencedProbabilities
from core.agreement.ratings import SEVEN_STAGES, Ratings
from core.agreement.report import AgreementReport, Beside, build_report
from core.domain.datasets import Split
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.recipe import Recipe
from core.domain.stages import N_STAGES
from core.inference.aggregate import UpperQuantile
from core.retraining.batch_effect import BatchEffect, warning_of
from core.retraining.examined_baseline import ExaminedBaseline
from core.retraining.five_classes import FiveClasses, NativeFive, five_classes
from core.retraining.open_set import OpenSet, SetPatch
from core.retraining.set_patches import SetColours, SetPatches
from core.retraining.vote_agreement import VoteAgreement, vote_agreement
from core.retraining.worst_patches import WorstPatch, worst_patches

Load = Callable[[Path], "AskedNetwork"]
REFERENCE = "Reference"
_MINIBATCH = 16
_RULE = "the stage that the readers of a patch in the set agree on"
Probabilities = npt.NDArray[np.float64]


class Asked(Protocol):
    """What a network answers: probabilities (n, classes) are enough here."""

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Give the class probabilities."""


class AskedNetwork(Protocol):
    """A loaded network."""

    def predict(self, patches: npt.NDArray[np.uint8]) -> Asked:
        """Predict RGB patches (n, side, side, 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examinee:
    """A model to be examined. `learned_from`: the animals of its training and validation; None: not known here."""

    model_id: str
    name: str
    recipe: Recipe
    weights_path: Path
    learned_from: frozenset[str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What came out for the first model beside the reference, and beside the second one where there is one.

    `cautions` say what the figures do not show. `votes` is empty where no patch has two; `batch_effects` is of the
    first model, empty where it was not asked, as is `baseline` (None). `ratings` and `slide_ratings` are the stages
    that all figures come of, by `resampling`.
    """

    set_sha256: str
    is_demo: bool
    names: tuple[str, ...]
    patches: AgreementReport
    slides: AgreementReport
    calibration_errors: tuple[float | None, ...]
    five: FiveClasses
    votes: tuple[VoteAgreement, ...]
    worst: tuple[WorstPatch, ...]
    cautions: tuple[str, ...]
    ratings: Ratings
    slide_ratings: Ratings
    resampling: Resampling
    batch_effects: tuple[BatchEffect, ...] = ()
    baseline: ExaminedBaseline | None = None

    def with_cautions(self, cautions: tuple[str, ...]) -> Evaluation:
        """Give the same with more that has to be said, at the front."""
        return replace(self, cautions=(*cautions, *self.cautions))

    def with_batch_effects(self, effects: tuple[BatchEffect, ...]) -> Evaluation:
        """Give the same with what the embeddings tell, and the warning among the cautions."""
        warning = warning_of(effects)
        return replace(self, batch_effects=effects).with_cautions((warning,) if warning else ())

    def with_baseline(self, baseline: ExaminedBaseline) -> Evaluation:
        """Give the same with the baseline beside it, and a word among the cautions where the model is not ahead."""
        return replace(self, baseline=baseline).with_cautions(baseline.cautions)

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it; both reports follow `agreement.schema.json`."""
        return {
            "set_sha256": self.set_sha256,
            "demo": self.is_demo,
            "models": list(self.names),
            "calibration_errors": list(self.calibration_errors),
            "cautions": list(self.cautions),
            "batch_effects": [effect.to_plain() for effect in self.batch_effects],
            "baseline": None if self.baseline is None else self.baseline.to_plain(),
            "five_classes": self.five.to_plain(),
            "votes": [one.to_plain() for one in self.votes],
            "worst_patches": [one.to_plain() for one in self.worst],
            "patches": json.loads(self.patches.to_json()),
            "slides": json.loads(self.slides.to_json()),
        }


def evaluate(
    opened: OpenSet,
    examinees: Sequence[Examinee],
    load: Load,
    *,
    native_five: Examinee | None = None,
    resampling: Resampling | None = None,
    progress: Progress = unheard,
) -> Evaluation:
    """Examine one model, or one beside another, on the test animals of a set; `native_five` has five classes.

    Raises: NothingToDo where the set has no test side; UserMustAct, naming an animal that a model learned from.
    """
    patches, chosen = opened.side(Split.TEST), resampling or Resampling()
    if not patches:
        raise NothingToDo(f"{opened.folder} has no test animals. Export a set with a test share.")
    asked = [*examinees, *((native_five,) if native_five is not None else ())]
    for examinee in asked:
        _refuse_if_learned(examinee, patches)
    every = [_answer(opened, one, load, _part(progress, place, len(asked))) for place, one in enumerate(asked)]
    names, answers = _names(examinees), every[: len(examinees)]
    stages = np.array([patch.stage.index for patch in patches], np.int16)
    ratings = _patch_ratings(patches, names, stages, answers)
    by_patch = _report(ratings, names, answers[0], chosen)
    slides, first_shares = _slides(patches, names, stages, answers)
    by_slide = _report(slides, names, first_shares, chosen)
    native = None if native_five is None else NativeFive(name=_names([native_five])[0], called=_called(every[-1]))
    animals, votes = [patch.animal for patch in patches], [patch.votes for patch in patches]
    return Evaluation(
        set_sha256=opened.content_sha256,
        is_demo=opened.is_demo,
        names=names,
        patches=by_patch,
        slides=by_slide,
        calibration_errors=_calibration_errors(by_patch, answers, stages),
        five=five_classes(ratings, (REFERENCE, names[0]), native, chosen),
        votes=vote_agreement(votes, _called(answers[0]), animals, chosen),
        worst=worst_patches(patches, answers[0]),
        cautions=tuple(_cautions(opened, examinees)),
        ratings=ratings,
        slide_ratings=slides,
        resampling=chosen,
    )


def _calibration_errors(
    by_patch: AgreementReport, answers: Sequence[Probabilities], stages: npt.NDArray[np.int16]
) -> tuple[float | None, ...]:
    """Give each model's, the first as its report has it."""
    first = None if by_patch.reference is None else by_patch.reference.calibration_error.value
    return (first, *(calibration_error(answer, stages) for answer in answers[1:]))


def _called(answer: Probabilities) -> npt.NDArray[np.int16]:
    return np.asarray(answer.argmax(axis=1), np.int16)


def calibration_error(probabilities: Probabilities, stages: npt.NDArray[np.int16]) -> float:
    """Give the expected calibration error of the called stage over ten bins, as the agreement report defines it."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == stages
    bins = np.clip(np.ceil(confidence * 10).astype(int) - 1, 0, 9)
    gaps = [abs(float((confidence[bins == one] - right[bins == one]).sum())) for one in range(10)]
    return sum(gaps) / len(stages)


def _refuse_if_learned(examinee: Examinee, patches: Sequence[SetPatch]) -> None:
    for patch in patches:
        if examinee.learned_from is not None and patch.animal in examinee.learned_from:
            raise UserMustAct(
                f"{examinee.name} learned from animal {patch.subject}, which is in this test. "
                "Examine it on a set whose test animals it never saw."
            )


def _names(examinees: Sequence[Examinee]) -> tuple[str, ...]:
    return tuple(f"{one.name} ({one.model_id[:8]})" for one in examinees)


def _answer(opened: OpenSet, examinee: Examinee, load: Load, progress: Progress) -> Probabilities:
    """Give a model's probabilities (n, classes) of the test patches."""
    colours = SetColours(opened.folder, opened.patches, examinee.recipe)
    pictures = SetPatches(opened.folder, opened.side(Split.TEST), colours, n_threads=1)
    network, rows = load(examinee.weights_path), []
    for first in range(0, len(pictures), _MINIBATCH):
        places = np.arange(first, min(first + _MINIBATCH, len(pictures)))
        rows.append(network.predict(pictures.read(places)).probabilities.astype(np.float64))
        progress((first + len(places)) / len(pictures))
    found = np.concatenate(rows)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _patch_ratings(
    patches: Sequence[SetPatch], names: tuple[str, ...], stages: npt.NDArray[np.int16], answers: list[Probabilities]
) -> Ratings:
    called = [_called(answer) for answer in answers]
    return Ratings(
        scale=SEVEN_STAGES,
        items=tuple(Path(patch.file).stem for patch in patches),
        readers=(REFERENCE, *names),
        subjects=tuple(patch.animal for patch in patches),
        stages=np.column_stack([stages, *called]),
        traits={
            "site": tuple(patch.site or None for patch in patches),
            "stain batch": tuple(patch.stain_batch or None for patch in patches),
        },
    )


def _report(ratings: Ratings, names: tuple[str, ...], first: Probabilities, resampling: Resampling) -> AgreementReport:
    found = ReferencedProbabilities(
        scale=ratings.scale,
        items=ratings.items,
        subjects=ratings.subjects,
        reference=ratings.column(REFERENCE).astype(np.int64),
        probabilities=first,
        rule=_RULE,
    )
    compared = [((REFERENCE, names[0]), (REFERENCE, other)) for other in names[1:]]
    beside = Beside(compared=compared, traits=tuple(ratings.traits), probabilities=found)
    return build_report(ratings, resampling, beside=beside)


def _slides(
    patches: Sequence[SetPatch], names: tuple[str, ...], stages: npt.NDArray[np.int16], answers: list[Probabilities]
) -> tuple[Ratings, Probabilities]:
    """Call each slide from its patches in the set, the reference by the same rule as the models.

    Gives the stages by slide and the first model's probabilities.
    """
    places = _places(patches)
    firsts = [patches[rows[0]] for rows in places.values()]
    called = [_slide_calls(places, one) for one in (np.eye(N_STAGES)[stages], *answers)]
    ratings = Ratings(
        scale=SEVEN_STAGES,
        items=tuple(places),
        readers=(REFERENCE, *names),
        subjects=tuple(patch.animal for patch in firsts),
        stages=np.column_stack([[stage for stage, _ in one] for one in called]).astype(np.int16),
        traits={"site": tuple(patch.site or None for patch in firsts)},
    )
    return ratings, np.array([shares for _, shares in called[1]])


def slide_calls(patches: Sequence[SetPatch], probabilities: Probabilities) -> npt.NDArray[np.int16]:
    """Give the stage of each slide by its patches' probabilities, slides in the order in which they first occur."""
    return np.array([stage for stage, _ in _slide_calls(_places(patches), probabilities)], np.int16)


def _places(patches: Sequence[SetPatch]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, patch in enumerate(patches):
        places.setdefault(patch.slide_id, []).append(place)
    return places


def _slide_calls(places: dict[str, list[int]], probabilities: Probabilities) -> list[tuple[int, Probabilities]]:
    """Give each slide's stage by number, and the probabilities that it comes with."""
    rule = UpperQuantile()
    called = [rule.stage_of(probabilities[rows], np.ones(len(rows))) for rows in places.values()]
    return [(stage.index, shares) for stage, shares, _ in called]


def _cautions(opened: OpenSet, examinees: Sequence[Examinee]) -> list[str]:
    said = [
        f"Not all animals are known here that {one.name}, or a model it began from, learned from: "
        "that these are none of them is not shown."
        for one in examinees
        if one.learned_from is None
    ]
    if opened.is_demo:
        said.append("The set was drawn by a program: nothing here is about real livers.")
    said.append(
        "A slide's stage is worked out from its patches in the set alone, for the reference and the models by one rule."
    )
    return said


def _part(progress: Progress, number: int, n_parts: int) -> Progress:
    return lambda share: progress((number + share) / n_parts)
