"""Everything about one agreement report in one ZIP: numbers, reads, HTML, PDF, and a checksum for each."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from core.agreement.bootstrap import Progress, unheard
from core.agreement.measurement_report import MeasurementReport
from core.agreement.measurements import Measurements
from core.agreement.ratings import Ratings
from core.agreement.read_table import Cell, ReadTable, subject_of
from core.agreement.report import AgreementReport
from core.agreement.report_csv import measurement_csv, report_csv
from core.domain.tables import escaped_cell
from core.reporting.document import Document
from core.reporting.html import as_html
from core.reporting.pdf import as_pdf
from core.reporting.report_files import HTML_NAME, PDF_NAME, ReportFiles

_MEASURES = ("item_id", "subject_id", "by", "value", "measure", "unit")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """What a report was made of: the ratings, every read behind them, and continuous measures of their items."""

    ratings: Ratings
    reads: ReadTable
    measures: Sequence[Measurements] = ()


def report_files(
    behind: Behind, report: AgreementReport, document: Document, progress: Progress = unheard
) -> ReportFiles:
    """Write all three; equal reads and report give equal bytes in every file of the ZIP but the HTML and the PDF."""
    html = as_html(document).encode()
    progress(0.4)
    pdf = as_pdf(document)
    progress(0.9)
    numbers = {**_agreement_files(behind, report), **measure_files(behind.measures)}
    return ReportFiles(html=html, pdf=pdf, packed=_packed({**numbers, HTML_NAME: html, PDF_NAME: pdf}))


def measurement_files(measured: Measurements, report: MeasurementReport, document: Document) -> ReportFiles:
    """Write the report on a continuous measure, in the same three forms."""
    html, pdf = as_html(document).encode(), as_pdf(document)
    numbers = {"agreement.json": report.to_json().encode(), "numbers.csv": measurement_csv(report).encode()}
    files = {**numbers, HTML_NAME: html, PDF_NAME: pdf}
    return ReportFiles(html=html, pdf=pdf, packed=_packed(files | measure_files((measured,))))


def measure_files(measures: Sequence[Measurements]) -> dict[str, bytes]:
    """Write each measure in long form, as `fibroread agreement --continuous UNIT --reader by --stage value` reads."""
    named = [f"measures_{number}.csv" for number in range(1, len(measures) + 1)]
    return {name: _csv(_MEASURES, _measured(one)).encode() for name, one in zip(named, measures, strict=True)}


def _measured(measured: Measurements) -> Iterator[list[str]]:
    for row, item in enumerate(measured.items):
        subject = measured.subjects[row] if measured.subjects_known or measured.subjects[row] != item else ""
        for column, by in enumerate(measured.readers):
            value = float(measured.values[row, column])
            if not math.isnan(value):
                yield [item, subject, by, repr(value), measured.name, measured.unit]


def _agreement_files(behind: Behind, report: AgreementReport) -> dict[str, bytes]:
    return {
        "agreement.json": report.to_json().encode(),
        "numbers.csv": report_csv(report).encode(),
        "reads.csv": long_csv(behind.reads).encode(),
        "reads.parquet": parquet(behind.reads),
        "reads_wide.csv": wide_csv(behind.ratings).encode(),
        "reads_wide.parquet": wide_parquet(behind.ratings),
    }


def _packed(files: dict[str, bytes]) -> bytes:
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    files = {**files, "SHA256SUMS": sums.encode()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def long_csv(reads: ReadTable) -> str:
    """Write a row for each read, as `fibroread agreement` takes it; the model is a reader. Formulas are escaped."""
    return _csv(reads.header, ([_text(cell) for cell in row] for row in reads.rows))


def wide_csv(ratings: Ratings) -> str:
    """Write a row for each item and a column for each reader, blank where the read is missing."""
    header, rows = _wide(ratings)
    return _csv(header, ([_text(cell) for cell in row] for row in rows))


def parquet(reads: ReadTable) -> bytes:
    """Write the rows of `long_csv` as Parquet, typed, text as it is."""
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    cells = list(zip(*reads.rows, strict=True)) or [()] * len(reads.columns)
    columns = {name: pa.array(of, kinds[kind]) for (name, kind), of in zip(reads.columns, cells, strict=True)}
    packed = io.BytesIO()
    pq.write_table(pa.table(columns), packed)
    return packed.getvalue()


def wide_parquet(ratings: Ratings) -> bytes:
    """Write the rows of `wide_csv` as Parquet."""
    header, rows = _wide(ratings)
    return parquet(ReadTable(columns=tuple((name, str) for name in header), rows=tuple(rows)))


def _wide(ratings: Ratings) -> tuple[tuple[str, ...], Iterator[tuple[Cell, ...]]]:
    labels = (*ratings.scale.labels, None)  # MISSING is -1, the last
    rows = (
        (item, subject_of(ratings, row), *(labels[stage] for stage in ratings.stages[row]))
        for row, item in enumerate(ratings.items)
    )
    readers = (f"{name} (reader)" if name in ("item_id", "subject_id") else name for name in ratings.readers)
    return ("item_id", "subject_id", *readers), rows


def _text(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)


def _csv(header: tuple[str, ...], rows: Iterator[list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escaped_cell(name) for name in header])
    writer.writerows([escaped_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
