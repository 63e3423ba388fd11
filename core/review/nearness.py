"""How near patches are to a chosen one, as the network that predicted them all sees them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.domain.predictions import EMBEDDING_SIZE
from core.review.patch_index import PatchIndex, Rows
from core.review.worth import Looks

_DECIMALS = 5
"""Beyond them a distance is rounding: patches that are equal must be so whichever run they are in."""
_BEFORE_ALL = -1.0

Distances = npt.NDArray[np.float32]


def looks_of(index: PatchIndex, rows: Rows) -> Looks:
    """Give what some rows look like to the networks that predicted them."""
    directions, runs = np.zeros((rows.size, EMBEDDING_SIZE), np.float32), index.run_number[rows]
    for number in np.unique(runs):
        here = runs == number
        directions[here] = index.patches[number].directions(rows[here] - int(index.starts[number]))
    models = [one.run.model_id for one in index.runs]
    networks = np.array([models.index(model_id) for model_id in models], np.int64)
    return Looks(directions=directions, network=networks[runs])


def distances(index: PatchIndex, chosen: int, rows: Rows) -> Distances:
    """Give for rows 1 minus the cosine between their embeddings and that of a chosen row, 0 to 2.

    The chosen row itself has less than any other. What another checkpoint predicted is infinitely far.
    """
    home = int(index.run_number[chosen])
    model_id = index.runs[home].run.model_id
    (direction,) = index.patches[home].directions(np.array([chosen - index.starts[home]]))
    found = np.full(index.n, np.inf, np.float32)
    for number in np.flatnonzero(np.bincount(index.run_number[rows], minlength=len(index.runs))):
        if index.runs[number].run.model_id == model_id:
            whole = slice(int(index.starts[number]), int(index.starts[number + 1]))
            found[whole] = np.round(1.0 - index.patches[number].cosines(direction), _DECIMALS)
    found[chosen] = _BEFORE_ALL
    return np.asarray(found[rows])
