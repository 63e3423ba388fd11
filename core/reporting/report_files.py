"""What a report is for people: HTML, PDF, and the ZIP of both with the numbers; read again out of the ZIP alone."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

HTML_NAME, PDF_NAME = "report.html", "report.pdf"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFiles:
    """A report for people as HTML and PDF, and the ZIP (`packed`) of both with the numbers, the reads and checksums."""

    html: bytes
    pdf: bytes
    packed: bytes


def unpacked(packed: bytes) -> ReportFiles:
    """Give the files out of their ZIP. Raises ValueError for bytes that are no such ZIP."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(packed))
        return ReportFiles(html=archive.read(HTML_NAME), pdf=archive.read(PDF_NAME), packed=packed)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"this is no ZIP of a report: {error}") from error
