"""The shards of a run that goes on are laid out as they come, each once."""

from pathlib import Path

import numpy as np

from core.domain.geometry import Grid
from core.domain.predictions import PatchPredictions, PatchState
from core.inference.results import ARRAYS, Shard, gather, save_shard, shards_folder
from core.inference.saliency_scale import saliency_scale
from core.inference.unfinished import UnfinishedRun
from tests.journeys.seeded import varied

GRID = Grid(x_px=0, y_px=0, side_px=224.0, n_columns=20, n_rows=15)
WHOLE = varied(GRID)


def shard_of(start: int, end: int) -> Shard:
    """Give some patches of the whole as a shard."""
    index = np.arange(start, end)
    return Shard(index=index, **{name: getattr(WHOLE, name)[index] for name in ARRAYS})


def store(run_folder: Path, number: int, start: int, end: int) -> Shard:
    """Write a shard as the worker does."""
    shard = shard_of(start, end)
    save_shard(shards_folder(run_folder) / f"{number:05d}.npz", shard)
    return shard


def so_far(shards: list[Shard]) -> PatchPredictions:
    """Give what the engine would gather from these shards."""
    n = GRID.n_patches
    return gather(GRID, np.zeros(n, np.uint8), np.zeros(n, np.float32), shards)


def test_what_is_laid_out_is_what_the_engine_would_gather(tmp_path: Path) -> None:
    run = UnfinishedRun(tmp_path, GRID)
    shards = []
    for number, (start, end) in enumerate([(0, 90), (90, 170)]):
        shards.append(store(tmp_path, number, start, end))
        assert run.refresh() == number + 1
        gathered = so_far(shards)
        for name in ("state", "tissue_fraction", "probabilities", "saliency"):
            assert np.array_equal(getattr(run.predictions, name), getattr(gathered, name))
        assert run.saliency_scale() == saliency_scale(gathered)


def test_before_the_first_shard_there_is_nothing(tmp_path: Path) -> None:
    run = UnfinishedRun(tmp_path, GRID)
    assert run.refresh() == 0
    assert not run.predictions.is_predicted.any()
    assert run.saliency_scale() == 0.0


def test_a_shard_is_read_once(tmp_path: Path) -> None:
    store(tmp_path, 0, 0, 50)
    run = UnfinishedRun(tmp_path, GRID)
    run.refresh()
    path = shards_folder(tmp_path) / "00000.npz"
    path.write_bytes(b"something else")
    assert run.refresh() == 1
    assert np.array_equal(run.predictions.state[:50], WHOLE.state[:50])


def test_a_shard_that_cannot_be_read_is_looked_at_again(tmp_path: Path) -> None:
    run, path = UnfinishedRun(tmp_path, GRID), shards_folder(tmp_path) / "00000.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK half a shard")
    assert run.refresh() == 0
    store(tmp_path, 0, 0, 50)
    assert run.refresh() == 1


def test_a_shard_of_another_grid_is_left_out(tmp_path: Path) -> None:
    store(tmp_path, 0, 0, 50)
    run = UnfinishedRun(tmp_path, Grid(x_px=0, y_px=0, side_px=224.0, n_columns=5, n_rows=5))
    assert run.refresh() == 0


def test_a_run_that_began_anew_shows_nothing_of_its_former_shards(tmp_path: Path) -> None:
    store(tmp_path, 0, 0, 100)
    store(tmp_path, 1, 100, 200)
    run = UnfinishedRun(tmp_path, GRID)
    run.refresh()
    (shards_folder(tmp_path) / "00001.npz").unlink()
    assert run.refresh() == 1
    assert (run.predictions.state[100:] == PatchState.BACKGROUND).all()


def test_what_was_laid_out_stays_when_the_run_ends(tmp_path: Path) -> None:
    store(tmp_path, 0, 0, 100)
    run = UnfinishedRun(tmp_path, GRID)
    run.refresh()
    (shards_folder(tmp_path) / "00000.npz").unlink()
    assert run.refresh() == 1
    assert run.predictions.is_predicted.any()
