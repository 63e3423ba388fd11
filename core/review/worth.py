"""Which patches to stage next so that the next model learns most: those in doubt, and unlike what is staged already."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_POOL_FRACTION, _LARGEST_POOL = 0.1, 500
RULE = (
    f"Of the tenth most in doubt, at most {_LARGEST_POOL}, always the one least like those before it and those you "
    "staged; then the others by doubt: half the model's uncertainty, half how far apart the stages in sight are."
)
"""What a person is told of the order; a session is rarely longer than its first part."""

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
_UNLIKE_ALL = 2.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Looks:
    """What patches look like to a network: `directions` (n, d), embeddings of length 1.

    `network` (n,) has a number for each checkpoint: embeddings of two tell nothing of each other, and count as unlike.
    """

    directions: Floats
    network: Places


def doubt_of(uncertainty: Floats, disagreement: Floats) -> Floats:
    """Give the mean of the model's uncertainty and of how far apart the stages in sight are, both from 0 to 1."""
    return np.asarray((uncertainty + disagreement) / 2, np.float32)


def most_worth(doubt: Floats, looks_of: Callable[[Places], Looks], staged: Looks) -> Places:
    """Give the places of patches by the rule, the one most worth staging first; equal ones stand as they came.

    Args: doubt: (n,) of each. looks_of: gives what the patches at some places look like.
    Source: farthest-first traversal; Gonzalez 1985, as k-centre selection in Sener and Savarese 2018, algorithm 1.
    """
    by_doubt = np.argsort(-doubt, kind="stable")
    pool, others = np.split(by_doubt, [min(_LARGEST_POOL, math.ceil(_POOL_FRACTION * len(doubt)))])
    return np.concatenate([pool[_farthest_first(looks_of(pool), staged)], others])


def _farthest_first(pool: Looks, staged: Looks) -> Places:
    """Give the places of a pool, each the farthest from what is staged and from those before it."""
    apart = np.full(len(pool.network), _UNLIKE_ALL, np.float32)
    for network in np.unique(staged.network):
        here, known = pool.network == network, staged.directions[staged.network == network]
        apart[here] = (1.0 - pool.directions[here] @ known.T).min(axis=1)
    order = np.empty(len(apart), np.int64)
    for rank in range(len(order)):
        order[rank] = chosen = int(apart.argmax())
        distance = 1.0 - pool.directions @ pool.directions[chosen]
        np.minimum(apart, distance, out=apart, where=pool.network == pool.network[chosen])
        apart[chosen] = -np.inf
    return order
