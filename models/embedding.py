"""Where a patch lies among others as the network sees them: few numbers whose angles are those of its features."""

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

EMBEDDING_SIZE = 64
_SEED = 20260101
"""Never changed without another run id (`core.domain.predictions`): embeddings of two seeds cannot be compared."""
_SMALLEST_NORM = 1e-12


class Embedding(nn.Module):
    """Brings features (n, f) to length 1 and projects them onto 64 fixed random directions.

    Angles between patches stay as they were, on average, with a spread of about (1 - cosine^2) / 8.
    Source: Johnson and Lindenstrauss 1984; Dasgupta and Gupta 2003, theorem 2.1.
    """

    directions: torch.Tensor

    def __init__(self, n_features: int) -> None:
        """Lay the directions out; they lie where the network does, and in no checkpoint."""
        super().__init__()
        self.register_buffer("directions", torch.from_numpy(directions(n_features)), persistent=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Give (n, 64) of features in single precision; nothing but zeros for features that are all 0."""
        length = torch.linalg.vector_norm(features, dim=1, keepdim=True).clamp(min=_SMALLEST_NORM)
        return cast(torch.Tensor, (features / length) @ self.directions)


def directions(n_features: int) -> npt.NDArray[np.float32]:
    """Give the random directions (f, 64), the same in every process."""
    drawn = np.random.RandomState(_SEED).standard_normal((n_features, EMBEDDING_SIZE))  # frozen in NumPy, for good
    return np.asarray(drawn / np.sqrt(EMBEDDING_SIZE), np.float32)
