"""Data folders with slides and finished runs in them, made without a network or a model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.geometry import Grid
from core.domain.people import Reader
from core.domain.predictions import PatchPredictions, PatchState, Run, RunId, SlideCall
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Slide
from core.inference.aggregate import UpperQuantile
from core.inference.requests import grid_for, run_id_for
from core.inference.results import save_results
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.workspace import Workspace, open_workspace

Cells = npt.NDArray[np.bool_]


def cell_edges(size_px: int, mpp: float) -> npt.NDArray[np.int64]:
    """Give where the grid of the standard recipe cuts an axis, as Grid.box rounds it."""
    side_px = Recipe().patch_px * Recipe().mpp / mpp
    n_cells = int((size_px + 0.5) // side_px)
    return np.rint(np.arange(n_cells + 1) * side_px).astype(np.int64)


def write_cells(path: Path, size_px: tuple[int, int], mpp: float) -> None:
    """Write a slide whose dark and light squares are exactly the patches, dark first; beyond the grid it is dark."""
    axes = [np.searchsorted(cell_edges(size, mpp)[1:], np.arange(size), side="right") for size in size_px]
    n_cells = [len(cell_edges(size, mpp)) - 1 for size in size_px]
    is_light = (axes[1][:, None] + axes[0][None, :]) % 2 == 1
    is_light &= (axes[1][:, None] < n_cells[1]) & (axes[0][None, :] < n_cells[0])
    write_pyramid(np.where(is_light, 235, 30).astype(np.uint8)[:, :, None].repeat(3, axis=2), path, mpp=mpp, quality=98)


def light_cells_at_stage_4(grid: Grid) -> PatchPredictions:
    """Predict stage 4 on the light squares; the dark ones are background."""
    column, row = np.arange(grid.n_patches) % grid.n_columns, np.arange(grid.n_patches) // grid.n_columns
    is_light = (column + row) % 2 == 1
    probabilities = np.zeros((grid.n_patches, 7), np.float32)
    probabilities[is_light, 6] = 1.0
    return _predictions(grid, np.where(is_light, PatchState.PREDICTED, PatchState.BACKGROUND), probabilities)


def varied(grid: Grid, number: int = 7) -> PatchPredictions:
    """Predict every stage somewhere, with a few places left out for each reason; the same each time for a number."""
    random = np.random.default_rng(number)
    probabilities = random.dirichlet(np.full(7, 0.35), grid.n_patches).astype(np.float32)
    state = np.full(grid.n_patches, PatchState.PREDICTED)
    for value in (PatchState.BACKGROUND, PatchState.BLURRED, PatchState.FOLDED, PatchState.PEN, PatchState.BUBBLE):
        state[random.choice(grid.n_patches, max(1, grid.n_patches // 40), replace=False)] = value
    probabilities[state != PatchState.PREDICTED] = 0.0
    return _predictions(grid, state, probabilities)


def _predictions(grid: Grid, state: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> PatchPredictions:
    random = np.random.default_rng(3)
    is_predicted = state == PatchState.PREDICTED
    blobs = random.random((grid.n_patches, 7, 7, 7)) ** 4
    saliency = np.where(is_predicted[:, None, None, None], blobs * probabilities[:, :, None, None], 0.0)
    share = np.where(is_predicted[:, None], np.array([[0.42, 0.14]]), np.nan)
    return PatchPredictions(
        grid=grid,
        state=state.astype(np.uint8),
        tissue_fraction=np.where(is_predicted, 0.9, 0.1).astype(np.float32),
        collagen_fraction=np.where(is_predicted, 0.12, 0.0).astype(np.float32),
        probabilities=probabilities,
        saliency=saliency.astype(np.float16),
        embedding=np.pad(probabilities, ((0, 0), (0, 57))).astype(np.float16),  # alike where probabilities are
        saliency_on_collagen=share.astype(np.float32),
        is_exact=is_predicted,
    )


def seed(
    data_dir: Path, slides: list[Path], predict: Callable[[Grid], PatchPredictions], *, is_demo: bool = True
) -> list[tuple[Slide, RunId]]:
    """Register the slides and store a finished run of each."""
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        model = store_model(workspace, is_demo)
        outcomes = itertools.chain.from_iterable(
            workspace.catalogue.register_folder(folder, metadata=None, mpp=None, actor="test")
            for folder in dict.fromkeys(path.parent for path in slides)
        )
        registered = [outcome.slide for outcome in outcomes if outcome.slide is not None]
        return [(slide, store_run(workspace, slide, model, predict)) for slide in registered]


def store_model(
    workspace: Workspace, is_demo: bool, name: str = "checker", model_id: str = "0123456789abcdef"
) -> RegisteredModel:
    """Register a model without weights; the first serves, a further one is a candidate."""
    model = RegisteredModel(
        model_id=ModelId(model_id),
        name=name,
        folder=workspace.data_dir / "models" / model_id,
        checkpoint_sha256=model_id * 4,
        recipe=Recipe(),
        is_demo=is_demo,
        card_json="{}",
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    workspace.models.add_model(model, actor="test")
    return model


def store_version(workspace: Workspace, name: str, digit: str, card_json: str = "{}") -> RegisteredModel:
    """Register another model without weights, of the same recipe; it is a candidate until it is served."""
    known = workspace.models.models()[0]
    model = replace(
        known,
        model_id=ModelId(digit * 16),
        name=name,
        folder=known.folder.with_name(digit * 16),
        checkpoint_sha256=digit * 64,
        card_json=card_json,
    )
    workspace.models.add_model(model, actor="test")
    return model


def store_run(
    workspace: Workspace,
    slide: Slide,
    model: RegisteredModel,
    predict: Callable[[Grid], PatchPredictions],
    call: SlideCall | None = None,
) -> RunId:
    """Store a finished run of a slide; its call follows from the patches unless one is given."""
    run_id = run_id_for(slide, model)
    predictions = predict(grid_for(slide, model))
    sha256 = save_results(workspace.data_dir / "runs" / run_id, predictions)
    run = Run(
        run_id=run_id,
        slide_id=slide.slide_id,
        model_id=model.model_id,
        recipe_hash=model.recipe.hash,
        call=call or UpperQuantile().call(predictions),
        n_patches=int(predictions.is_predicted.sum()),
        n_excluded=0,
        n_failed=0,
        seconds=1.0,
        device="none",
        code_version=workspace.code_version,
        finished_at=datetime(2026, 1, 1, tzinfo=UTC),
        content_sha256=sha256,
    )
    workspace.runs.add_run(run)
    return run_id


def patch_reads(data_dir: Path, reader: Reader, slide: Slide) -> dict[int, tuple[str, str | None]]:
    """Give the standing patch reads as they lie in the store: patch index -> disposition, stage."""
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        reads = workspace.visible_reads(reader, slide.slide_id)
    return {
        read.item.patch_index: (read.disposition.value, read.stage.value if read.stage else None)
        for read in reads
        if read.item.patch_index is not None and read.reader_id == reader.reader_id
    }
