"""From records to what the worker is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.domain.errors import MppMissing
from core.domain.geometry import Grid
from core.domain.predictions import InferenceMode, RunId, run_id_of
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Slide, SlideId
from core.domain.stages import Stage
from core.inference.messages import ExplainRequest, InferRequest, PatchOfRun, PredictRequest, SlideFacts
from core.preprocess.grid import grid_over
from core.preprocess.quality import QUALITY_VERSION
from core.slides.fingerprint import file_stamp


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """Where the supervisor finds what a job names.

    `stain_batch_of` gives the slides of a slide's batch. `verify` raises SlideChanged or BadSlide when a file's content
    is not what was registered; without it (None) a file that was only touched counts as changed, too.
    """

    slide: Callable[[SlideId], Slide]
    model: Callable[[ModelId], RegisteredModel]
    stain_batch_of: Callable[[Slide], tuple[Slide, ...]] = field(default=lambda _slide: ())
    verify: Callable[[Slide], None] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What to look at, and how: a patch of the run of a model over a slide.

    `method` is one of gradcam, gradcam++, hirescam, layercam, eigencam; `layer` one of layer1 to layer4.
    """

    run_id: RunId
    slide: Slide
    model: RegisteredModel
    patch_index: int
    stage: Stage
    method: str = "gradcam"
    layer: str = "layer4"


def slide_facts(slide: Slide) -> SlideFacts:
    """Give what the worker needs of a slide; MppMissing while its scale is unknown."""
    if slide.mpp is None:
        raise MppMissing(slide.name, slide.mpp_problem or "microns per pixel are unknown")
    return SlideFacts(
        slide_id=slide.slide_id,
        name=slide.name,
        path=slide.path,
        file_stamp=slide.file_stamp,
        bounds=slide.scan.bounds,
        mpp=slide.mpp.mean,
    )


def run_id_for(slide: Slide, model: RegisteredModel, mode: InferenceMode = InferenceMode.EXACT) -> RunId:
    """Give the id of a model's run over a slide; MppMissing while the slide's scale is unknown."""
    mpp = slide_facts(slide).mpp
    return run_id_of(slide.slide_id, model.recipe, model.checkpoint_sha256, mpp, mode, QUALITY_VERSION)


def run_ids_for_reading(slide: Slide, model: RegisteredModel) -> tuple[RunId, RunId]:
    """Give the ids of the runs that a reader may be shown, the better first; screening is for triage alone."""
    return run_id_for(slide, model, InferenceMode.EXACT), run_id_for(slide, model, InferenceMode.FAST)


def grid_for(slide: Slide, model: RegisteredModel) -> Grid:
    """Give the grid of a run; OutsideRecipe when the slide is too coarse, MppMissing without a scale."""
    facts = slide_facts(slide)
    return grid_over(facts.name, facts.bounds, facts.mpp, model.recipe)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a run is made: on which device, in which mode, in which folder of runs, among so many workers."""

    device: str
    mode: InferenceMode
    runs_dir: Path
    n_workers: int = 1


def infer_request(slide: Slide, model: RegisteredModel, lookups: Lookups, way: Way) -> InferRequest:
    """Give the order to run a model over a slide, after a look whether its file is still the same."""
    if lookups.verify is not None:
        lookups.verify(slide)
        slide = replace(slide, file_stamp=file_stamp(slide.path))
    run_id = run_id_for(slide, model, way.mode)
    others = tuple(other for other in lookups.stain_batch_of(slide) if other.slide_id != slide.slide_id)
    return InferRequest(
        run_id=run_id,
        slide=slide_facts(slide),
        stain_batch=tuple(slide_facts(other) for other in others if other.mpp is not None),
        recipe=model.recipe,
        weights_path=model.weights_path,
        weights_sha256=model.checkpoint_sha256,
        device=way.device,
        run_folder=way.runs_dir / run_id,
        mode=way.mode,
        n_workers=way.n_workers,
    )


def explain_request(wish: Explanation, runs_dir: Path, device: str) -> ExplainRequest:
    """Give the order for one saliency map."""
    return ExplainRequest(
        request_id=uuid.uuid4().hex,
        patch=_patch_of_run(wish.slide, wish.model, wish.patch_index, runs_dir / wish.run_id, device),
        method=wish.method,
        layer=wish.layer,
        stage=wish.stage,
    )


def predict_request(
    slide: Slide, model: RegisteredModel, patch_index: int, run_folder: Path, device: str
) -> PredictRequest:
    """Give the order to predict one patch of a run of a model over a slide."""
    patch = _patch_of_run(slide, model, patch_index, run_folder, device)
    return PredictRequest(request_id=uuid.uuid4().hex, patch=patch)


def _patch_of_run(slide: Slide, model: RegisteredModel, patch_index: int, run_folder: Path, device: str) -> PatchOfRun:
    return PatchOfRun(
        slide=slide_facts(slide),
        recipe=model.recipe,
        weights_path=model.weights_path,
        weights_sha256=model.checkpoint_sha256,
        device=device,
        run_folder=run_folder,
        patch_index=patch_index,
    )
