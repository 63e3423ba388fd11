"""The reads that leave with a report: every signed step and every call, nothing that is masked, readable again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.agreement.assisted import assisted_reads
from core.agreement.csv_table import TableColumns
from core.agreement.entries import Step
from core.agreement.rating_table import read_long_table
from core.agreement.read_table import Cell, ReadTable
from core.domain.people import Reader
from core.domain.protocols import Repeats
from core.domain.studies import EventKind, ReasonCode
from core.reporting.bundle import long_csv
from core.review.comparing import Comparing
from tests.core.review.small_reader_study import ADA, BO, StudyRoom, slide_ids
from tests.core.review.test_comparing import BOTH, MODEL, WHO_LEADS, as_reader, choice, comparing, read_all, room

__all__ = ["comparing", "room"]


def rows_of(table: ReadTable) -> list[dict[str, Cell]]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def rows_for(comparing: Comparing, person: Reader, study: object, **further: object) -> list[dict[str, Cell]]:
    return rows_of(comparing.study_reads(person, choice(study, **further)).reads.table())  # type: ignore[arg-type]


def test_every_signed_step_is_a_row_with_what_surrounds_it(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(1))
    entry = room.only_entry()
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, "2", confidence=3, comment="=cmd", active_s=41.5)
    room.sign(entry, EventKind.FINAL_READ, "1c", active_s=7.0, reason_code=ReasonCode.EXTENT)

    first, final, call = rows_for(comparing, WHO_LEADS, study)

    assert [row["step"] for row in (first, final, call)] == ["first read", "final read", "call"]
    assert [row["is_compared"] for row in (first, final, call)] == ["no", "yes", "yes"]
    assert (first["stage"], first["confidence"], first["comment"], first["active_s"]) == ("2", 3, "=cmd", 41.5)
    assert (first["study"], first["protocol_version"], first["read_no"], first["is_repeat"]) == ("Trial", 1, 1, "no")
    assert (first["site"], first["group"], first["dose"], first["call_shown"]) == ("Lyon", "vehicle", "0", None)
    assert final["call_shown"] == call["stage"] == "1c"
    assert (call["reader"], final["model_run"]) == (MODEL, call["model_run"])
    assert first["signed_sha256"]
    assert str(first["signed_at"]).endswith("+00:00")


def test_a_hidden_repeat_is_marked_and_is_not_compared(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(2), repeats=Repeats(fraction=0.5, distance=1))
    read_all(room, {ADA: "2"})

    finals = [row for row in rows_for(comparing, WHO_LEADS, study) if row["step"] == "final read"]

    assert sorted((row["is_repeat"], row["is_compared"]) for row in finals) == [("no", "yes")] * 2 + [("yes", "no")]


def test_a_reader_of_a_masked_study_is_told_no_name_group_or_comment(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH, slides=slide_ids(1))
    for entry in (*room.roster.of_reader(ADA.reader_id), *room.roster.of_reader(BO.reader_id)):
        who = ADA if entry.reader_id == ADA.reader_id else BO
        room.open(entry, who)
        room.sign(entry, EventKind.FIRST_READ, "2", who, comment=f"by {who.name}")
        room.sign(entry, EventKind.FINAL_READ, "1c", who, reason_code=ReasonCode.EXTENT, reason=f"{who.name} saw")

    rows = rows_for(comparing, as_reader(ADA), study)

    of_bo = [row for row in rows if row["reader"] == "Reader 2"]
    assert {row["reader"] for row in rows} == {"You", "Reader 2", MODEL}
    assert {(row["comment"], row["signed_sha256"], row["reason"]) for row in of_bo} == {(None, None, None)}
    assert "by Ada" in [row["comment"] for row in rows]
    assert {row["group"] for row in rows} == {None}
    assert "dose" not in rows[0]
    assert not any("Bo" in str(cell) for row in rows for cell in row.values())


@pytest.mark.parametrize("step", [Step.STANDING, Step.FIRST])
def test_the_command_reads_the_same_ratings_out_of_the_file(
    room: StudyRoom, comparing: Comparing, tmp_path: Path, step: Step
) -> None:
    study = room.study(readers=BOTH, slides=slide_ids(3), repeats=Repeats(fraction=0.4, distance=1))
    read_all(room, {ADA: "2", BO: "1c"})
    compared = comparing.study_reads(WHO_LEADS, choice(study, step=step))
    path = tmp_path / "reads.csv"
    path.write_text(long_csv(compared.reads.table()), encoding="utf-8")

    found = read_long_table(path, TableColumns(), step=step)
    again = found.ratings

    assert assisted_reads(found.entries) == assisted_reads(compared.entries)
    assert found.repeats == compared.repeats
    assert (again.model_reader, again.items, again.subjects) == (
        MODEL,
        compared.ratings.items,
        compared.ratings.subjects,
    )
    columns = [again.column(reader) for reader in compared.ratings.readers]
    np.testing.assert_array_equal(np.column_stack(columns), compared.ratings.stages)


def test_a_changed_read_is_another_fingerprint(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(1))
    read_all(room, {ADA: "2"})
    before = comparing.study_reads(WHO_LEADS, choice(study)).reads.fingerprint
    assert comparing.study_reads(WHO_LEADS, choice(study)).reads.fingerprint == before

    room.sign(room.only_entry(), EventKind.AMENDMENT, "2", comment="seen again", reason="the comment was missing")

    assert comparing.study_reads(WHO_LEADS, choice(study)).reads.fingerprint != before
