"""What seeing the call did to readers."""

from __future__ import annotations

import numpy as np
import pytest

from core.agreement.assisted import Assistance, AssistedRead, assistance, assisted_reads
from core.agreement.bootstrap import Drawing, IntervalKind, Resampling
from core.agreement.entries import EntryRead
from core.agreement.ratings import SEVEN_STAGES
from core.agreement.repeats import RepeatKind
from core.agreement.weighted_quantile import weighted_medians
from tests.core.agreement.random_ratings import SCALE_OF_FOUR

SOME = Resampling(n_resamples=300)
STORY = (
    # first, call, final, reference
    ("w", "w", "w", "w"),  # right, kept
    ("w", "x", "x", "w"),  # right to wrong after a wrong call
    ("w", "x", "w", "w"),  # right, kept against a wrong call
    ("x", "w", "w", "w"),  # wrong to right after a right call
    ("x", "x", "x", "w"),  # wrong, kept with a wrong call
    ("z", "w", "y", None),  # one of three steps towards the call
)


def reads(*story: tuple[str, str, str, str | None], reader: str = "Ann") -> list[AssistedRead]:
    return [
        AssistedRead(
            item=f"s{number}",
            subject=f"a{number}",
            reader=reader,
            first=first,
            call=call,
            final=final,
            reference=reference,
            first_s=10.0 * number,
            final_s=None,
        )
        for number, (first, call, final, reference) in enumerate(story)
    ]


def everyone(found: tuple[Assistance, ...]) -> Assistance:
    return found[-1]


def entry(item: str, reader: str, first: str, **further: object) -> EntryRead:
    told: dict[str, object] = {"call": "w", "final": "w", "standing": "w", "subject": None, **further}
    return EntryRead(item=item, reader=reader, first=first, **told)  # type: ignore[arg-type]


def test_every_rate_counts_what_it_says() -> None:
    found = everyone(assistance(reads(*STORY), SCALE_OF_FOUR, SOME))

    counted = {
        name: (getattr(found, name).n, getattr(found, name).found.value)
        for name in ("switched", "right_to_wrong", "wrong_to_right", "adopted")
    }
    assert counted == {
        "switched": (6, 3 / 6),
        "right_to_wrong": (3, 1 / 3),
        "wrong_to_right": (2, 1 / 2),
        "adopted": (4, 2 / 4),
    }
    assert (found.right_to_wrong_after_wrong_call.n, found.right_to_wrong_after_wrong_call.found.value) == (2, 0.5)
    assert (found.wrong_to_right_after_right_call.n, found.wrong_to_right_after_right_call.found.value) == (1, 1.0)
    assert (found.n_reads, found.n_with_reference) == (6, 5)


def test_anchoring_is_the_share_of_the_way_to_the_call() -> None:
    found = everyone(assistance(reads(*STORY), SCALE_OF_FOUR, SOME)).anchoring

    assert found.n == 4
    assert found.found.value == pytest.approx((1 + 0 + 1 + 1) / (1 + 1 + 1 + 3))


def test_between_1a_and_1c_the_way_is_half_a_step() -> None:
    story = [("1a", "1c", "1c", None), ("4", "3", "4", None)]

    assert everyone(assistance(reads(*story), SEVEN_STAGES, SOME)).anchoring.found.value == pytest.approx(0.5 / 1.5)


def test_times_are_medians_of_what_was_measured() -> None:
    found = everyone(assistance(reads(*STORY), SCALE_OF_FOUR, SOME))

    assert (found.first_seconds.n, found.first_seconds.found.value) == (6, 25.0)
    assert found.final_seconds.found.why == "no time was measured"


def test_readers_stand_alone_and_then_together() -> None:
    both = [*reads(*STORY), *reads(("w", "w", "w", None), reader="Bo")]

    found = assistance(both, SCALE_OF_FOUR, SOME)

    assert [(one.reader, one.n_reads, one.n_subjects) for one in found] == [("Ann", 6, 6), ("Bo", 1, 1), (None, 7, 6)]
    assert found[1].right_to_wrong.found.why == "no first read was right by a reference"
    assert found[1].adopted.found.why == "no first read differed from the call"


def test_nobody_assisted_is_nothing() -> None:
    assert assistance([], SCALE_OF_FOUR, SOME) == ()


def test_an_animal_is_drawn_with_all_its_reads() -> None:
    switched = reads(*[("w", "x", "x", "w")] * 6)
    kept = reads(*[("w", "x", "w", "w")] * 6)
    alone = everyone(assistance([*switched, *kept], SCALE_OF_FOUR, SOME)).switched.found

    assert (alone.value, alone.low, alone.high) == (0.5, 0.5, 0.5)  # each animal has one of each


def test_the_reference_is_what_the_other_readers_read_first() -> None:
    entries = [entry("s", "Ann", "x"), entry("s", "Bo", "w"), entry("s", "Cy", "w"), entry("s", "Di", "x")]

    found = {read.reader: read.reference for read in assisted_reads(entries)}

    assert found == {"Ann": "w", "Bo": "x", "Cy": "x", "Di": "w"}


def test_one_other_reader_or_a_tie_is_no_reference() -> None:
    two = assisted_reads([entry("s", "Ann", "x"), entry("s", "Bo", "w")])
    tied = assisted_reads([entry("s", "Ann", "x"), entry("s", "Bo", "w"), entry("s", "Cy", "x")])

    assert [read.reference for read in two] == [None, None]
    assert [read.reference for read in tied] == [None, "x", None]


def test_a_stated_reference_takes_the_place_of_other_readers() -> None:
    found = assisted_reads([entry("s", "Ann", "x"), entry("t", "Ann", "x")], {"s": "z"})

    assert [read.reference for read in found] == ["z", None]


def test_repeats_and_unfinished_entries_are_not_assisted_reads() -> None:
    entries = [
        entry("s", "Ann", "x", kind=RepeatKind.HIDDEN),
        entry("t", "Ann", "x", final=None),
        entry("u", "Ann", "x", call=None),
    ]

    assert assisted_reads(entries) == ()


@pytest.mark.parametrize("kind", IntervalKind)
def test_a_median_of_drawn_animals_is_that_of_their_values_written_out(kind: IntervalKind) -> None:
    generator = np.random.default_rng(1)
    values, subjects = generator.exponential(10.0, 25), generator.integers(0, 8, 25)
    drawing = Drawing(resampling=Resampling(n_resamples=200, interval=kind), n_subjects=8)

    found = weighted_medians(values, subjects, drawing)

    written = [
        np.median(np.concatenate([values[subjects == animal] for animal in animals]))
        for animals in np.random.default_rng(1).integers(8, size=(200, 8))
    ]
    assert found.value == np.median(values)
    if kind is IntervalKind.PERCENTILE:
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(written, [0.025, 0.975])))
    else:
        assert found.low is not None
