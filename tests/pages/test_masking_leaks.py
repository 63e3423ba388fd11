"""Every route, page and message of a masked reader is walked, and searched for whatever is masked.

Routes are taken from the app and pages from the shell, so that a new one is walked without being named here. What is
searched for is told apart by words that stand nowhere else: the slide's name, group, dose and origin, the ids of
slide and run, the example pinned from it, another reader's name and comment, and the call's exact probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.geometry import Box
from core.domain.people import ReaderId, Role
from core.domain.protocols import Protocol
from core.domain.reads import Disposition, Item, ReadRequest, Sight
from core.domain.regions import Mark, RegionId, RegionRequest
from core.domain.slides import Provenance, Slide, SlideId
from core.domain.stages import Stage
from core.domain.studies import Entry, EntryId, EventKind, ReasonCode
from core.review import sight
from core.review.study_reading import SignRequest
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, start_workspace
from pages import shell
from pages.routes import build_routes
from tests.core.review.drawn_regions import rectangle
from tests.journeys.seeded import seed, store_run, store_version, varied
from tests.pages.reading_room import ADA, Client

OTHER = local_reader("Canary Otherreader")
LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))
ORIGIN = Provenance(
    subject="canary-subject",
    site="canary-site",
    scanner="canary-scanner",
    stain_batch="canary-batch",
    group="canary-group",
    further=(("dose", "canary-dose"),),
)
_VALUES = {
    "dz_level": ["8"],
    "column": ["0"],
    "row": ["0"],
    "index": ["3"],
    "version": ["2-256", "1-256", "1-256-0"],
    "layer": ["stage", "uncertainty", "tissue", "excluded", "saliency:predicted", "reads"],
    "choice": ["predicted", "2"],
    "method": ["gradcam"],
    "network_layer": ["layer4"],
    "stage": ["2"],
}


@dataclass(frozen=True)
class Masked:
    """A workspace in which Ada has opened the one slide of a masked study; everybody else has been at it before."""

    workspace: Workspace
    slide: Slide
    run_id: str
    candidate_run_id: str
    entry: Entry

    @property
    def pin_id(self) -> str:
        """Give the id of the example that is pinned from the slide."""
        (pin,) = self.workspace.guide.pins(LEAD.reader_id)
        return pin.pin_id

    def probability_of(self, run_id: str) -> str:
        """Give the first digits of what a run gives the stage that it calls."""
        call = self.workspace.run(run_id).call  # type: ignore[arg-type]
        assert call is not None
        return f"{max(call.probabilities):.6f}"[:7]

    @property
    def secrets(self) -> dict[str, str]:
        """Give what must not reach Ada, by what it is."""
        run = self.workspace.run(self.run_id)  # type: ignore[arg-type]
        assert run.call is not None
        return {
            "the file's name": "canary-name",
            "group": "canary-group",
            "dose": "canary-dose",
            "subject": "canary-subject",
            "slide id": self.slide.slide_id,
            "run id": self.run_id,
            "a candidate's run id": self.candidate_run_id,
            "a candidate's probability": self.probability_of(self.candidate_run_id),
            "the scanner": "canary-scanner",
            "an example's words": "canary-caption",
            "an example's id": self.pin_id,
            "another's name": "Otherreader",
            "another's comment": "canary-comment",
            "the call's probability": self.probability_of(self.run_id),
            "the call's words": run.call.rule,
        }


@pytest.fixture
def masked(tmp_path: Path) -> Iterator[Masked]:
    """Give the room."""
    write_checkerboard(tmp_path / "canary-name.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(tmp_path / "data", [tmp_path / "canary-name.tif"], varied)
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as workspace:
        workspace.slides.set_provenance(slide.slide_id, ORIGIN, actor="test")
        _read_by_another(workspace, slide.slide_id, run_id)
        candidate = store_version(workspace, "candidate", "c")
        candidate_run_id = store_run(workspace, slide, candidate, partial(varied, number=11))
        protocol = Protocol(
            name="Trial",
            slides=(slide.slide_id,),
            readers=(ADA.reader_id, OTHER.reader_id),
            adjudicators=(ReaderId("cy"),),
        )
        pin_from(workspace, slide.slide_id)
        workspace.studies.create(LEAD, protocol)
        for entry in [*workspace.roster.of_reader(OTHER.reader_id)]:
            workspace.study_reading.open(OTHER, entry.entry_id, "open-other")
            sign(workspace, entry.entry_id, EventKind.FIRST_READ, OTHER)
        (entry,) = workspace.roster.of_reader(ADA.reader_id)
        workspace.study_reading.open(ADA, entry.entry_id, "open")
        yield Masked(workspace, slide, run_id, candidate_run_id, entry)


def pin_from(workspace: Workspace, slide_id: SlideId) -> None:
    """Publish a guide with an example from the slide, pinned before the study."""
    pin = workspace.guide.pin(LEAD, slide_id, Box(x_px=0, y_px=0, width_px=448, height_px=448), Stage.S3, "canary-pin")
    workspace.guide.caption(LEAD, pin.pin_id, "canary-caption", "canary-words")
    workspace.guide.publish(LEAD, replace(workspace.guide.starting_words(), change="first"))


def _read_by_another(workspace: Workspace, slide_id: SlideId, run_id: str) -> None:
    workspace.record_sign_in(OTHER)
    run = workspace.run(run_id)  # type: ignore[arg-type]
    for number, item in enumerate(
        (Item(slide_id=slide_id), Item(slide_id=slide_id, patch_index=3, recipe_hash=run.recipe_hash))
    ):
        asked = ReadRequest(
            event_id=f"other-{number}",
            item=item,
            sight=Sight(),
            disposition=Disposition.STAGED,
            stage=Stage.S3,
            comment="canary-comment",
        )
        workspace.reading.record(OTHER, asked)
    drawn = RegionRequest(
        event_id="other-region",
        slide_id=slide_id,
        region_id=RegionId("c0ffee00-0000-4000-8000-000000000000"),
        shape=rectangle(100, 100, 300, 300),
        mark=Mark(stage=Stage.S3, comment="canary-comment"),
    )
    workspace.regions.record(OTHER, drawn)


def sign(workspace: Workspace, entry_id: EntryId, kind: EventKind, reader: Any = ADA) -> None:
    asked = SignRequest(
        event_id=f"{entry_id}-{kind.name}",
        entry_id=entry_id,
        kind=kind,
        stage="2",
        comment="canary-comment" if reader is OTHER else None,
        reason_code=ReasonCode.EXTENT,
    )
    workspace.study_reading.sign(reader, asked)


def addresses(masked: Masked) -> Iterator[str]:
    """Give every route with every id that a reader could put in, and plausible values for the rest."""
    for route in build_routes(lambda: masked.workspace):
        assert isinstance(route, Route)
        names = list(route.param_convertors)
        ids = [masked.slide.slide_id, masked.run_id, masked.candidate_run_id, masked.entry.entry_id]
        choices = [[masked.pin_id] if name == "pin_id" else _VALUES.get(name, ids) for name in names]
        for values in product(*choices):
            yield route.url_path_for(route.name, **dict(zip(names, values, strict=True)))
    predictions = masked.workspace.predictions(masked.run_id)  # type: ignore[arg-type]
    patch = f"{masked.run_id}:{int(predictions.is_predicted.argmax())}"
    yield f"/film-strip/page?reads=any&order=nearest&near={patch}&find={patch}"


def answers(masked: Masked) -> Iterator[tuple[str, str]]:
    """Give what each address answers Ada, headers and all; an address's own echo of an id is taken out."""
    client = Client(Starlette(routes=build_routes(lambda: masked.workspace)))
    token = masked.workspace.tokens.mint(ADA.reader_id)
    for address in addresses(masked):
        answer = client.get(address, {"Authorization": f"Bearer {token}"})
        said = f"{answer.headers} {answer.content.decode('latin-1')}"
        for own in (masked.slide.slide_id, masked.run_id, masked.candidate_run_id, masked.pin_id):
            said = said.replace(own, "") if own in address else said
        yield address, said
        is_a_picture = answer.headers.get("content-type", "").startswith("image/")
        if is_a_picture and not (address.startswith("/tiles/") and masked.entry.entry_id in address):
            yield address, "canary-name: a picture"


def page(address: str) -> None:
    """Draw a page of the shell for Ada; a page that leads to another one draws that."""
    import streamlit as st

    from core.access.identity import local_reader
    from core.workspace import current_workspace
    from pages import shell
    from pages.parts import destinations, messages

    def drawn(render):  # type: ignore[no-untyped-def]
        return lambda: messages.guarded(render)(current_workspace(), local_reader("Ada"))

    pages = {
        path: st.Page(drawn(render), title=title, url_path=path, default=path == address)
        for title, path, render in shell._PAGES
    }
    destinations.remember_pages(pages)
    messages.show_kept()
    st.navigation(list(pages.values())).run()


def drawn_pages() -> Iterator[tuple[str, str]]:
    """Give all that each page sends: text, tables, choices, and what components are told."""
    for _, address, _ in shell._PAGES:
        shown = AppTest.from_function(page, default_timeout=60, args=(address,)).run()
        assert not shown.exception, address
        yield f"page {address}", _sent(shown)


def _sent(shown: AppTest) -> str:
    parts = [str(block.proto) for block in _elements(shown._tree)]
    tables = [frame.value.astype(str).to_csv() for frame in shown.dataframe]
    return "\n".join([*parts, *tables, json.dumps(list(map(str, shown.query_params.items())))])


def _elements(block: Any) -> Iterator[Any]:
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from _elements(child)
        elif hasattr(child, "proto"):
            yield child


def leaks(masked: Masked) -> list[str]:
    """Give where something masked came through."""
    found = []
    for where, said in [*answers(masked), *drawn_pages()]:
        names_people = where == "page studies"  # who could read is chosen there, and tells nothing of their reads
        found += [
            f"{where}: {what}"
            for what, secret in masked.secrets.items()
            if secret in said and not (names_people and what == "another's name")
        ]
    return found


def test_nothing_masked_reaches_a_reader_before_the_first_read_is_signed(masked: Masked) -> None:
    assert leaks(masked) == []


def test_every_route_and_page_is_walked(masked: Masked) -> None:
    walked = {address.split("/")[1] for address in addresses(masked)}
    assert {"tiles", "layers", "patches", "saliency", "explain", "slides", "runs", "versions", "guide"} <= walked
    assert {where for where, _ in drawn_pages()} == {f"page {path}" for _, path, _ in shell._PAGES}


def test_the_walk_finds_the_slide_when_it_is_not_hidden(masked: Masked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight.Sight, "hidden_slides", lambda self, reader_id: frozenset())
    found = " ".join(leaks(masked))
    for what in ("the file's name", "slide id", "run id", "an example's words", "examples/", "a candidate's"):
        assert what in found


def test_the_walk_finds_a_run_that_is_shown_too_early(masked: Masked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight.Sight, "run_id", lambda self, reader_id, viewing_id: masked.run_id)
    monkeypatch.setattr(sight.Sight, "is_hidden", lambda self, reader_id, slide_id: False)
    assert any("probability" in leak for leak in leaks(masked))


def test_after_both_signatures_the_same_walk_finds_them_all(masked: Masked) -> None:
    for kind in (EventKind.FIRST_READ, EventKind.FINAL_READ):
        sign(masked.workspace, masked.entry.entry_id, kind)
    found = " ".join(leaks(masked))
    for what in ("the file's name", "group", "slide id", "run id", "the call's probability", "an example's words"):
        assert what in found
