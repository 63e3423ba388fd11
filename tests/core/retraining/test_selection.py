from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.datasets import Isolation, LeftOutReason
from core.domain.people import Reader, ReaderId, Role
from core.domain.reads import Disposition, Read
from core.domain.recipe import Recipe, StainMethod
from core.domain.slides import Provenance, Slide, StatedMpp
from core.domain.stages import Stage
from core.domain.units import Mpp
from core.retraining.selection import ExportRequest, Selection, exportable_reads, select
from tests.core.retraining.training_material import NOON, RECIPE, ReadMaker, make_slide

BOTH_COLOURS = Recipe(stain=StainMethod.NONE)
RECIPES = {recipe.hash: recipe for recipe in (RECIPE, BOTH_COLOURS)}
SLIDE = make_slide("one", "Rat 1")


def chosen(*reads: Read, slides: tuple[Slide, ...] = (SLIDE,), request: ExportRequest | None = None) -> Selection:
    return select(reads, slides, RECIPES, request or ExportRequest())


def reason_of(selection: Selection) -> LeftOutReason:
    assert not selection.patches
    return selection.left_out[0].reason


def test_readers_who_agree_give_one_row_that_names_the_first_read() -> None:
    make = ReadMaker()
    first = make.read(SLIDE, 3, Stage.S2, "anna", Disposition.ACCEPTED)
    second = make.read(SLIDE, 3, Stage.S2, "ben")
    (row,) = chosen(second, first).patches
    assert (row.read_id, row.source, row.n_readers) == (first.read_id, Disposition.ACCEPTED, 2)


def test_readers_who_differ_leave_the_patch_out() -> None:
    make = ReadMaker()
    found = chosen(make.read(SLIDE, 3, Stage.S2, "anna"), make.read(SLIDE, 3, Stage.S3, "ben"))
    assert reason_of(found) is LeftOutReason.READERS_DIFFER


@pytest.mark.parametrize(
    ("disposition", "reason"),
    [
        (Disposition.EXCLUDED, LeftOutReason.EXCLUDED),
        (Disposition.DEFERRED, LeftOutReason.DEFERRED),
    ],
)
def test_one_reader_who_excludes_or_defers_keeps_the_patch_out(disposition: Disposition, reason: LeftOutReason) -> None:
    make = ReadMaker()
    found = chosen(make.read(SLIDE, 3, Stage.S2, "anna"), make.read(SLIDE, 3, Stage.S2, "ben", disposition))
    assert reason_of(found) is reason


def test_a_read_taken_back_counts_for_nothing() -> None:
    make = ReadMaker()
    taken_back = make.read(SLIDE, 3, None, "ben", Disposition.WITHDRAWN)
    assert reason_of(chosen(taken_back)) is LeftOutReason.WITHDRAWN
    assert len(chosen(taken_back, make.read(SLIDE, 3, Stage.S2, "anna")).patches) == 1


@pytest.mark.parametrize(
    ("slide", "isolation", "reason"),
    [
        (make_slide("one", None), Isolation.SUBJECT, LeftOutReason.NO_SUBJECT),
        (make_slide("one", "  "), Isolation.SUBJECT, LeftOutReason.NO_SUBJECT),
        (make_slide("one", "Rat 1", None), Isolation.SITE, LeftOutReason.NO_SITE),
        (replace(SLIDE, scan=replace(SLIDE.scan, mpp=None)), Isolation.SUBJECT, LeftOutReason.NO_MPP),
        (
            replace(
                SLIDE,
                stated_mpp=StatedMpp(mpp=Mpp(x=0.25, y=0.25), stated_by="anna", stated_at=NOON + timedelta(days=1)),
            ),
            Isolation.SUBJECT,
            LeftOutReason.MPP_RESTATED,
        ),
    ],
)
def test_a_slide_that_cannot_be_used_is_named_with_its_reason(
    slide: Slide, isolation: Isolation, reason: LeftOutReason
) -> None:
    found = chosen(ReadMaker().read(slide, 3, Stage.S2), slides=(slide,), request=ExportRequest(isolation=isolation))
    assert reason_of(found) is reason
    assert found.left_out[0].slide_name == "one"


def test_unknown_slides_recipes_and_places_are_left_out_with_their_reason() -> None:
    assert reason_of(chosen(ReadMaker().read(SLIDE, 3, Stage.S2), slides=())) is LeftOutReason.NO_SLIDE
    assert reason_of(chosen(ReadMaker(recipe_hash="gone").read(SLIDE, 3, Stage.S2))) is LeftOutReason.NO_RECIPE
    assert reason_of(chosen(ReadMaker().read(SLIDE, 100, Stage.S2))) is LeftOutReason.OUTSIDE_GRID


def test_recipes_that_differ_in_colour_alone_read_the_same_patch() -> None:
    make, other = ReadMaker(), ReadMaker(sequence=10, recipe_hash=BOTH_COLOURS.hash)
    found = chosen(make.read(SLIDE, 3, Stage.S2, "anna"), other.read(SLIDE, 3, Stage.S3, "ben"))
    assert reason_of(found) is LeftOutReason.READERS_DIFFER


def test_a_reader_who_read_a_patch_under_two_recipes_is_taken_at_their_last_word() -> None:
    make, other = ReadMaker(), ReadMaker(sequence=10, recipe_hash=BOTH_COLOURS.hash)
    (row,) = chosen(make.read(SLIDE, 3, Stage.S2), other.read(SLIDE, 3, Stage.S3)).patches
    assert (row.stage, row.n_readers) == (Stage.S3, 1)


def test_one_set_holds_one_patch_size() -> None:
    coarse = Recipe(mpp=1.0)
    make, other = ReadMaker(), ReadMaker(sequence=10, recipe_hash=coarse.hash)
    reads = [make.read(SLIDE, 1, Stage.S2), make.read(SLIDE, 2, Stage.S2), other.read(SLIDE, 1, Stage.S3)]
    found = select(reads, (SLIDE,), RECIPES | {coarse.hash: coarse}, ExportRequest())
    assert found.patch_size is not None
    assert (len(found.patches), found.patch_size.mpp) == (2, 0.5)
    assert found.left_out_by_reason == ((LeftOutReason.OTHER_PATCH_SIZE.value, 1),)


def test_demo_slides_never_join_real_ones() -> None:
    demo = make_slide("demo", "Demo 1", is_demo=True)
    make = ReadMaker()
    reads = make.read(SLIDE, 1, Stage.S2), make.read(demo, 1, Stage.S2)
    real = chosen(*reads, slides=(SLIDE, demo))
    drawn = chosen(*reads, slides=(SLIDE, demo), request=ExportRequest(demo=True))
    assert [row.slide_name for row in real.patches] == ["one"]
    assert [row.slide_name for row in drawn.patches] == ["demo"]
    assert (real.is_demo, drawn.is_demo, real.has_both_kinds) == (False, True, True)
    assert chosen(reads[1], slides=(demo,)).is_demo


def test_a_real_slide_that_cannot_be_used_does_not_push_the_demo_out() -> None:
    nameless, demo = make_slide("one", None), make_slide("demo", "Demo 1", is_demo=True)
    make = ReadMaker()
    found = chosen(make.read(nameless, 1, Stage.S2), make.read(demo, 1, Stage.S2), slides=(nameless, demo))
    assert [row.slide_name for row in found.patches] == ["demo"]


def test_who_reads_neither_counts_nor_exports_what_is_masked_from_them() -> None:
    make = ReadMaker()
    own, other, unseen = (make.read(SLIDE, i, Stage.S2, who) for i, who in ((1, "ben"), (1, "anna"), (2, "anna")))
    ben = Reader(reader_id=ReaderId("ben"), name="Ben", roles=frozenset(Role))
    lead = Reader(reader_id=ReaderId("lena"), name="Lena", roles=frozenset({Role.LEAD}))
    assert exportable_reads([own, other, unseen], ben) == (own, other)
    assert exportable_reads([own, other, unseen], lead) == (own, other, unseen)


def test_slide_reads_are_no_patches() -> None:
    found = chosen(ReadMaker().read(SLIDE, None, Stage.S2))
    assert not found.patches
    assert not found.left_out


def test_the_preview_counts_by_stage_in_their_order_and_by_source() -> None:
    make = ReadMaker()
    found = chosen(
        make.read(SLIDE, 1, Stage.S3),
        make.read(SLIDE, 2, Stage.S1A, disposition=Disposition.ACCEPTED),
        make.read(SLIDE, 4, Stage.S1A),
    )
    assert found.by_stage == (("1a", 2), ("3", 1))
    assert found.by_source == (("accepted", 1), ("corrected", 2))
    assert found.by_subject == (("Rat 1", 3),)
    assert found.by_site == (("Basel", 3),)


def test_the_order_of_reads_does_not_matter() -> None:
    make = ReadMaker()
    reads = [make.read(SLIDE, patch, Stage.S2, reader) for patch in range(5) for reader in ("anna", "ben")]
    assert chosen(*reads) == chosen(*reversed(reads))


def test_a_site_or_subject_of_blanks_is_none_stated() -> None:
    slide = replace(SLIDE, provenance=Provenance(subject=" Rat 1 ", site=" ", stain_batch=""))
    (row,) = chosen(ReadMaker().read(slide, 1, Stage.S2), slides=(slide,)).patches
    assert (row.subject, row.site, row.stain_batch) == ("Rat 1", None, None)


@pytest.mark.parametrize("fractions", [(1.0, 0.0, 0.0), (0.5, 0.2, 0.2), (1.2, -0.1, -0.1), (0.0, 0.5, 0.5)])
def test_fractions_that_train_or_hold_out_nothing_are_refused(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"train"):
        ExportRequest(fractions=fractions)
