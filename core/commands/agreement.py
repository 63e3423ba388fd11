"""`fibroread agreement`: how far the readers of a table agree. Needs no workspace."""

from __future__ import annotations

import argparse
import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.csv_table import TableColumns
from core.agreement.entries import Step
from core.agreement.measurement_report import build_measurement_report
from core.agreement.measurement_table import read_measurements
from core.agreement.rating_table import read_long_table, read_wide_table
from core.agreement.ratings import Ratings, Scale
from core.agreement.repeats import RepeatedRead
from core.agreement.report import AgreementReport, Beside, build_report
from core.agreement.report_text import measurement_lines, report_lines
from core.agreement.weight_table import read_weights
from core.agreement.weights import Weighting
from core.domain.errors import NothingToDo

_DESCRIPTION = """\
Compare the readers of a table: long (one row a read) or, with --wide, items x readers with blanks for missing reads.
Prints the chosen weighting; the JSON holds every weighting, every pair and the method."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "agreement",
        help="compare the readers of a table",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run_agreement)
    parser.add_argument("table", type=Path, metavar="FILE.csv")
    parser.add_argument("--wide", action="store_true", help="one row an item; all other columns are readers")
    parser.add_argument("--item", default="item_id", metavar="COLUMN")
    parser.add_argument("--reader", default="reader", metavar="COLUMN", help="long tables only")
    parser.add_argument("--stage", default="stage", metavar="COLUMN", help="long tables only")
    parser.add_argument("--subject", metavar="COLUMN", help="the animal; else subject_id, else every item by itself")
    parser.add_argument("--scale", type=_scale, metavar='"0,1a,..."', help="all stages in order, used or not")
    names = ", ".join(weighting.title for weighting in Weighting)
    parser.add_argument(
        "--weights", type=_weighting, default=Weighting.LINEAR, metavar="NAME|FILE", help=f"{names}, or a CSV matrix"
    )
    parser.add_argument(
        "--step", type=_step, default=Step.STANDING, metavar="first|standing", help="of a study's reads"
    )
    parser.add_argument(
        "--continuous", metavar="UNIT", help="the stage column, or wide cells, hold numbers in this unit"
    )
    parser.add_argument("--model", metavar="READER", help="the reader that is a model")
    parser.add_argument("--resamples", type=_count, default=2000, metavar="N")
    parser.add_argument("--seed", type=_count, default=1, metavar="N")
    parser.add_argument("--interval", type=_interval, default=IntervalKind.PERCENTILE, metavar="percentile|bca")
    parser.add_argument("--stratify-by", metavar="COLUMN", help="draw animals within the values of this column")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every number here")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write the report as one HTML file")
    parser.add_argument("--pdf", type=Path, metavar="OUT", help="write the report as a PDF")
    parser.add_argument("--zip", type=Path, metavar="OUT", help="write report, numbers and reads with checksums")


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
    if arguments.html or arguments.pdf or arguments.zip:
        raise NothingToDo("Continuous measures are printed and written as JSON; leave out --html, --pdf and --zip.")
    measured = read_measurements(arguments.table, _columns(arguments), arguments.continuous, wide=arguments.wide)
    if len(measured.readers) < 2:
        raise NothingToDo(f"{arguments.table} has one reader, {measured.readers[0]}; agreement needs two.")
    report = build_measurement_report(measured, resampling)
    if arguments.json:
        _write(arguments.json, report.to_json().encode())
    print("\n".join(measurement_lines(report)))
    return 0


def _printed(arguments: argparse.Namespace) -> Weighting:
    """Give the weighting that is printed: linear beside stated weights."""
    return arguments.weights if isinstance(arguments.weights, Weighting) else Weighting.LINEAR


def _reads(arguments: argparse.Namespace) -> tuple[Ratings, Beside]:
    columns = _columns(arguments)
    repeats: tuple[RepeatedRead, ...] = ()
    if arguments.wide:
        ratings = read_wide_table(arguments.table, columns, arguments.scale, arguments.model)
    else:
        found = read_long_table(arguments.table, columns, arguments.scale, arguments.model, arguments.step)
        ratings, repeats = found.ratings, found.repeats
    stated = None
    if not isinstance(arguments.weights, Weighting):
        stated = read_weights(arguments.weights, ratings.scale)
    return ratings, Beside(repeats=repeats, stated_weights=stated)


def _columns(arguments: argparse.Namespace) -> TableColumns:
    return TableColumns(
        item=arguments.item,
        reader=arguments.reader,
        stage=arguments.stage,
        subject=arguments.subject,
        traits=(arguments.stratify_by,) if arguments.stratify_by else (),
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
    from core.reporting.bundle import bundle
    from core.reporting.document import Origin, agreement_document
    from core.reporting.html import as_html
    from core.reporting.pdf import as_pdf

    table: Path = arguments.table
    facts = (("Table", table.name), ("SHA-256", hashlib.sha256(table.read_bytes()).hexdigest()))
    origin = Origin(title=f"Agreement of readers: {table.stem}", noun="item", made_at=datetime.now(UTC), facts=facts)
    document = agreement_document(report, _printed(arguments), origin)
    if arguments.html:
        _write(arguments.html, as_html(document).encode())
    if arguments.pdf:
        _write(arguments.pdf, as_pdf(document))
    if arguments.zip:
        _write(arguments.zip, bundle(ratings, report, document))


def _write(path: Path, content: bytes) -> None:
    """Write whole, then rename, so that no half report is ever found."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise NothingToDo(f"{path} cannot be written ({error.strerror}); name another file.") from error


def _scale(text: str) -> Scale:
    labels = tuple(label.strip() for label in text.split(","))
    if "" in labels or len(set(labels)) != len(labels):
        raise argparse.ArgumentTypeError("a scale is a list of different stages, separated by commas")
    return Scale(labels=labels)


def _weighting(text: str) -> Weighting | Path:
    for weighting in Weighting:
        if text in (weighting.value, weighting.title):
            return weighting
    if text.endswith(".csv"):
        return Path(text)
    names = ", ".join(weighting.title for weighting in Weighting)
    raise argparse.ArgumentTypeError(f"'{text}' is none of {names} and no .csv file")


def _step(text: str) -> Step:
    if text not in ("first", "standing"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither first nor standing")
    return Step[text.upper()]


def _interval(text: str) -> IntervalKind:
    if text not in [kind.value for kind in IntervalKind]:
        raise argparse.ArgumentTypeError(f"'{text}' is neither percentile nor bca")
    return IntervalKind(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 upwards")
    return int(text)
