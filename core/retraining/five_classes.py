"""Seven stages collapsed to five, and beside them a network that was trained on five from the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.agreement.bootstrap import Estimate, Resampling
from core.agreement.differences import KappaDifference, MeanKappa, collapsed, kappa_differences
from core.agreement.kappa import ReaderPair
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import Ratings
from core.agreement.report_values import difference_json, leaves
from core.agreement.weights import Weighting

_NO_NATIVE = "no finished training on this set has five classes: train one with the configuration five-class"


@dataclass(frozen=True, kw_only=True, slots=True)
class NativeFive:
    """What a network with five classes calls the same patches, 0 to 4."""

    name: str
    called: npt.NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, slots=True)
class FiveClasses:
    """Kappa of the model with the reference after 1a, 1b and 1c are 1; `differences` are it minus that of native five.

    `native` None, and `why` says why: there is nothing to compare with.
    """

    kappa: Mapping[Weighting, Estimate]
    native: str | None
    differences: tuple[KappaDifference, ...]
    why: str | None

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {
            "collapsed_kappa": leaves(self.kappa),
            "native": self.native,
            "differences": [difference_json(one) for one in self.differences],
            "why": self.why,
        }


def five_classes(ratings: Ratings, pair: ReaderPair, native: NativeFive | None, resampling: Resampling) -> FiveClasses:
    """Collapse a pair of seven-stage columns, the reference first, and compare with a native five on the same draws."""
    folded = collapsed(ratings).of_readers(pair)
    found = pairwise_agreement(folded, resampling).pairs[0].kappa
    if native is None:
        return FiveClasses(kappa=found, native=None, differences=(), why=_NO_NATIVE)
    both = (pair[0], native.name)
    of_native = replace(folded, readers=both, stages=np.column_stack([folded.column(pair[0]), native.called]))
    differences = kappa_differences(
        MeanKappa(name="seven collapsed to five", ratings=folded, pairs=(pair,)),
        MeanKappa(name="native five", ratings=of_native, pairs=(both,)),
        resampling,
    )
    return FiveClasses(kappa=found, native=native.name, differences=differences, why=None)
