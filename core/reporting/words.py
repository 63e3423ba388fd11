"""Agreement in words: numbers as 0.78 (0.70-0.85) or 0.05 (-0.12 to 0.30), or why there is none."""

from __future__ import annotations

from core.agreement.bootstrap import Estimate
from core.agreement.pairwise import PairAgreement

_DASH = "\N{EM DASH}"


def words_of(found: Estimate) -> str:
    """Give 0.78 (0.70-0.85), or why there is no number."""
    if found.value is None:
        return f"not estimable: {found.why}"
    if found.low is None or found.high is None:
        return f"{_number(found.value)} ({found.why})"
    return f"{_number(found.value)} ({_span(found.low, found.high)})"


def interval_of(found: Estimate) -> str:
    """Give the interval alone, or why there is none."""
    if found.low is None or found.high is None:
        return str(found.why)
    return f"95% interval {_span(found.low, found.high)}, from drawing animals again"


def value_of(found: Estimate) -> str:
    """Give the number alone, a dash where there is none."""
    return _DASH if found.value is None else _number(found.value)


def _number(value: float) -> str:
    """Give two decimals; what rounds to nothing has no sign."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def _span(low: float, high: float) -> str:
    """Give 0.70-0.85 with a dash, or -0.12 to 0.30 where a sign could be taken for one."""
    ends = _number(low), _number(high)
    return (" to " if any(end.startswith("-") for end in ends) else "\N{EN DASH}").join(ends)


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
