"""Finished agreement reports and their files, kept in the data folder over a restart of the app.

Each lies under the hash of everything that it was made of; the code that makes it, and the versions that it is made
with, are part of the name, so that an update of either makes it anew.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from core.record_json import from_json, to_json
from core.reporting.report_files import ReportFiles, unpacked
from core.shelf import Shelf
from core.side_work import Keeping

if TYPE_CHECKING:
    from core.agreement.report import AgreementReport

_MADE_BY = ("agreement", "reporting", "review/compared_reads.py", "review/comparing.py", "record_json.py")
_MADE_WITH = ("fibroread", "numpy", "scipy", "altair", "vl-convert-python", "typst", "jinja2", "pyarrow")
_CODE = {".py", ".j2", ".typ", ".json"}
_MOST_REPORTS, _MOST_REPORT_BYTES = 64, 64 << 20
_MOST_FILES, _MOST_FILE_BYTES = 24, 192 << 20


def kept_reports(folder: Path) -> Keeping[AgreementReport]:
    """Keep reports, 64 of them and 64 MiB at most."""
    shelf = Shelf(folder / "numbers", made_form(), most=_MOST_REPORTS, most_bytes=_MOST_REPORT_BYTES)
    return Keeping(shelf=shelf, write=to_json, read=_report)


def kept_files(folder: Path) -> Keeping[ReportFiles]:
    """Keep what was typeset, 24 reports and 192 MiB at most."""
    shelf = Shelf(folder / "files", made_form(), most=_MOST_FILES, most_bytes=_MOST_FILE_BYTES)
    return Keeping(shelf=shelf, write=lambda files: files.packed, read=unpacked)


@cache
def made_form() -> str:
    """Hash the code that makes reports and the versions that it makes them with."""
    digest, core = hashlib.sha256(platform.python_version().encode()), Path(__file__).parent
    for name in _MADE_WITH:
        digest.update(f"{name} {next((one.version for one in distributions(name=name)), '')}\n".encode())
    for part in _MADE_BY:
        path = core / part
        for file in sorted(one for one in (path.rglob("*") if path.is_dir() else [path]) if one.suffix in _CODE):
            digest.update(file.relative_to(core).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _report(stored: bytes) -> AgreementReport:
    from core.agreement.report import AgreementReport  # with what computes: a second at the start of the app

    return from_json(AgreementReport, stored)
