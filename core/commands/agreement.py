"""`fibroread agreement`: how far the readers of a table agree. Needs no workspace."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.agreement.assisted import assisted_reads
from core.agreement.bootstrap import Resampling
from core.agreement.csv_table import TableColumns, read_csv_table
from core.agreement.differences import FIVE_STAGES
from core.agreement.entries import EntryRead, Step
from core.agreement.kappa import ReaderPair
from core.agreement.measurement_report import MeasurementReport, build_measurement_report
from core.agreement.measurement_table import read_measurements
from core.agreement.measurements import Measurements
from core.agreement.probabilities import ReferencedProbabilities, against_consensus, against_stated
from core.agreement.probability_table import read_probabilities
from core.agreement.rating_table import read_long_table, read_wide_table, stated_reference
from core.agreement.ratings import Ratings
from core.agreement.read_table import plain_reads, reads_of_table
from core.agreement.repeats import RepeatedRead
from core.agreement.report import AgreementReport, Beside, build_report
from core.agreement.report_text import measurement_lines, report_lines
from core.agreement.weight_table import read_weights
from core.agreement.weights import Weighting
from core.commands.agreement_options import add_options
from core.domain.errors import NothingToDo

if TYPE_CHECKING:
    from core.reporting.document import Document, Origin
    from core.reporting.report_files import ReportFiles

_DESCRIPTION = """\
Compare the readers of a table: long (one row a read) or, with --wide, items x readers with blanks for missing reads.
The table that `fibroread study reads` writes tells first, final, repeated and second reads apart. Prints the chosen
weighting; the JSON holds every weighting, every pair and the method."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "agreement",
        help="compare the readers of a table",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run_agreement)
    add_options(parser)


def run_agreement(arguments: argparse.Namespace) -> int:
    """Read the table, print the agreement of its readers, write the report where asked.

    Raises:
        BadTable: with line and column.
        NothingToDo: if the table has one reader, or the report cannot be written where asked.
    """
    resampling = _resampling(arguments)
    if arguments.continuous:
        return _run_measurements(arguments, resampling)
    ratings, beside = _reads(arguments)
    if len(ratings.readers) < 2:
        raise NothingToDo(f"{arguments.table} has one reader, {ratings.readers[0]}; agreement needs two.")
    report = build_report(ratings, resampling, _tell, beside)
    if arguments.json:
        _write(arguments.json, report.to_json().encode())
    if arguments.html or arguments.pdf or arguments.zip:
        _write_set(arguments, ratings, report)
    print("\n".join(report_lines(report, _printed(arguments))))
    return 0


def _tell(share: float) -> None:
    """Show the share that is done to a person who waits at a terminal."""
    if sys.stderr.isatty():
        print(f"\rdrawing animals: {share:.0%}", end="\n" if share >= 1.0 else "", file=sys.stderr, flush=True)


def _run_measurements(arguments: argparse.Namespace, resampling: Resampling) -> int:
    unfit = ("stratify_by", "strata", "compare", "five", "reference", "probabilities")
    asked = [f"--{name.replace('_', '-')}" for name in unfit if getattr(arguments, name)]
    if asked:
        raise NothingToDo(f"Continuous measures are compared as they are; leave out {', '.join(asked)}.")
    measured = read_measurements(arguments.table, _columns(arguments), arguments.continuous, wide=arguments.wide)
    if len(measured.readers) < 2:
        raise NothingToDo(f"{arguments.table} has one reader, {measured.readers[0]}; agreement needs two.")
    report = build_measurement_report(measured, resampling)
    if arguments.json:
        _write(arguments.json, report.to_json().encode())
    if arguments.html or arguments.pdf or arguments.zip:
        _write_measurements(arguments, measured, report)
    print("\n".join(measurement_lines(report)))
    return 0


def _printed(arguments: argparse.Namespace) -> Weighting:
    """Give the weighting that is printed: linear beside stated weights."""
    return arguments.weights if isinstance(arguments.weights, Weighting) else Weighting.LINEAR


def _reads(arguments: argparse.Namespace) -> tuple[Ratings, Beside]:
    columns = _columns(arguments)
    entries: tuple[EntryRead, ...] = ()
    repeats: tuple[RepeatedRead, ...] = ()
    if arguments.wide:
        ratings = read_wide_table(arguments.table, columns, arguments.scale, arguments.model)
    else:
        found = read_long_table(arguments.table, columns, arguments.scale, arguments.model, arguments.step)
        ratings, repeats, entries = found.ratings, found.repeats, found.entries
    stated = None
    if arguments.reference:
        stated = stated_reference(arguments.table, columns, arguments.reference, ratings.scale)
    assisted = assisted_reads(entries, stated)
    matrix = None if isinstance(arguments.weights, Weighting) else read_weights(arguments.weights, ratings.scale)
    return ratings, Beside(
        repeats=repeats,
        stated_weights=matrix,
        compared=[_compared(names, ratings) for names in arguments.compare],
        native_five=_five(arguments, columns, ratings),
        assisted=assisted,
        after_reveal=bool(assisted) and arguments.step is Step.STANDING,
        reference_is_stated=stated is not None,
        traits=arguments.strata,
        probabilities=_probabilities(arguments, columns, ratings, stated),
    )


def _compared(names: list[str], ratings: Ratings) -> tuple[ReaderPair, ReaderPair]:
    strange = [name for name in names if name not in ratings.readers]
    if strange:
        raise NothingToDo(f"No reader is called '{strange[0]}'; there are {', '.join(ratings.readers)}.")
    one, two, three, four = names
    if one == two or three == four:
        raise NothingToDo("A kappa is that of two readers; name four for --compare, the first two and the last two.")
    return (one, two), (three, four)


def _five(arguments: argparse.Namespace, columns: TableColumns, ratings: Ratings) -> Ratings | None:
    if arguments.five is None:
        return None
    if not ratings.scale.is_seven_stage:
        raise NothingToDo("Five-class reads are compared with seven stages; this table has another scale.")
    plain = replace(columns, traits=())
    if arguments.wide:
        return read_wide_table(arguments.five, plain, FIVE_STAGES)
    return read_long_table(arguments.five, plain, FIVE_STAGES, step=arguments.step).ratings


def _probabilities(
    arguments: argparse.Namespace, columns: TableColumns, ratings: Ratings, stated: dict[str, str] | None
) -> ReferencedProbabilities | None:
    if arguments.probabilities is None:
        return None
    found = read_probabilities(arguments.probabilities, columns, ratings.scale)
    return against_consensus(ratings, found) if stated is None else against_stated(ratings, found, stated)


def _columns(arguments: argparse.Namespace) -> TableColumns:
    further = (arguments.stratify_by, *arguments.strata, arguments.reference)
    return TableColumns(
        item=arguments.item,
        reader=arguments.reader,
        stage=arguments.stage,
        subject=arguments.subject,
        traits=tuple(dict.fromkeys(name for name in further if name)),
    )


def _resampling(arguments: argparse.Namespace) -> Resampling:
    return Resampling(
        n_resamples=arguments.resamples,
        seed=arguments.seed,
        interval=arguments.interval,
        stratified_by=arguments.stratify_by,
    )


def _write_set(arguments: argparse.Namespace, ratings: Ratings, report: AgreementReport) -> None:
    """Write what is typeset; what it takes is loaded here, so that numbers alone stay quick."""
    from core.reporting.bundle import Behind, report_files
    from core.reporting.document import agreement_document

    document = agreement_document(report, _printed(arguments), _origin(arguments.table))
    columns = _columns(arguments)
    reads = plain_reads(ratings) if arguments.wide else reads_of_table(read_csv_table(arguments.table), columns)
    _write_files(arguments, document, lambda: report_files(Behind(ratings=ratings, reads=reads), report, document))


def _write_measurements(arguments: argparse.Namespace, measured: Measurements, report: MeasurementReport) -> None:
    from core.reporting.bundle import measurement_files
    from core.reporting.document import measurement_document

    document = measurement_document(report, _origin(arguments.table))
    _write_files(arguments, document, lambda: measurement_files(measured, report, document))


def _origin(table: Path) -> Origin:
    from core.reporting.document import Origin

    facts = (("Table", table.name), ("SHA-256", hashlib.sha256(table.read_bytes()).hexdigest()))
    return Origin(title=f"Agreement of readers: {table.stem}", noun="item", made_at=datetime.now(UTC), facts=facts)


def _write_files(arguments: argparse.Namespace, document: Document, files: Callable[[], ReportFiles]) -> None:
    from core.reporting.html import as_html
    from core.reporting.pdf import as_pdf

    if arguments.zip:
        made = files()
        _write(arguments.zip, made.packed)
    if arguments.html:
        _write(arguments.html, made.html if arguments.zip else as_html(document).encode())
    if arguments.pdf:
        _write(arguments.pdf, made.pdf if arguments.zip else as_pdf(document))


def _write(path: Path, content: bytes) -> None:
    """Write whole, then rename, so that no half report is ever found."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise NothingToDo(f"{path} cannot be written ({error.strerror}); name another file.") from error
