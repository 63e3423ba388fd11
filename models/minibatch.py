"""What a network says of a minibatch, as every runtime gives it."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LARGEST_HALF = 65504.0


class Minibatch(NamedTuple):
    """Of n patches: probabilities (n, classes), rows summing to 1; maps (n, classes, 7, 7), after ReLU, unscaled.

    `embedding` (n, 64): see `models.embedding`. `is_exact` (n,): computed in full precision.
    """

    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float16]
    embedding: npt.NDArray[np.float16]
    is_exact: npt.NDArray[np.bool_]


def joined(parts: Iterable[Minibatch]) -> Minibatch:
    """Give what was said of several minibatches as of one."""
    return Minibatch(*(np.concatenate(each) for each in zip(*parts, strict=True)))
