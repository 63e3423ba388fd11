"""From standing reads and the model's calls to the ratings that agreement starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from core.agreement.ratings import RatedItem, Ratings, ratings_from_reads
from core.domain.people import ReaderId
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.reads import Item, Read
from core.domain.slides import Slide, SlideId
from core.domain.stages import Stage

CallOf = Mapping[Item, Stage]


def slide_calls(runs: Sequence[Run]) -> dict[Item, Stage]:
    """Give the model's call of each slide that has one."""
    return {Item(slide_id=run.slide_id): run.call.stage for run in runs if run.call is not None}


def patch_calls(
    reads: Sequence[Read], runs: Sequence[Run], predictions: Mapping[RunId, PatchPredictions]
) -> dict[Item, Stage]:
    """Give the model's stage of each patch that was read and predicted on the grid of the same recipe."""
    run_of = {(run.slide_id, run.recipe_hash): run.run_id for run in runs}
    calls: dict[Item, Stage] = {}
    for item in dict.fromkeys(read.item for read in reads):
        run_id = run_of.get((item.slide_id, item.recipe_hash or ""))
        if run_id is not None and item.patch_index is not None:
            stage = predictions[run_id].called_stage(item.patch_index)
            if stage is not None:
                calls[item] = stage
    return calls


def ratings_of(
    reads: Sequence[Read],
    slides: Mapping[SlideId, Slide],
    calls: CallOf,
    names: Mapping[ReaderId, str],
    model: str | None,
) -> Ratings:
    """Gather the reads that carry a stage, and beside them the model's calls of the same items.

    Args: reads: one for each reader and item, of one kind of item. names: how each reader id is printed.
    model: how the model is printed, None to leave it out.
    """
    counting = [read for read in reads if read.disposition.counts and read.stage is not None]
    printed = printed_names(dict.fromkeys(read.reader_id for read in counting), names, model)
    rated = [_rated(read.item, printed[read.reader_id], read.stage, slides) for read in counting]
    if model is not None:
        items = dict.fromkeys(read.item for read in counting)
        called = [_rated(item, model, calls[item], slides) for item in items if item in calls]
        return ratings_from_reads([*rated, *called], model_reader=model if called else None)
    return ratings_from_reads(rated)


def printed_names(readers: Iterable[ReaderId], names: Mapping[ReaderId, str], model: str | None) -> dict[ReaderId, str]:
    """Give each reader a name of their own: those who share one, or bear the model's, are told apart by their id."""
    given = {reader_id: names.get(reader_id, reader_id) for reader_id in readers}
    shared = [*given.values(), *([] if model is None else [model])]
    return {one: name if shared.count(name) == 1 else f"{name} [{one}]" for one, name in given.items()}


def of_kind(reads: Sequence[Read], *, patches: bool) -> Iterator[Read]:
    """Give the reads of patches, or those of slides."""
    return (read for read in reads if (read.item.patch_index is not None) == patches)


def slide_traits(slide: Slide) -> dict[str, str | None]:
    """Give what is stated of where a slide comes from, by the names that reports use."""
    origin = slide.provenance
    stated = {
        "site": origin.site,
        "stain batch": origin.stain_batch,
        "scanner": origin.scanner,
        "group": origin.group,
    }
    return stated | dict(origin.further)


def with_traits(ratings: Ratings, of_items: Mapping[str, Mapping[str, str | None]]) -> Ratings:
    """Give the ratings with the traits that any of their items has; `of_items` names those of each item."""
    names = dict.fromkeys(name for item in ratings.items for name, value in of_items[item].items() if value is not None)
    traits = {name: tuple(of_items[item].get(name) for item in ratings.items) for name in names}
    return replace(ratings, traits=traits)


def item_name(item: Item, slide: Slide) -> str:
    """Print an item: its slide's name, the patch's number, and enough of the slide's id to tell equal names apart."""
    name = slide.name if item.patch_index is None else f"{slide.name}/{item.patch_index}"
    return f"{name} ({slide.slide_id[:8]})"


def _rated(item: Item, reader: str, stage: Stage | None, slides: Mapping[SlideId, Slide]) -> RatedItem:
    slide = slides[item.slide_id]
    return RatedItem(
        item=item_name(item, slide),
        reader=reader,
        stage=None if stage is None else stage.value,
        subject=slide.provenance.subject,
    )
