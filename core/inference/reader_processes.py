"""Reading in processes, where the network leaves the cores free and takes more than threads can bring.

Of the 1.1 ms that a patch takes to be read and judged, 0.3 ms hold Python's lock (py-spy, native JPEG tiles): threads
bring no more than some three patches a millisecond, however many cores there are. A GPU takes more than that.

Pixels come through shared memory, all else through a pipe. A process ends when its pipe does, so that none outlives the
worker, whatever becomes of it; they stay for the next slide, since starting one takes a second.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import queue
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import FibroreadError, UserMustAct, WorkerLost
from core.domain.geometry import Box
from core.domain.recipe import Recipe
from core.inference.plan import Plan
from core.inference.ports import ReaderFactory, RegionReader
from core.inference.reading import PatchSource, ReadPatch
from core.preprocess.colours import Meanings
from core.preprocess.patches import BLOCK_SIDE, Block

_SECONDS_TO_END = 5.0

ReadBlock = Callable[[Block], list[ReadPatch]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ToRead:
    """A slide that patches are to be read of, and how they are judged."""

    path: Path
    bounds: Box
    plan: Plan
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a block was not read, when it is not the slide's pixels."""

    reason: str
    is_ours: bool


class ReaderProcesses:
    """Processes that read patches in the colours of the slide; started when they are first needed."""

    def __init__(self, open_reader: ReaderFactory) -> None:
        """Take how a slide is opened: something that another process can import."""
        self._open_reader = open_reader
        self._processes: list[_ReaderProcess] = []

    def begin(self, slide: ToRead, n: int) -> ReadBlock:
        """Give what reads blocks of a slide in n processes, as many at once, each call from a thread of its own.

        Its calls raise WorkerLost when a process ended, UserMustAct when the slide cannot be opened.
        """
        given = replace(slide, plan=replace(slide.plan, shards=()))  # which block is read when is not theirs to know
        side_px = slide.recipe.patch_px
        usable = [each for each in self._processes if each.is_alive and each.side_px == side_px]
        for each in set(self._processes) - set(usable):
            each.end()
        usable += [_ReaderProcess(self._open_reader, side_px) for _ in range(n - len(usable))]
        self._processes = usable
        idle: queue.SimpleQueue[_ReaderProcess] = queue.SimpleQueue()
        for each in usable[:n]:
            idle.put(each)

        def read(block: Block) -> list[ReadPatch]:
            process = idle.get()
            try:
                return process.read(given, block)
            finally:
                idle.put(process)

        return read

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Give the ids of the processes there are."""
        return tuple(each.process_id for each in self._processes)

    def end(self) -> None:
        """End them all."""
        processes, self._processes = self._processes, []
        for each in processes:
            each.end()


class _ReaderProcess:
    """One process as the worker sees it."""

    def __init__(self, open_reader: ReaderFactory, side_px: int) -> None:
        context = multiprocessing.get_context("spawn")
        shared = context.RawArray(ctypes.c_uint8, BLOCK_SIDE**2 * side_px**2 * 3)
        self.side_px = side_px
        self._pixels = _patches_in(shared, side_px)
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, shared, side_px, open_reader), name="slide reader", daemon=True
        )
        self._process.start()
        theirs.close()
        self._given: ToRead | None = None

    @property
    def is_alive(self) -> bool:
        """Say whether it can still be asked."""
        return self._process.is_alive()

    @property
    def process_id(self) -> int:
        """Give its id."""
        return self._process.pid or 0

    def read(self, slide: ToRead, block: Block) -> list[ReadPatch]:
        """Have a block read, after the slide is opened."""
        try:
            self._pipe.send((slide if slide is not self._given else None, block))
            self._given = slide
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(_SECONDS_TO_END)  # its pipe closes a moment before it has ended
            raise WorkerLost(
                f"A process that reads {slide.path.name} ended in the middle. Ask for it again."
            ) from error
        if isinstance(answer, _Refusal):
            self._given = None
            raise UserMustAct(answer.reason) if answer.is_ours else RuntimeError(answer.reason)
        return self._with_pixels(answer)

    def _with_pixels(self, answer: list[tuple[ReadPatch, bool]]) -> list[ReadPatch]:
        """Copy the pixels out, since the next block is read into their place."""
        pixels = iter(self._pixels[: sum(has_pixels for _, has_pixels in answer)].copy())
        return [replace(patch, pixels=next(pixels)) if has_pixels else patch for patch, has_pixels in answer]

    def end(self) -> None:
        """Close its pipe, and wait for it or end it by force."""
        self._pipe.close()
        self._process.join(_SECONDS_TO_END)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _patches_in(shared: Any, side_px: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(shared, np.uint8).reshape(-1, side_px, side_px, 3)


def _serve(pipe: Connection, shared: Any, side_px: int, open_reader: ReaderFactory) -> None:
    """Read what is asked for until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed at a terminal it is meant for the worker
    reading = _Reading(open_reader, _patches_in(shared, side_px))
    while True:
        try:
            slide, block = pipe.recv()
            pipe.send(reading.answer(slide, block))
        except (EOFError, OSError):
            return


class _Reading:
    """The inside of such a process: one open slide, and where the pixels go."""

    def __init__(self, open_reader: ReaderFactory, pixels: npt.NDArray[np.uint8]) -> None:
        self._open_reader, self._pixels = open_reader, pixels
        self._reader: RegionReader | None = None
        self._source: PatchSource | None = None

    def answer(self, slide: ToRead | None, block: Block) -> list[tuple[ReadPatch, bool]] | _Refusal:
        """Give each patch without its pixels, and whether it has any: those lie one after the other in shared memory.

        A slide comes with the first block that is asked of it.
        """
        try:
            if slide is not None:
                self._open(slide)
            return self._read(block)
        except FibroreadError as error:
            return _Refusal(str(error), is_ours=True)
        except Exception as error:  # the job runner: a block must not end the process
            traceback.print_exc(file=sys.stderr)
            return _Refusal(f"{type(error).__name__}: {error}", is_ours=False)

    def _open(self, slide: ToRead) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self._source = None, None
        self._reader = self._open_reader(slide.path, slide.bounds)
        self._source = PatchSource(reader=self._reader, plan=slide.plan, recipe=slide.recipe, colours=Meanings())

    def _read(self, block: Block) -> list[tuple[ReadPatch, bool]]:
        if self._source is None:
            raise ValueError("a block of no slide")
        answer: list[tuple[ReadPatch, bool]] = []
        n = 0
        for patch in self._source.read(block):
            if patch.pixels is not None:
                self._pixels[n] = patch.pixels
                n += 1
            answer.append((replace(patch, pixels=None), patch.pixels is not None))
        return answer
