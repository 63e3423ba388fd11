"""What can lie over a slide: the layers, their names in a tile's address, and their legends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from core.domain.geometry import DeepZoom
from core.domain.predictions import PatchState
from core.domain.stages import STAGE_NAMES, STAGES, Stage
from core.inference.palette import EXCLUDED_LINE, INK, TISSUE_LINE, hex_of, ladder_ramp, saliency_ramp, uncertainty_ramp

UNCERTAIN_FROM = 0.8
"""Uncertainty (1 - margin) from which a patch is hatched."""
LAYER_VERSION = "1"
"""Changes with how layers are drawn."""


class LayerKind(Enum):
    """What a layer shows."""

    STAGE = "stage"
    PROBABILITY = "probability"
    UNCERTAINTY = "uncertainty"
    TISSUE = "tissue"
    EXCLUDED = "excluded"
    SALIENCY = "saliency"
    READS = "reads"


PREDICTED = "predicted"
RUNNER_UP = "runner-up"
_CHOICES: dict[LayerKind, tuple[str, ...]] = {
    LayerKind.PROBABILITY: STAGE_NAMES,
    LayerKind.SALIENCY: (PREDICTED, RUNNER_UP, *STAGE_NAMES),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer; `choice` is the stage (or predicted, runner-up) where the kind has several, else None."""

    kind: LayerKind
    choice: str | None = None

    def __post_init__(self) -> None:
        allowed = _CHOICES.get(self.kind)
        if (allowed is None and self.choice is not None) or (allowed is not None and self.choice not in allowed):
            raise ValueError(f"layer '{self.kind.value}' has no choice '{self.choice}'")

    @classmethod
    def named(cls, name: str) -> Layer:
        """Read `stage`, `probability:3`, `saliency:runner-up` and the like; ValueError for anything else."""
        kind, _, choice = name.partition(":")
        return cls(kind=LayerKind(kind), choice=choice or None)

    @property
    def name(self) -> str:
        """Give the name as it stands in an address."""
        return self.kind.value if self.choice is None else f"{self.kind.value}:{self.choice}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LegendEntry:
    """One line of a legend. `mark` names the drawing beside it: fill, outline, dot, bars-1, bars-2 or a hatch."""

    colour: str
    mark: str
    text: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Legend:
    """How to read a layer. `ramp` holds the colours of a continuous scale between the words in `ends`."""

    kind: LayerKind
    title: str
    entries: tuple[LegendEntry, ...] = ()
    ramp: tuple[str, ...] = ()
    ends: tuple[str, str] | None = None
    note: str = ""


_HATCHES = {
    PatchState.BLURRED: "hatch-rising",
    PatchState.FOLDED: "hatch-falling",
    PatchState.PEN: "hatch-crossed",
    PatchState.BUBBLE: "hatch-dotted",
    PatchState.EDGE: "hatch-level",
    PatchState.FAINT: "hatch-pricked",
    PatchState.FAILED: "hatch-upright",
}
_MARKS = {Stage.S1B: "bars-1", Stage.S1C: "bars-2"}


def layer_version(zoom: DeepZoom) -> str:
    """Give the part of a layer tile's address that changes with everything but the run that would change it."""
    return f"{LAYER_VERSION}-{zoom.tile_px}"


def hatch_of(state: PatchState) -> str | None:
    """Give the name of the hatch of a place that was left out, or None."""
    return _HATCHES.get(state)


def legends(saliency_scale: float) -> tuple[Legend, ...]:
    """Give every layer's legend. Args: saliency_scale: the raw Grad-CAM value drawn as full strength."""
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    return (
        Legend(kind=LayerKind.STAGE, title="Stage the model calls", entries=stage_entries()),
        Legend(
            kind=LayerKind.PROBABILITY,
            title="Probability of one stage",
            ramp=tuple(hex_of(colour) for colour in ladder_ramp(steps)),
            ends=("0", "1"),
        ),
        Legend(
            kind=LayerKind.UNCERTAINTY,
            title="Uncertainty",
            ramp=tuple(hex_of(colour) for colour in uncertainty_ramp(steps)),
            ends=("0 sure", "1 torn"),
            note=f"1 minus the margin between the two best stages; hatched from {UNCERTAIN_FROM}",
        ),
        Legend(kind=LayerKind.TISSUE, title="Tissue outline", entries=(_entry(TISSUE_LINE, "outline", "tissue", ""),)),
        Legend(kind=LayerKind.EXCLUDED, title="Left out, and why", entries=_excluded_entries()),
        Legend(
            kind=LayerKind.SALIENCY,
            title="Grad-CAM",
            ramp=("#ffffff", *(hex_of(colour) for colour in saliency_ramp(steps))),
            ends=("0", f"{saliency_scale:.3g} raw" if saliency_scale > 0 else "empty on this slide"),
            note="where the model looked, not why; one scale for the slide",
        ),
        Legend(kind=LayerKind.READS, title="Your patch reads", entries=_read_entries()),
    )


def _entry(colour: tuple[int, int, int], mark: str, text: str, meaning: str) -> LegendEntry:
    return LegendEntry(colour=hex_of(np.array(colour, np.float32)), mark=mark, text=text, meaning=meaning)


def stage_entries() -> tuple[LegendEntry, ...]:
    """Give the lines of the legend of stages."""
    stages = tuple(
        LegendEntry(colour=stage.colour, mark=_MARKS.get(stage, "fill"), text=stage.value, meaning=stage.description)
        for stage in STAGES
    )
    words = f"two stages nearly level (uncertainty from {UNCERTAIN_FROM})"
    return (*stages, _entry(EXCLUDED_LINE, "hatch-sparse", "uncertain", words))


def _excluded_entries() -> tuple[LegendEntry, ...]:
    return tuple(_entry(EXCLUDED_LINE, mark, state.reason, "") for state, mark in _HATCHES.items())


def _read_entries() -> tuple[LegendEntry, ...]:
    return (
        _entry(INK, "outline", "accepted", "frame in the colour of the stage read"),
        _entry(INK, "dot", "corrected", "another stage than the call"),
        _entry(EXCLUDED_LINE, "letter-D", "deferred", ""),
        _entry(EXCLUDED_LINE, "letter-X", "excluded", "by you"),
    )
