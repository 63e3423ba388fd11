"""Reads joined as columns say what the store and the masking rule say, however they come in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.patch_reads import DISPOSITIONS, NO_STAGE, PatchReadColumns
from core.domain.people import ReaderId
from core.domain.reads import Disposition
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.review.masking import visible_reads
from core.review.strip_query import ReadFilter
from core.store.connection import Database
from core.store.reads import ReadStore
from tests.core.review.strip_study import StripStudy, slide_id_of
from tests.core.store.records import RECIPE

READERS = ("anna", "bert", "carl")
SAID = (*STAGES, Disposition.DEFERRED, Disposition.EXCLUDED, Disposition.WITHDRAWN, "undo", "look")
ACTS = st.lists(
    st.tuples(st.sampled_from(READERS), st.integers(0, 1), st.integers(0, 23), st.sampled_from(SAID)), max_size=25
)


@settings(max_examples=25, deadline=None)
@given(acts=ACTS)
def test_the_strip_shows_of_others_what_the_masking_rule_shows(
    acts: list[tuple[str, int, int, Stage | Disposition | str]],
) -> None:
    with Database.in_memory() as database:
        study = StripStudy(database)
        for number in range(2):
            study.finish_run(number)
        for name, number, index, said in acts:
            if said == "undo":
                study.undo(name, number)
            elif isinstance(said, Stage):
                study.read(name, number, index, said)
            elif isinstance(said, Disposition):
                study.read(name, number, index, None, said)
            else:  # between two reads, so that they come in by parts
                study.places(name)
        store = ReadStore(database)
        for name in READERS:
            allowed = {
                (read.reader_id, read.item.slide_id, read.item.patch_index, read.disposition, read.stage)
                for read in visible_reads(store.standing(), ReaderId(name))
                if read.disposition is not Disposition.WITHDRAWN
                and (int(read.item.slide_id, 16), read.item.patch_index) in study.predicted()
            }
            shown = {
                (mark.reader_id, one.run.slide.slide_id, one.patch_index, mark.disposition, mark.stage)
                for one in study.page(name, reads=ReadFilter.ANY).patches
                for mark in (*([one.own] if one.own else []), *one.others)
            }
            assert shown == allowed


def test_the_store_gives_patch_reads_in_their_order_and_only_new_ones() -> None:
    with Database.in_memory() as database:
        study, store = StripStudy(database), ReadStore(database)
        study.finish_run(0)
        study.read("anna", 0, 3, Stage.S4)
        study.read("anna", 0, 5, None, Disposition.EXCLUDED)
        study.read("anna", 0, 3, Stage.S0)
        (columns,) = store.patch_reads_after(0)
        study.read("bert", 0, 3, Stage.S2)
        (further,) = store.patch_reads_after(columns.last_sequence)
    names = [
        (DISPOSITIONS[code].value, None if at == NO_STAGE else STAGES[at].value)
        for code, at in zip(columns.disposition, columns.stage, strict=True)
    ]
    assert (columns.reader_id, columns.slide_id, columns.recipe_hash) == ("anna", slide_id_of(0), RECIPE.hash)
    assert columns.patch_index.tolist() == [3, 5, 3]
    assert names == [("staged", "4"), ("excluded", None), ("staged", "0")]
    assert (further.reader_id, further.patch_index.tolist()) == ("bert", [3])


def test_columns_of_different_lengths_are_a_mistake() -> None:
    columns = {"patch_index": np.zeros(2, np.int64), "disposition": np.zeros(2, np.uint8)}
    for stage in (np.zeros(1, np.int8), np.full(2, 7, np.int8)):
        with pytest.raises(ValueError, match=r"length|scale"):
            PatchReadColumns(
                reader_id=ReaderId("anna"),
                slide_id=SlideId("0" * 32),
                recipe_hash="x",
                stage=stage,
                last_sequence=1,
                **columns,
            )
