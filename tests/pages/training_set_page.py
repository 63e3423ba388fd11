"""A workspace that writes training sets of made-up slides, and the page drawn on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from streamlit.testing.v1 import AppTest

from core.domain.choices import Choice, KeptChoice
from core.domain.datasets import TrainingSet
from core.domain.people import Reader, ReaderId, Role
from core.domain.studies import StudyId
from core.retraining.changes import open_parent
from core.retraining.export import ExportSources, plan_training_set, write_training_set
from core.retraining.frozen_images import FrozenSet
from core.retraining.images import Watch
from core.retraining.near_duplicates import Comparison
from core.retraining.selection import ExportRequest, Selection
from core.retraining.set_copies import look_for_copies
from core.retraining.training_sets import Offered
from core.side_work import Underway
from tests.core.retraining.training_material import NOON

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
