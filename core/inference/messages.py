"""What the app and its worker say to each other, one JSON object per line.

The worker is told everything it needs; it has no store to look things up in.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from core.domain.geometry import Box
from core.domain.predictions import InferenceMode, RunId, SecondPass, SlideCall
from core.domain.quality import Concern, Concerns, concerns_from_plain, concerns_to_plain
from core.domain.recipe import Recipe
from core.domain.slides import SlideId
from core.domain.stages import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class SlideFacts:
    """What is needed to open a slide and to know that it is still the same. `mpp` is the one to measure with."""

    slide_id: SlideId
    name: str
    path: Path
    file_stamp: tuple[int, int]
    bounds: Box
    mpp: float


@dataclass(frozen=True, kw_only=True, slots=True)
class InferRequest:
    """Run a model over a slide, into a folder.

    `stain_batch` holds the other slides of the slide's stain batch; `n_workers` share this machine's cores.
    """

    kind: ClassVar[str] = "infer"
    run_id: RunId
    slide: SlideFacts
    stain_batch: tuple[SlideFacts, ...]
    recipe: Recipe
    weights_path: Path
    weights_sha256: str
    device: str
    run_folder: Path
    mode: InferenceMode = InferenceMode.EXACT
    n_workers: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelRequest:
    """Stop a run; its finished shards stay."""

    kind: ClassVar[str] = "cancel"
    run_id: RunId


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchOfRun:
    """One patch of a run, and the network to ask about it."""

    slide: SlideFacts
    recipe: Recipe
    weights_path: Path
    weights_sha256: str
    device: str
    run_folder: Path
    patch_index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainRequest:
    """Make one saliency map of a patch."""

    kind: ClassVar[str] = "explain"
    request_id: str
    patch: PatchOfRun
    method: str
    layer: str
    stage: Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictRequest:
    """Predict a patch, whatever the quality gate said of it."""

    kind: ClassVar[str] = "predict"
    request_id: str
    patch: PatchOfRun


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """The worker listens.

    `devices` are the CUDA devices that it can use, each as CUDA_VISIBLE_DEVICES would name it; it uses the first.
    """

    kind: ClassVar[str] = "ready"
    process_id: int
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A run is this far."""

    kind: ClassVar[str] = "progress"
    run_id: RunId
    n_done: int
    n_total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A run's arrays lie in its folder."""

    kind: ClassVar[str] = "finished"
    run_id: RunId
    call: SlideCall | None
    n_patches: int
    n_excluded: int
    n_failed: int
    seconds: float
    device: str
    content_sha256: str
    concerns: Concerns = ()
    quality_version: str = ""
    second_pass: SecondPass | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A run ended without results, and why. `request_id` is set when it was no run but a request."""

    kind: ClassVar[str] = "failed"
    reason: str
    run_id: RunId | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """A run was cancelled."""

    kind: ClassVar[str] = "stopped"
    run_id: RunId


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """One saliency map: float32 little-endian, base64, row-major, a square of `side_px`."""

    kind: ClassVar[str] = "explained"
    request_id: str
    side_px: int
    map_base64: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """The probabilities of one patch, in the order of the stages."""

    kind: ClassVar[str] = "predicted"
    request_id: str
    probabilities: tuple[float, ...]


Question = ExplainRequest | PredictRequest
"""What is asked of a patch, and answered between minibatches."""

Request = InferRequest | CancelRequest | Question
Event = Ready | Progress | Finished | Failed | Stopped | Explained | Predicted
Message = Request | Event

_KINDS: dict[str, type[Any]] = {
    each.kind: each
    for each in (
        InferRequest,
        CancelRequest,
        ExplainRequest,
        PredictRequest,
        Ready,
        Progress,
        Finished,
        Failed,
        Stopped,
        Explained,
        Predicted,
    )
}


def to_line(message: Message) -> str:
    """Give a message as one line of JSON, line end included."""
    plain = {"kind": message.kind, **_fields_of(message)}
    return json.dumps(plain, default=_to_plain, separators=(",", ":")) + "\n"


def from_line(line: str) -> Message:
    """Read a message; ValueError when it is none of ours."""
    try:
        plain = dict(json.loads(line))
        kind = _KINDS[plain.pop("kind")]
        message: Message = kind(**_parsed(plain))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"no message of ours: {line[:200]!r}") from error
    return message


def _fields_of(record: Message | PatchOfRun) -> dict[str, object]:
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _parsed(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: _READERS[name](value) if name in _READERS else value for name, value in plain.items()}


def _to_plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Recipe):
        return value.to_json()
    if isinstance(value, PatchOfRun):
        return _fields_of(value)
    if isinstance(value, Stage | InferenceMode):
        return value.value
    if isinstance(value, Concern):
        return concerns_to_plain((value,))[0]
    if isinstance(value, SlideFacts | SlideCall | SecondPass | Box):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _slide_facts(plain: dict[str, Any]) -> SlideFacts:
    return SlideFacts(
        **{
            **plain,
            "path": Path(plain["path"]),
            "file_stamp": (int(plain["file_stamp"][0]), int(plain["file_stamp"][1])),
            "bounds": Box(**plain["bounds"]),
        }
    )


def _slide_call(plain: dict[str, Any] | None) -> SlideCall | None:
    if plain is None:
        return None
    return SlideCall(**{**plain, "stage": Stage(plain["stage"]), "probabilities": tuple(plain["probabilities"])})


_READERS: dict[str, Any] = {
    "slide": _slide_facts,
    "stain_batch": lambda many: tuple(_slide_facts(each) for each in many),
    "patch": lambda plain: PatchOfRun(**_parsed(plain)),
    "recipe": Recipe.from_json,
    "weights_path": Path,
    "run_folder": Path,
    "stage": Stage,
    "mode": InferenceMode,
    "call": _slide_call,
    "concerns": concerns_from_plain,
    "probabilities": tuple,
    "devices": tuple,
    "second_pass": lambda plain: None if plain is None else SecondPass(**plain),
}
