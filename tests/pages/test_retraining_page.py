from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.stages import Stage
from core.retraining.export import write_training_set
from core.retraining.frozen_images import FrozenImages, FrozenSet
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import ReadMaker, make_slide, make_sources, with_reads
from tests.pages.training_set_page import READER, FakeWorkspace, can_export, exported, opened, words


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    return FakeWorkspace(data_dir=tmp_path, sources=make_sources())


def test_without_reads_the_page_says_how_to_make_some(workspace: FakeWorkspace) -> None:
    workspace.sources = replace(workspace.sources, reads=())
    page = opened(workspace)
    assert "No patch has been read yet" in words(page).replace("\\", "")
    assert not can_export(page)


def test_the_preview_counts_patches_subjects_and_sites(workspace: FakeWorkspace) -> None:
    assert {one.label: one.value for one in opened(workspace).metric} == {
        "Patches": "32",
        "Subjects": "8",
        "Sites": "2",
        "Weak": "0",
        "Left out": "0",
    }


def test_what_is_left_out_is_listed_with_its_reason(workspace: FakeWorkspace) -> None:
    differing = ReadMaker(sequence=900).read(workspace.sources.slides[0], 0, Stage.S4, "ben")
    workspace.sources = with_reads(workspace.sources, differing)
    tables = [one.value for one in opened(workspace).dataframe]
    reasons = next(table for table in tables if list(table.columns) == ["Reason", "Patches"])
    assert reasons.to_dict("records") == [{"Reason": "readers differ", "Patches": 1}]


def test_stages_stand_on_each_side_in_their_order(workspace: FakeWorkspace) -> None:
    tables = [one.value for one in opened(workspace).dataframe]
    balance = next(table for table in tables if table.index.name == "stage")
    assert list(balance.index) == ["0", "1a", "1b", "1c", "2", "3", "4"]
    assert list(balance.columns) == ["train", "validation", "test"]
    assert int(balance.to_numpy().sum()) == 32


def test_animals_and_patches_of_each_side_stand_beside_what_was_asked_and_a_small_one_is_said(
    workspace: FakeWorkspace,
) -> None:
    page = opened(workspace)
    sizes = next(one.value for one in page.dataframe if "Share of animals" in one.value.columns)
    assert dict(zip(sizes["Side"], sizes["Animals"], strict=True)) == {"train": 6, "validation": 1, "test": 1}
    assert list(sizes["Asked"]) == [0.7, 0.15, 0.15]
    assert any("The validation side holds 4 patches of 1 animal" in str(info.value) for info in page.info)


def test_export_writes_a_set_and_shows_its_path_and_content_hash(workspace: FakeWorkspace) -> None:
    page = exported(opened(workspace))
    (written,) = workspace.training_sets.kept
    assert written.path == workspace.data_dir / "exports" / "training-20260105-120000"
    assert (written.path / "manifest.parquet").is_file()
    assert f"{written.path}\n{written.content_sha256}" in words(page)
    assert list(page.dataframe[-1].value["Content"]) == [written.content_sha256]
    assert list(page.dataframe[-1].value["By"]) == [READER.name]


def test_a_rerun_does_not_export_again(workspace: FakeWorkspace) -> None:
    page = exported(opened(workspace))
    page.run().run()
    assert len(workspace.training_sets.kept) == 1


def test_a_click_on_a_button_whose_write_was_begun_already_writes_nothing(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.session_state["shell.tokens"] = {"retraining.export": "of a later write"}
    page.button(key="retraining.start").click().run()
    assert not page.exception
    assert "retraining.running" not in page.session_state
    exported(page)
    assert len(workspace.training_sets.kept) == 1


def test_a_folder_that_is_taken_is_said_and_left_alone(workspace: FakeWorkspace) -> None:
    taken = workspace.data_dir / "exports" / "mine"
    taken.mkdir(parents=True)
    (taken / "notes.txt").write_text("mine")
    page = opened(workspace)
    page.text_input(key="retraining.name").set_value("mine").run()
    page = exported(page)
    assert "not an empty folder" in words(page)
    assert [path.name for path in taken.iterdir()] == ["notes.txt"]


def test_a_name_that_leaves_the_exports_is_refused(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.text_input(key="retraining.name").set_value("../outside").run()
    page.button(key="retraining.start").click().run()
    assert "cannot name a set" in words(page)
    assert not workspace.training_sets.kept
    assert not (workspace.data_dir / "exports").exists()


def test_what_is_chosen_when_export_is_pressed_is_written_and_not_what_was_drawn_before(
    workspace: FakeWorkspace,
) -> None:
    page = opened(workspace)
    page.selectbox(key="retraining.sides").set_value("Train 70, test 30")  # sent with the click, as by a quick hand
    page = exported(page)
    (written,) = workspace.training_sets.kept
    asked = json.loads((written.path / "splits.json").read_text(encoding="utf-8"))["fractions_asked"]
    assert asked == {"train": 0.7, "validation": 0.0, "test": 0.3}


def test_too_few_sites_are_said_in_place_of_the_export(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.radio(key="retraining.isolation").set_value("Site").run()
    assert "3 different sites, and there are 2" in words(page)
    assert not can_export(page)
    page.selectbox(key="retraining.sides").set_value("Train 70, test 30").run()
    assert can_export(page)


def test_who_reads_is_told_how_many_patches_are_masked(workspace: FakeWorkspace) -> None:
    workspace.n_masked = 3
    assert "3 patches read by others only" in words(opened(workspace))


def test_demo_slides_are_marked_and_chosen_apart_from_real_ones(workspace: FakeWorkspace) -> None:
    demo = make_slide("demo", "Demo 1", is_demo=True)
    read = ReadMaker(sequence=900).read(demo, 1, Stage.S2)
    both = with_reads(workspace.sources, read)
    workspace.sources = replace(both, slides=(*both.slides, demo))
    page = opened(workspace)
    assert "DEMO" not in words(page)
    page.radio(key="retraining.kind").set_value("Demo slides").run()
    assert "DEMO" in words(page)
    assert page.metric[0].value == "1"


def test_a_set_of_demo_slides_is_marked_on_its_receipt_and_in_the_list(workspace: FakeWorkspace) -> None:
    workspace.sources = make_sources(is_demo=True)
    page = exported(opened(workspace))
    assert "(DEMO)" in words(page)
    assert list(page.dataframe[-1].value["Slides"]) == ["DEMO"]


def test_folds_show_their_stages_beside_the_sides(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.number_input(key="retraining.folds").set_value(3).run()
    folds = next(one.value for one in page.dataframe if one.value.index.name == "stage in fold")
    assert list(folds.columns) == ["fold 1", "fold 2", "fold 3"]


def test_a_second_set_says_what_changed_since_the_first(workspace: FakeWorkspace) -> None:
    page = exported(opened(workspace))
    (first,) = workspace.training_sets.kept
    workspace.sources = with_reads(
        workspace.sources, ReadMaker(sequence=900).read(workspace.sources.slides[0], 77, Stage.S4)
    )
    page.text_input(key="retraining.name").set_value("second").run()
    page.selectbox(key="retraining.parent").set_value(str(first.path)).run()
    page = exported(page)
    assert dict(workspace.training_sets.kept[-1].changes)["added"] == 1
    assert "1 added, 0 removed" in words(page)


def freeze(workspace: FakeWorkspace, subject: str) -> None:
    """Freeze the set of today's reads, and call the animal of one of its slides by another name from then on."""
    written = write_training_set(ExportRequest(), workspace.sources, workspace.data_dir / "frozen")
    workspace.frozen = FrozenSet(
        name="the frozen test, version 1",
        content_sha256=written.content_sha256,
        folder=str(written.path),
        looks_dir=str(workspace.data_dir / "looks"),
    )
    images = FrozenImages(workspace.frozen)
    tested = {one.slide_id: one.subject for one in images.places}
    slides = tuple(
        replace(one, provenance=replace(one.provenance, subject=subject)) if one.slide_id in tested and subject else one
        for one in workspace.sources.slides
    )
    workspace.sources = replace(workspace.sources, slides=slides, frozen=lambda _: images)


def looked(page: AppTest) -> AppTest:
    assert page.session_state["retraining.copies"].work.wait(30)
    page.run()
    assert not page.exception
    return page


def test_a_set_without_a_copy_of_the_frozen_test_says_so_and_looks_once(workspace: FakeWorkspace) -> None:
    freeze(workspace, "")
    page = looked(opened(workspace))
    assert "No copy of the frozen test" in words(page)
    assert not page.button(key="retraining.start").disabled
    page.run()
    assert workspace.n_looked == 1
    page.selectbox(key="retraining.sides").set_value("Train 70, test 30").run()
    looked(page)
    assert workspace.n_looked == 2


def test_a_set_that_would_copy_the_frozen_test_is_refused_before_it_is_asked_for(workspace: FakeWorkspace) -> None:
    freeze(workspace, "Mouse 1")
    workspace.sources = replace(workspace.sources, held_out=frozenset())
    page = opened(workspace)
    for seed in range(2, 9):
        looked(page)
        if page.button(key="retraining.start").disabled:
            break
        page.number_input(key="retraining.seed").set_value(seed).run()
    said = words(page).replace("\\", "")
    assert "would be learned from" in said
    assert "subject Mouse 1" in said
    assert page.button(key="retraining.start").disabled
    page.button(key="retraining.copies_again").click().run()
    assert page.session_state["retraining.copies"].work.wait(30)
