"""The seven stages of Kleiner / NASH-CRN, their order, their five-stage collapse and their words."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    """A fibrosis stage; members are in order. Source: Kleiner 2005, Hepatology 41:1313, table 1.

    1a, 1b and 1c are subtypes of stage 1: 1c is another place, not more fibrosis than 1b.
    """

    S0 = "0"
    S1A = "1a"
    S1B = "1b"
    S1C = "1c"
    S2 = "2"
    S3 = "3"
    S4 = "4"

    @property
    def index(self) -> int:
        """Give the position on the seven-stage scale, 0 to 6."""
        return STAGES.index(self)

    @property
    def collapsed(self) -> int:
        """Give the five-stage number: 1a, 1b and 1c are 1."""
        return int(self.value[0])

    @property
    def description(self) -> str:
        """Give the wording of the scale."""
        return _DESCRIPTIONS[self.value]

    @property
    def colour(self) -> str:
        """Give the overlay colour as #rrggbb: pale blue-grey to dark violet, even steps of lightness."""
        return _COLOURS[self.value]


STAGES: tuple[Stage, ...] = tuple(Stage)
STAGE_NAMES: tuple[str, ...] = tuple(stage.value for stage in STAGES)
N_STAGES = len(STAGES)

_DESCRIPTIONS = {
    "0": "none",
    "1a": "mild, delicate perisinusoidal fibrosis in zone 3",
    "1b": "moderate, dense perisinusoidal fibrosis in zone 3",
    "1c": "portal or periportal fibrosis only",
    "2": "perisinusoidal and portal or periportal fibrosis",
    "3": "bridging fibrosis",
    "4": "cirrhosis",
}
_COLOURS = {
    "0": "#d3dfe8",
    "1a": "#a3bfdc",
    "1b": "#a3bfdc",
    "1c": "#a3bfdc",
    "2": "#6d8fc9",
    "3": "#5557ad",
    "4": "#3a1a70",
}


def collapse_probabilities(probabilities: tuple[float, ...]) -> tuple[float, ...]:
    """Sum seven stage probabilities to five: 1a, 1b and 1c become 1."""
    sums = [0.0] * 5
    for stage, probability in zip(STAGES, probabilities, strict=True):
        sums[stage.collapsed] += probability
    return tuple(sums)
