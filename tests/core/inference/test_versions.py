"""What another version finds is shown beside the slide's call and never takes its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from core.access.identity import COMMAND_LINE, local_reader
from core.commands import infer
from core.domain.cautions import CautionCode
from core.domain.errors import NothingToDo
from core.domain.people import Role
from core.domain.protocols import Protocol, StudyMode
from core.domain.reads import Disposition, Item, ReadRequest, Sight
from core.domain.registry import ModelId, ModelStatus
from core.domain.slides import Slide
from core.domain.stages import Stage
from core.retraining.selection import ExportRequest
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from tests.journeys.seeded import seed, store_run, store_version, varied

ADA = local_reader("Ada")
LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))
SCOPE = {"stain": "Sirius Red", "species": ["rat"], "scanners": ["Aperio"], "sites": [], "scan_mpp": [0.5, 0.5]}
CARD = json.dumps({"scope": SCOPE})
OTHERWISE = partial(varied, number=11)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give one slide that the model which serves has read."""
    write_checkerboard(tmp_path / "a.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    seed(tmp_path / "data", [tmp_path / "a.tif"], varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        yield opened


def only_slide(workspace: Workspace) -> Slide:
    (slide,) = workspace.slides.slides()
    return slide


def served_id(workspace: Workspace) -> ModelId:
    served = workspace.models.served_model()
    assert served is not None
    return served.model_id


def made_of(workspace: Workspace, reader_study: str) -> dict[str, object]:
    """Give all that is made of a slide's predictions: its run, lists, film strip, ratings, a set, and a reveal."""
    slide = only_slide(workspace)
    (listed,) = workspace.listed_slides(ADA)
    page = workspace.film_strip
    selection = workspace.training.preview(COMMAND_LINE, ExportRequest())
    return {
        "current": workspace.current_run(slide.slide_id),
        "listed": (listed.run, listed.stale),
        "strip": [run.run_id for _, run in page._sources.runs()],
        "ratings": workspace.comparing.reads(ADA).ratings.stages.tolist(),
        "set": (selection.patches, selection.left_out),
        "reveal": _revealed(workspace, slide, reader_study),
    }


def _revealed(workspace: Workspace, slide: Slide, name: str) -> tuple[object, ...]:
    """Give what an informed reader of a new study is shown."""
    asked = Protocol(name=name, slides=(slide.slide_id,), readers=(ADA.reader_id,))
    study = workspace.studies.create(LEAD, replace(asked, mode=StudyMode.INFORMED, masked=frozenset()))
    entry = next(one for one in workspace.roster.of_reader(ADA.reader_id) if one.study_id == study.study_id)
    reveal = workspace.study_reading.open(ADA, entry.entry_id, f"open {name}").reveal
    assert reveal is not None
    return reveal.seen.call, reveal.seen.model_run


def test_a_candidates_run_changes_nothing_that_is_made_of_the_slide(workspace: Workspace) -> None:
    slide = only_slide(workspace)
    run = workspace.current_run(slide.slide_id)
    assert run is not None
    for index in (None, 3):
        recipe_hash = None if index is None else run.recipe_hash
        item = Item(slide_id=slide.slide_id, patch_index=index, recipe_hash=recipe_hash)
        asked = ReadRequest(event_id=f"read-{index}", item=item, sight=Sight(), stage=Stage.S3)
        workspace.reading.record(ADA, replace(asked, disposition=Disposition.STAGED))
    before = made_of(workspace, "before")
    candidate = store_version(workspace, "candidate", "c")
    other = store_run(workspace, slide, candidate, OTHERWISE)
    assert workspace.run(other).call != run.call
    assert made_of(workspace, "after") == before
    assert before["current"] == run


def test_a_run_asked_of_a_candidate_is_its_own_job_and_leaves_the_slides_alone(workspace: Workspace) -> None:
    slide, candidate = only_slide(workspace), store_version(workspace, "candidate", "c")
    job = workspace.request_run(ADA, slide.slide_id, candidate.model_id)
    first, second = workspace.versions.of_slide(ADA, slide)
    assert (first.status, first.job) == (ModelStatus.SERVED, None)
    assert (second.status, second.job, second.run) == (ModelStatus.CANDIDATE, job, None)
    (listed,) = workspace.listed_slides(ADA)
    assert (listed.job, listed.is_under_way) == (None, False)


def test_the_version_that_serves_comes_first_then_candidates_then_retired_ones(workspace: Workspace) -> None:
    former = served_id(workspace)
    for name, digit in (("next", "b"), ("later", "c")):
        store_version(workspace, name, digit)
    workspace.promotion.override(COMMAND_LINE, ModelId("b" * 16), "newer", "Ada")
    found = [(one.model.model_id, one.status) for one in workspace.versions.of_slide(ADA, only_slide(workspace))]
    assert found == [
        ("b" * 16, ModelStatus.SERVED),
        ("c" * 16, ModelStatus.CANDIDATE),
        (former, ModelStatus.RETIRED),
    ]


def test_a_hidden_slide_has_no_versions_and_is_not_compared(workspace: Workspace) -> None:
    slide = only_slide(workspace)
    run = workspace.current_run(slide.slide_id)
    assert run is not None
    other = store_run(workspace, slide, store_version(workspace, "candidate", "c"), OTHERWISE)
    assert workspace.versions.compare(ADA, run.run_id, other).painter is not None
    workspace.studies.create(LEAD, Protocol(name="Trial", slides=(slide.slide_id,), readers=(ADA.reader_id,)))
    assert workspace.versions.of_slide(ADA, slide) == ()
    with pytest.raises(NothingToDo, match="cannot be compared"):
        workspace.versions.compare(ADA, run.run_id, other)
    assert len(workspace.versions.of_slide(local_reader("Bo"), slide)) == 2


def test_versions_of_another_recipe_are_compared_by_their_calls_alone(workspace: Workspace) -> None:
    slide, run = only_slide(workspace), workspace.current_run(only_slide(workspace).slide_id)
    assert run is not None
    known = workspace.models.models()[0]
    recipe = replace(known.recipe, mpp=0.6)
    coarse = replace(known, model_id=ModelId("d" * 16), checkpoint_sha256="d" * 64, recipe=recipe)
    workspace.models.add_model(coarse, actor="test")
    other = store_run(workspace, slide, coarse, OTHERWISE)
    found = workspace.versions.compare(ADA, run.run_id, other)
    assert (found.painter, found.second.status) == (None, ModelStatus.CANDIDATE)


def codes(workspace: Workspace) -> list[CautionCode]:
    slide = only_slide(workspace)
    cautions = workspace.versions.cautions_of_slide(slide, workspace.current_run(slide.slide_id))
    return [one.code for one in cautions]


def test_a_slide_that_a_retired_model_alone_has_read_is_stale_and_says_what_it_was_called(workspace: Workspace) -> None:
    slide = only_slide(workspace)
    run = workspace.current_run(slide.slide_id)
    assert codes(workspace) == []
    store_version(workspace, "next", "b", CARD)
    workspace.promotion.override(COMMAND_LINE, ModelId("b" * 16), "newer", "Ada")
    workspace.slides.set_provenance(
        slide.slide_id, replace(slide.provenance, scanner="Mirax", further=(("Species", "mouse"),)), actor="test"
    )
    assert codes(workspace) == [CautionCode.STALE, CautionCode.OUTSIDE]
    stale, outside = workspace.versions.cautions_of_slide(only_slide(workspace), None)
    assert run is not None
    assert run.call is not None
    assert f"It called the slide {run.call.stage.value}." in stale.sentence
    assert "Of the species mouse; the model learned from rat. Scanned by Mirax" in outside.sentence
    assert "Mirax" not in outside.discreet
    assert "mouse" not in outside.discreet
    assert "species and scanner" in outside.discreet


def test_a_candidate_makes_nothing_stale_and_is_named_as_one(workspace: Workspace) -> None:
    slide = only_slide(workspace)
    other = store_run(workspace, slide, store_version(workspace, "candidate", "c", CARD), OTHERWISE)
    assert codes(workspace) == []
    assert [one.code for one in workspace.versions.cautions(other)] == [CautionCode.CANDIDATE]


def test_infer_prints_the_cautions_of_each_slide(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    slide = only_slide(workspace)
    other = store_version(workspace, "candidate", "c", CARD)
    store_run(workspace, slide, other, OTHERWISE)
    workspace.slides.set_provenance(slide.slide_id, replace(slide.provenance, scanner="Mirax"), actor="test")
    said = []
    for model_id in (None, other.model_id):
        workspace.request_run(COMMAND_LINE, slide.slide_id, model_id)
        found = workspace.supervisor.request(slide, workspace.model(model_id), "test")
        workspace.jobs.set_finished(found.run_id)
        said.append(infer._line(slide, found, workspace))
    assert [len(line["cautions"]) for line in said] == [0, 2]  # type: ignore[arg-type]
    assert "a candidate: what it finds is not the slide's call" in json.dumps(said[1])
    assert "Scanned by Mirax; the model learned from Aperio" in json.dumps(said[1])
    assert said[1]["model"] == other.display_name
