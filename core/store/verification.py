"""Whether the store is as it was written: the chain holds, and every row hashes to what its entry recorded.

Covered: an entry or a row that was changed, added, removed or moved, and a trigger that was taken away.
Not covered: a tail that was cut off whole, rows and entries alike (only a head hash kept elsewhere shows it), and
the queue of jobs and the drafts of reads, which are no records.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from core.domain.errors import AuditBroken
from core.store import audit
from core.store.audit import AuditEntry
from core.store.connection import Cursor, Database

# Every column there is, by name: a column added later is then covered without a change here.
RECORDED_TABLES = (
    ("reader", "SELECT * FROM reader"),
    ("slide", "SELECT * FROM slide"),
    ("slide_place", "SELECT * FROM slide_place"),
    ("slide_provenance", "SELECT * FROM slide_provenance"),
    ("slide_mpp", "SELECT * FROM slide_mpp"),
    ("refusal", "SELECT * FROM refusal"),
    ("model", "SELECT * FROM model"),
    ("run", "SELECT * FROM run"),
    ("read", "SELECT * FROM read"),
    ("bringing_back", "SELECT * FROM bringing_back"),
    ("region", "SELECT * FROM region"),
    ("preference", "SELECT * FROM preference"),
    ("setting", "SELECT * FROM setting"),
    ("training_set", "SELECT * FROM training_set"),
    ("training_choice", "SELECT * FROM training_choice"),
    ("study_version", "SELECT * FROM study_version"),
    ("study_event", "SELECT * FROM study_event"),
    ("adjudication", "SELECT * FROM adjudication"),
    ("guide_version", "SELECT * FROM guide_version"),
    ("guide_pin", "SELECT * FROM guide_pin"),
    ("fast_mode_event", "SELECT * FROM fast_mode_event"),
    ("model_decision", "SELECT * FROM model_decision"),
    ("training_event", "SELECT * FROM training_event"),
    ("frozen_test", "SELECT * FROM frozen_test"),
    ("examination_event", "SELECT * FROM examination_event"),
    ("frozen_test_margin", "SELECT * FROM frozen_test_margin"),
    ("examination_baseline", "SELECT * FROM examination_baseline"),
    ("model_decision_against", "SELECT * FROM model_decision_against"),
)
_NAMING = ("slide_id", "examination_id", "set_sha256", "entry_id", "study_id", "name", "path")
_UNGUARDED_ON_PURPOSE = ("job", "study_draft", "append_only_guard")


@dataclass(kw_only=True, slots=True)
class _FoundRow:
    table: str
    sha256: str
    name: str


@dataclass(kw_only=True, slots=True)
class _Rows:
    by_sequence: dict[int, list[_FoundRow]] = field(default_factory=lambda: defaultdict(list))


def verify(database: Database, *, earlier_head: str | None = None) -> int:
    """Give the number of entries when everything holds; `earlier_head` must then be one of their hashes.

    Raises: AuditBroken, naming the first entry that does not hold and the row.
    """
    with database.cursor() as cursor:
        cursor.begin()
        try:
            return _verified(cursor, earlier_head)
        finally:
            cursor.rollback()


def _verified(cursor: Cursor, earlier_head: str | None) -> int:
    entries, rows = audit.entries_of(cursor), _rows(cursor)
    previous_hash = audit.GENESIS
    for expected, found in enumerate(entries, start=1):
        problem = _problem_of_entry(found, expected, previous_hash) or _problem_of_rows(
            found, rows.by_sequence.pop(found.sequence, [])
        )
        if problem:
            raise AuditBroken(expected, problem)
        previous_hash = found.entry_hash
    for sequence, strays in sorted(rows.by_sequence.items()):
        raise AuditBroken(sequence, f"{strays[0].name} has no audit entry")
    if earlier_head is not None and earlier_head not in {audit.GENESIS, *(found.entry_hash for found in entries)}:
        raise AuditBroken(len(entries), f"the chain ends here without the earlier head {earlier_head}")
    for table in _unguarded_tables(cursor):
        raise AuditBroken(len(entries), f"the trigger that keeps {table} from being rewritten is gone")
    return len(entries)


def _problem_of_entry(found: AuditEntry, expected: int, previous_hash: str) -> str | None:
    if found.sequence != expected:
        return f"the entry is missing; the next one is {found.sequence}"
    if found.previous_hash != previous_hash:
        return "the entry does not follow the one before it"
    if found.computed_hash() != found.entry_hash:
        return "the entry was changed"
    return None


def _problem_of_rows(found: AuditEntry, rows: list[_FoundRow]) -> str | None:
    recorded = dict(found.rows)
    for row in rows:
        if row.table not in recorded:
            return f"{row.name} is not recorded by it"
        if recorded.pop(row.table) != row.sha256:
            return f"{row.name} was changed after it was written"
    return f"its row of {sorted(recorded)[0]} ({found.subject}) is gone" if recorded else None


def _rows(cursor: Cursor) -> _Rows:
    found = _Rows()
    for table, statement in RECORDED_TABLES:
        cursor.execute(statement)
        names = [column[0] for column in cursor.description or ()]
        while part := cursor.fetchmany(10_000):
            for values in part:
                row = dict(zip(names, values, strict=True))
                key = next((row[name] for name in (f"{table}_id", *_NAMING) if row.get(name)), None)
                found.by_sequence[row["sequence"]].append(
                    _FoundRow(table=table, sha256=audit.row_sha256(row), name=f"{table} row {key}")
                )
    return found


def _unguarded_tables(cursor: Cursor) -> list[str]:
    rows = cursor.execute(
        """
        SELECT tables.table_name
        FROM duckdb_tables() AS tables
        LEFT JOIN duckdb_triggers() AS triggers ON triggers.table_name = tables.table_name
        WHERE NOT tables.internal
        GROUP BY tables.table_name
        HAVING count(DISTINCT triggers.event_manipulation) FILTER (triggers.trigger_name LIKE '%_is_never_%') < 2
        ORDER BY tables.table_name
        """
    ).fetchall()
    return [row[0] for row in rows if row[0] not in _UNGUARDED_ON_PURPOSE]
