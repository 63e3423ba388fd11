"""What finished runs measure of slides beside the call: the continuous score by model, the collagen area by recipe.

Readers give stages and measure nothing, so a run is compared with a run: another model, or another recipe, on the same
slide. Two models of one recipe see the same collagen, which therefore is measured once by each recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.agreement.measurements import Measurements
from core.domain.predictions import InferenceMode, Run, SlideCall
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Slide, SlideId

SCORE, COLLAGEN = "Continuous score of a slide (0 to 4)", "Collagen area of a slide"
_SCORE_UNIT, _COLLAGEN_UNIT = "stages", "fraction of tissue"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredSlide:
    """A slide under the name that it has as an item, with its finished runs in the order of finishing."""

    item: str
    slide: Slide
    runs: tuple[Run, ...]


def run_measures(
    slides: Iterable[MeasuredSlide], models: Mapping[ModelId, RegisteredModel]
) -> tuple[Measurements, ...]:
    """Give both measures of these slides, the latest run of each kind; none where no run has a call."""
    called = [one for one in slides if any(run.call is not None for run in one.runs)]
    if not called:
        return ()
    names = _model_names(called, models)
    score = _measured(called, lambda run: names[run.model_id, run.mode], lambda call: call.continuous_score)
    collagen = _measured(called, _recipe_name, lambda call: call.collagen_fraction)
    return (
        _measurements(called, score, name=SCORE, unit=_SCORE_UNIT, by="model"),
        _measurements(called, collagen, name=COLLAGEN, unit=_COLLAGEN_UNIT, by="recipe"),
    )


def _measured(
    slides: Iterable[MeasuredSlide], by: Callable[[Run], str], value: Callable[[SlideCall], float]
) -> dict[tuple[str, SlideId], float]:
    return {
        (by(run), one.slide.slide_id): value(run.call) for one in slides for run in one.runs if run.call is not None
    }


def _measurements(
    slides: list[MeasuredSlide], found: Mapping[tuple[str, SlideId], float], *, name: str, unit: str, by: str
) -> Measurements:
    readers = tuple(sorted({who for who, _ in found}))
    rows = [[found.get((who, one.slide.slide_id), np.nan) for who in readers] for one in slides]
    subjects = [one.slide.provenance.subject for one in slides]
    return Measurements(
        name=name,
        unit=unit,
        items=tuple(one.item for one in slides),
        readers=readers,
        subjects=tuple(subject or one.item for subject, one in zip(subjects, slides, strict=True)),
        values=np.array(rows, np.float64),
        subjects_known=None not in subjects,
        by=by,
    )


def _model_names(
    slides: Iterable[MeasuredSlide], models: Mapping[ModelId, RegisteredModel]
) -> dict[tuple[ModelId, InferenceMode], str]:
    """Name each model and mode that has run; models of one name are told apart by their id."""
    kinds = dict.fromkeys((run.model_id, run.mode) for one in slides for run in one.runs)
    names = {model_id: _short(models[model_id]) if model_id in models else model_id for model_id, _ in kinds}
    printed = {
        model_id: name if list(names.values()).count(name) == 1 else f"{name} [{model_id[:8]}]"
        for model_id, name in names.items()
    }
    return {
        (model_id, mode): printed[model_id] if mode is InferenceMode.EXACT else f"{printed[model_id]}, {mode.value}"
        for model_id, mode in kinds
    }


def _short(model: RegisteredModel) -> str:
    """Name a model, marked where it is a demo, in few words: two names stand beside each other."""
    return f"{model.name} (DEMO)" if model.is_demo else model.name


def _recipe_name(run: Run) -> str:
    gate = f", quality gate {run.quality_version}" if run.quality_version else ""
    return f"recipe {run.recipe_hash[:8]}{gate}"
