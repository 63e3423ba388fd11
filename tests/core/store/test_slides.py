"""Slides come back as they went in, with the facts that were added later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.errors import BadSlide
from core.domain.slides import Provenance, RegistrationStatus, SlideId, StatedMpp
from core.domain.units import Mpp
from core.store import audit
from core.store.connection import Database
from core.store.slides import SlideStore
from core.store.verification import verify
from tests.core.store.records import SLIDE_ID, START, make_slide

OTHER_ID = SlideId("6" * 32)
STATED = StatedMpp(mpp=Mpp(x=0.25, y=0.25), stated_by="bert", stated_at=START + timedelta(hours=1))


@pytest.fixture
def slides(database: Database) -> SlideStore:
    """Give a store with one whole slide."""
    store = SlideStore(database)
    store.add_slide(make_slide(), "anna")
    return store


def test_a_slide_comes_back_as_it_went_in(slides: SlideStore) -> None:
    assert slides.slide_by_id(SLIDE_ID) == make_slide()


def test_a_slide_that_carries_little_comes_back_as_it_went_in(slides: SlideStore) -> None:
    slides.add_slide(make_slide(OTHER_ID, plain=True), "anna")
    assert slides.slides() == (make_slide(), make_slide(OTHER_ID, plain=True))


def test_another_store_object_sees_it_too(slides: SlideStore, database: Database) -> None:
    assert SlideStore(database).slides() == (make_slide(),)


def test_an_unknown_slide_is_none(slides: SlideStore) -> None:
    assert slides.slide_by_id(OTHER_ID) is None


def test_a_known_slide_is_not_stored_again(slides: SlideStore, database: Database) -> None:
    before = audit.head_hash(database)
    slides.add_slide(replace(make_slide(), name="copy.svs"), "bert")
    assert (slides.slides(), audit.head_hash(database)) == ((make_slide(),), before)


def test_the_last_provenance_stands(slides: SlideStore) -> None:
    for subject in ("rat 8", "rat 9"):
        slides.set_provenance(SLIDE_ID, Provenance(subject=subject), "bert")
    assert slides.slides()[0].provenance == Provenance(subject="rat 9")


def test_the_same_provenance_again_writes_nothing(slides: SlideStore, database: Database) -> None:
    before = audit.head_hash(database)
    slides.set_provenance(SLIDE_ID, make_slide().provenance, "bert")
    assert audit.head_hash(database) == before


def test_the_last_stated_mpp_stands_and_says_who_and_when(slides: SlideStore) -> None:
    assert slides.slides()[0].stated_mpp != STATED  # the look before the write must not be kept
    slides.set_stated_mpp(SLIDE_ID, STATED, reason="measured")
    assert slides.slides()[0].stated_mpp == STATED


def test_stating_mpp_is_in_the_audit_with_its_reason(slides: SlideStore, database: Database) -> None:
    slides.set_stated_mpp(SLIDE_ID, STATED, reason="measured")
    last = audit.entries(database)[-1]
    assert (last.actor, last.subject, last.reason) == ("bert", SLIDE_ID, "measured")


def test_a_moved_slide_is_opened_at_its_new_place(slides: SlideStore) -> None:
    moved = replace(make_slide(), path=Path("/new/liver.svs"), file_stamp=(1, 2))
    slides.set_place(moved, "anna")
    assert slides.slides() == (moved,)


def test_facts_of_an_unknown_slide_are_refused(slides: SlideStore) -> None:
    with pytest.raises(BadSlide, match="registered"):
        slides.set_provenance(OTHER_ID, Provenance(), "anna")
    with pytest.raises(BadSlide, match="registered"):
        slides.set_stated_mpp(OTHER_ID, STATED)
    with pytest.raises(BadSlide, match="registered"):
        slides.set_place(make_slide(OTHER_ID), "anna")


def test_refusals_are_kept_in_order(slides: SlideStore) -> None:
    for name in ("cut.svs", "text.svs", "cut.svs"):
        slides.record_refusal(Path(name), f"{name} is bad", "anna")
    refused = [(outcome.path.name, outcome.reason, outcome.status) for outcome in slides.refusals()]
    status = RegistrationStatus.REFUSED
    assert refused == [(name, f"{name} is bad", status) for name in ("cut.svs", "text.svs", "cut.svs")]


def test_a_name_that_is_no_text_is_refused_and_can_be_recorded(slides: SlideStore, database: Database) -> None:
    path = Path("/slides/li\udcffver.svs")
    with pytest.raises(BadSlide, match="Unicode"):
        slides.add_slide(make_slide(OTHER_ID, path=path), "anna")
    slides.record_refusal(path, "no Unicode", "anna")
    assert slides.refusals()[0].path.name == "li\\udcffver.svs"
    assert verify(database) == 2


def test_every_row_hashes_as_it_was_recorded(slides: SlideStore, database: Database) -> None:
    slides.add_slide(make_slide(OTHER_ID, plain=True), "anna")
    slides.set_stated_mpp(OTHER_ID, replace(STATED, mpp=Mpp(x=1, y=1)))
    assert verify(database) == 3
