"""What the viewer is told of a read in a study: the step that is due, what it asks for, and nothing that is masked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.people import Reader
from core.domain.protocols import BelowCoverage, Mask, Protocol, Scheme, StudyMode
from core.domain.slides import Slide
from core.domain.stages import STAGES
from core.domain.studies import Entry, EntryState, ReasonCode, StudyEvent
from core.review.study_reading import OpenRead

_FIVE_WORDS = {"1": "perisinusoidal, or portal or periportal, fibrosis (1a, 1b or 1c)"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """The entry that comes next in the list, to be fetched while this one is read. `draft` as it was kept, or None."""

    entry: Entry
    draft: dict[str, object] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyView:
    """A read as its reader finds it: the slide, how far the list is, and what comes next (None: nothing)."""

    reader: Reader
    found: OpenRead
    slide: Slide
    n_signed: int
    n_entries: int
    ahead: Ahead | None

    def to_plain(self) -> dict[str, object]:
        """Give it as the viewer takes it. `call` is there from the reveal on alone."""
        found, protocol = self.found, self.found.protocol
        reveal = found.reveal
        return {
            "entry": found.entry.entry_id,
            "title": title_of(found, self.slide),
            "study": protocol.name,
            "step": _step(found),
            "is_informed": protocol.mode is StudyMode.INFORMED,
            "hidden": _hidden(found),
            "facts": facts_of(protocol, self.slide),
            "stages": scheme_stages(protocol.scheme),
            "is_revealed": reveal is not None,
            "call": None if reveal is None else reveal.seen.call,
            "first": _signed(found.first),
            "standing": _signed(found.standing),
            "may_defer": found.state is EntryState.IN_PROGRESS,
            "asks": _asks(protocol),
            "reasons": [{"code": code.name.lower(), "words": code.value} for code in ReasonCode],
            "printed_name": self.reader.name,
            "n_signed": self.n_signed,
            "n_entries": self.n_entries,
            "draft": draft_of(found),
            "next": None if self.ahead is None else self.ahead.entry.entry_id,
            "next_view": None if self.ahead is None or self.ahead.draft is None else self.ahead.draft.get("view"),
        }


def title_of(found: OpenRead, slide: Slide) -> str:
    """Give the name that the reader may see."""
    return found.entry.alias if Mask.FILE_NAME in found.protocol.masked else slide.name


def facts_of(protocol: Protocol, slide: Slide) -> list[list[str]]:
    """Give group and dose where they are stated and not masked."""
    dose = dict(slide.provenance.further).get("dose")
    told = ((Mask.GROUP, "Group", slide.provenance.group), (Mask.DOSE, "Dose", dose))
    return [[words, value] for mask, words, value in told if value and mask not in protocol.masked]


def scheme_stages(scheme: Scheme) -> list[dict[str, str]]:
    """Give the stages of a scheme with colour and wording; the seven's own wording where a stage is one of them."""
    firsts = {scheme.of(stage): stage for stage in reversed(STAGES)}
    return [
        {
            "name": name,
            "colour": firsts[name].colour,
            "description": _FIVE_WORDS.get(name, firsts[name].description),
        }
        for name in scheme.stages
    ]


def draft_of(found: OpenRead) -> dict[str, object] | None:
    """Give what was entered and not signed, or None."""
    if found.draft is None:
        return None
    content: dict[str, object] = json.loads(found.draft.content_json)
    return content


def of_list(found: OpenRead, entries: Iterable[OpenRead]) -> list[OpenRead]:
    """Give the entries of the same study and pass."""
    entry = found.entry
    return [
        one for one in entries if one.entry.study_id == entry.study_id and one.entry.pass_number == entry.pass_number
    ]


def _step(found: OpenRead) -> str:
    if found.state is EntryState.SIGNED:
        return "signed"
    is_first = found.protocol.mode is StudyMode.MASKED_FIRST and found.first is None
    return "first" if is_first else "final"


def _hidden(found: OpenRead) -> list[str]:
    """Say what is hidden now, in the order of the protocol's words; the model no longer once it is revealed."""
    masked = found.protocol.masked - ({Mask.MODEL} if found.reveal is not None else set())
    return [mask.value for mask in Mask if mask in masked]


def _asks(protocol: Protocol) -> dict[str, object]:
    complete = protocol.completeness
    return {
        "confidence": complete.needs_confidence,
        "comment": complete.needs_comment,
        "coverage": complete.coverage,
        "refuses": complete.below_coverage is BelowCoverage.REFUSE,
    }


def _signed(event: StudyEvent | None) -> dict[str, object] | None:
    """Give a signed step as its reader may read it again."""
    if event is None or event.signature is None:
        return None
    return {
        "event_id": event.event_id,
        "kind": event.kind.value,
        "stage": event.stage,
        "confidence": event.confidence,
        "comment": event.comment,
        "reason": event.reason_code.value if event.reason_code else None,
        "reason_words": event.reason,
        "printed_name": event.signature.printed_name,
        "meaning": event.signature.meaning.value,
        "signed_at": f"{event.signature.signed_at:%Y-%m-%d %H:%M} UTC",
        "sha256": event.signature.signed_sha256,
    }
