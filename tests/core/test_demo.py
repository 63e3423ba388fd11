"""The demo study comes about by itself, goes on after a cut and never shows what its slides were drawn for."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.commands import demo_slides
from core.demo import DRAW_COMMAND, DemoParts, DemoStudy, demo_model_folder, provenance_of
from core.domain.errors import BadModel, BadSlide, NothingToDo
from core.domain.geometry import Box
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Provenance, ScanProperties, Slide, SlideId
from core.domain.units import Mpp
from core.slides.synthetic.study import demo_study

PLAN = demo_study()[:3]
ROOT = Path(__file__).parent.parent.parent
AT = datetime(2026, 1, 1, tzinfo=UTC)
DRAWS_AT_ONCE = """
import json, pathlib, sys
words = sys.argv[1:]
out = pathlib.Path(words[words.index("--out") + 1])
out.mkdir(parents=True, exist_ok=True)
for name in words[words.index("--slides") + 1:]:
    (out / f"{name}.tif").write_text(name)
    print(json.dumps({"name": name, "path": str(out / f"{name}.tif")}), flush=True)
"""
DRAWS_ONE_AND_FAILS = DRAWS_AT_ONCE + "    sys.exit(7)\n"
DRAWS_ONE_AND_WAITS = DRAWS_AT_ONCE + "    sys.stdin.read()\n"


def a_slide(path: Path, *, provenance: Provenance | None = None, is_demo: bool = True) -> Slide:
    """Give a registered slide of this file."""
    bounds = Box(x_px=0, y_px=0, width_px=4096, height_px=3072)
    return Slide(
        slide_id=SlideId(f"{abs(hash(path.stem)):032x}"[:32]),
        name=path.stem,
        path=path,
        source_path=path,
        file_stamp=(1, 1),
        scan=ScanProperties(
            width_px=4096,
            height_px=3072,
            bounds=bounds,
            mpp=Mpp(x=0.5, y=0.5),
            objective_power=None,
            vendor="generic-tiff",
            has_icc_profile=False,
        ),
        provenance=provenance or Provenance(),
        is_demo=is_demo,
        registered_at=AT,
    )


class App:
    """The app around the study, in memory."""

    def __init__(self) -> None:
        self.registered: dict[str, Slide] = {}
        self.requested: list[str] = []
        self.predicted: set[SlideId] = set()
        self.refuses: str | None = None

    def register(self, path: Path, provenance: Provenance) -> Slide:
        if path.stem == self.refuses:
            raise BadSlide(path, "cannot be opened")
        return self.registered.setdefault(path.stem, a_slide(path, provenance=provenance))

    def add_model(self, folder: Path) -> RegisteredModel:
        if not folder.name == "model":
            raise BadModel(folder, "its card is missing")
        return RegisteredModel(
            model_id=ModelId("0" * 16),
            name="demo",
            folder=folder,
            checkpoint_sha256="0" * 64,
            recipe=Recipe(),
            is_demo=True,
            card_json="{}",
            registered_at=AT,
        )

    def study(self, data_dir: Path, script: str = DRAWS_AT_ONCE, *, model: str = "model") -> DemoStudy:
        """Give a study of three slides around this app."""
        parts = DemoParts(
            slides=lambda: tuple(self.registered.values()),
            register=self.register,
            add_model=self.add_model,
            request_run=lambda slide, _: self.requested.append(slide.name),
            is_predicted=lambda slide_id, _: slide_id in self.predicted,
        )
        command = (sys.executable, "-c", script)
        return DemoStudy(PLAN, data_dir, parts, model_folder=lambda: Path(model), draw_command=command)


def finish(study: DemoStudy) -> None:
    """Start the study and wait for the last drawing."""
    study.start()
    assert study.wait(30)


def test_every_planned_slide_is_registered_in_order_and_handed_to_the_model(tmp_path: Path) -> None:
    app = App()
    study = app.study(tmp_path)
    finish(study)
    names = [planned.name for planned in PLAN]
    assert list(app.registered) == names
    assert app.requested == names
    progress = study.progress()
    assert (progress.n_slides, progress.n_written, progress.n_predicted) == (3, 3, 0)
    assert progress.first_slide_id == app.registered[names[0]].slide_id
    assert progress.failure is None and not progress.is_drawing


def test_progress_follows_the_model_and_ends_complete(tmp_path: Path) -> None:
    app = App()
    study = app.study(tmp_path)
    finish(study)
    slides = list(app.registered.values())
    app.predicted = {slides[1].slide_id}
    assert study.progress().n_predicted == 1
    app.predicted = {slide.slide_id for slide in slides}
    assert study.progress().n_predicted == 3
    assert study.progress().is_complete


def test_a_second_start_of_a_finished_study_draws_and_asks_for_nothing(tmp_path: Path) -> None:
    app = App()
    finish(app.study(tmp_path))
    app.predicted = {slide.slide_id for slide in app.registered.values()}
    app.requested.clear()
    second = app.study(tmp_path, "raise SystemExit(9)")
    finish(second)
    assert app.requested == []
    assert second.progress().is_complete and second.progress().failure is None


def test_a_study_that_was_cut_off_goes_on_with_the_missing_slides(tmp_path: Path) -> None:
    app = App()
    cut = app.study(tmp_path, DRAWS_ONE_AND_FAILS)
    finish(cut)
    assert list(app.registered) == [PLAN[0].name]
    assert "ended with 7" in str(cut.progress().failure)
    second = app.study(tmp_path)
    finish(second)
    assert second.progress().n_written == 3 and second.progress().failure is None


def test_stop_ends_the_drawing_and_keeps_what_is_whole(tmp_path: Path) -> None:
    app = App()
    study = app.study(tmp_path, DRAWS_ONE_AND_WAITS)
    study.start()
    until = time.monotonic() + 20
    while not app.registered and time.monotonic() < until:
        study.wait(0.05)
    study.stop()
    assert study.wait(5)
    assert list(app.registered) == [PLAN[0].name]
    assert study.progress().failure is None


def test_no_demo_where_a_person_registered_slides_first(tmp_path: Path) -> None:
    app = App()
    app.registered["theirs"] = a_slide(Path("theirs.svs"), is_demo=False)
    study = app.study(tmp_path)
    finish(study)
    assert list(app.registered) == ["theirs"] and study.progress().n_slides == 0


def test_a_refused_slide_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    app = App()
    app.refuses = PLAN[1].name
    study = app.study(tmp_path)
    finish(study)
    assert study.progress().n_written == 2
    assert PLAN[1].name in str(study.progress().failure)


def test_slides_come_without_a_model_and_its_absence_is_told(tmp_path: Path) -> None:
    app = App()
    study = app.study(tmp_path, model="absent")
    finish(study)
    assert study.progress().n_written == 3 and app.requested == []
    assert "card is missing" in str(study.progress().failure)


def test_readers_are_never_told_the_stage_a_slide_was_drawn_for() -> None:
    for planned in demo_study():
        provenance = provenance_of(planned)
        told = {provenance.subject, provenance.site, provenance.stain_batch, provenance.scanner, provenance.group}
        assert planned.stage.value not in told and provenance.further == ()


def test_the_shipped_model_is_found() -> None:
    assert (demo_model_folder() / "weights.safetensors").is_file()


def drawn(tmp_path: Path, *words: str) -> int:
    """Run the command as the command line does."""
    parser = argparse.ArgumentParser()
    demo_slides.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(
        ["demo-slides", "--out", str(tmp_path / "slides"), "--reference", str(tmp_path / "reference"), *words]
    )
    return int(arguments.run(arguments))


def test_the_command_writes_a_slide_with_its_reference_and_leaves_a_whole_one_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = PLAN[0].name
    assert drawn(tmp_path, "--slides", name) == 0
    line = json.loads(capsys.readouterr().out)
    path = Path(line["path"])
    assert line["name"] == name and path.is_file()
    facts = json.loads((tmp_path / "reference" / f"{name}.json").read_text())
    assert facts["stage"] == PLAN[0].stage.value
    assert (tmp_path / "reference" / f"{name}.png").is_file()
    stamp = path.stat().st_mtime_ns
    assert drawn(tmp_path, "--slides", name) == 0
    assert json.loads(capsys.readouterr().out) == line
    assert path.stat().st_mtime_ns == stamp


def test_the_command_refuses_a_slide_that_the_study_has_not(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="no slide X"):
        drawn(tmp_path, "--slides", "X")


def as_the_app_runs_it(tmp_path: Path) -> subprocess.Popen[str]:
    """Start the command as the app does, with its standard input held open."""
    words = ("--out", str(tmp_path), "--slides", PLAN[0].name)
    return subprocess.Popen((*DRAW_COMMAND, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_the_command_ends_well_while_the_app_listens(tmp_path: Path) -> None:
    (tmp_path / f"{PLAN[0].name}.tif").write_text("whole already")
    with as_the_app_runs_it(tmp_path) as drawing:
        assert drawing.stdout is not None and json.loads(drawing.stdout.read())["name"] == PLAN[0].name
        assert drawing.wait(30) == 0


def test_the_command_ends_with_the_app(tmp_path: Path) -> None:
    with as_the_app_runs_it(tmp_path) as drawing:
        assert drawing.stdin is not None
        drawing.stdin.close()
        assert drawing.wait(30) == 1
    assert not list(tmp_path.glob("DEMO*"))
