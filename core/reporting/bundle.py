"""Everything about one agreement report in one ZIP: numbers, reads, HTML, PDF, and a checksum for each."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from core.agreement.bootstrap import Progress, unheard
from core.agreement.ratings import MISSING, Ratings
from core.agreement.report import AgreementReport
from core.agreement.report_csv import report_csv
from core.domain.tables import escaped_cell
from core.reporting.document import Document
from core.reporting.html import as_html
from core.reporting.pdf import as_pdf

_LONG = ("item_id", "subject_id", "reader", "stage")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFiles:
    """A report for people as HTML and PDF, and the ZIP (`packed`) of both with the numbers, the reads and checksums."""

    html: bytes
    pdf: bytes
    packed: bytes


def report_files(
    ratings: Ratings, report: AgreementReport, document: Document, progress: Progress = unheard
) -> ReportFiles:
    """Write all three; equal ratings and report give equal bytes in every file of the ZIP but the HTML and the PDF."""
    html = as_html(document).encode()
    progress(0.4)
    pdf = as_pdf(document)
    progress(0.9)
    return ReportFiles(html=html, pdf=pdf, packed=_packed(ratings, report, html, pdf))


def _packed(ratings: Ratings, report: AgreementReport, html: bytes, pdf: bytes) -> bytes:
    files: dict[str, bytes] = {
        "agreement.json": report.to_json().encode(),
        "numbers.csv": report_csv(report).encode(),
        "reads.csv": long_csv(ratings).encode(),
        "reads.parquet": long_parquet(ratings),
        "reads_wide.csv": wide_csv(ratings).encode(),
        "report.html": html,
        "report.pdf": pdf,
    }
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def long_csv(ratings: Ratings) -> str:
    """Write a row for each read, as `fibroread agreement` takes it; the model is a reader. Formulas are escaped."""
    return _csv(_LONG, _reads(ratings))


def wide_csv(ratings: Ratings) -> str:
    """Write a row for each item and a column for each reader, blank where the read is missing."""
    labels = (*ratings.scale.labels, "")  # MISSING is -1, the last
    rows = (
        [item, _subject(ratings, row), *(labels[stage] for stage in ratings.stages[row])]
        for row, item in enumerate(ratings.items)
    )
    return _csv(("item_id", "subject_id", *ratings.readers), rows)


def long_parquet(ratings: Ratings) -> bytes:
    """Write the rows of `long_csv` as Parquet, text as it is."""
    columns = list(zip(*_reads(ratings), strict=True)) or [()] * len(_LONG)
    table = pa.table({name: pa.array(column, pa.string()) for name, column in zip(_LONG, columns, strict=True)})
    packed = io.BytesIO()
    pq.write_table(table, packed)
    return packed.getvalue()


def _reads(ratings: Ratings) -> Iterator[list[str]]:
    for row, item in enumerate(ratings.items):
        for column, reader in enumerate(ratings.readers):
            stage = ratings.stages[row, column]
            if stage != MISSING:
                yield [item, _subject(ratings, row), reader, ratings.scale.labels[stage]]


def _subject(ratings: Ratings, row: int) -> str:
    return ratings.subjects[row] if ratings.subjects_known or ratings.subjects[row] != ratings.items[row] else ""


def _csv(header: tuple[str, ...], rows: Iterator[list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escaped_cell(name) for name in header])
    writer.writerows([escaped_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
