"""`fibroread bench quality`: how often the gate finds each artefact and loses a clean patch, and what it says of files.

The gate is run as inference runs it: places from low power, then a judgement of each patch against its slide.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.errors import FibroreadError
from core.domain.geometry import Box
from core.domain.predictions import PatchState
from core.domain.quality import words_of
from core.domain.recipe import Recipe, StainMethod
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.inference.messages import SlideFacts
from core.inference.plan import Plan, make_plan
from core.preprocess.grid import covered_fraction
from core.preprocess.patches import BoxReader, read_patch
from core.preprocess.quality import QUALITY_VERSION, judge
from core.slides.reader import SlideReader
from core.slides.synthetic.artefacts import PEN_COLOURS, bubble, defocus, draw_pen, fold
from core.slides.synthetic.edges import end_of_cover_slip, fade, rolled_rim
from core.slides.synthetic.render import RenderedSlide, render
from core.slides.synthetic.study import MPP, SyntheticSlide

_DESCRIPTION = """\
Measure the quality gate. First a line for each artefact, drawn on synthetic slides of two sites and several animals:
sensitivity is the share that is not predicted of the patches that it covers by at least `covered`; with_reason the
share left out as an artefact (the others passed for glass); false_exclusion the share of untouched tissue left out.
Then, with a folder of pictures and slides, the verdict on each file of its folders artefacts, wrong_stain, sirius_red
and slides. Pictures say no scale and are taken at 0.5 um per pixel."""
_STAGES = (Stage.S0, Stage.S2, Stage.S4, Stage.S1A, Stage.S3)
_SITES = ("A", "B")
_SIZE_PX = (3584, 2688)
_JPEG_QUALITY = 88
_FOLDERS = ("artefacts", "wrong_stain", "sirius_red", "slides")
_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
_RECIPE = Recipe(stain=StainMethod.NONE)

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Spoil = Callable[[np.random.Generator, Rgb, Mask], tuple[Rgb, Mask]]


def _pen(colour: str) -> Spoil:
    return lambda rng, image, _tissue: draw_pen(rng, image, colour)


_ARTEFACTS: dict[str, tuple[Spoil, float]] = {
    "none": (lambda _rng, image, tissue: (image, np.zeros_like(tissue)), 0.5),
    "fold": (fold, 0.25),
    "blur": (lambda rng, image, _tissue: defocus(rng, image), 0.5),
    **{f"pen {colour}": (_pen(colour), 0.25) for colour in PEN_COLOURS},
    "bubble": (lambda rng, image, _tissue: bubble(rng, image), 0.5),
    "edge of the cover slip": (lambda rng, image, _tissue: end_of_cover_slip(rng, image), 0.5),
    "rolled edge": (rolled_rim, 0.25),
    "faint": (lambda rng, image, _tissue: fade(rng, image), 0.5),
}
"""How each artefact is drawn, and the share of a patch from which it counts as spoiled: a half, a quarter if narrow."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Picture:
    """An image in memory, read as a slide is."""

    rgb: Rgb

    @property
    def bounds(self) -> Box:
        """Give the whole picture."""
        return Box(x_px=0, y_px=0, width_px=self.rgb.shape[1], height_px=self.rgb.shape[0])

    def read(self, box: Box, width_px: int, height_px: int) -> Rgb:
        """Give a box at a size."""
        part = self.rgb[box.y_px : box.y_px + box.height_px, box.x_px : box.x_px + box.width_px]
        if part.shape[:2] == (height_px, width_px):
            return part
        return np.asarray(cv2.resize(part, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(kw_only=True, slots=True)
class _Tally:
    """What became of spoiled patches, by state, and of clean ones."""

    spoiled: Counter[PatchState]
    clean: Counter[PatchState]

    def line(self, artefact: str, n_slides: int) -> dict[str, object]:
        """Give the numbers of one line."""
        n_spoiled, n_clean = self.spoiled.total(), self.clean.total()
        return {
            "artefact": artefact,
            "covered": _ARTEFACTS[artefact][1],
            "sensitivity": _rounded(n_spoiled - self.spoiled[PatchState.PREDICTED], n_spoiled),
            "with_reason": _rounded(_excluded(self.spoiled), n_spoiled),
            "false_exclusion": _rounded(_excluded(self.clean), n_clean),
            "n_spoiled": n_spoiled,
            "n_clean": n_clean,
            "left_out_as": {state.reason: number for state, number in self.spoiled.most_common()},
            "n_slides": n_slides,
            "quality_version": QUALITY_VERSION,
        }


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the bench on the command line."""
    parser = subparsers.add_parser(
        "quality",
        help="the quality gate: sensitivity and false exclusions per artefact",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--animals", type=int, default=3, metavar="N", help="animals a site (at most 5; 0: no table)")
    parser.add_argument("--data-folder", type=Path, metavar="F", help="pictures and slides to give the verdict on")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table, the time of a judgement, and the verdict on each file."""
    cv2.setNumThreads(1)
    if arguments.animals > 0:
        for line in _table(_slides(arguments.animals)):
            print(json.dumps(line), flush=True)
    if arguments.data_folder is not None:
        for line in _verdicts(arguments.data_folder):
            print(json.dumps(line), flush=True)
    return 0


def _slides(n_animals: int) -> tuple[SyntheticSlide, ...]:
    return tuple(
        SyntheticSlide(
            name=f"bench-{site}-{stage.value}",
            animal=f"bench-{site}-{stage.value}",
            site=site,
            stain_batch=f"bench-{number}",
            stage=stage,
            seed=1,
            width_px=_SIZE_PX[0],
            height_px=_SIZE_PX[1],
        )
        for site in _SITES
        for number, stage in enumerate(_STAGES[:n_animals])
    )


def _table(slides: tuple[SyntheticSlide, ...]) -> Iterator[dict[str, object]]:
    rendered = [render(slide) for slide in slides]
    for number, artefact in enumerate(_ARTEFACTS):
        tally = _Tally(spoiled=Counter(), clean=Counter())
        for at, slide in enumerate(rendered):
            _count(tally, slide, artefact, np.random.default_rng([number, at]))
        yield tally.line(artefact, len(slides))
    yield _timing(rendered[0])


def _count(tally: _Tally, slide: RenderedSlide, artefact: str, rng: np.random.Generator) -> None:
    spoil, least = _ARTEFACTS[artefact]
    image, mask = spoil(rng, slide.image, slide.tissue_mask)
    picture = _Picture(rgb=_compressed(image))
    plan = _plan(picture, picture.bounds, MPP, artefact)
    covered = covered_fraction(mask, picture.bounds, plan.places.grid)
    tissue = covered_fraction(slide.tissue_mask, picture.bounds, plan.places.grid)
    for index in np.flatnonzero(tissue >= _RECIPE.tissue_fraction).tolist():
        state = _state(picture, plan, index)
        if covered[index] >= least:
            tally.spoiled[state] += 1
        elif covered[index] == 0:
            tally.clean[state] += 1


def _plan(reader: BoxReader, bounds: Box, mpp: float, name: str) -> Plan:
    facts = SlideFacts(
        slide_id=SlideId("0" * 32), name=name, path=Path(name), file_stamp=(0, 0), bounds=bounds, mpp=mpp
    )
    return make_plan(reader, facts, _RECIPE, lambda: iter(()))


def _state(reader: BoxReader, plan: Plan, index: int) -> PatchState:
    """Give what inference would make of a place."""
    state = PatchState(int(plan.places.state[index]))
    if state is not PatchState.PREDICTED:
        return state
    patch = read_patch(reader, plan.places.grid, index, _RECIPE.patch_px)
    return PatchState.FAILED if patch is None else judge(patch, plan.reference)


def _timing(slide: RenderedSlide) -> dict[str, object]:
    """Time a judgement on one thread, the best of some rounds over the same patches."""
    picture = _Picture(rgb=slide.image)
    plan = _plan(picture, picture.bounds, MPP, "timing")
    grid, side_px = plan.places.grid, _RECIPE.patch_px
    patches = [picture.read(grid.box(index), side_px, side_px) for index in plan.places.wanted.tolist()]
    best_s = min(_seconds_of(patches, plan) for _ in range(5))
    return {"judge_ms_a_patch": round(1000 * best_s / len(patches), 3), "n_patches": len(patches), "n_threads": 1}


def _seconds_of(patches: list[Rgb], plan: Plan) -> float:
    began_s = time.perf_counter()
    for patch in patches:
        judge(patch, plan.reference)
    return time.perf_counter() - began_s


def _verdicts(folder: Path) -> Iterator[dict[str, object]]:
    for name in _FOLDERS:
        for path in sorted((folder / name).glob("*")):
            if "mask" in path.stem or not path.is_file():
                continue
            yield {"file": f"{name}/{path.name}", **(_slide_verdict(path) if name == "slides" else _verdict(path))}


def _verdict(path: Path) -> dict[str, object]:
    decoded = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.suffix.lower() in _PICTURES else None
    if decoded is None:
        return {"error": "no picture"}
    picture = _Picture(rgb=np.ascontiguousarray(decoded[:, :, ::-1]).astype(np.uint8))
    return _said(picture, picture.bounds, MPP, path.name)


def _slide_verdict(path: Path) -> dict[str, object]:
    try:
        reader = SlideReader(path)
    except FibroreadError as error:
        return {"error": str(error)}
    try:
        if reader.scan.mpp is None:
            return {"error": "no microns per pixel"}
        return {**_said(reader, reader.scan.bounds, reader.scan.mpp.mean, path.name), "mpp": reader.scan.mpp.mean}
    finally:
        reader.close()


def _said(reader: BoxReader, bounds: Box, mpp: float, name: str) -> dict[str, object]:
    try:
        plan = _plan(reader, bounds, mpp, name)
    except FibroreadError as error:
        return {"error": str(error)}
    states = Counter(_state(reader, plan, index) for index in range(plan.places.grid.n_patches))
    return {
        "concerns": words_of(plan.concerns) or None,
        "patches": {state.reason: number for state, number in sorted(states.items())},
        "sentences": [concern.sentence for concern in plan.concerns],
    }


def _compressed(image: Rgb) -> Rgb:
    """Send an image through JPEG as its pyramid would."""
    _, encoded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])


def _excluded(states: Counter[PatchState]) -> int:
    return sum(number for state, number in states.items() if state.is_excluded)


def _rounded(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
