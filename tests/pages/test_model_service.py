"""The Models page shows what an examination found, and a lead decides on it which model serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.people import ReaderId, Role
from core.domain.protocols import Protocol
from core.domain.registry import ModelStatus
from core.domain.stages import Stage
from core.retraining.evaluation import evaluate
from core.retraining.examinations import keep
from core.retraining.open_set import open_set
from core.retraining.promotion import verdict_of
from core.retraining.worst_patches import WorstPatch
from core.settings import Settings
from core.workspace import Workspace, start_workspace
from tests.core.retraining.drawn_set import drawn_sources, write_drawn_set
from tests.core.retraining.test_evaluation import FEW, examinee, load
from tests.core.retraining.test_promotion import CANDIDATE
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
    workspace: Workspace, tmp_path: Path, *, is_passed: bool, names: tuple[str, str] = ("good", "poor")
) -> None:
    """Keep what an examination of the candidate, the first named, found."""
    opened = open_set(write_drawn_set(tmp_path / "set", drawn_sources(10, (Stage.S0, Stage.S4))))
    evaluation = evaluate(opened, [examinee(name) for name in names], load, resampling=FEW)
    verdict = replace(verdict_of(evaluation, CANDIDATE, MODEL_ID), is_passed=is_passed)
    found = {
        "evaluation": evaluation.to_plain(),
        "verdict": verdict.to_plain(),
        "set_path": str(tmp_path / "set"),
        "examined_at": workspace.clock().isoformat(),
    }
    keep(workspace.data_dir / "examinations" / CANDIDATE, found, "<p>card</p>")


def words(page: AppTest) -> str:
    """Give all that the page says in captions and messages."""
    return "\n".join(str(one.value) for one in [*page.caption, *page.error, *page.success, *page.warning])


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


def test_what_an_earlier_form_of_examination_left_is_no_examination(workspace: Workspace, tmp_path: Path) -> None:
    examine(workspace, tmp_path, is_passed=True)
    kept = workspace.data_dir / "examinations" / CANDIDATE / "evaluation.json"
    kept.write_text(kept.read_text(encoding="utf-8").replace('"format": 2', '"format": 1'), encoding="utf-8")
    assert workspace.examinations.latest(CANDIDATE) is None
