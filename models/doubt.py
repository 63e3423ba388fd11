"""Which stages of a quick pass are to be made sure of by an exact one.

A stage of the quick pass is wrong only where it misstates the lead of its best class by more than that lead. So a
margin wider than the largest misstatement leaves no stage wrong. How large it is depends on what is in the picture: it
is measured on the very patches that are predicted, on those closer than the margin and on a sample of the others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

SAFETY = 2.0
"""How many times the largest misstatement seen a margin is.

With 2, a real section of 1456 patches dealt into groups of 256 in 300 ways kept every stage; so did it in 100 ways
dealt together with 2439 patches of other organs, stains and drawings. With a sample that is spread alone it lost a
stage in 4 ways of 100, and a remainder of 55 that was sampled lost up to 4; so did 1.5, or overstatements alone.
"""
SMALLEST_MARGIN = 0.05
_SAMPLE_FRACTION = 0.04
_SMALLEST_SAMPLE = 8
_TOO_FEW_TO_SAMPLE = 64
_NEARLY_ALL = 0.75
_EVERY_MARGIN = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """The patches to be computed exactly next (none: the group is settled), and the margin that they lie within.

    A margin of 1 means that all patches of the group are computed exactly. `sampled` are those of the first ones that
    lay beyond the margin: what the two passes say of them tells of the patches that are computed quickly alone.
    """

    rows: Rows
    sampled: Rows
    margin: float


def leads_of(probabilities: Probabilities) -> npt.NDArray[np.float32]:
    """Give by how much the best class leads the second, (n,)."""
    best = np.partition(probabilities, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2], np.float32)


def misstatements(quick: Probabilities, exact: Probabilities) -> npt.NDArray[np.float32]:
    """Give by how much the quick pass misstates the lead of its best class over any other, (n,).

    The two stages differ only where this is no smaller than the quick pass's lead. Leads that are understated do no
    harm, but tell as well how rough the quick pass is.
    """
    rows, best = np.arange(len(quick)), quick.argmax(axis=1)
    others = exact.copy()
    others[rows, best] = -np.inf
    return np.asarray(np.abs(leads_of(quick) - (exact[rows, best] - others.max(axis=1))), np.float32)


def margin_for(quick: Probabilities, exact: Probabilities) -> float:
    """Give the margin that patches (n, classes) computed in both ways call for; what is no number calls for none."""
    is_number = np.isfinite(quick).all(axis=1)
    return max(SMALLEST_MARGIN, SAFETY * float(misstatements(quick[is_number], exact[is_number]).max(initial=0.0)))


def doubt(quick: Probabilities, exact: Probabilities, is_exact: npt.NDArray[np.bool_], margin: float) -> Doubt:
    """Say which patches of a group are to be computed exactly next.

    At first those within the margin and a sample of the others; then, while what these show calls for a wider margin,
    those within that. Where this would be nearly all, or the group is too small to be sampled, all.

    Args: quick, exact: (n, classes) of the same patches; rows of `exact` count where `is_exact` (n,).
    Limits: what no computed patch shows stays unseen; the sample and the safety make that unlikely, not impossible.
    """
    leads, sampled = leads_of(quick), np.zeros(0, np.int64)
    if is_exact.any():
        margin = max(margin, margin_for(quick[is_exact], exact[is_exact]))
    wanted = ~(leads >= margin)  # what is no number is in doubt, too: half precision can overflow
    if not is_exact.any():
        sampled = _sample(np.flatnonzero(~wanted), leads)
        wanted[sampled] = True
    if len(leads) <= _TOO_FEW_TO_SAMPLE:
        wanted = np.ones(len(leads), np.bool_)
    elif (wanted | is_exact).sum() > _NEARLY_ALL * len(leads):
        wanted, margin = np.ones(len(leads), np.bool_), _EVERY_MARGIN
    return Doubt(rows=np.flatnonzero(wanted & ~is_exact), sampled=sampled, margin=margin)


def _sample(others: Rows, leads: npt.NDArray[np.float32]) -> Rows:
    """Give of the patches beyond the margin half those nearest to it, where a wrong stage is likeliest, half spread."""
    size = min(len(others), max(_SMALLEST_SAMPLE, round(_SAMPLE_FRACTION * len(leads))))
    nearest = others[np.argsort(leads[others], kind="stable")[: size // 2]]
    n_spread = size - size // 2
    places = (np.arange(n_spread) + 0.5) * len(others) / max(1, n_spread)
    return np.union1d(nearest, others[places.astype(np.int64)])
