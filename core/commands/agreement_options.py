"""What `fibroread agreement` may be asked: its options, and the words they are given in."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.entries import Step
from core.agreement.ratings import Scale
from core.agreement.weights import Weighting


def add_options(parser: argparse.ArgumentParser) -> None:
    """Put every option on the command."""
    parser.add_argument("table", type=Path, metavar="FILE.csv")
    _add_table(parser.add_argument_group("the table"))
    _add_statistics(parser.add_argument_group("what is computed"))
    _add_files(parser.add_argument_group("what is written"))


def _add_table(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--wide", action="store_true", help="one row an item; all other columns are readers")
    group.add_argument("--item", default="item_id", metavar="COLUMN")
    group.add_argument("--reader", default="reader", metavar="COLUMN", help="long tables only")
    group.add_argument("--stage", default="stage", metavar="COLUMN", help="long tables only")
    group.add_argument("--subject", metavar="COLUMN", help="the animal; else subject_id, else every item by itself")
    group.add_argument("--scale", type=_scale, metavar='"0,1a,..."', help="all stages in order, used or not")
    group.add_argument("--model", metavar="READER", help="the reader that is a model")
    group.add_argument(
        "--step", type=_step, default=Step.STANDING, metavar="first|standing", help="which of a study's reads"
    )
    group.add_argument("--continuous", metavar="UNIT", help="stage column or wide cells hold numbers in this unit")


def _add_statistics(group: argparse._ArgumentGroup) -> None:
    names = ", ".join(weighting.title for weighting in Weighting)
    group.add_argument(
        "--weights", type=_weighting, default=Weighting.LINEAR, metavar="NAME|FILE", help=f"{names}, or a CSV matrix"
    )
    group.add_argument("--resamples", type=_count, default=2000, metavar="N")
    group.add_argument("--seed", type=_count, default=1, metavar="N")
    group.add_argument(
        "--interval",
        type=_interval,
        default=Resampling().interval,
        metavar="bca|percentile",
        help="how it is read off the resamples (bca: its coverage was nearer 95 %% in `fibroread bench agreement`)",
    )
    group.add_argument("--stratify-by", metavar="COLUMN", help="draw animals within the values of this column")
    group.add_argument(
        "--strata", type=_names, default=(), metavar="COLUMN,...", help="compare by these, one at a time"
    )
    group.add_argument(
        "--compare",
        nargs=4,
        action="append",
        default=[],
        metavar="READER",
        help="is the kappa of the first two that of the last two? May be repeated",
    )
    group.add_argument("--five", type=Path, metavar="FILE.csv", help="five-class reads of the same animals to compare")
    group.add_argument("--reference", metavar="COLUMN", help="the stage that an item has; else the readers' consensus")
    group.add_argument("--probabilities", type=Path, metavar="FILE.csv", help="a model's, prob_<stage> for each item")


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", type=Path, metavar="OUT", help="write every number here")
    group.add_argument("--html", type=Path, metavar="OUT", help="write the report as one HTML file")
    group.add_argument("--pdf", type=Path, metavar="OUT", help="write the report as a PDF")
    group.add_argument("--zip", type=Path, metavar="OUT", help="write report, numbers and reads with checksums")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


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
        raise argparse.ArgumentTypeError(f"'{text}' is neither bca nor percentile")
    return IntervalKind(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 upwards")
    return int(text)
