"""What a network says of a minibatch, as every runtime gives it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LARGEST_HALF = 65504.0


class Minibatch(NamedTuple):
    """Of n patches: probabilities (n, classes), rows summing to 1; maps (n, classes, 7, 7), after ReLU, unscaled.

    `is_exact` (n,): computed in full precision.
    """

    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float16]
    is_exact: npt.NDArray[np.bool_]
