"""How fast windows fill: cold for one reader, then warm for several at once, each in an order of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.bench.panning import Addresses, Server, fill_times_ms
from core.bench.viewports import Viewport


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Milliseconds: the median and the 95th percentile of `n`."""

    n: int
    median_ms: float
    p95_ms: float

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> Spread:
        """Sum up at least one time."""
        median, p95 = (round(float(np.percentile(times_ms, share)), 1) for share in (50, 95))
        return cls(n=len(times_ms), median_ms=median, p95_ms=p95)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filling:
    """How fast windows fill; `by_halvings` is the cold reader by zoom, from full resolution outwards."""

    n_tiles: int
    cold: Spread
    by_halvings: tuple[tuple[int, Spread], ...]
    n_readers: int
    warm: Spread


def measure_filling(
    server: Server, views: Sequence[Viewport], addresses: Sequence[Addresses], n_readers: int
) -> Filling:
    """Measure a server. Every tile must be one that it was never asked for.

    The cold reader goes through the windows in a random order, the same each time.
    """
    order = random.Random(7).sample(range(len(views)), len(views))  # noqa: S311 - an order, no secret
    (cold_ms,) = fill_times_ms(server, [[addresses[index] for index in order]])
    orders = [random.Random(seed).sample(order, len(order)) for seed in range(n_readers)]  # noqa: S311
    warm_ms = fill_times_ms(server, [[addresses[index] for index in one] for one in orders])
    by_zoom = {view.n_halvings: list[float]() for view in views}
    for index, time_ms in zip(order, cold_ms, strict=True):
        by_zoom[views[index].n_halvings].append(time_ms)
    return Filling(
        n_tiles=sum(map(len, addresses)),
        cold=Spread.of(cold_ms),
        by_halvings=tuple((n_halvings, Spread.of(times)) for n_halvings, times in sorted(by_zoom.items())),
        n_readers=n_readers,
        warm=Spread.of([time_ms for reader in warm_ms for time_ms in reader]),
    )
