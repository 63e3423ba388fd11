"""`fibroread agreement`: how far the readers of a table agree. Needs no workspace."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from core.agreement.bootstrap import Estimate, Resampling
from core.agreement.pairwise import PairAgreement
from core.agreement.rating_table import TableColumns, read_long_table, read_wide_table
from core.agreement.ratings import Ratings, Scale
from core.agreement.report import AgreementReport, build_report
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
    parser.add_argument("--weights", type=_weighting, default=Weighting.LINEAR, metavar="NAME", help=f"print {names}")
    parser.add_argument("--model", metavar="READER", help="the reader that is a model")
    parser.add_argument("--resamples", type=_count, default=2000, metavar="N")
    parser.add_argument("--seed", type=_count, default=1, metavar="N")
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
    ratings = _ratings(arguments)
    if len(ratings.readers) < 2:
        raise NothingToDo(f"{arguments.table} has one reader, {ratings.readers[0]}; agreement needs two.")
    report = build_report(ratings, Resampling(n_resamples=arguments.resamples, seed=arguments.seed))
    if arguments.json:
        _write(arguments.json, report.to_json().encode())
    if arguments.html or arguments.pdf or arguments.zip:
        _write_set(arguments, ratings, report)
    print("\n".join(_lines(report, arguments.weights)))
    return 0


def _ratings(arguments: argparse.Namespace) -> Ratings:
    columns = TableColumns(
        item=arguments.item, reader=arguments.reader, stage=arguments.stage, subject=arguments.subject
    )
    read = read_wide_table if arguments.wide else read_long_table
    return read(arguments.table, columns, arguments.scale, arguments.model)


def _write_set(arguments: argparse.Namespace, ratings: Ratings, report: AgreementReport) -> None:
    """Write what is typeset; what it takes is loaded here, so that numbers alone stay quick."""
    from core.reporting.bundle import bundle
    from core.reporting.document import Origin, agreement_document
    from core.reporting.html import as_html
    from core.reporting.pdf import as_pdf

    table: Path = arguments.table
    facts = (("Table", table.name), ("SHA-256", hashlib.sha256(table.read_bytes()).hexdigest()))
    origin = Origin(title=f"Agreement of readers: {table.stem}", noun="item", made_at=datetime.now(UTC), facts=facts)
    document = agreement_document(report, arguments.weights, origin)
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


def _lines(report: AgreementReport, weighting: Weighting) -> Iterator[str]:
    yield (
        f"{len(report.readers)} readers, {report.n_items} items, {report.n_subjects} animals; "
        f"{report.n_reads} reads, {report.n_missing} missing; weights: {weighting.title}"
    )
    yield ""
    yield from _pair_lines(report.pairs, weighting)
    yield ""
    overall = report.overall
    title = f"Over {len(overall.readers)} readers"
    yield title if report.model_reader is None else f"{title}, without {report.model_reader}"
    named = [("percent agreement (fraction)", overall.percent_agreement)]
    named += [("within one stage (fraction)", overall.within_one_stage)]
    named += [("Fleiss' kappa", overall.fleiss[weighting]), ("Conger's kappa", overall.conger[weighting])]
    named += [(f"Gwet's AC{1 if weighting is Weighting.UNWEIGHTED else 2}", overall.gwet[weighting])]
    named += [("Brennan-Prediger", overall.brennan_prediger[weighting])]
    named += [(f"Krippendorff's alpha, {metric.value}", found) for metric, found in overall.krippendorff.items()]
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    named += [("mean kappa of two readers", ceiling.reader_reader), ("  its root, the ceiling", ceiling.ceiling)]
    if report.model_reader is not None:
        named += [("mean kappa with the model", ceiling.model_reader)]
    yield from (f"  {name:<32} {_words(found)}" for name, found in named)
    yield ""
    yield from (*report.method.sentences, *(f"Note: {caution}" for caution in report.method.cautions))


def _pair_lines(pairs: tuple[PairAgreement, ...], weighting: Weighting) -> Iterator[str]:
    names = [f"{pair.reader_a} - {pair.reader_b}" for pair in pairs]
    width = max(len(name) for name in names)
    yield f"{'pair':<{width}}  {'n':>6}  {'equal':>5}  kappa (95 % interval)"
    for name, pair in zip(names, pairs, strict=True):
        equal = "-" if pair.percent_agreement is None else f"{pair.percent_agreement:.2f}"
        yield f"{name:<{width}}  {pair.n:>6}  {equal:>5}  {_words(pair.kappa[weighting])}"


def _words(found: Estimate) -> str:
    if found.value is None:
        return f"not estimable: {found.why}"
    if found.low is None:
        return f"{found.value:.2f} ({found.why})"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _scale(text: str) -> Scale:
    labels = tuple(label.strip() for label in text.split(","))
    if "" in labels or len(set(labels)) != len(labels):
        raise argparse.ArgumentTypeError("a scale is a list of different stages, separated by commas")
    return Scale(labels=labels)


def _weighting(text: str) -> Weighting:
    for weighting in Weighting:
        if text in (weighting.value, weighting.title):
            return weighting
    raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(weighting.title for weighting in Weighting)}")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 upwards")
    return int(text)
