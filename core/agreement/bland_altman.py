"""Two readers of a continuous measure: how far one lies above the other, and within what limits.

Source: Bland and Altman 1986, Lancet 327:307; several items of an animal: 2007, J Biopharm Stat 17:571 (here the
limits are those of all items, and their intervals come from drawing animals).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm

from core.agreement.bootstrap import Drawing, Estimate, estimates, resampled, subject_sums, totals
from core.agreement.kappa import ReaderPair
from core.agreement.measurements import Measurements
from core.agreement.weights import FloatArray

_LIMIT = float(norm.ppf(0.975))
_NO_SPREAD = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class BlandAltman:
    """Differences `reader_b` minus `reader_a`, in the unit of the measure.

    95 % of differences lie between `lower_limit` and `upper_limit` if they are normal. `slope` is how much a
    difference grows for each unit of the mean of the two: 0 where readers differ by the same at every level.
    `means` and `differences` are those of each item that both have measured, float64.
    """

    reader_a: str
    reader_b: str
    n: int
    n_subjects: int
    bias: Estimate
    standard_deviation: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    slope: Estimate
    means: FloatArray = field(compare=False, repr=False)
    differences: FloatArray = field(compare=False, repr=False)

    @property
    def decimals(self) -> int:
        """Give how many decimals show two figures of the spread, or of the bias where there is none; 6 at most."""
        sizes = (found.value for found in (self.standard_deviation, self.bias))
        size = next((abs(value) for value in sizes if value), 1.0)
        return min(6, max(0, 1 - math.floor(math.log10(size))))


def bland_altman(measured: Measurements, pair: ReaderPair, drawing: Drawing) -> BlandAltman:
    """Compare two readers on the items both have measured."""
    one, other = (measured.values[:, measured.readers.index(reader)] for reader in pair)
    rows = np.flatnonzero(~np.isnan(one + other))
    difference, middle = other[rows] - one[rows], (other[rows] + one[rows]) / 2.0
    centre = np.array([array.mean() if len(rows) else 0.0 for array in (difference, middle)])
    apart, level = difference - centre[0], middle - centre[1]
    columns = [np.ones(len(rows)), apart, apart**2, level, level**2, apart * level]
    features = subject_sums(np.column_stack(columns), measured.subject_numbers()[rows], measured.n_subjects)

    def statistics(sums: FloatArray) -> FloatArray:
        return _statistics(sums, float(centre[0]))

    values = statistics(totals(features))[0]
    n_subjects = len({measured.subjects[row] for row in rows.tolist()})
    drawn = resampled(features, statistics, drawing)
    found = estimates(values, _whys(len(rows), pair), drawn, n_subjects, drawing.resampling)
    return BlandAltman(
        reader_a=pair[0],
        reader_b=pair[1],
        n=len(rows),
        n_subjects=n_subjects,
        bias=found[0],
        standard_deviation=found[1],
        lower_limit=found[2],
        upper_limit=found[3],
        slope=found[4],
        means=_frozen(middle),
        differences=_frozen(difference),
    )


def _frozen(values: FloatArray) -> FloatArray:
    values.setflags(write=False)
    return values


def _statistics(sums: FloatArray, centre: float) -> FloatArray:
    """Give bias, standard deviation, both limits and slope, NaN where not estimable."""
    n, apart, squares, level, level_squares, products = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = apart / n
        spread = np.where(n > 1.0, np.sqrt(np.maximum(squares - n * bias**2, 0.0) / (n - 1.0)), np.nan)
        of_level = level_squares - level**2 / n
        slope = np.where(of_level > _NO_SPREAD * level_squares, (products - bias * level) / of_level, np.nan)
    bias = bias + centre
    return np.column_stack([bias, spread, bias - _LIMIT * spread, bias + _LIMIT * spread, slope])


def _whys(n: int, pair: ReaderPair) -> list[str]:
    if not n:
        return [f"no item was measured by both {pair[0]} and {pair[1]}"] * 5
    few = "limits need two items that both have measured"
    return [few, few, few, few, "the means of the two do not differ between items" if n > 1 else few]
