"""How a network is fed: who reads, how many patches go together, and who brings colours to the recipe's.

Beside a network on the processor half as many threads read as there are cores. A network on a device takes more than
threads can bring, and leaves the cores to processes, all but one for what goes on between them. It is given patches as
they were read, and brings their colours to the reference itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from core.inference.ports import OnDevice, PatchPredictor
from core.inference.reader_processes import ReadBlock, ReaderProcesses, ToRead
from core.inference.reading import PatchSource
from core.preprocess.colours import Colours, Meanings
from core.preprocess.patches import BoxReader

MINIBATCH = 16
"""On a processor: 32 would take 2 % less time a patch, and 90 MB more in each stream."""
_AGAIN = 4
"""Of those predicted again on a processor: one size, since OpenVINO sets up each anew, for up to 0.2 s a stream."""
_CORES_A_READER = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Cores:
    """Who may use this machine's cores, where the network does not: so many workers, each with its `processes`.

    Without those (None), threads read.
    """

    n_workers: int = 1
    processes: ReaderProcesses | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Feed:
    """What a run is made with: `read` is called from so many threads, `predictor` given so many patches at once.

    `again`: of those that a second pass predicts.
    """

    predictor: PatchPredictor
    read: ReadBlock
    n_readers: int
    minibatch: int
    again: int


def feed_of(slide: ToRead, reader: BoxReader, predictor: PatchPredictor, cores: Cores) -> Feed:
    """Give what suits a predictor on this machine. Args: reader: of the slide, in this process."""
    n_cores = len(os.sched_getaffinity(0))
    if not isinstance(predictor, OnDevice):
        read, n_readers = source_of(slide, reader, predictor).read, max(1, n_cores // _CORES_A_READER)
        return Feed(predictor=predictor, read=read, n_readers=n_readers, minibatch=MINIBATCH, again=_AGAIN)
    n_readers = max(1, n_cores // cores.n_workers - 1)
    processes, stain = cores.processes, slide.plan.stain
    read_raw = source_of(slide, reader, predictor).read if processes is None else processes.begin(slide, n_readers)
    coloured = predictor if stain is None else predictor.with_colours(Colours(stain).table)
    at_once = predictor.minibatch
    return Feed(predictor=coloured, read=read_raw, n_readers=n_readers, minibatch=at_once, again=at_once)


def source_of(slide: ToRead, reader: BoxReader, predictor: PatchPredictor) -> PatchSource:
    """Give the patches of a slide as the predictor takes them."""
    colours = Meanings() if isinstance(predictor, OnDevice) else Colours(slide.plan.stain)
    return PatchSource(reader=reader, plan=slide.plan, recipe=slide.recipe, colours=colours)


def minibatch_of(predictor: PatchPredictor) -> int:
    """Give how many patches a predictor is best given at once."""
    return predictor.minibatch if isinstance(predictor, OnDevice) else MINIBATCH
