"""Agreement in words: numbers as 0.78 (0.70-0.85) or 0.05 (-0.12 to 0.30), or why there is none."""

from __future__ import annotations

from core.agreement.bootstrap import Estimate
from core.agreement.pairwise import PairAgreement

_DASH = "\N{EM DASH}"
_SAME = "the same in every resample"
"""In place of an interval that would have no width, and would claim what a few animals cannot show."""


def words_of(found: Estimate, decimals: int = 2) -> str:
    """Give 0.78 (0.70-0.85), or why there is no number."""
    if found.value is None:
        return f"not estimable, because {found.why}"
    value = _number(found.value, decimals)
    if found.low is None or found.high is None:
        return f"{value} ({found.why})"
    return f"{value} ({_SAME if found.low == found.high else _span(found.low, found.high, decimals)})"


def interval_of(found: Estimate) -> str:
    """Give the interval alone, or why there is none."""
    if found.low is None or found.high is None:
        return str(found.why)
    return f"95% interval {_span(found.low, found.high)}, from drawing animals again"


def value_of(found: Estimate, decimals: int = 2) -> str:
    """Give the number alone, a dash where there is none."""
    return _DASH if found.value is None else _number(found.value, decimals)


def _number(value: float, decimals: int = 2) -> str:
    """Give two decimals, or as many as asked; what rounds to nothing has no sign."""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def _span(low: float, high: float, decimals: int = 2) -> str:
    """Give 0.70-0.85 with a dash, or -0.12 to 0.30 where a sign could be taken for one."""
    ends = _number(low, decimals), _number(high, decimals)
    return (" to " if any(end.startswith("-") for end in ends) else "\N{EN DASH}").join(ends)


def counted(number: int, noun: str) -> str:
    """Give the number with its noun: 1 slide, 2 patches."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Give the noun for more than one."""
    return f"{noun}es" if noun.endswith("ch") else f"{noun}s"


def short_name(reader: str, model_reader: str | None) -> str:
    """Name a reader; the model, whose own name stands once on a report, by what it is."""
    if reader != model_reader:
        return reader
    return "Model (DEMO)" if "DEMO" in reader else "Model"


def pair_name(pair: PairAgreement, model_reader: str | None = None) -> str:
    """Name the two readers."""
    return f"{short_name(pair.reader_a, model_reader)} \N{EN DASH} {short_name(pair.reader_b, model_reader)}"


def percent_of(found: Estimate) -> str:
    """Give a share as 19% (13-25%), or why there is no number."""
    if found.value is None:
        return f"not estimable, because {found.why}"
    value = f"{found.value:.0%}"
    if found.low is None or found.high is None:
        return f"{value} ({found.why})"
    if found.low == found.high:
        return f"{value} ({_SAME})"
    dash = " to " if found.low < 0.0 else "\N{EN DASH}"
    return f"{value} ({found.low * 100:.0f}{dash}{found.high:.0%})"


def seconds_of(found: Estimate) -> str:
    """Give a time as 72 s (69-79), or why there is none."""
    if found.value is None:
        return f"not estimable, because {found.why}"
    if found.low is None or found.high is None:
        return f"{found.value:.0f} s ({found.why})"
    return f"{found.value:.0f} s ({found.low:.0f}\N{EN DASH}{found.high:.0f})"


def p_words(p_value: float | None) -> str:
    """Give a p-value to three decimals, a dash where there is none."""
    if p_value is None:
        return _DASH
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def fraction_words(fraction: float | None) -> str:
    """Give a fraction as a percentage, a dash where there is none."""
    return _DASH if fraction is None else f"{fraction:.0%}"
