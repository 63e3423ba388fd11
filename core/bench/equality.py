"""Equalities that are claimed, as they were found on one slide, and whether those that are promised hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.bench.cut_run import CutRun
from core.bench.same_pixels import PixelTally
from core.bench.same_stages import StageTally

LARGEST_PROBABILITY_DIFFERENCE = 1e-4
LARGEST_EMBEDDING_DIFFERENCE = 1e-3
LARGEST_GREY_DIFFERENCE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Equality:
    """One comparison: what with what, over how much, what was found, and what is promised (empty: nothing)."""

    what: str
    compared: str
    found: str
    promised: str
    holds: bool
    figures: dict[str, object]

    @property
    def is_broken(self) -> bool:
        """Say whether a promise does not hold."""
        return bool(self.promised) and not self.holds

    @property
    def verdict(self) -> str:
        """Say in a word or two how it ended."""
        if self.promised:
            return "holds" if self.holds else "BROKEN"
        return "equal" if self.holds else "differs, not promised"


def of_stages(what: str, tally: StageTally, *, is_promised: bool, shows_again: bool = False) -> Equality:
    """Judge two ways of computing the network."""
    again = f", {tally.n_exact} computed again" if shows_again else ""
    is_near = tally.largest_difference <= LARGEST_PROBABILITY_DIFFERENCE
    is_near &= tally.largest_embedding_difference <= LARGEST_EMBEDDING_DIFFERENCE
    return Equality(
        what=what,
        compared=f"{tally.n_patches} patches",
        found=f"same stage on {tally.n_same} of {tally.n_patches}{again}; "
        f"probabilities within {tally.largest_difference:.1e}, embeddings {tally.largest_embedding_difference:.1e}",
        promised=f"all stages, {LARGEST_PROBABILITY_DIFFERENCE:g}, {LARGEST_EMBEDDING_DIFFERENCE:g}"
        if is_promised
        else "",
        holds=tally.n_same == tally.n_patches and (is_near or not is_promised),
        figures=asdict(tally),
    )


def of_cut_run(what: str, run: CutRun) -> Equality:
    """Judge a run that was cut and went on."""
    return Equality(
        what=what,
        compared=f"{run.n_patches} patches",
        found=f"killed after {run.n_before} of {run.n_shards} shards, {run.n_taken_over} patches taken over; "
        f"content {run.cut_sha256[:12]} and {run.whole_sha256[:12]}",
        promised="bit for bit" if run.device.startswith("cpu") else "",
        holds=run.cut_sha256 == run.whole_sha256 and run.n_taken_over > 0,
        figures=asdict(run),
    )


def of_pixels(what: str, picture: str, tally: PixelTally) -> Equality:
    """Judge the pictures of one level."""
    rest = f" of {tally.n_tried} tried" if tally.n < tally.n_tried else ""
    return Equality(
        what=f"{what}, 1:{tally.downsample:g}",
        compared=f"{tally.n} {picture}{rest}",
        found=f"at most {tally.largest_difference} grey levels apart",
        promised=f"{LARGEST_GREY_DIFFERENCE} grey levels",
        holds=tally.largest_difference <= LARGEST_GREY_DIFFERENCE,
        figures=asdict(tally),
    )


def table(equalities: Sequence[Equality]) -> list[str]:
    """Give the lines to be read by a person."""
    head = ("what", "compared", "found", "promised", "verdict")
    rows = [head, *((one.what, one.compared, one.found, one.promised or "-", one.verdict) for one in equalities)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
