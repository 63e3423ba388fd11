"""The reads behind an agreement report, for the files that leave with it: a row for each signed step, and each call.

What the ratings say in a stage stands here with what surrounds it: when, how long, how sure, what was in sight. Who is
printed under a pseudonym stays one: comments and the hash of the signature, which holds the name, are left out of their
rows. Not covered: instants are kept, and may tell who read to somebody who knows when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.agreement.ratings import MISSING, Ratings
from core.agreement.read_table import Cell, Column, ReadTable
from core.agreement.standing import item_name
from core.agreement.table_entries import CALL_STEP
from core.domain.people import ReaderId
from core.domain.predictions import Run
from core.domain.reads import Item, Read
from core.domain.slides import Slide
from core.domain.studies import Entry, EventKind, StudyEvent, StudyVersion

_SIGNED = (EventKind.FIRST_READ, EventKind.FINAL_READ, EventKind.AMENDMENT)
_ORIGIN = ("site", "stain batch", "scanner", "group")
_OF_ITEM: tuple[Column, ...] = (
    ("item_id", str),
    ("slide_id", str),
    ("slide", str),
    ("patch", int),
    ("recipe", str),
    ("subject_id", str),
    *((name.replace(" ", "_"), str) for name in _ORIGIN),
)
_OF_READ: tuple[Column, ...] = (
    ("study", str),
    ("protocol_version", int),
    ("guide_version", int),
    ("reader", str),
    ("mode", str),
    ("read_no", int),
    ("step", str),
    ("is_repeat", str),
    ("disposition", str),
    ("stage", str),
    ("is_compared", str),
    ("confidence", int),
    ("comment", str),
    ("reason_code", str),
    ("reason", str),
    ("call_shown", str),
    ("model_run", str),
    ("coverage", float),
    ("active_s", float),
    ("signed_at", str),
    ("signed_sha256", str),
)
_NAMES = frozenset(name for name, _ in (*_OF_ITEM, *_OF_READ))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadRow:
    """One read or call to be written: of what, by whom as printed, and its cells by their columns."""

    item: Item
    cells: Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedStep:
    """A signed step of a study, by whom as printed. `is_pseudonym` leaves out what would tell who it was."""

    entry: Entry
    event: StudyEvent
    reader: str
    is_pseudonym: bool
    is_compared: bool


def read_table(
    rows: Iterable[ReadRow],
    slides: Callable[[Item], Slide],
    traits: Callable[[Slide], Mapping[str, str | None]],
    more: tuple[Column, ...] = (),
) -> ReadTable:
    """Lay rows under one header.

    Args: traits: what may be told of where a slide comes from. more: columns after those that every such table has.
    """
    of_read = (*_OF_READ, *more)
    found = [(row, slides(row.item)) for row in rows]
    told = {slide.slide_id: traits(slide) for _, slide in found}
    further = tuple(
        name for name in dict.fromkeys(name for one in told.values() for name in one) if name not in _ORIGIN
    )
    columns = (*_OF_ITEM, *((_free(name), str) for name in further), *of_read)
    laid = (
        (
            *_of_item(row.item, slide, told[slide.slide_id]),
            *(told[slide.slide_id].get(name) for name in further),
            *(row.cells.get(name) for name, _ in of_read),
        )
        for row, slide in found
    )
    return ReadTable(columns=columns, rows=tuple(laid))


def step_rows(study: StudyVersion, steps: Iterable[SignedStep]) -> Iterator[ReadRow]:
    """Give a row for each signed step of a study."""
    for step in steps:
        if step.event.kind in _SIGNED:
            yield ReadRow(item=Item(slide_id=step.entry.slide_id), cells=_of_step(study, step))


def outside_rows(reads: Iterable[Read], printed: Mapping[ReaderId, str]) -> Iterator[ReadRow]:
    """Give a row for each standing read outside of studies."""
    for read in reads:
        cells: dict[str, Cell] = {
            "reader": printed[read.reader_id],
            "mode": read.sight.mode,
            "read_no": 1,
            "step": EventKind.FINAL_READ.value,
            "is_repeat": "no",
            "disposition": read.disposition.value,
            "stage": None if read.stage is None or not read.disposition.counts else read.stage.value,
            "is_compared": _yes(read.disposition.counts and read.stage is not None),
            "confidence": read.confidence,
            "comment": read.comment,
            "call_shown": None if read.sight.call is None else read.sight.call.value,
            "model_run": read.sight.model_run,
            "signed_at": read.read_at.isoformat(timespec="milliseconds"),
        }
        yield ReadRow(item=read.item, cells=cells)


def call_rows(
    ratings: Ratings, items: Mapping[str, Item], run_of: Callable[[Item], Run | None], study: str | None = None
) -> Iterator[ReadRow]:
    """Give a row for each call of the model that the ratings hold."""
    if ratings.model_reader is None:
        return
    for name, stage in zip(ratings.items, ratings.column(ratings.model_reader).tolist(), strict=True):
        if stage == MISSING:
            continue
        run = run_of(items[name])
        cells: dict[str, Cell] = {
            "study": study,
            "reader": ratings.model_reader,
            "mode": None if run is None else run.mode.value,
            "read_no": 1,
            "step": CALL_STEP,
            "is_repeat": "no",
            "stage": ratings.scale.labels[stage],
            "is_compared": "yes",
            "model_run": None if run is None else run.run_id,
            "signed_at": None if run is None else run.finished_at.isoformat(timespec="milliseconds"),
        }
        yield ReadRow(item=items[name], cells=cells)


def _of_step(study: StudyVersion, step: SignedStep) -> dict[str, Cell]:
    entry, event, seen = step.entry, step.event, step.event.seen
    whole = not step.is_pseudonym
    return {
        "study": study.protocol.name,
        "protocol_version": event.version,
        "guide_version": event.guide_version,
        "reader": step.reader,
        "mode": study.protocol.mode.value,
        "read_no": entry.pass_number,
        "step": event.kind.value,
        "is_repeat": _yes(entry.is_repeat),
        "stage": event.stage,
        "is_compared": _yes(step.is_compared),
        "confidence": event.confidence,
        "comment": event.comment if whole else None,
        "reason_code": event.reason_code.name.lower() if event.reason_code else None,
        "reason": event.reason if whole else None,
        "call_shown": seen.call,
        "model_run": seen.model_run,
        "coverage": seen.coverage,
        "active_s": event.active_s,
        "signed_at": event.happened_at.isoformat(timespec="milliseconds"),
        "signed_sha256": event.signature.signed_sha256 if event.signature and whole else None,
        "printed_name": event.signature.printed_name if event.signature and whole else None,
    }


def _of_item(item: Item, slide: Slide, told: Mapping[str, str | None]) -> tuple[Cell, ...]:
    return (
        item_name(item, slide),
        slide.slide_id,
        slide.name,
        item.patch_index,
        item.recipe_hash,
        slide.provenance.subject,
        *(told.get(name) for name in _ORIGIN),
    )


def _free(name: str) -> str:
    """Give a column's name that none of ours has."""
    plain = name.replace(" ", "_")
    return f"{plain}_as_stated" if plain in _NAMES else plain


def _yes(statement: bool) -> str:
    return "yes" if statement else "no"
