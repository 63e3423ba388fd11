"""The interval that corrects the percentiles for bias and for an error that grows with the value (BCa)."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from core.agreement.weights import FloatArray

_SAME = 1e-12


def corrected_tails(value: float, drawn: FloatArray, left_out: FloatArray, tail_fraction: float) -> FloatArray | None:
    """Give the two fractions at which to read the resamples, None where the correction does not exist.

    Args:
        drawn: the value in each resample, all estimable.
        left_out: the value with each animal (or group of animals) left out once, all estimable.

    Source: Efron 1987, Better Bootstrap Confidence Intervals, J Am Stat Assoc 82:171, equations 2.3 and 6.6; values
    equal to the estimate count half below it.
    """
    bias = _bias(value, drawn)
    if bias is None or not left_out.size:
        return None
    shift = bias + norm.ppf([tail_fraction, 1.0 - tail_fraction])
    room = 1.0 - _acceleration(left_out) * shift
    if np.any(room <= 0.0):
        return None
    return np.asarray(norm.cdf(bias + shift / room), dtype=np.float64)


def corrected_tail_of(
    value: float, drawn: FloatArray, left_out: FloatArray, fraction: float, is_lower: bool
) -> float | None:
    """Give the tail whose end lies where so small a fraction of the resamples is beyond it; None where there is none.

    The inverse of `corrected_tails` for one end: the lower or the upper.
    """
    bias = _bias(value, drawn)
    if bias is None or not left_out.size:
        return None
    beyond = float(norm.ppf(fraction if is_lower else 1.0 - fraction)) - bias
    room = 1.0 + _acceleration(left_out) * beyond
    if room <= 0.0:
        return None
    tail = float(norm.cdf(beyond / room - bias))
    return tail if is_lower else 1.0 - tail


def _bias(value: float, drawn: FloatArray) -> float | None:
    below = (drawn < value - _SAME).mean() + 0.5 * (np.abs(drawn - value) <= _SAME).mean()
    return float(norm.ppf(below)) if 0.0 < below < 1.0 else None


def _acceleration(left_out: FloatArray) -> float:
    """Give how fast the error grows with the value; 0 where leaving an animal out changes nothing."""
    influence = left_out.mean() - left_out
    spread = float((influence**2).sum())
    if spread <= _SAME**2:
        return 0.0
    return float((influence**3).sum() / (6.0 * spread**1.5))
