from __future__ import annotations

import tomllib

import pytest

from core.domain.errors import BadProtocol
from core.domain.people import ReaderId
from core.domain.protocol_text import protocol_from_plain, protocol_to_plain
from core.domain.protocols import BelowCoverage, Completeness, Mask, Protocol, Repeats, Scheme, StudyMode
from core.domain.slides import SlideId
from core.domain.stages import STAGES

WHOLE = Protocol(
    name="Trial",
    slides=(SlideId("a" * 32), SlideId("b" * 32)),
    readers=(ReaderId("ada"), ReaderId("bo")),
    adjudicators=(ReaderId("cy"),),
    scheme=Scheme.FIVE,
    repeats=Repeats(fraction=0.2, distance=3),
    n_passes=2,
    completeness=Completeness(needs_confidence=True, coverage=0.8, below_coverage=BelowCoverage.REFUSE),
)


def test_a_protocol_comes_back_from_plain_values() -> None:
    assert protocol_from_plain(protocol_to_plain(WHOLE)) == WHOLE


def test_a_short_file_has_the_defaults() -> None:
    text = 'name = "T"\nslides = ["a"]\nreaders = ["ada"]\n[completeness]\ncoverage = 1\n'
    read = protocol_from_plain(tomllib.loads(text))
    assert (read.mode, read.washout_days, read.completeness.coverage) == (StudyMode.MASKED_FIRST, 14, 1.0)
    assert read.masked == frozenset(Mask)


def test_an_informed_study_shows_the_model_unless_it_is_told_otherwise() -> None:
    read = protocol_from_plain({"name": "T", "slides": ["a"], "readers": ["ada"], "mode": "informed"})
    assert read.masked == frozenset(Mask) - {Mask.MODEL}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"masked": ["grop"]}, "masked"),
        ({"seed": True}, "seed"),
        ({"slides": "a"}, "slides"),
        ({"repeats": {"fraction": 2}}, "protocol"),
        ({"repeats": {"share": 0.1}}, "repeats.share"),
        ({"completeness": {"coverage": "half"}}, "completeness.coverage"),
        ({"completeness": {"below_coverage": "cry"}}, "completeness.below_coverage"),
        ({"adjudicators": ["ada"]}, "protocol"),
        ({"slides": ["a", "a"]}, "protocol"),
        ({"mode": "masked first, then assisted", "masked": ["group"]}, "protocol"),
        ({"n_passes": 3}, "protocol"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(BadProtocol) as raised:
        protocol_from_plain({"name": "T", "slides": ["a"], "readers": ["ada"], **change})
    assert raised.value.field == field


def test_five_stages_hold_the_seven() -> None:
    assert [Scheme.FIVE.of(stage) for stage in STAGES] == ["0", "1", "1", "1", "2", "3", "4"]
    assert {Scheme.SEVEN.of(stage) for stage in STAGES} == set(Scheme.SEVEN.stages)
