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
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer
from tests.journeys.masked_study import LEAD
from tests.journeys.seeded import seed, varied
from tests.journeys.test_study_reading import press, root, start

pytestmark = pytest.mark.browser

_N_SLIDES, _N_REPEATS = 12, 2
_READERS = ("Ada", "Bo", "Cy")
_TRUTH = ["0", "1a", "1b", "1c", "2", "3", "4", "2", "3", "1a", "4", "0"]
_APART = {("Bo", 2): "1c", ("Cy", 5): "4", ("Bo", 5): "2", ("Ada", 9): "1b"}
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
        picture = np.ascontiguousarray(tissue(0.1 + 0.02 * number, side_px=1120, seed=number)[:900])
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
            adjudicators=(local_reader("Dee").reader_id,),
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
            secrets=("canary-", *(slide.slide_id for slide, _ in seeded), *(run_id for _, run_id in seeded)),
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
        page.on("response", lambda response: self._search("an address", response.url))

    def _hear_socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self._search("a message", frame))

    def _search(self, where: str, said: str | bytes) -> None:
        self.n_messages += 1
        text = said if isinstance(said, str) else said.decode("latin-1")
        self.found += [f"{where}: {secret}" for secret in self.secrets if secret in text]


def test_a_masked_study_is_read_by_three_at_once_and_settled(
    start_app: StartApp, open_page: OpenPage, study: Study
) -> None:
    app = start_app(study.data_dir)
    listeners = [Listener(study.secrets) for _ in _READERS]
    pages = [arrive(app, open_page, name, listener) for name, listener in zip(_READERS, listeners, strict=True)]
    former = [""] * len(pages)
    for _ in range(_N_SLIDES + _N_REPEATS):
        for number, page in enumerate(pages):
            former[number] = wait_for_entry(page, former[number])
        for name, page, entry in zip(_READERS, pages, former, strict=True):
            press(page, key_of(stage_of(name, study.slide_of[entry])), "Enter", "Enter")
        for name, page, entry in zip(_READERS, pages, former, strict=True):
            finish(page, stage_of(name, study.slide_of[entry]), study.calls[study.slide_of[entry]])
    for page in pages:
        expect(root(page)).to_have_attribute("data-step", "signed", timeout=30_000)
        press(page, "n")
        expect(page.get_by_text("Every slide is signed.")).to_be_visible(timeout=30_000)
    assert [listener.found for listener in listeners] == [[], [], []]
    assert all(listener.n_messages > 100 for listener in listeners)
    settle(app, open_page, study)
    app.process.terminate()
    app.process.wait(20)
    with open_workspace(Settings(data_dir=study.data_dir)) as workspace:
        check(workspace, study)


def arrive(app: RunningApp, open_page: OpenPage, name: str, listener: Listener) -> Page:
    """Sign in and begin."""
    page = open_page(f"{app.address}/worklist")
    listener.listen(page)
    page.reload()
    sign_in(page, name)
    start(page, "Begin with Slide 1")
    return page


def wait_for_entry(page: Page, former: str) -> str:
    """Wait until another entry lies under the glass; give it."""
    expect(root(page)).not_to_have_attribute("data-entry", former or "none", timeout=30_000)
    wait_for_viewer(page, step="first", run="")
    return str(root(page).get_attribute("data-entry"))


def finish(page: Page, stage: str, call: str) -> None:
    """After the reveal, keep the stage, with a reason where the call is another one, and sign."""
    wait_for_viewer(page, step="final")
    press(page, key_of(stage), "Enter")
    if stage != call:
        expect(root(page)).to_have_attribute("data-sheet", "why")
        press(page, "1", "Enter")
    expect(root(page)).to_have_attribute("data-sheet", "sign")
    press(page, "Enter")


def key_of(stage: str) -> str:
    """Give the key of a stage."""
    return str(STAGE_NAMES.index(stage) + 1)


def settle(app: RunningApp, open_page: OpenPage, study: Study) -> None:
    """Settle each case as the readers' majority, or the middle, had it; by keyboard."""
    listener = Listener(study.secrets)
    page = open_page(f"{app.address}/adjudication")
    listener.listen(page)
    page.reload()
    sign_in(page, "Dee")
    for n_left in range(len(_SETTLED), 0, -1):
        expect(page.get_by_text(f"{n_left} of {len(_SETTLED)} to settle")).to_be_visible(timeout=30_000)
        wait_for_viewer(page)
        alias = page.get_by_text("awaits third read").or_(page.locator("[data-baseweb=select]")).first.inner_text()
        number = int(alias.split("Case ")[1].split(" ")[0]) - 1
        page.locator("body").press(key_of(_SETTLED[number]))
        words = f"Sign: stage {_SETTLED[number]}, adjudicated by Dee"
        expect(page.get_by_role("button", name=words)).to_be_visible()
        page.get_by_label("Why").fill("seen at 20x")
        page.get_by_label("Why").press("Control+Enter")
        page.get_by_role("button", name=words).click()
    expect(page.get_by_text(f"0 of {len(_SETTLED)} to settle")).to_be_visible(timeout=30_000)
    assert listener.found == []


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
    assert verify(workspace.database) > 0
