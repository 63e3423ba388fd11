"""A study's reads and consensus as tables: one row for each signed read, one for each slide."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from core.domain.people import ReaderId
from core.domain.slides import Slide, SlideId
from core.domain.studies import Entry, EventKind, StudyEvent, StudyId
from core.domain.tables import escaped_cell
from core.review.adjudication import Cases
from core.review.roster import Roster

_SIGNED = (EventKind.FIRST_READ, EventKind.FINAL_READ, EventKind.AMENDMENT)
_READS = (
    "item_id",
    "slide",
    "subject_id",
    "site",
    "reader",
    "mode",
    "read_no",
    "step",
    "is_repeat",
    "stage",
    "confidence",
    "comment",
    "reason_code",
    "reason",
    "call_shown",
    "model_run",
    "coverage",
    "active_s",
    "signed_at",
    "printed_name",
    "signed_sha256",
    "protocol_version",
    "guide_version",
)
_CONSENSUS = ("item_id", "slide", "subject_id", "site", "n_reads", "stage", "rule", "settled_by", "reason")


def reads_csv(roster: Roster, study_id: StudyId, slides: Mapping[SlideId, Slide], names: Mapping[ReaderId, str]) -> str:
    """Write every signed step of a study in long form, UTC instants, by reader and position.

    `read_no` is the pass, and `step` which of the pass's reads it is. Args: names: how each reader is printed.
    """
    return _table(_READS, _read_rows(roster, study_id, slides, names))


def consensus_csv(roster: Roster, cases: Cases, study_id: StudyId, slides: Mapping[SlideId, Slide]) -> str:
    """Write the stage that stands for each slide, with its rule; the stage is empty while there is none."""
    return _table(_CONSENSUS, _consensus_rows(roster, cases, study_id, slides))


def _read_rows(
    roster: Roster, study_id: StudyId, slides: Mapping[SlideId, Slide], names: Mapping[ReaderId, str]
) -> Iterator[list[object]]:
    mode = roster.protocol(study_id).mode.value
    for entry in roster.entries(study_id):
        for event in roster.events(entry):
            if event.kind in _SIGNED:
                yield [
                    *_item(slides[entry.slide_id]),
                    names.get(entry.reader_id, entry.reader_id),
                    mode,
                    *_read(entry, event),
                ]


def _item(slide: Slide) -> list[object]:
    return [slide.slide_id, slide.name, slide.provenance.subject, slide.provenance.site]


def _read(entry: Entry, event: StudyEvent) -> list[object]:
    seen, signature = event.seen, event.signature
    return [
        entry.pass_number,
        event.kind.value,
        "yes" if entry.is_repeat else "no",
        event.stage,
        event.confidence,
        event.comment,
        event.reason_code.name.lower() if event.reason_code else None,
        event.reason,
        seen.call,
        seen.model_run,
        seen.coverage,
        event.active_s,
        event.happened_at.isoformat(timespec="milliseconds"),
        signature.printed_name if signature else None,
        signature.signed_sha256 if signature else None,
        event.version,
        event.guide_version,
    ]


def _consensus_rows(
    roster: Roster, cases: Cases, study_id: StudyId, slides: Mapping[SlideId, Slide]
) -> Iterator[list[object]]:
    reads = cases.complete_reads(study_id)
    for slide_id in roster.protocol(study_id).slides:
        consensus = cases.consensus(study_id, slide_id)
        settling = cases.settlings(study_id, slide_id)
        yield [
            *_item(slides[slide_id]),
            len(reads.get(slide_id, ())),
            consensus.stage if consensus else None,
            consensus.rule.value if consensus else None,
            settling[-1].signature.printed_name if settling else None,
            settling[-1].reason if settling else None,
        ]


def _table(header: tuple[str, ...], rows: Iterable[list[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return escaped_cell(value) if isinstance(value, str) else value
