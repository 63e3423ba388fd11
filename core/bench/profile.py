"""Where the time of a run went, so that the parts add up to it, and what would make it shorter."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from core.bench.watched_run import Call, WatchedRun

BOUND = "the network, as fast as alone"
_ALL_BUSY_FRACTION = 0.95
_REMEDIES = {
    "opening the slide": "A slide opens once a run: it counts less on a larger slide.",
    "tissue and sample at low power": "It is done once a slide: it counts less on a larger one.",
    "colour table": "It is worked out once a slide: it counts less on a larger one.",
    "first patches": "The first block must be read before the network can begin: it counts less on a larger slide.",
    "first minibatches": "The network sets up its memory once: it counts less on a larger slide.",
    "waiting for patches": "Reading does not keep up: more reading threads, more cores or a faster disk would help.",
    "last minibatches": "The streams do not end together: it counts less on a larger slide.",
    "sharing the cores": "The other steps run on the network's cores: more cores, or less work, would help.",
    "storing at the end": "The arrays are written and hashed once a slide: a faster disk would help.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of the run's time on the wall; together they are all of it."""

    name: str
    seconds: float
    fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """The parts in the order of the run; how far the network stood still, how much of the cores' time was the run's.

    `highest_share_of_bound` is how much of the bare network's speed could be reached if nothing ever waited: what the
    cores do beside the network they cannot do for it.
    """

    parts: tuple[Part, ...]
    network_waits_fraction: float
    cores_busy_fraction: float
    highest_share_of_bound: float

    @property
    def words(self) -> tuple[str, ...]:
        """Say what keeps the run from being faster."""
        largest = max((part for part in self.parts if part.name in _REMEDIES), key=lambda part: part.seconds)
        is_full = self.cores_busy_fraction >= _ALL_BUSY_FRACTION
        waits = "no waiting is left to fill" if is_full else "the rest is waiting, or was other programs'"
        return (
            f"Most of the rest is '{largest.name}', {largest.fraction:.1%} of the time. {_REMEDIES[largest.name]}",
            f"The run had {self.cores_busy_fraction:.0%} of the cores' time: {waits}.",
            f"If nothing ever waited, {self.highest_share_of_bound:.1%} of the bare network's speed could be reached.",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Alone:
    """What the steps take by themselves, in seconds: the network a patch, the others a slide.

    `beside_s` is one core's, the colour table's all cores'. `is_on_cores`: the network shares the cores with them.
    """

    forward_s: float
    beside_s: float
    colour_table_s: float
    n_cores: int
    is_on_cores: bool


def profile_of(run: WatchedRun, alone: Alone) -> Profile:
    """Take a run apart. A part can be a little under 0 where the machine was not at rest."""
    bound_s = run.n_patches * alone.forward_s
    seconds = {**_before(run, alone), BOUND: bound_s, **_at_work(run, bound_s)}
    seconds["storing at the end"] = run.ended_s - max(call.ended_s for call in run.calls)
    beside_s = alone.beside_s / alone.n_cores + alone.colour_table_s
    least_s = bound_s + beside_s if alone.is_on_cores else max(bound_s, beside_s)
    busy_s = sum(call.seconds for call in run.calls) / run.n_streams
    parts = tuple(Part(name=name, seconds=part, fraction=part / run.ended_s) for name, part in seconds.items())
    return Profile(
        parts=parts,
        network_waits_fraction=1.0 - busy_s / run.ended_s,
        cores_busy_fraction=run.processor_s / (run.ended_s * alone.n_cores),
        highest_share_of_bound=bound_s / least_s,
    )


def _before(run: WatchedRun, alone: Alone) -> dict[str, float]:
    looking_s = run.planned_s - run.opened_s
    colour_table_s = min(alone.colour_table_s, looking_s)
    return {
        "opening the slide": run.opened_s,
        "tissue and sample at low power": looking_s - colour_table_s,
        "colour table": colour_table_s,
        "first patches": run.calls[0].began_s - run.planned_s,
    }


def _at_work(run: WatchedRun, bound_s: float) -> dict[str, float]:
    """Give what there was beside the bound from the first minibatch's beginning to the last one's end."""
    first_s, last_s = run.calls[0].began_s, max(call.ended_s for call in run.calls)
    by_stream = _by_stream(run.calls)
    usual_s = statistics.median(call.seconds for call in run.calls)
    warming_s = sum(max(0.0, calls[0].seconds - usual_s) for calls in by_stream)
    busy_s = sum(call.seconds for call in run.calls)
    ends_s = [calls[-1].ended_s for calls in by_stream] + [first_s] * (run.n_streams - len(by_stream))
    alone_at_end_s = sum(last_s - end_s for end_s in ends_s)
    waiting_s = run.n_streams * (last_s - first_s) - busy_s - alone_at_end_s
    return {
        "first minibatches": warming_s / run.n_streams,
        "waiting for patches": waiting_s / run.n_streams,
        "sharing the cores": (busy_s - warming_s) / run.n_streams - bound_s,
        "last minibatches": alone_at_end_s / run.n_streams,
    }


def _by_stream(calls: Sequence[Call]) -> list[list[Call]]:
    streams: dict[int, list[Call]] = {}
    for call in calls:
        streams.setdefault(call.stream, []).append(call)
    return list(streams.values())
