from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.datasets import TrainingSet
from core.domain.people import Reader, ReaderId, Role
from core.domain.stages import Stage
from core.retraining.export import ExportSources, Watch, write_training_set
from core.retraining.running_export import RunningExport
from core.retraining.selection import ExportRequest, Selection
from tests.core.retraining.training_material import NOON, ReadMaker, make_slide, make_sources, with_reads

READER = Reader(reader_id=ReaderId("lena"), name="Lena", roles=frozenset(Role))


@dataclass
class WrittenSets:
    """A store of sets that keeps them in memory."""

    kept: list[TrainingSet] = field(default_factory=list)

    def training_sets(self) -> tuple[TrainingSet, ...]:
        """Give every set."""
        return tuple(self.kept)


@dataclass
class FakeWorkspace:
    """What the page sees of the workspace."""

    data_dir: Path
    sources: ExportSources
    training_sets: WrittenSets = field(default_factory=WrittenSets)
    n_masked: int = 0

    def clock(self) -> datetime:
        """Give noon."""
        return NOON

    @property
    def training(self) -> FakeWorkspace:
        """Give what previews and writes sets."""
        return self

    def preview(self, reader: Reader, request: ExportRequest) -> Selection:
        """Give what would be in the set."""
        return self.sources.select(request)

    @property
    def comparing(self) -> SimpleNamespace:
        """Give what counts the patches that others alone have read."""
        return SimpleNamespace(n_masked=lambda _reader, item: self.n_masked if item == "patch" else 0)

    def export(self, reader: Reader, request: ExportRequest, out: Path, watch: Watch | None = None) -> TrainingSet:
        """Write the set and keep its record."""
        written = write_training_set(request, self.sources, out, watch)
        self.training_sets.kept.append(written)
        return written


def draw_page(workspace: object, reader: object) -> None:
    from pages.retraining import render

    render(workspace, reader)  # type: ignore[arg-type]


def opened(workspace: FakeWorkspace) -> AppTest:
    page = AppTest.from_function(draw_page, default_timeout=30, kwargs={"workspace": workspace, "reader": READER})
    page.run()
    assert not page.exception
    return page


def exported(page: AppTest) -> AppTest:
    page.button(key="retraining.start").click().run()
    running = page.session_state["retraining.running"]
    assert isinstance(running, RunningExport)
    assert running.wait(30)
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """Give everything the page says in sentences."""
    kinds = (page.markdown, page.warning, page.info, page.caption, page.code)
    return "\n".join(element.value for elements in kinds for element in elements)


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    return FakeWorkspace(data_dir=tmp_path, sources=make_sources())


def test_without_reads_the_page_says_how_to_make_some(workspace: FakeWorkspace) -> None:
    workspace.sources = replace(workspace.sources, reads=())
    page = opened(workspace)
    assert "No patch has been read yet" in words(page).replace("\\", "")
    assert not page.button


def test_the_preview_counts_patches_subjects_and_sites(workspace: FakeWorkspace) -> None:
    assert {one.label: one.value for one in opened(workspace).metric} == {
        "Patches": "32",
        "Subjects": "8",
        "Sites": "2",
        "Left out": "0",
    }


def test_what_is_left_out_is_listed_with_its_reason(workspace: FakeWorkspace) -> None:
    differing = ReadMaker(sequence=900).read(workspace.sources.slides[0], 0, Stage.S4, "ben")
    workspace.sources = with_reads(workspace.sources, differing)
    table = opened(workspace).dataframe[0].value
    assert table.to_dict("records") == [{"Reason": "readers differ", "Patches": 1}]


def test_stages_stand_on_each_side_in_their_order(workspace: FakeWorkspace) -> None:
    tables = [one.value for one in opened(workspace).dataframe]
    balance = next(table for table in tables if table.index.name == "stage")
    assert list(balance.index) == ["0", "1a", "1b", "1c", "2", "3", "4"]
    assert list(balance.columns) == ["train", "validation", "test"]
    assert int(balance.to_numpy().sum()) == 32


def test_export_writes_a_set_and_shows_its_path_and_content_hash(workspace: FakeWorkspace) -> None:
    page = exported(opened(workspace))
    (written,) = workspace.training_sets.kept
    assert written.path == workspace.data_dir / "exports" / "training-20260105-120000"
    assert (written.path / "manifest.parquet").is_file()
    assert f"{written.path}\n{written.content_sha256}" in words(page)
    assert list(page.dataframe[-1].value["Content"]) == [written.content_sha256]


def test_a_rerun_does_not_export_again(workspace: FakeWorkspace) -> None:
    page = exported(opened(workspace))
    page.run().run()
    assert len(workspace.training_sets.kept) == 1


def click_twice(workspace: object, reader: object) -> None:
    from core.retraining.selection import ExportRequest
    from pages import retraining
    from pages.parts import session

    token = session.token("retraining.export")
    for name in ("first", "second"):
        retraining._start(workspace, reader, ExportRequest(), name, token)  # type: ignore[arg-type]


def test_a_second_click_under_the_same_token_writes_nothing(workspace: FakeWorkspace) -> None:
    page = AppTest.from_function(click_twice, default_timeout=30, kwargs={"workspace": workspace, "reader": READER})
    page.run()
    assert page.session_state["retraining.running"].wait(30)
    assert [written.path.name for written in workspace.training_sets.kept] == ["first"]


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


def test_too_few_sites_are_said_in_place_of_the_export(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.radio(key="retraining.isolation").set_value("Site").run()
    assert "3 different sites, and there are 2" in words(page)
    assert not [button for button in page.button if button.key == "retraining.start"]
    page.selectbox(key="retraining.sides").set_value("Train 70, test 30").run()
    assert [button.key for button in page.button] == ["retraining.start"]


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
