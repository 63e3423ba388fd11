from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.adjudication import ConsensusRule
from core.domain.choices import Choice, KeptChoice
from core.domain.datasets import TrainingSet
from core.domain.people import Reader, ReaderId, Role
from core.domain.stages import Stage
from core.domain.studies import StudyId
from core.retraining.changes import open_parent
from core.retraining.export import ExportSources, plan_training_set, write_training_set
from core.retraining.frozen_images import FrozenImages, FrozenSet
from core.retraining.images import Watch
from core.retraining.near_duplicates import Comparison
from core.retraining.selection import ExportRequest, Selection
from core.retraining.set_copies import look_for_copies
from core.retraining.training_sets import Offered
from core.side_work import Underway
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
    choices: list[KeptChoice] = field(default_factory=list)
    frozen: FrozenSet | None = None
    n_looked: int = 0

    @property
    def people(self) -> SimpleNamespace:
        """Give what names people."""
        return SimpleNamespace(name_of=lambda reader_id: {READER.reader_id: READER.name}.get(reader_id, reader_id))

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
    def frozen_tests(self) -> SimpleNamespace:
        """Give what says where the frozen test lies."""
        return SimpleNamespace(lies_in=lambda: self.frozen)

    def look_for_copies(self, reader: Reader, request: ExportRequest, watch: Watch) -> Comparison | None:
        """Compare the set to be with the frozen test."""
        self.n_looked += 1
        return look_for_copies(plan_training_set(request, self.sources), self.sources, watch)

    @property
    def comparing(self) -> SimpleNamespace:
        """Give what counts the patches that others alone have read."""
        return SimpleNamespace(n_masked=lambda _reader, item: self.n_masked if item == "patch" else 0)

    def offered(self, reader: Reader) -> Offered:
        """Give a study, two readers and a guide version."""
        readers = (ReaderId("anna"), ReaderId("ben"))
        return Offered(studies=((StudyId("s1"), "First study"),), readers=readers, guide_versions=(1,))

    def kept(self, reader: Reader) -> tuple[KeptChoice, ...]:
        """Give the selections that were kept."""
        return tuple(self.choices)

    def keep(self, reader: Reader, name: str, choice: Choice) -> KeptChoice:
        """Keep a selection."""
        self.choices.append(KeptChoice(name=name, choice=choice, kept_by=reader.reader_id, kept_at=NOON))
        return self.choices[-1]

    def export(
        self,
        reader: Reader,
        request: ExportRequest,
        out: Path,
        watch: Watch | None = None,
        parent: Path | None = None,
    ) -> TrainingSet:
        """Write the set and keep its record."""
        compared = None if parent is None else open_parent(parent)
        written = write_training_set(request, replace(self.sources, parent=compared), out, watch)
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
    assert isinstance(running, Underway)
    assert running.wait(30)
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """Give everything the page says in sentences."""
    kinds = (page.markdown, page.warning, page.info, page.caption, page.code)
    return "\n".join(element.value for elements in kinds for element in elements)


def can_export(page: AppTest) -> bool:
    """Say whether the page offers to write the set."""
    return any(button.key == "retraining.start" for button in page.button)


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


def click_twice(workspace: object, reader: object) -> None:
    from core.retraining.selection import ExportRequest
    from pages import retraining
    from pages.parts import session

    token = session.token("retraining.export")
    for name in ("first", "second"):
        target = retraining._Target(name, None)
        retraining._start(workspace, reader, ExportRequest(), target, token)  # type: ignore[arg-type]


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


def test_a_rule_of_the_selection_changes_what_is_left_out(workspace: FakeWorkspace) -> None:
    make = ReadMaker(sequence=900)
    slide = workspace.sources.slides[0]
    more = (make.read(slide, 0, Stage.S4, who) for who in ("ben", "cleo"))
    workspace.sources = with_reads(workspace.sources, *more)
    page = opened(workspace)
    assert {one.label: one.value for one in page.metric}["Left out"] == "1"
    page.selectbox(key="retraining.rule").set_value(ConsensusRule.MAJORITY).run()
    assert {one.label: one.value for one in page.metric}["Left out"] == "0"


def test_folds_show_their_stages_beside_the_sides(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.number_input(key="retraining.folds").set_value(3).run()
    folds = next(one.value for one in page.dataframe if one.value.index.name == "stage in fold")
    assert list(folds.columns) == ["fold 1", "fold 2", "fold 3"]


def test_a_selection_is_kept_and_chosen_again_by_its_name(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.selectbox(key="retraining.rule").set_value(ConsensusRule.MEDIAN).run()
    page.text_input(key="retraining.keep_name").set_value("by median").run()
    page.button(key="retraining.keep_button").click().run()
    assert not page.exception
    (kept,) = workspace.choices
    assert (kept.name, kept.choice.rule) == ("by median", ConsensusRule.MEDIAN)
    page.selectbox(key="retraining.kept").set_value("by median").run()
    exported(page)
    assert [(one.choice_name, one.choice_sha256) for one in workspace.training_sets.kept] == [
        ("by median", kept.choice.sha256)
    ]


def test_keeping_without_a_name_asks_for_one(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.button(key="retraining.keep_button").click().run()
    assert "Type a name" in words(page)
    assert workspace.choices == []


def test_a_patch_that_is_no_patch_is_said_and_nothing_is_exported(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.text_area(key="retraining.excluded").set_value("no patch at all").run()
    assert "names no patch" in words(page).replace("\\", "")
    assert not can_export(page)


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
