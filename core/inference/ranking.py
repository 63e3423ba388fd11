"""Which two stages lead, of very many patches at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.domain.predictions import FloatArray

_INDEX_BITS = np.uint64(3)
_INDEX_MASK = np.uint64(7)


class Ranking(NamedTuple):
    """The best and the second-best stage by index, and by how much the one leads, each in the shape asked for."""

    called: npt.NDArray[np.int64]
    runner_up: npt.NDArray[np.int64]
    margin: FloatArray


def ranked(probabilities: FloatArray) -> Ranking:
    """Rank along the last axis, of at most eight stages; of equal ones the first leads.

    Each probability becomes a whole number with its index behind it, so that a maximum finds both: three times as fast
    as looking for places (NumPy 2.4). Numbers from 0 on lie in the order of their bits.
    """
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    best, second = np.zeros(len(flat), np.uint64), np.zeros(len(flat), np.uint64)
    for index in range(flat.shape[1]):
        number = np.ascontiguousarray(flat[:, index], np.float32).view(np.uint32).astype(np.uint64)
        number <<= _INDEX_BITS
        number |= _INDEX_MASK - np.uint64(index)
        np.maximum(second, np.minimum(best, number), out=second)
        np.maximum(best, number, out=best)
    shape = probabilities.shape[:-1]
    margin = _value(best) - _value(second)
    return Ranking(_index(best).reshape(shape), _index(second).reshape(shape), margin.reshape(shape))


def _index(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    return (_INDEX_MASK - (numbers & _INDEX_MASK)).astype(np.int64)


def _value(numbers: npt.NDArray[np.uint64]) -> FloatArray:
    return (numbers >> _INDEX_BITS).astype(np.uint32).view(np.float32)
