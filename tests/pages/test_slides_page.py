"""The Slides page shows what is there, takes in folders with every file accounted for, and writes nothing twice."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import RegistrationStatus
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.workspace import Workspace, start_workspace
from tests.pages.measured_model import measure

ANNA = local_reader("Anna Reader")


def page() -> None:
    """Draw the page as the shell does for Anna."""
    import streamlit as st

    from core.access.identity import local_reader
    from core.workspace import current_workspace
    from pages import slides
    from pages.parts import destinations, messages

    read = st.Page(lambda: None, title="Review", url_path="read")
    shown = st.Page(lambda: None, title="Slides", url_path="slides", default=True)
    st.navigation([shown, read])
    destinations.remember_pages({"read": read, "slides": shown})
    messages.show_kept()
    messages.guarded(slides.render)(current_workspace(), local_reader("Anna Reader"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give an empty workspace as the app would have started it, without the demo."""
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of one good slide, one without a scale, and one file that is no slide."""
    scans = tmp_path / "scans"
    scans.mkdir()
    pixels = np.random.default_rng(1).integers(120, 240, (600, 800, 3), dtype=np.uint8)
    write_pyramid(pixels, scans / "good.tif", mpp=0.5)
    write_pyramid(pixels[::-1].copy(), scans / "printed.tif", mpp=25400 / 72)
    (scans / "broken.svs").write_bytes(b"no slide at all")
    return scans


def opened() -> AppTest:
    """Open the page in a new tab."""
    return AppTest.from_function(page, default_timeout=30).run()


def registered(workspace: Workspace, folder: Path, tab: AppTest | None = None) -> AppTest:
    """Register the folder through the page and wait for the end."""
    tab = tab or opened()
    tab.text_input("slides.folder").input(str(folder))
    next(button for button in tab.button if button.label == "Register the folder").click()
    tab.run()
    assert workspace.imports.wait(60)
    return tab.run()


def words_of(tab: AppTest) -> str:
    """Give every text on the page, receipts with it."""
    boxes = (*tab.markdown, *tab.caption, *tab.warning, *tab.error, *tab.info, *tab.toast)
    return "\n".join(str(box.value) for box in boxes).replace("\\", "").replace("\N{WORD JOINER}", "")


def rows_of(tab: AppTest) -> dict[str, dict[str, object]]:
    """Give the list of slides by name."""
    table = next(one.value for one in tab.dataframe if "Slide" in one.value.columns)
    return {str(row["Slide"]): dict(row) for row in table.to_dict("records")}


def a_model(workspace: Workspace) -> RegisteredModel:
    """Register a model by its record alone."""
    model = RegisteredModel(
        model_id=ModelId("0" * 16),
        name="demo",
        folder=workspace.data_dir / "models" / "0",
        checkpoint_sha256="0" * 64,
        recipe=Recipe(),
        is_demo=True,
        card_json="{}",
        registered_at=workspace.clock(),
    )
    workspace.models.add_model(model, actor="test")
    return model


def test_an_empty_page_says_what_to_do(workspace: Workspace) -> None:
    tab = opened()
    assert not tab.exception
    assert "No slide is registered yet." in words_of(tab)


def test_every_file_of_a_folder_is_accounted_for(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    assert not tab.exception
    progress = workspace.imports.progress()
    assert progress is not None and progress.problem is None
    ended = {outcome.path.name: outcome.status for outcome in progress.outcomes}
    assert ended == {
        "good.tif": RegistrationStatus.REGISTERED,
        "printed.tif": RegistrationStatus.REGISTERED,
        "broken.svs": RegistrationStatus.REFUSED,
    }
    assert set(rows_of(tab)) == {"good", "printed"}
    assert any("broken.svs" in str(one.value) for one in tab.dataframe)


def test_a_slide_without_a_trusted_scale_asks_for_it(workspace: Workspace, folder: Path) -> None:
    rows = rows_of(registered(workspace, folder))
    assert rows["good"]["um/px"] == "0.5" and rows["good"]["Size (mm)"] == "0.4 x 0.3"
    assert rows["printed"]["um/px"] == "state it" and not isinstance(rows["printed"]["Size (mm)"], str)
    assert rows["printed"]["Model"] == "waits for um/px"


def chosen(workspace: Workspace, tab: AppTest, name: str) -> AppTest:
    """Choose a row of the list."""
    tab.session_state["slides.table"] = {"selection": {"rows": [list(rows_of(tab)).index(name)], "columns": []}}
    return tab.run()


def stated(tab: AppTest, mpp: float) -> None:
    """Type the microns per pixel of the chosen slide and record them."""
    next(box for box in tab.number_input if box.label == "um per pixel").set_value(mpp)
    next(button for button in tab.button if button.label == "Record").click()
    tab.run()


def test_a_stated_scale_is_recorded_with_who_and_when(workspace: Workspace, folder: Path) -> None:
    tab = chosen(workspace, registered(workspace, folder), "printed")
    stated(tab, 0.499)
    assert not tab.exception
    slide = next(one for one in workspace.slides.slides() if one.name == "printed")
    assert slide.stated_mpp is not None
    assert (slide.stated_mpp.mpp.x, slide.stated_mpp.stated_by) == (0.499, ANNA.reader_id)
    assert "0.499 um per pixel is recorded" in words_of(tab)


def test_a_print_setting_is_refused_as_a_scale(workspace: Workspace, folder: Path) -> None:
    tab = chosen(workspace, registered(workspace, folder), "printed")
    stated(tab, 352.8)
    assert "State the microns per pixel of the scan" in words_of(tab)
    assert all(slide.stated_mpp is None for slide in workspace.slides.slides())


def test_the_filter_finds_by_any_word(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    tab.text_input("slides.filter").input("GOO").run()
    assert set(rows_of(tab)) == {"good"}
    tab.text_input("slides.filter").input("nothing of the kind").run()
    assert "No slide fits." in words_of(tab)


def test_a_table_that_does_not_fit_stops_the_import_in_words(workspace: Workspace, folder: Path) -> None:
    table = folder / "slides.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "subject"], ["absent.tif", "A1"]])
    tab = opened()
    tab.text_input("slides.table_path").input(str(table))
    tab = registered(workspace, folder, tab)
    assert "absent.tif" in words_of(tab)
    assert workspace.slides.slides() == ()


def test_a_folder_that_is_not_there_is_named(workspace: Workspace, tmp_path: Path) -> None:
    tab = registered(workspace, tmp_path / "nowhere")
    assert "There is no folder" in words_of(tab)


def test_running_on_all_queues_what_can_be_run_and_only_once(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    workspace.supervisor.stop()
    a_model(workspace)
    tab.run()
    tab.button("slides.run_all").click().run()
    assert not tab.exception
    jobs = workspace.jobs.jobs()
    assert [workspace.slide(job.slide_id).name for job in jobs] == ["good"]
    assert jobs[0].requested_by == ANNA.reader_id
    assert "The model will read 1 slide." in words_of(tab)
    tab.run()
    assert len(workspace.jobs.jobs()) == 1
    assert rows_of(tab)["good"]["Model"] == "queued"


def test_a_queued_run_can_be_cancelled(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    workspace.supervisor.stop()
    a_model(workspace)
    tab.run()
    tab.button("slides.run_all").click().run()
    tab.button("slides.cancel_all").click().run()
    assert rows_of(tab.run())["good"]["Model"] == "cancelled"


def test_without_a_fast_mode_the_page_says_where_it_comes_from(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    a_model(workspace)
    tab.run()
    assert "Fast mode is prepared on the Models page." in words_of(tab)
    assert not [one for one in tab.button_group if one.key == "slides.mode"]


def choosing(tab: AppTest, mode: str) -> AppTest:
    """Choose how the model is run."""
    next(one for one in tab.button_group if one.key == "slides.mode").set_value(mode)
    return tab.run()


@pytest.mark.parametrize(("mode", "words"), [("Fast", "Run the model fast"), ("Screening", "Screen with the model")])
def test_all_are_run_in_the_mode_that_was_chosen(workspace: Workspace, folder: Path, mode: str, words: str) -> None:
    tab = registered(workspace, folder)
    workspace.supervisor.stop()
    measure(a_model(workspace))
    tab = choosing(tab.run(), mode)
    assert tab.button("slides.run_all").label == f"{words} on all (1)"
    tab.button("slides.run_all").click().run()
    assert [job.mode.value for job in workspace.jobs.jobs()] == [mode.lower()]


def test_a_screening_is_said_to_be_for_triage_before_it_is_asked_for(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    measure(a_model(workspace))
    assert "never gives a call" not in words_of(tab.run())
    assert "For triage only: a screening never gives a call." in words_of(choosing(tab, "Screening"))


def test_a_file_that_changed_says_so_where_it_is_chosen(workspace: Workspace, folder: Path) -> None:
    tab = registered(workspace, folder)
    write_pyramid(np.full((600, 800, 3), 200, np.uint8), folder / "good.tif", mpp=0.5)
    assert "changed on disk" in words_of(chosen(workspace, tab, "good"))


def test_names_from_files_are_shown_and_not_interpreted(workspace: Workspace, folder: Path) -> None:
    (folder / "good.tif").rename(folder / "![x](http:..a.example) <b>.tif")
    name = "![x](http:..a.example) <b>"
    tab = chosen(workspace, registered(workspace, folder), name)
    headings = [str(box.value) for box in tab.markdown]
    assert any(value.startswith(r"**\!\[x\]\(http") for value in headings)
