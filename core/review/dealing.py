"""Dealing: which slides each reader of a study gets, in which order, and which of them come a second time.

Lists are computed from the study's versions, never stored: the same versions deal the same lists. Order comes from
SHA-256 of the seed and the names, so that no library's random numbers can change a list that is being read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.people import ReaderId
from core.domain.protocols import Protocol, ReadingOrder
from core.domain.slides import SlideId
from core.domain.studies import Entry, EntryId, StudyVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    slide_id: SlideId
    is_repeat: bool


def deal(versions: Sequence[StudyVersion]) -> tuple[Entry, ...]:
    """Give every entry of a study as its last version has it, by reader, pass and position.

    A later version keeps the places of slides that stay, drops those of slides and readers that left, and puts new
    slides after them. Args: versions: all of one study, earliest first.
    """
    if not versions:
        return ()
    last = versions[-1].protocol
    passes = range(1, last.n_passes + 1)
    return tuple(entry for reader in last.readers for number in passes for entry in _list_of(versions, reader, number))


def _list_of(versions: Sequence[StudyVersion], reader_id: ReaderId, pass_number: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    n_dealt = 0
    for version in versions:
        protocol = version.protocol
        if reader_id not in protocol.readers or pass_number > protocol.n_passes:
            continue
        entries = [entry for entry in entries if entry.slide_id in protocol.slides]
        known = {entry.slide_id for entry in entries}
        fresh = tuple(slide for slide in protocol.slides if slide not in known)
        salt = f"{version.study_id}|{version.number}|{protocol.seed}|{reader_id}|{pass_number}"
        places = _with_repeats(_ordered(protocol, fresh, salt), protocol, salt)
        entries += [
            Entry(
                entry_id=_entry_id(salt, place),
                study_id=version.study_id,
                version=version.number,
                reader_id=reader_id,
                slide_id=place.slide_id,
                pass_number=pass_number,
                position=n_dealt + number,
                is_repeat=place.is_repeat,
            )
            for number, place in enumerate(places, start=1)
        ]
        n_dealt += len(places)
    return tuple(entries)


def _ordered(protocol: Protocol, slides: tuple[SlideId, ...], salt: str) -> list[SlideId]:
    if protocol.order is ReadingOrder.FIXED:
        return list(slides)
    return sorted(slides, key=lambda slide: _draw(f"{salt}|order|{slide}"))


def _with_repeats(slides: list[SlideId], protocol: Protocol, salt: str) -> list[_Place]:
    """Put the hidden repeats in: the slides drawn for it, each at least `distance` places after its first coming.

    Only slides that leave room behind them are drawn; with too few of those there are fewer repeats.
    """
    distance = protocol.repeats.distance
    n_wanted = math.ceil(protocol.repeats.fraction * len(slides))
    with_room = slides[: max(len(slides) - distance + 1, 0)]
    drawn = sorted(with_room, key=lambda slide: _draw(f"{salt}|repeat|{slide}"))[:n_wanted]
    places = [_Place(slide_id=slide, is_repeat=False) for slide in slides]
    for slide in sorted(drawn, key=slides.index):
        first = places.index(_Place(slide_id=slide, is_repeat=False)) + distance
        span = len(places) - first + 1
        at = first + _draw(f"{salt}|place|{slide}") % span
        places.insert(at, _Place(slide_id=slide, is_repeat=True))
    return places


def _entry_id(salt: str, place: _Place) -> EntryId:
    named = f"entry-1|{salt}|{place.slide_id}|{place.is_repeat}"
    return EntryId(hashlib.sha256(named.encode()).hexdigest()[:32])


def _draw(named: str) -> int:
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big")
