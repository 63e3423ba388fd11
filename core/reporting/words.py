"""Agreement in words: numbers as 0.78 (0.70-0.85), and why there is none where there is none."""

from __future__ import annotations

from core.agreement.bootstrap import Estimate
from core.agreement.pairwise import PairAgreement

_DASH = "\N{EM DASH}"


def words_of(found: Estimate) -> str:
    """Give 0.78 (0.70-0.85), or why there is no number."""
    if found.value is None:
        return f"not estimable: {found.why}"
    if found.low is None or found.high is None:
        return f"{found.value:.2f} ({found.why})"
    return f"{found.value:.2f} ({found.low:.2f}\N{EN DASH}{found.high:.2f})"


def interval_of(found: Estimate) -> str:
    """Give the interval alone, or why there is none."""
    if found.low is None or found.high is None:
        return str(found.why)
    return f"95% interval {found.low:.2f}\N{EN DASH}{found.high:.2f}, from drawing animals again"


def value_of(found: Estimate) -> str:
    """Give the number alone, a dash where there is none."""
    return _DASH if found.value is None else f"{found.value:.2f}"


def counted(number: int, noun: str) -> str:
    """Give the number with its noun: 1 slide, 2 patches."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Give the noun for more than one."""
    return f"{noun}es" if noun.endswith("ch") else f"{noun}s"


def pair_name(pair: PairAgreement) -> str:
    """Name the two readers."""
    return f"{pair.reader_a} \N{EN DASH} {pair.reader_b}"


def fraction_words(fraction: float | None) -> str:
    """Give a fraction as a percentage, a dash where there is none."""
    return _DASH if fraction is None else f"{fraction:.0%}"
