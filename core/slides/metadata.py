"""The table that says where each section comes from: subject, site, stain batch, scanner, group."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import BadTable
from core.domain.slides import Provenance, SlideId

_FILE_NAMES = ("file", "filename", "file_name", "slide")
_SUBJECT_NAMES = ("subject", "subject_id", "animal", "animal_id")
_KNOWN = {"site": "site", "stain_batch": "stain_batch", "scanner": "scanner", "group": "group"}
_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataRow:
    """One line of the table; `file` is the name as the person wrote it."""

    line: int
    file: str
    provenance: Provenance


def read_metadata(table: Path) -> tuple[MetadataRow, ...]:
    """Read the table. Raises: BadTable naming every row without a file or a subject, and every file named twice."""
    columns, records = _records(table)
    file_column = _column(table, columns, _FILE_NAMES)
    subject_column = _column(table, columns, _SUBJECT_NAMES)
    rows, problems = [], []
    for line, record in records:
        file = record[file_column]
        if not file:
            problems.append(f"line {line}: no file is named")
        elif not record[subject_column]:
            problems.append(f"line {line}: {file} has no subject")
        rows.append(MetadataRow(line=line, file=file, provenance=_provenance(record, file_column, subject_column)))
    named = Counter(row.file for row in rows if row.file)
    problems += [f"line {row.line}: {row.file} is named {named[row.file]} times" for row in rows if named[row.file] > 1]
    _refuse(table, problems)
    return tuple(rows)


def match(
    table: Path, rows: Sequence[MetadataRow], folder: Path, identities: Mapping[Path, SlideId]
) -> dict[SlideId, Provenance]:
    """Give each slide its row, found by the path within the folder, the file's name, or its name without extension.

    Args: identities: who each file of the folder is, by content.
    Raises: BadTable naming every unknown or ambiguous file and every slide with two rows, also two names of one.
    """
    by_name: dict[str, list[Path]] = {}
    for path in identities:
        for name in dict.fromkeys((path.relative_to(folder).as_posix(), path.name, path.stem)):
            by_name.setdefault(name, []).append(path)
    matched: dict[SlideId, MetadataRow] = {}
    problems = []
    for row in rows:
        slide_ids = {identities[path] for path in by_name.get(row.file.replace("\\", "/"), ())}
        if len(slide_ids) != 1:
            why = "names several different files" if slide_ids else "is not in the folder"
            problems.append(f"line {row.line}: {row.file} {why}")
            continue
        earlier = matched.setdefault(slide_ids.pop(), row)
        if earlier is not row:
            problems.append(f"line {row.line}: {row.file} is the same slide as {earlier.file} of line {earlier.line}")
    _refuse(table, problems)
    return {slide_id: row.provenance for slide_id, row in matched.items()}


def _records(table: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except OSError as error:
        raise BadTable(table, f"cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadTable(table, f"is no CSV table in UTF-8 ({error})") from error
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    problems = [f"line 1: two columns are called '{name}'" for name in repeated]
    problems += [
        f"line {line}: {len(cells)} cells where the header has {len(columns)}"
        for line, cells in rows
        if len(cells) != len(columns)
    ]
    _refuse(table, problems)
    return columns, [(line, dict(zip(columns, cells, strict=True))) for line, cells in rows]


def _column(table: Path, columns: Sequence[str], names: Sequence[str]) -> str:
    for column in columns:
        if column.lower().replace(" ", "_") in names:
            return column
    raise BadTable(table, f"the column '{names[0]}' is missing", line=1)


def _provenance(record: Mapping[str, str], file_column: str, subject_column: str) -> Provenance:
    known: dict[str, str] = {}
    further = []
    for column, value in record.items():
        field = _KNOWN.get(column.lower().replace(" ", "_"))
        if field is not None:
            known[field] = value
        elif column and column not in (file_column, subject_column) and value:
            further.append((column, value))
    return Provenance(
        subject=record[subject_column] or None,
        site=known.get("site") or None,
        stain_batch=known.get("stain_batch") or None,
        scanner=known.get("scanner") or None,
        group=known.get("group") or None,
        further=tuple(further),
    )


def _refuse(table: Path, problems: Sequence[str]) -> None:
    if not problems:
        return
    named = "; ".join(problems[:_MOST_NAMED])
    more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
    raise BadTable(table, f"{named}{more}. Nothing was imported.")
