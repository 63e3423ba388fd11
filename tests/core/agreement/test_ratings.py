"""The record that every statistic starts from is valid when it exists."""

from __future__ import annotations

import numpy as np
import pytest

from core.agreement.ratings import MISSING, RatedItem, Ratings, Scale, ratings_from_reads
from tests.core.agreement.random_ratings import SCALE_OF_FOUR, ratings_of


def test_a_scale_with_a_stage_twice_does_not_exist() -> None:
    with pytest.raises(ValueError, match="different"):
        Scale(labels=("0", "1", "0"))


def test_a_stage_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        ratings_of([[0, 4]])


def test_a_reader_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Ratings(
            scale=SCALE_OF_FOUR,
            items=("i",),
            readers=("A", "A"),
            subjects=("i",),
            stages=np.zeros((1, 2), dtype=np.int16),
        )


def test_a_model_that_is_no_reader_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the readers"):
        ratings_of([[0, 1]], model_reader="Z")


def test_the_stages_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ratings_of([[0, 1]]).stages[0, 0] = 2


def test_the_people_are_the_readers_without_the_model() -> None:
    ratings = ratings_of([[0, 1, 2]], model_reader="B")

    assert ratings.people == ("A", "C")
    assert ratings.of_readers(ratings.people).stages.tolist() == [[0, 2]]


def test_a_missing_stage_in_long_form_is_a_missing_read() -> None:
    reads = [RatedItem(item="i", reader="A", stage=None), RatedItem(item="i", reader="B", stage="4", subject="a")]

    ratings = ratings_from_reads(reads)

    assert ratings.stages.tolist() == [[MISSING, 6]]
    assert ratings.subjects == ("a",)


def test_an_item_of_two_subjects_is_refused() -> None:
    reads = [RatedItem(item="i", reader=name, stage="0", subject=name) for name in ("A", "B")]

    with pytest.raises(ValueError, match="two subjects"):
        ratings_from_reads(reads)


def test_the_fingerprint_changes_with_a_read() -> None:
    assert ratings_of([[0, 1]]).fingerprint() == ratings_of([[0, 1]]).fingerprint()
    assert ratings_of([[0, 1]]).fingerprint() != ratings_of([[0, 2]]).fingerprint()
