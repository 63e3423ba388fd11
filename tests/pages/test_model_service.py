"""The Models page shows what an examination found, and a lead decides on it which model serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.people import ReaderId, Role
from core.domain.protocols import Protocol
from core.domain.registry import ModelStatus
from core.domain.stages import Stage
from core.retraining.evaluation import evaluate
from core.retraining.export import write_training_set
from core.retraining.open_set import open_set
from core.retraining.selection import ExportRequest
from core.retraining.tally import FOUND_NAME, Tally
from core.retraining.verdict import verdict_of
from core.retraining.worst_patches import WorstPatch
from core.settings import Settings
from core.workspace import Workspace, start_workspace
from tests.core.retraining.drawn_set import drawn_sources, write_drawn_set
from tests.core.retraining.examined import BASELINE, CANDIDATE, TEST, store_examination
from tests.core.retraining.test_evaluation import FEW, examinee, load
from tests.core.store.records import MODEL_ID, make_model
from tests.pages.test_registry_page import opened as opened_page


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with a model that serves and a candidate."""
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as one:
        one.models.add_model(make_model(), "anna")
        one.models.add_model(replace(make_model(CANDIDATE), name="candidate"), "anna")
        yield one


def examine(
    workspace: Workspace, tmp_path: Path, *, is_passed: bool, names: tuple[str, str] = ("good", "poor"), **more: Any
) -> None:
    """Keep what an examination of the candidate, the first named, found. Args: more: what else is stored of it."""
    opened = open_set(write_drawn_set(tmp_path / "set", drawn_sources(10, (Stage.S0, Stage.S4))))
    evaluation = evaluate(opened, [examinee(name) for name in names], load, resampling=FEW)
    tally = Tally(n_candidates=1, n_tries=1, test_name=TEST.name)
    verdict = replace(verdict_of(evaluation, CANDIDATE, MODEL_ID, tally), is_passed=is_passed)
    facts: dict[str, Any] = {"set_path": opened.folder, "set_sha256": opened.content_sha256}
    workspace.frozen_versions.add(replace(TEST, **facts, actor=more.get("actor", TEST.actor)))
    store_examination(workspace, verdict, plain=evaluation.to_plain(), **facts, **more)


def words(page: AppTest) -> str:
    """Give all that the page says in captions and messages, as a person reads it."""
    said = "\n".join(str(one.value) for one in [*page.caption, *page.error, *page.success, *page.warning])
    return said.replace("\\", "").replace("\N{WORD JOINER}", "")


def test_a_candidate_that_was_found_better_is_put_into_service_and_back(workspace: Workspace, tmp_path: Path) -> None:
    examine(workspace, tmp_path, is_passed=True)
    page = opened_page()
    assert "difference in quadratic kappa" in words(page)
    page.button(key=f"models.serve_{CANDIDATE}").click().run()
    assert workspace.models.status_of(CANDIDATE) is ModelStatus.SERVED
    page.button(key="models.back").click().run()
    assert workspace.models.status_of(MODEL_ID) is ModelStatus.SERVED
    assert workspace.models.status_of(CANDIDATE) is ModelStatus.RETIRED


def test_one_that_was_not_is_only_served_by_a_signed_override(workspace: Workspace, tmp_path: Path) -> None:
    examine(workspace, tmp_path, is_passed=False)
    page = opened_page()
    assert f"models.serve_{CANDIDATE}" not in {button.key for button in page.button}
    page.button(key=f"models.override_{CANDIDATE}").click().run()
    assert "reason and the printed name" in words(page)
    assert workspace.models.status_of(CANDIDATE) is ModelStatus.CANDIDATE
    page.text_input(key=f"models.reason_{CANDIDATE}").set_value("another scanner")
    page.text_input(key=f"models.signed_{CANDIDATE}").set_value("Anna Berg")
    page.button(key=f"models.override_{CANDIDATE}").click().run()
    decision = workspace.models.decisions()[-1]
    assert (decision.signed_as, decision.reason, decision.is_override) == ("Anna Berg", "another scanner", True)
    assert "signed Anna Berg" in words(page)


def test_people_are_named_as_they_sign_in(workspace: Workspace, tmp_path: Path) -> None:
    workspace.record_sign_in(local_reader("Lena Berg"))
    examine(workspace, tmp_path, is_passed=True, actor="lena berg")
    workspace.promotion.promote(local_reader("Lena Berg"), CANDIDATE)
    said = words(opened_page())
    for sentence in ("UTC by Lena Berg: the first", "UTC by Lena Berg on the frozen test", "UTC by Lena Berg: on "):
        assert sentence in said
    assert "lena berg" not in said


def test_a_baseline_that_is_ahead_is_said_beside_the_figures(workspace: Workspace, tmp_path: Path) -> None:
    behind = replace(BASELINE, kappa_baseline=0.9, difference=-0.2, low=-0.3, high=-0.1)
    examine(workspace, tmp_path, is_passed=True, baseline=behind)
    page = opened_page()
    assert words(page).count("THE BASELINE OF MEASURED COLLAGEN IS AHEAD of the model") == 1
    assert any("The baseline is not beaten" in str(one.value) for one in page.warning)


def test_a_baseline_that_is_not_ahead_is_said_without_a_warning(workspace: Workspace, tmp_path: Path) -> None:
    examine(workspace, tmp_path, is_passed=True)
    page = opened_page()
    assert BASELINE.headline in words(page)
    assert not any("The baseline is not beaten" in str(one.value) for one in page.warning)


def test_an_override_says_what_stood_against_it(workspace: Workspace, tmp_path: Path) -> None:
    examine(workspace, tmp_path, is_passed=False)
    workspace.promotion.override(local_reader("Anna"), CANDIDATE, "another scanner", "Anna Berg")
    assert "another scanner. Against it stood: difference in quadratic kappa" in words(opened_page())


def furthest(page: AppTest) -> dict[str, bool]:
    """Give the buttons of the gallery, and whether each is disabled."""
    return {str(one.key): one.disabled for one in page.button if str(one.key).startswith("models.worst_")}


def test_patches_furthest_off_are_shown_and_open_where_their_slide_is_registered(
    workspace: Workspace, tmp_path: Path
) -> None:
    examine(workspace, tmp_path, is_passed=False, names=("poor", "good"))
    examined = workspace.examinations.latest(CANDIDATE)
    assert examined is not None
    worst = [WorstPatch.from_plain(one) for one in examined.evaluation["worst_patches"]]
    page = opened_page()
    assert list(furthest(page).values()) == [True] * len(worst)
    assert f"Reference {worst[0].reference.value}, called {worst[0].call.value}" in words(page)
    slide = next(one for one in drawn_sources(10, (Stage.S0, Stage.S4)).slides if one.slide_id == worst[0].slide_id)
    workspace.slides.add_slide(slide, "anna")
    assert list(furthest(opened_page()).values()) == [one.slide_id != slide.slide_id for one in worst]


def test_nothing_is_shown_of_patches_whose_slide_is_masked_from_the_reader(
    workspace: Workspace, tmp_path: Path
) -> None:
    examine(workspace, tmp_path, is_passed=False, names=("poor", "good"))
    slides = drawn_sources(10, (Stage.S0, Stage.S4)).slides
    for slide in slides:
        workspace.slides.add_slide(slide, "anna")
    reader, lead = local_reader("Anna Reader"), replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))
    assert furthest(opened_page())
    every = tuple(slide.slide_id for slide in slides)
    others = (ReaderId("bo"), ReaderId("cy"))
    protocol = Protocol(name="Trial", slides=every, readers=(reader.reader_id, others[0]), adjudicators=others[1:])
    workspace.studies.create(lead, protocol)
    page = opened_page()
    assert not furthest(page)
    assert "masked from you" in words(page)
    assert "Reference" not in words(page).partition("masked from you")[2]


def test_figures_of_a_file_that_was_changed_are_not_shown_and_the_verdict_is_the_stored_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    examine(workspace, tmp_path, is_passed=False)
    path = next((workspace.data_dir / "examinations" / CANDIDATE).rglob(FOUND_NAME))
    path.write_text(path.read_text(encoding="utf-8").replace('"is_passed": false', '"is_passed": true'))
    page = opened_page()
    assert "Changed since" in words(page)
    assert "By patch: quadratic kappa" not in words(page)
    assert f"models.serve_{CANDIDATE}" not in {button.key for button in page.button}


def test_the_first_test_is_frozen_at_one_click(workspace: Workspace, tmp_path: Path) -> None:
    request, sources = ExportRequest(fractions=(0.34, 0.33, 0.33)), drawn_sources(6, (Stage.S0, Stage.S4))
    workspace.training_sets.add(write_training_set(request, sources, tmp_path / "set"))
    page = opened_page()
    assert "No test is frozen" in words(page)
    page.number_input(key="models.freeze_margin").set_value(0.03)
    page.button(key="models.freeze").click().run()
    assert workspace.frozen_tests.wait(60)
    page.run()
    test = workspace.frozen_tests.current()
    assert test is not None
    assert test.margin == 0.03
    assert "is above 0.03: fixed with the test" in words(page)
    assert f"{len(test.animals)} animals, {test.n_patches} patches" in words(page)
    assert "Replace it" in {one.label for one in page.expander}


def test_what_was_examined_on_another_set_carries_nothing_and_says_so(workspace: Workspace, tmp_path: Path) -> None:
    examine(workspace, tmp_path, is_passed=True)
    workspace.frozen_versions.add(replace(TEST, version=2, reason="read again"))
    page = opened_page()
    assert "Not the frozen test" in words(page)
    assert f"models.serve_{CANDIDATE}" not in {button.key for button in page.button}
    assert "Earlier versions: 1" in {one.label for one in page.expander}
