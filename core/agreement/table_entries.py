"""The rows of a long table as entries, with the columns that a study's reads are written with.

`fibroread study reads` writes `step`, `read_no` (the pass), `is_repeat`, `call_shown` and `active_s`, and a report's
ZIP beside them the model's calls as a step of their own. A table without these columns is a plain one: each row is a
read, and a further read of an item by its reader repeats the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.agreement.csv_table import CsvTable
from core.agreement.entries import EntryRead
from core.agreement.repeats import RepeatKind
from core.domain.errors import BadTable
from core.domain.studies import EventKind

STUDY_COLUMNS = ("step", "read_no", "is_repeat", "call_shown", "active_s")
CALL_STEP = "call"
"""The step of a row that is no read but a model's call."""
_STEPS = (EventKind.FIRST_READ.value, EventKind.FINAL_READ.value, EventKind.AMENDMENT.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRead:
    """One row: a stage (None: missing) of an item by a reader, with its line and the row's cells."""

    item: str
    subject: str | None
    reader: str
    stage: str | None
    line: int
    row: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _StepRead:
    read: TableRead
    step: str
    pass_number: int
    is_repeat: bool
    call: str | None
    active_s: float | None

    @property
    def entry(self) -> tuple[str, str, int, bool]:
        return self.read.item, self.read.reader, self.pass_number, self.is_repeat


def table_entries(table: CsvTable, reads: Sequence[TableRead]) -> tuple[EntryRead, ...]:
    """Gather rows to entries, in the order of their first rows. Raises BadTable for a cell that tells nothing."""
    if "step" not in table.header:
        return _plain_entries(table, reads)
    steps: dict[tuple[str, str, int, bool], dict[str, _StepRead]] = {}
    for read in reads:
        found = _step_read(table, read)
        of_entry = steps.setdefault(found.entry, {})
        if found.step in of_entry and found.step != EventKind.AMENDMENT.value:
            problem = f"{read.reader}'s {found.step} of item '{read.item}' stands already in line "
            raise BadTable(table.path, f"{problem}{of_entry[found.step].read.line}", line=read.line, column="step")
        of_entry[found.step] = found  # of several amendments the last stands
    return tuple(_study_entry(list(of_entry.values())) for of_entry in steps.values())


def calling_reader(table: CsvTable, reads: Sequence[TableRead]) -> str | None:
    """Give the reader whose rows are calls, None where there is none. Raises BadTable for several."""
    if "step" not in table.header:
        return None
    callers = dict.fromkeys(read.reader for read in reads if _cell(table, read, "step") == CALL_STEP)
    if len(callers) > 1:
        problem = f"there are calls of {' and '.join(callers)}; take one model's at a time"
        raise BadTable(table.path, problem, column="step")
    return next(iter(callers), None)


def _plain_entries(table: CsvTable, reads: Sequence[TableRead]) -> tuple[EntryRead, ...]:
    seen: set[tuple[str, str, int]] = set()
    entries = []
    for read in reads:
        pass_number, is_repeat = _pass_number(table, read), _is_repeat(table, read)
        key = read.item, read.reader, pass_number
        kind = RepeatKind.LATER_PASS if pass_number > 1 else None
        if is_repeat:
            kind = RepeatKind.HIDDEN
        elif key in seen:
            kind = RepeatKind.FURTHER
        if read.stage is not None and not is_repeat:
            seen.add(key)
        entries.append(
            EntryRead(
                item=read.item,
                subject=read.subject,
                reader=read.reader,
                standing=read.stage,
                pass_number=pass_number,
                kind=kind,
            )
        )
    return tuple(entries)


def _study_entry(steps: Sequence[_StepRead]) -> EntryRead:
    by_step = {one.step: one for one in steps}
    first, final, amended = (by_step.get(step) for step in _STEPS)
    called = by_step.get(CALL_STEP)
    stands = amended or final or called
    first = first or called
    one = steps[0]
    kind = RepeatKind.HIDDEN if one.is_repeat else RepeatKind.LATER_PASS if one.pass_number > 1 else None
    return EntryRead(
        item=one.read.item,
        subject=one.read.subject,
        reader=one.read.reader,
        standing=stands.read.stage if stands else None,
        first=first.read.stage if first else None,
        call=final.call if final else None,
        final=final.read.stage if final else None,
        first_s=first.active_s if first else None,
        final_s=final.active_s if final else None,
        pass_number=one.pass_number,
        kind=kind,
    )


def _step_read(table: CsvTable, read: TableRead) -> _StepRead:
    step = _cell(table, read, "step")
    if step not in (*_STEPS, CALL_STEP):
        raise BadTable(
            table.path, f"'{step}' is none of {', '.join((*_STEPS, CALL_STEP))}", line=read.line, column="step"
        )
    seconds = _cell(table, read, "active_s")
    try:
        active_s = float(seconds) if seconds else None
    except ValueError as error:
        problem = f"'{seconds}' is no number of seconds"
        raise BadTable(table.path, problem, line=read.line, column="active_s") from error
    return _StepRead(
        read=read,
        step=step,
        pass_number=_pass_number(table, read),
        is_repeat=_is_repeat(table, read),
        call=_cell(table, read, "call_shown") or None,
        active_s=active_s,
    )


def _pass_number(table: CsvTable, read: TableRead) -> int:
    text = _cell(table, read, "read_no") or "1"
    if not text.isdecimal() or int(text) < 1:
        raise BadTable(table.path, f"'{text}' is no pass: 1, 2, ...", line=read.line, column="read_no")
    return int(text)


def _is_repeat(table: CsvTable, read: TableRead) -> bool:
    text = _cell(table, read, "is_repeat").lower() or "no"
    if text not in ("yes", "no"):
        raise BadTable(table.path, f"'{text}' is neither yes nor no", line=read.line, column="is_repeat")
    return text == "yes"


def _cell(table: CsvTable, read: TableRead, column: str) -> str:
    return read.row[table.header.index(column)] if column in table.header else ""
