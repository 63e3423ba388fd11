"""Training sets out of a real workspace: store, runs of the gate, guide versions, kept selections and parents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from core.access.identity import COMMAND_LINE, local_reader
from core.domain.adjudication import ConsensusRule
from core.domain.choices import Choice
from core.domain.datasets import LeftOutReason, Split
from core.domain.errors import CopiesFrozenTest, NothingToDo, UserMustAct
from core.domain.people import Reader
from core.domain.predictions import PatchState
from core.domain.reads import Item, ReadRequest, Sight
from core.domain.recipe import Recipe
from core.domain.registry import ModelId
from core.domain.slides import Slide
from core.domain.stages import STAGES, Stage
from core.preprocess.quality import QUALITY_VERSION
from core.retraining.export import plan_of
from core.retraining.open_set import open_set
from core.retraining.selection import ExportRequest
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.slides.synthetic.render import render
from core.slides.synthetic.study import SyntheticSlide
from core.workspace import Workspace, open_workspace
from tests.core.retraining.examined import TEST
from tests.journeys.seeded import seed, store_run, store_version, varied

ANNA, BEN = local_reader("Anna"), local_reader("Ben")
REQUEST = ExportRequest(fractions=(0.5, 0.25, 0.25))
_N_ANIMALS = 4


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a data folder with a slide of each of four animals, predicted, and patches read by one reader."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    table = ["file,subject,site,scanner,species"]
    for number in range(_N_ANIMALS):
        plan = SyntheticSlide(
            name=f"s{number}",
            animal=f"Rat {number}",
            site="A",
            stain_batch="A-1",
            stage=Stage.S2,
            seed=number,
            width_px=900,
            height_px=900,
        )
        write_pyramid(render(plan).image, folder / f"s{number}.tif", mpp=0.5)
        table.append(f"s{number}.tif,Rat {number},Site {number % 2},Scanner {number},rat")
    (folder / "slides.csv").write_text("\n".join(table) + "\n")
    return _read_by_anna(folder, data_dir)


def _read_by_anna(folder: Path, data_dir: Path) -> Path:
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        for _ in workspace.catalogue.register_folder(folder, metadata=folder / "slides.csv", mpp=None, actor="test"):
            pass
    slides = [slide for slide, _ in seed(data_dir, sorted(folder.glob("*.tif")), varied, is_demo=False)]
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        for number, slide in enumerate(slides):
            for patch in predicted(workspace, slide)[:4]:
                read(workspace, ANNA, slide, patch, STAGES[(number + patch) % 7])
            read(workspace, ANNA, slide, None, STAGES[number % 7])
    return data_dir


def predicted(workspace: Workspace, slide: Slide) -> list[int]:
    (run,) = workspace.runs.runs_of_slide(slide.slide_id)
    state = workspace.predictions(run.run_id).state
    return [index for index, one in enumerate(state.tolist()) if one == PatchState.PREDICTED]


def read(workspace: Workspace, reader: Reader, slide: Slide, patch: int | None, stage: Stage) -> None:
    recipe_hash = None if patch is None else Recipe().hash
    workspace.reading.record(
        reader,
        ReadRequest(
            event_id=f"{reader.reader_id}-{slide.slide_id}-{patch}-{stage.value}",
            item=Item(slide_id=slide.slide_id, patch_index=patch, recipe_hash=recipe_hash),
            sight=Sight(),
            stage=stage,
        ),
    )


@pytest.fixture
def workspace(seeded: Path) -> Iterator[Workspace]:
    with open_workspace(Settings(data_dir=seeded)) as opened:
        yield opened


@pytest.fixture
def apart(seeded: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace of one test's own."""
    shutil.copytree(seeded, tmp_path / "apart")
    with open_workspace(Settings(data_dir=tmp_path / "apart")) as opened:
        yield opened


def test_a_set_of_a_workspace_names_todays_gate_and_says_what_changed(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.training.export(COMMAND_LINE, REQUEST, tmp_path / "first")
    assert (first.n_patches, first.n_subjects, first.parent_sha256) == (4 * _N_ANIMALS, _N_ANIMALS, None)
    card = json.loads((first.path / "card.json").read_text())
    assert card["quality_gate"]["version"] == QUALITY_VERSION
    slide = workspace.slides.slides()[0]
    read(workspace, ANNA, slide, predicted(workspace, slide)[6], Stage.S4)
    second = workspace.training.export(COMMAND_LINE, REQUEST, tmp_path / "second")
    assert second.parent_sha256 == first.content_sha256
    assert dict(second.changes)["added"] == 1
    assert workspace.training_sets.training_sets()[-1] == second


def test_the_card_names_what_has_to_be_known_of_the_calls_that_readers_had_in_sight(
    apart: Workspace, tmp_path: Path
) -> None:
    workspace, slide = apart, apart.slides.slides()[0]
    run = workspace.current_run(slide.slide_id)
    assert run is not None
    item = Item(slide_id=slide.slide_id, patch_index=predicted(workspace, slide)[6], recipe_hash=run.recipe_hash)
    seen = Sight(call=Stage.S4, model_run=run.run_id)
    workspace.reading.record(ANNA, ReadRequest(event_id="with the call", item=item, sight=seen, stage=Stage.S4))
    first = workspace.training.export(COMMAND_LINE, REQUEST, tmp_path / "first")
    assert json.loads((first.path / "card.json").read_text())["calls_in_sight"] == {"cautions": []}
    store_version(workspace, "next", "f")
    workspace.promotion.override(COMMAND_LINE, ModelId("f" * 16), "newer", "Anna")
    second = workspace.training.export(COMMAND_LINE, REQUEST, tmp_path / "second")
    (said,) = json.loads((second.path / "card.json").read_text())["calls_in_sight"]["cautions"]
    assert (said["code"], said["n_patches"]) == ("stale", 1)
    assert second.content_sha256 == first.content_sha256


def test_a_candidates_run_over_a_slide_does_not_change_what_a_set_holds(apart: Workspace) -> None:
    workspace = apart
    weak = replace(REQUEST, choice=Choice(weak=True, weak_a_slide=3))
    before = workspace.training.preview(COMMAND_LINE, weak)
    candidate = store_version(workspace, "candidate", "f")
    for slide in workspace.slides.slides():
        store_run(workspace, slide, candidate, partial(varied, number=11))
    assert workspace.training.preview(COMMAND_LINE, weak) == before


def test_patches_that_todays_gate_never_looked_at_stay_out_until_it_has(workspace: Workspace) -> None:
    known = workspace.models.models()[0]
    coarse = Recipe(mpp=0.75)
    other = replace(known, model_id=ModelId("f" * 16), checkpoint_sha256="f" * 64, recipe=coarse)
    workspace.models.add_model(other, actor="test")
    slide = workspace.slides.slides()[0]
    item = Item(slide_id=slide.slide_id, patch_index=0, recipe_hash=coarse.hash)
    request = ReadRequest(event_id="coarse", item=item, sight=Sight(), stage=Stage.S0)
    before = workspace.training.preview(COMMAND_LINE, REQUEST)
    workspace.reading.record(BEN, request)
    lone = ExportRequest(choice=Choice(readers=(BEN.reader_id,)))
    assert dict(workspace.training.preview(COMMAND_LINE, lone).left_out_by_reason)[LeftOutReason.UNJUDGED.value] == 1
    assert workspace.training.preview(COMMAND_LINE, REQUEST).patches == before.patches


def test_weak_patches_come_from_the_reads_of_slides_and_the_runs_of_the_gate(workspace: Workspace) -> None:
    weak = replace(REQUEST, choice=Choice(weak=True, weak_a_slide=3))
    found = [patch for patch in workspace.training.preview(COMMAND_LINE, weak).patches if patch.is_weak]
    assert len(found) == 3 * _N_ANIMALS
    for patch in found:
        slide = workspace.slide(patch.slide_id)
        assert patch.patch_index in predicted(workspace, slide)
        assert patch.source_name == "weak"


def test_a_selection_is_kept_in_the_store_and_found_by_its_name(workspace: Workspace, tmp_path: Path) -> None:
    choice = Choice(rule=ConsensusRule.MEDIAN, fewest_reads=1)
    workspace.training.keep(COMMAND_LINE, "by median", choice)
    assert workspace.training.kept_as(COMMAND_LINE, " by median ").choice == choice
    written = workspace.training.export(
        COMMAND_LINE, replace(REQUEST, choice=choice, choice_name="by median"), tmp_path / "set"
    )
    said = json.loads((written.path / "card.json").read_text())["selection"]
    assert (said["name"], said["sha256"], said["choice"]["rule"]) == ("by median", choice.sha256, "median")
    with pytest.raises(NothingToDo, match="No selection is kept"):
        workspace.training.kept_as(COMMAND_LINE, "never")
    with pytest.raises(UserMustAct, match="not kept"):
        workspace.training.keep(COMMAND_LINE, "  ", choice)


def test_readers_and_guide_versions_are_offered_and_stand_in_the_manifest(workspace: Workspace, tmp_path: Path) -> None:
    assert ANNA.reader_id in workspace.training.offered(COMMAND_LINE).readers
    written = workspace.training.export(COMMAND_LINE, REQUEST, tmp_path / "set")
    manifest = pd.read_parquet(written.path / "manifest.parquet")
    assert set(manifest["guide_version"]) == {0}
    assert set(manifest["species"]) == {"rat"}
    assert set(manifest["scanner"]) == {f"Scanner {number}" for number in range(_N_ANIMALS)}


def test_what_the_frozen_test_holds_is_refused_in_the_preview_and_in_the_set(apart: Workspace, tmp_path: Path) -> None:
    """Its animals are said to be others, so that only its slides and pixels tell."""
    written = apart.training.export(COMMAND_LINE, REQUEST, tmp_path / "first")
    assert apart.training.look_for_copies(COMMAND_LINE, REQUEST) is None
    apart.frozen_versions.add(
        replace(TEST, set_sha256=written.content_sha256, set_path=written.path, animals=("Nobody",))
    )
    compared = apart.training.look_for_copies(COMMAND_LINE, REQUEST)
    assert compared is not None
    by_split = dict(written.by_split)
    assert compared.n_pairs == (by_split["train"] + by_split["validation"]) * by_split["test"]
    tested, n_refused = {one.slide_id for one in open_set(written.path).side(Split.TEST)}, 0
    for number in range(2, 8):
        request = replace(REQUEST, seed=number)
        learned = plan_of(apart.training.preview(COMMAND_LINE, request), request).learned
        if not tested.isdisjoint(one.slide_id for one in learned):
            n_refused += 1
            with pytest.raises(CopiesFrozenTest):
                apart.training.look_for_copies(COMMAND_LINE, request)
            with pytest.raises(CopiesFrozenTest):
                apart.training.export(COMMAND_LINE, request, tmp_path / f"set {number}")
    assert n_refused
