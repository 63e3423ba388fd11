from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.adjudication import ConsensusRule
from core.domain.choices import Choice, KeptChoice, PatchPlace
from core.domain.people import ReaderId
from core.domain.quality import ConcernCode
from core.domain.slides import SlideId
from core.domain.studies import StudyId

FULL = Choice(
    studies=(StudyId("s1"), StudyId("s2")),
    readers=(ReaderId("anna"), ReaderId("ben")),
    rule=ConsensusRule.DAWID_SKENE,
    at_least=0.8,
    fewest_reads=2,
    guide_versions=(1, 2),
    least_confidence=2,
    without_concerns=(ConcernCode.PEN, ConcernCode.FAINT_STAIN),
    weak=True,
    weak_a_slide=20,
    excluded=(PatchPlace(slide_id=SlideId("a"), patch_index=3), PatchPlace(slide_id=SlideId("a"), patch_index=1)),
)


def test_a_choice_comes_back_from_its_json_with_the_same_hash() -> None:
    for choice in (Choice(), FULL):
        again = Choice.from_json(json.loads(json.dumps(choice.to_json())))
        assert again.sha256 == choice.sha256
    assert Choice.from_json(Choice().to_json()) == Choice()


def test_the_order_in_which_things_are_named_changes_no_hash() -> None:
    turned = replace(FULL, studies=FULL.studies[::-1], readers=FULL.readers[::-1], excluded=FULL.excluded[::-1])
    assert turned.sha256 == FULL.sha256


@pytest.mark.parametrize(
    "changed",
    [
        {"studies": ()},
        {"readers": ()},
        {"rule": ConsensusRule.MEDIAN},
        {"at_least": 0.7},
        {"fewest_reads": 3},
        {"guide_versions": (1,)},
        {"least_confidence": 3},
        {"without_concerns": ()},
        {"weak": False},
        {"weak_a_slide": 21},
        {"excluded": ()},
    ],
)
def test_every_field_changes_the_hash(changed: dict[str, object]) -> None:
    assert replace(FULL, **changed).sha256 != FULL.sha256  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": ConsensusRule.THIRD_READER},
        {"at_least": 0.4},
        {"fewest_reads": 0},
        {"weak_a_slide": 0},
        {"least_confidence": 4},
    ],
)
def test_a_choice_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"consensus|probability|read|confidence"):
        Choice(**wrong)  # type: ignore[arg-type]


def test_a_patch_is_typed_as_slide_and_number() -> None:
    place = PatchPlace(slide_id=SlideId("ab"), patch_index=12)
    assert PatchPlace.typed(f" {place} ") == place
    for wrong in ("ab", "ab/", "/3", "ab/x", "ab/-1"):
        with pytest.raises(ValueError, match="names no patch"):
            PatchPlace.typed(wrong)


def test_a_kept_choice_has_a_name() -> None:
    with pytest.raises(ValueError, match="name"):
        KeptChoice(name=" ", choice=Choice(), kept_by=ReaderId("lena"), kept_at=datetime(2026, 1, 1, tzinfo=UTC))
