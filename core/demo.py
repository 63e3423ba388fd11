"""The demo study: on a fresh machine it prepares itself, slide by slide, while the app is already usable.

Slides are drawn by a subprocess of low priority, registered one by one as soon as each file is whole, and handed
to the model at once. Everything done is found again at the next start, so a study that was cut off goes on.
The stage that each slide was drawn for lies in the reference folder for tests, and is never given to a reader.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.errors import BadModel, FibroreadError, TryAgain
from core.domain.registry import RegisteredModel
from core.domain.slides import Provenance, Slide, SlideId
from core.slides.synthetic.study import SyntheticSlide

DRAW_COMMAND = (sys.executable, "-m", "core.cli", "demo-slides", "--until-stdin-closes")
_STOP_AFTER_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoParts:
    """What the study needs of the app around it.

    `slides` gives every registered slide; `register` one finished file as a demo slide, or the slide it already
    is; `add_model` a model folder, or the model it already is; `request_run` queues a slide and leaves a finished
    or queued run as it is; `is_predicted` says whether the model has finished a slide.
    """

    slides: Callable[[], Sequence[Slide]]
    register: Callable[[Path, Provenance], Slide]
    add_model: Callable[[Path], RegisteredModel]
    request_run: Callable[[Slide, RegisteredModel], object]
    is_predicted: Callable[[SlideId, RegisteredModel], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoProgress:
    """How far the study is. `n_slides` 0: no demo is prepared here. `failure` says what did not come about."""

    n_slides: int = 0
    n_written: int = 0
    n_predicted: int = 0
    first_slide_id: SlideId | None = None
    failure: str | None = None
    is_drawing: bool = False
    has_model: bool = False

    @property
    def is_moving(self) -> bool:
        """Say whether more is to be expected without anyone's doing."""
        return self.is_drawing or (self.has_model and self.n_predicted < self.n_written)

    @property
    def is_complete(self) -> bool:
        """Say whether every slide is there and read by the model."""
        return self.n_written == self.n_slides == self.n_predicted


def provenance_of(planned: SyntheticSlide) -> Provenance:
    """Give what a reader may know of a demo slide: everything but the stage it was drawn for."""
    return Provenance(
        subject=planned.animal,
        site=planned.site,
        stain_batch=planned.stain_batch,
        scanner="drawn by a program",
        group="demo",
    )


def demo_model_folder() -> Path:
    """Give the shipped demo model's folder: in an installed package, else in the source tree. Raises BadModel."""
    places = (Path(__file__).parent / "demo_model", Path(__file__).parent.parent / "demo_model")
    for place in places:
        if (place / "card.json").is_file():
            return place
    raise BadModel(places[-1], "the demo model is not in this installation; register a model of your own")


class DemoStudy:
    """Prepares the planned slides in a thread of its own; `progress` may be asked from any thread."""

    def __init__(
        self,
        plan: Sequence[SyntheticSlide],
        data_dir: Path,
        parts: DemoParts,
        *,
        model_folder: Callable[[], Path] = demo_model_folder,
        draw_command: Sequence[str] = DRAW_COMMAND,
    ) -> None:
        self._plan = {planned.name: planned for planned in plan}
        self._slides_dir = data_dir / "slides" / "demo"
        self._reference_dir = data_dir / "demo_reference"
        self._parts, self._model_folder, self._draw_command = parts, model_folder, tuple(draw_command)
        self._lock = threading.Lock()
        self._is_stopping = threading.Event()
        self._progress = DemoProgress()
        self._model: RegisteredModel | None = None
        self._unread: dict[SlideId, None] = {}
        self._drawing: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin or go on in the background; nothing happens where the store holds other slides only."""
        if not self._plan or not self._is_wanted():
            return
        with self._lock:
            self._progress = DemoProgress(n_slides=len(self._plan), is_drawing=True)
        self._thread = threading.Thread(target=self._prepare, name="demo-study", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the drawing; what is whole stays."""
        self._is_stopping.set()
        with self._lock:
            drawing = self._drawing
        if drawing is not None:
            drawing.terminate()
        if self._thread is not None:
            self._thread.join(_STOP_AFTER_S)

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing more is drawn; false when that took longer."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    def progress(self) -> DemoProgress:
        """Say how far the study is; asks for the model's runs only while some are missing."""
        with self._lock:
            model, unread = self._model, tuple(self._unread)
        finished = [slide_id for slide_id in unread if model and self._parts.is_predicted(slide_id, model)]
        with self._lock:
            for slide_id in finished:
                if self._unread.pop(slide_id, "absent") is None:
                    self._progress = replace(self._progress, n_predicted=self._progress.n_predicted + 1)
            return self._progress

    def _is_wanted(self) -> bool:
        registered = self._parts.slides()
        return not registered or any(slide.is_demo for slide in registered) or self._reference_dir.is_dir()

    def _prepare(self) -> None:
        try:
            self._add_model()
            missing = self._take_up_registered()
            if missing and not self._is_stopping.is_set():
                self._draw(missing)
        except (FibroreadError, OSError) as error:
            self._fail(str(error))
        finally:
            with self._lock:
                self._progress = replace(self._progress, is_drawing=False)

    def _add_model(self) -> None:
        """Register the shipped model; the slides are worth reading without it, so its failure is only told."""
        try:
            model = self._parts.add_model(self._model_folder())
        except FibroreadError as error:
            self._fail(str(error))
            return
        with self._lock:
            self._model = model
            self._progress = replace(self._progress, has_model=True)

    def _take_up_registered(self) -> tuple[str, ...]:
        """Take up what an earlier start registered; give the names still missing, in the plan's order."""
        registered = {slide.name: slide for slide in self._parts.slides() if slide.is_demo}
        for name in self._plan:
            if name in registered:
                self._take_up(registered[name])
        return tuple(name for name in self._plan if name not in registered)

    def _take_up(self, slide: Slide) -> None:
        with self._lock:
            first = self._progress.first_slide_id or slide.slide_id
            self._progress = replace(self._progress, n_written=self._progress.n_written + 1, first_slide_id=first)
            self._unread[slide.slide_id] = None
            model = self._model
        if model is not None and not self._parts.is_predicted(slide.slide_id, model):
            self._parts.request_run(slide, model)

    def _draw(self, missing: tuple[str, ...]) -> None:
        self._reference_dir.mkdir(parents=True, exist_ok=True)
        command = (
            *self._draw_command,
            *("--out", str(self._slides_dir), "--reference", str(self._reference_dir), "--slides", *missing),
        )
        drawing = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with self._lock:
            self._drawing = drawing
        with drawing:
            if self._is_stopping.is_set():
                drawing.terminate()
            for line in drawing.stdout or ():
                self._register(line)
        if drawing.returncode and not self._is_stopping.is_set():
            raise TryAgain(
                f"The drawing of demo slides ended with {drawing.returncode}. Start the app again to go on with it."
            )

    def _register(self, line: str) -> None:
        drawn = json.loads(line)
        planned = self._plan.get(str(drawn["name"]))
        if planned is None or self._is_stopping.is_set():
            return
        try:
            self._take_up(self._parts.register(Path(str(drawn["path"])), provenance_of(planned)))
        except FibroreadError as error:
            self._fail(f"{planned.name}: {error}")

    def _fail(self, reason: str) -> None:
        with self._lock:
            told = reason if self._progress.failure is None else f"{self._progress.failure} {reason}"
            self._progress = replace(self._progress, failure=told)
