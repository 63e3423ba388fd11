"""Processes read what a thread would, stay for the next slide, and never outlive whoever asks them."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import UserMustAct, WorkerLost
from core.domain.recipe import Recipe
from core.domain.slides import Slide
from core.inference.engine import InferenceTask
from core.inference.plan import make_plan
from core.inference.reader_processes import ReaderProcesses, ToRead
from core.inference.reading import PatchSource
from core.preprocess.colours import Meanings
from core.preprocess.patches import Block
from core.slides.reader import SlideReader
from tests.core.inference.small_study import SMALL_PATCHES, facts_of

HOLDS_TWO = """
import sys
from pathlib import Path
from core.inference.reader_processes import ReaderProcesses
from core.slides.reader import SlideReader
from tests.core.inference.small_study import registered
from tests.core.inference.test_reader_processes import to_read_of
if __name__ == "__main__":
    processes = ReaderProcesses(SlideReader)
    slide = to_read_of(registered(Path(sys.argv[1])))
    processes.begin(slide, 2)(slide.plan.shards[0][0])
    print(*processes.process_ids, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def processes() -> Iterator[ReaderProcesses]:
    """Give processes, and end them."""
    processes = ReaderProcesses(SlideReader)
    yield processes
    processes.end()


def to_read_of(slide: Slide, recipe: Recipe = SMALL_PATCHES) -> ToRead:
    """Give a slide with its plan."""
    reader = SlideReader(slide.path, slide.scan.bounds)
    task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=recipe, run_folder=Path())
    plan = make_plan(reader, task.slide, task.recipe, task.siblings)
    reader.close()
    return task.to_read(plan)


def _blocks(slide: ToRead) -> list[Block]:
    return [block for shard in slide.plan.shards for block in shard]


def _waits_until_gone(process_id: int) -> bool:
    try:
        descriptor = os.pidfd_open(process_id)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    return bool(ready)


def test_a_block_read_by_a_process_is_the_block(slide: Slide, processes: ReaderProcesses) -> None:
    to_read = to_read_of(slide)
    reader = SlideReader(slide.path, slide.scan.bounds)
    here = PatchSource(reader=reader, plan=to_read.plan, recipe=SMALL_PATCHES, colours=Meanings())
    there = processes.begin(to_read, 2)
    found = [(there(block), here.read(block)) for block in _blocks(to_read)]
    reader.close()
    n_with_pixels = 0
    for theirs, ours in ((one, other) for pair in found for one, other in zip(*pair, strict=True)):
        assert (theirs.index, theirs.state, theirs.tissue_fraction) == (ours.index, ours.state, ours.tissue_fraction)
        assert theirs.collagen_fraction == ours.collagen_fraction
        assert np.array_equal(theirs.collagen_cells, ours.collagen_cells)
        assert (theirs.pixels is None) == (ours.pixels is None)
        if theirs.pixels is not None:
            n_with_pixels += 1
            assert np.array_equal(theirs.pixels, ours.pixels)  # kept: later blocks were read into the same memory
    assert n_with_pixels > 256


def test_the_same_processes_read_the_next_slide(slide: Slide, processes: ReaderProcesses) -> None:
    first = to_read_of(slide)
    processes.begin(first, 2)(_blocks(first)[0])
    before = processes.process_ids
    second = to_read_of(slide)
    assert processes.begin(second, 2)(_blocks(second)[-1])
    assert processes.process_ids == before
    assert len(before) == 2


def test_a_process_that_died_is_said_and_replaced_for_the_next_slide(slide: Slide, processes: ReaderProcesses) -> None:
    to_read = to_read_of(slide)
    read = processes.begin(to_read, 1)
    read(_blocks(to_read)[0])
    (killed,) = processes.process_ids
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(WorkerLost, match=r"reads drawn\.tif ended in the middle"):
        read(_blocks(to_read)[1])
    assert processes.begin(to_read, 1)(_blocks(to_read)[1])
    assert killed not in processes.process_ids


def test_a_slide_that_cannot_be_opened_is_said_and_the_process_lives(
    slide: Slide, processes: ReaderProcesses, tmp_path: Path
) -> None:
    to_read = to_read_of(slide)
    gone = replace(to_read, path=tmp_path / "gone.tif")
    read = processes.begin(gone, 1)
    for _ in range(2):
        with pytest.raises(UserMustAct, match=r"gone\.tif"):
            read(_blocks(to_read)[0])
    assert processes.begin(to_read, 1)(_blocks(to_read)[0])


def test_processes_end_with_the_one_that_asks_them_even_when_that_is_killed(slide: Slide) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-c", HOLDS_TWO, str(slide.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with asking:
        assert asking.stdout is not None
        process_ids = [int(word) for word in asking.stdout.readline().split()]
        assert len(process_ids) == 2
        asking.kill()
    assert all(_waits_until_gone(process_id) for process_id in process_ids)
