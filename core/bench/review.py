"""How fast the film strip of a large study answers: opened first, paged, filtered and sorted, over the real routes."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from core.access.identity import local_reader
from core.domain.errors import InvariantBroken
from core.domain.geometry import Box, Grid
from core.domain.predictions import EMBEDDING_SIZE, PatchPredictions, PatchState, Run
from core.domain.reads import Item, ReadRequest, Sight
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Provenance, ScanProperties, Slide, SlideId
from core.domain.stages import N_STAGES, STAGE_NAMES, STAGES
from core.domain.units import Mpp
from core.inference.requests import run_id_for
from core.inference.results import save_results
from core.review.reading import Reading
from core.store.models import ModelStore
from core.store.runs import RunStore
from core.store.slides import SlideStore

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_PATCH_PX = 448
_PAGE = 200
_SITES = ("Lyon", "Graz", "Turku", None)


@dataclass(frozen=True, kw_only=True, slots=True)
class StudySize:
    """How large a study is; `n_reads` are those of each reader."""

    n_slides: int
    n_patches: int
    n_readers: int
    n_reads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Worst:
    """Milliseconds: the median and the worst of `n`."""

    n: int
    median_ms: float
    worst_ms: float

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> Worst:
        """Sum up at least one time."""
        return cls(n=len(times_ms), median_ms=round(float(np.median(times_ms)), 1), worst_ms=round(max(times_ms), 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class StripTimes:
    """How long the strip's answers take, each whole at the client. `first_ms` is the one for which all is read in."""

    n_patches: int
    first_ms: float
    page: Worst
    filter: Worst
    sort: Worst
    nearest: Worst


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyParts:
    """What a study is written into."""

    data_dir: Path
    slides: SlideStore
    models: ModelStore
    runs: RunStore
    reading: Reading


def write_study(parts: StudyParts, size: StudySize) -> None:
    """Store slides without files, a finished run over each, and reads of several readers; the same each time."""
    model = RegisteredModel(
        model_id=ModelId("0" * 16),
        name="none",
        folder=parts.data_dir / "none",
        checkpoint_sha256="0" * 64,
        recipe=Recipe(),
        is_demo=True,
        card_json="{}",
        registered_at=_AT,
    )
    parts.models.add_model(model, actor="bench")
    generator = np.random.default_rng(1)
    for number in range(size.n_slides):
        slide = _slide(number, size.n_patches)
        parts.slides.add_slide(slide, "bench")
        _store_run(parts, slide, model, _predictions(size.n_patches, generator))
    _store_reads(parts, size, model.recipe.hash)


def measure_strip(origin: str, token: str, n_rounds: int) -> StripTimes:
    """Ask a running app that has the study, and nobody else asks. Raises: InvariantBroken when it refuses."""
    with closing(_Asker(origin, token)) as asker:
        return _strip_times(asker, n_rounds)


def _strip_times(asker: _Asker, n_rounds: int) -> StripTimes:
    first_ms, first = asker.ask("/film-strip/choices")
    chance = random.Random(7)  # noqa: S311 - where to page to, no secret
    _, begun = asker.ask(f"/film-strip/page?reads=any&limit={_PAGE}")
    n = int(str(begun["n"]))
    offsets = [chance.randrange(0, max(1, n)) for _ in range(4 * n_rounds)]
    laid = f"/film-strip/page?reads=any&limit={_PAGE}&laid={begun['laid']}"
    paged = [asker.ask(f"{laid}&offset={offset}")[0] for offset in offsets]
    filtered = [asker.ask(f"/film-strip/page?{question}&limit={_PAGE}")[0] for question in _filters(n_rounds, first)]
    orders = [order for _ in range(n_rounds) for order in ("uncertain", "disagreeing", "worth", "random")]
    sorted_ms = [
        asker.ask(f"/film-strip/page?order={order}&seed={seed}&reads=any&limit={_PAGE}")[0]
        for seed, order in enumerate(orders)
    ]
    nearest = [asker.ask(f"{_laid_near(begun, chance)}&reads=any&limit={_PAGE}")[0] for _ in range(n_rounds)]
    return StripTimes(
        n_patches=n,
        first_ms=round(first_ms, 1),
        page=Worst.of(paged),
        filter=Worst.of(filtered),
        sort=Worst.of(sorted_ms),
        nearest=Worst.of(nearest),
    )


def _laid_near(page: dict[str, object], chance: random.Random) -> str:
    """Give the question for the patches nearest to one of a page."""
    patches, runs = page["patches"], page["runs"]
    if not isinstance(patches, list) or not isinstance(runs, list):
        raise TypeError("a page names patches and runs")
    patch = chance.choice(patches)
    return f"/film-strip/page?order=nearest&near={runs[patch['run']]['run']}:{patch['index']}"


def _filters(n_rounds: int, choices: dict[str, object]) -> Iterator[str]:
    slides = choices["slides"]
    if not isinstance(slides, list):
        raise TypeError("choices name slides")
    for number in range(n_rounds):
        yield f"reads=any&stages={STAGE_NAMES[number % N_STAGES]},4&low=0.{number % 7}"
        yield f"reads=unread&site={_SITES[number % 3]}&order=disagreeing"
        yield f"reads=any&slide={slides[number % len(slides)]['id']}&high=0.9"
        yield "reads=own&order=random"


class _Asker:
    """One connection that stays open, as a browser's does."""

    def __init__(self, origin: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, address: str) -> tuple[float, dict[str, object]]:
        """Give the milliseconds until the whole answer was there, and the answer."""
        begun = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took_ms = (time.perf_counter() - begun) * 1000
        if answer.status != 200:
            raise InvariantBroken(f"{address} was answered with {answer.status}.")
        plain: dict[str, object] = json.loads(body)
        return took_ms, plain

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def _slide(number: int, n_patches: int) -> Slide:
    bounds = Box(x_px=0, y_px=0, width_px=n_patches * _PATCH_PX, height_px=_PATCH_PX)
    scan = ScanProperties(
        width_px=bounds.width_px,
        height_px=bounds.height_px,
        bounds=bounds,
        mpp=Mpp(x=0.25, y=0.25),
        objective_power=40,
        vendor="none",
        has_icc_profile=False,
    )
    return Slide(
        slide_id=SlideId(f"{number:032x}"),
        name=f"slide {number}",
        path=Path(f"none/{number}.tif"),
        source_path=Path(f"none/{number}.tif"),
        file_stamp=(1, 1),
        scan=scan,
        provenance=Provenance(subject=f"animal {number // 3}", site=_SITES[number % len(_SITES)]),
        registered_at=_AT,
    )


def _predictions(n_patches: int, generator: np.random.Generator) -> PatchPredictions:
    return PatchPredictions(
        grid=Grid(x_px=0, y_px=0, side_px=float(_PATCH_PX), n_columns=n_patches, n_rows=1),
        state=np.full(n_patches, PatchState.PREDICTED, np.uint8),
        tissue_fraction=np.ones(n_patches, np.float32),
        collagen_fraction=np.zeros(n_patches, np.float32),
        probabilities=generator.dirichlet(np.full(N_STAGES, 0.35), n_patches).astype(np.float32),
        saliency=np.zeros((n_patches, N_STAGES, 7, 7), np.float16),
        embedding=generator.standard_normal((n_patches, EMBEDDING_SIZE)).astype(np.float16),
        saliency_on_collagen=np.zeros((n_patches, 2), np.float32),
        is_exact=np.ones(n_patches, np.bool_),
    )


def _store_run(parts: StudyParts, slide: Slide, model: RegisteredModel, predictions: PatchPredictions) -> None:
    run_id = run_id_for(slide, model)
    sha256 = save_results(parts.data_dir / "runs" / run_id, predictions)
    parts.runs.add_run(
        Run(
            run_id=run_id,
            slide_id=slide.slide_id,
            model_id=model.model_id,
            recipe_hash=model.recipe.hash,
            call=None,
            n_patches=predictions.grid.n_patches,
            n_excluded=0,
            n_failed=0,
            seconds=1.0,
            device="none",
            code_version="bench",
            finished_at=_AT,
            content_sha256=sha256,
        )
    )


def _store_reads(parts: StudyParts, size: StudySize, recipe_hash: str) -> None:
    chance = random.Random(3)  # noqa: S311 - which patches are read, no secret
    places = [(chance.randrange(size.n_slides), chance.randrange(size.n_patches)) for _ in range(size.n_reads)]
    for name in (f"Reader {number}" for number in range(size.n_readers)):
        for number, (slide, patch) in enumerate(dict.fromkeys(places)):
            item = Item(slide_id=SlideId(f"{slide:032x}"), patch_index=patch, recipe_hash=recipe_hash)
            asked = ReadRequest(event_id=f"{name}-{number}", item=item, sight=Sight(), stage=chance.choice(STAGES))
            parts.reading.record(local_reader(name), asked)
