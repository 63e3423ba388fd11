"""Three readers in three windows read a masked study of twelve slides at once, and an adjudicator settles it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocket, expect

from core.access.identity import local_reader
from core.domain.adjudication import ConsensusRule
from core.domain.protocols import Protocol, Repeats
from core.domain.slides import Provenance
from core.domain.stages import STAGE_NAMES
from core.domain.studies import EntryState, EventKind, StudyId
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.store.verification import verify
from core.workspace import Workspace, open_workspace
from tests.core.preprocess.drawn_tissue import tissue
from tests.journeys.conftest import (
    OpenPage,
    RunningApp,
    StartApp,
    sign_in,
    take_picture,
    wait_for_facts,
    wait_for_rest,
    wait_for_viewer,
)
from tests.journeys.masked_study import LEAD
from tests.journeys.seeded import seed, varied
from tests.journeys.test_study_reading import part, press, root, start

pytestmark = pytest.mark.browser

_N_SLIDES, _N_REPEATS = 12, 2
_READERS, _DEE = ("Ada", "Bo", "Cy"), local_reader("Dee")
_TRUTH = ["0", "1a", "1b", "1c", "2", "3", "4", "2", "3", "1a", "4", "0"]
_APART = {("Bo", 2): "1c", ("Cy", 5): "4", ("Bo", 5): "2", ("Ada", 9): "1b"}
_OTHER_READS = "/reads/"  # in the address of a layer of reads that were made outside of the study
_SETTLED = {2: "1b", 5: "3", 9: "1a"}


def stage_of(reader: str, slide: int) -> str:
    """Give how this reader stages this slide: all alike but where they differ on purpose."""
    return _APART.get((reader, slide), _TRUTH[slide])


@dataclass
class Study:
    """The folder, which slide each entry is, and the model's call of each."""

    data_dir: Path
    study_id: StudyId
    slide_of: dict[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Write the slides, seed a run over each and have a lead set the study up."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    names = [f"canary-{number:02d}.tif" for number in range(_N_SLIDES)]
    for number, name in enumerate(names):
        picture = np.ascontiguousarray(tissue(0.1 + 0.02 * number, side_px=896, seed=number)[:672])
        write_pyramid(picture, folder / name, mpp=0.5)
    seeded = seed(data_dir, [folder / name for name in names], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        for slide, _ in seeded:
            origin = Provenance(group="canary-group", further=(("dose", "canary-dose"),))
            workspace.slides.set_provenance(slide.slide_id, origin, actor="test")
        protocol = Protocol(
            name="Trial 7",
            slides=tuple(slide.slide_id for slide, _ in seeded),
            readers=tuple(local_reader(name).reader_id for name in _READERS),
            adjudicators=(_DEE.reader_id,),
            repeats=Repeats(fraction=_N_REPEATS / _N_SLIDES, distance=4),
        )
        made = workspace.studies.create(LEAD, protocol)
        numbers = {slide.slide_id: number for number, (slide, _) in enumerate(seeded)}
        entries = workspace.roster.entries(made.study_id)
        calls = [workspace.run(run_id).call for _, run_id in seeded]
        return Study(
            data_dir=data_dir,
            study_id=made.study_id,
            slide_of={entry.entry_id: numbers[entry.slide_id] for entry in entries},
            secrets=(
                "canary-",
                _OTHER_READS,
                *(slide.slide_id for slide, _ in seeded),
                *(run_id for _, run_id in seeded),
            ),
            calls=[call.stage.value for call in calls if call is not None],
        )


@dataclass
class Listener:
    """What the app tells one window, and every address that it fetches: whether anything masked was in it."""

    secrets: tuple[str, ...]
    found: list[str] = field(default_factory=list)
    n_messages: int = 0

    def listen(self, page: Page) -> None:
        """Hear what comes in from now on."""
        page.on("websocket", self._hear_socket)
        page.on("request", lambda request: self._search("an address", request.url))

    def _hear_socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self._search("a message", frame))

    def _search(self, where: str, said: str | bytes) -> None:
        self.n_messages += 1
        text = said if isinstance(said, str) else said.decode("latin-1")
        self.found += [f"{where}: {secret}" for secret in self.secrets if secret in text]


@dataclass
class Window:
    """One reader's browser, and the entry that lies under its glass."""

    reader: str
    page: Page
    study: Study
    entry: str = ""

    @property
    def slide(self) -> int:
        """Give which slide the entry is."""
        return self.study.slide_of[self.entry]

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        press(self.page, *keys)

    def wait(self, **facts: str) -> None:
        """Wait until the viewer says these facts of itself."""
        wait_for_facts(self.page, **facts)

    def arrive(self) -> None:
        """Wait until the first read of another entry may be made, with nothing of the model in sight."""
        self.wait(entry_not=self.entry, ready="true", step="first", run="", drawn="true")
        self.entry = str(root(self.page).get_attribute("data-entry"))
        take_picture(self.page, f"{self.reader}-first")

    def sign_first(self) -> None:
        """Stage the slide and sign."""
        self.press(key_of(stage_of(self.reader, self.slide)), "Enter", "Enter")

    def sign_final(self) -> None:
        """After the reveal keep the stage, with a reason where the call is another one, and sign."""
        stage, call = stage_of(self.reader, self.slide), self.study.calls[self.slide]
        self.wait(step="final", entry=self.entry, run=self.entry)
        assert f"calls this slide\n{call}: " in part(self.page, "about-slide").inner_text()
        take_picture(self.page, f"{self.reader}-final")
        self.press(key_of(stage), "Enter")
        if stage != call:
            self.wait(sheet="why")
            take_picture(self.page, f"{self.reader}-why")
            self.press("1", "Enter")
        self.wait(sheet="sign")
        take_picture(self.page, f"{self.reader}-sign")
        self.press("Enter")


def test_a_masked_study_is_read_by_three_at_once_and_settled(
    start_app: StartApp, open_page: OpenPage, study: Study
) -> None:
    app = start_app(study.data_dir)
    listeners = [Listener(study.secrets) for _ in _READERS]
    pages = [open_page(f"{app.address}/worklist", hears=listener.listen) for listener in listeners]
    windows = [Window(reader=name, page=page, study=study) for name, page in zip(_READERS, pages, strict=True)]
    read_together(windows)
    assert [listener.found for listener in listeners] == [[], [], []]
    assert all(listener.n_messages > 100 for listener in listeners)
    for window in windows:
        window.page.context.close()
    settle(app, open_page, study)
    app.process.terminate()
    app.process.wait(20)
    with open_workspace(Settings(data_dir=study.data_dir)) as workspace:
        check(workspace, study)


def key_of(stage: str) -> str:
    """Give the key of a stage."""
    return str(STAGE_NAMES.index(stage) + 1)


def read_together(windows: list[Window]) -> None:
    """Read the whole list in every window, each step in all of them before the next."""
    for window in windows:
        sign_in(window.page, window.reader)
    for window in windows:
        start(window.page, "Begin with Slide 1")
    for _ in range(_N_SLIDES + _N_REPEATS):
        for window in windows:
            window.arrive()
        for window in windows:
            window.sign_first()
        for window in windows:
            window.sign_final()
    for window in windows:
        window.wait(step="signed")
        take_picture(window.page, f"{window.reader}-signed")
        window.press("n")
        expect(window.page.get_by_text("Every slide is signed.")).to_be_visible(timeout=30_000)
        take_picture(window.page, f"{window.reader}-worklist")


def settle(app: RunningApp, open_page: OpenPage, study: Study) -> None:
    """Settle each case as the readers' majority, or the middle, had it; by keyboard."""
    listener = Listener(study.secrets)
    page = open_page(f"{app.address}/adjudication", hears=listener.listen)
    sign_in(page, "Dee")
    named = page.get_by_role("combobox").first
    former = ""
    for n_left in range(len(_SETTLED), 0, -1):
        expect(page.get_by_text(f"{n_left} of {len(_SETTLED)} to settle")).to_be_visible(timeout=30_000)
        expect(named).not_to_have_value(former, timeout=30_000)
        wait_for_viewer(page)
        wait_for_rest(page)
        former = named.input_value()
        number = int(former.split("Case ")[1].split(" ")[0]) - 1
        take_picture(page, f"Dee-case-{number + 1}")
        shown = page.locator(".st-key-adjudication_reads strong").all_inner_texts()
        assert sorted(shown) == sorted(f"stage {stage_of(name, number)}" for name in _READERS)
        page.keyboard.press(key_of(_SETTLED[number]))
        words = f"stage {_SETTLED[number]}, adjudicated by Dee"
        expect(page.get_by_role("button", name=words)).to_be_visible()
        why = page.get_by_role("textbox", name="Why")
        expect(why).to_have_value("")  # nothing of the case before
        why.focus()
        page.keyboard.type(f"case {number + 1} seen at 20x")
        take_picture(page, f"Dee-case-{number + 1}-staged")
        page.keyboard.press("Control+Enter")
    expect(page.get_by_text(f"0 of {len(_SETTLED)} to settle")).to_be_visible(timeout=30_000)
    take_picture(page, "Dee-settled")
    assert listener.found == []
    page.context.close()


def check(workspace: Workspace, study: Study) -> None:
    """Nothing is lost, and the consensus is what it must be."""
    now = workspace.clock()
    for entry in workspace.roster.entries(study.study_id):
        assert workspace.roster.state(entry, now) is EntryState.SIGNED
        kinds = Counter(event.kind for event in workspace.roster.events(entry))
        assert kinds == {kind: 1 for kind in EventKind if kind not in (EventKind.DEFERRED, EventKind.AMENDMENT)}
        name = next(name for name in _READERS if local_reader(name).reader_id == entry.reader_id)
        standing = workspace.roster.standing(entry)
        assert standing is not None
        assert standing.stage == stage_of(name, study.slide_of[entry.entry_id])
    for name in _READERS:
        entries = workspace.roster.of_reader(local_reader(name).reader_id)
        assert (len(entries), sum(entry.is_repeat for entry in entries)) == (_N_SLIDES + _N_REPEATS, _N_REPEATS)
    slides = workspace.roster.protocol(study.study_id).slides
    for number, slide_id in enumerate(slides):
        consensus = workspace.cases.consensus(study.study_id, slide_id)
        assert consensus is not None
        rule = ConsensusRule.THIRD_READER if number in _SETTLED else ConsensusRule.UNANIMOUS
        assert (consensus.stage, consensus.rule) == (_SETTLED.get(number, _TRUTH[number]), rule)
        if number in _SETTLED:
            (settling,) = workspace.cases.settlings(study.study_id, slide_id)
            assert (settling.reason, settling.adjudicator_id) == (f"case {number + 1} seen at 20x", _DEE.reader_id)
    assert verify(workspace.database) > 0
