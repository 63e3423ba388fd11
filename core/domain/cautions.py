"""Cautions: what everybody who is shown a prediction has to know of the model that made it. The one home of the words.

A concern (core/domain/quality.py) is about a slide, found in its pixels; a caution is about a model beside a slide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from core.domain.registry import ModelStatus, RegisteredModel
from core.domain.scope import Scope
from core.domain.slides import Slide
from core.domain.stages import Stage


class CautionCode(Enum):
    """Why a prediction is to be taken with care, in the words of a banner."""

    STALE = "stale"
    CANDIDATE = "by a candidate"
    OUTSIDE = "outside the model's scope"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caution:
    """One caution. `discreet` says it to a reader from whom hidden is where a slide comes from."""

    code: CautionCode
    sentence: str
    discreet: str

    def with_call(self, call: Stage | None) -> Caution:
        """Give it with what the model called the slide, for where the call itself is not shown."""
        words = "It called no stage." if call is None else f"It called the slide {call.value}."
        return replace(self, sentence=f"{self.sentence} {words}", discreet=f"{self.discreet} {words}")


def cautions_of(slide: Slide, model: RegisteredModel, status: ModelStatus, scope: Scope | None) -> tuple[Caution, ...]:
    """Give what has to be known of a model's prediction on a slide; nothing of a model that serves and knows its like.

    Args: scope: what the model's card states; None where it states none, and then nothing lies outside.
    """
    found = [] if status is ModelStatus.SERVED else [_by_status(model, status)]
    outside = () if scope is None else scope.outside(slide)
    if outside:
        sentence = f"{' '.join(words for _, words in outside)} {_UNKNOWN}"
        names = " and ".join(name for name, _ in outside)
        discreet = f"By its {names} this slide is unlike those that the model learned from. {_UNKNOWN}"
        found.append(Caution(code=CautionCode.OUTSIDE, sentence=sentence, discreet=discreet))
    return tuple(found)


def sentences_of(cautions: Iterable[Caution]) -> str:
    """Give cautions as words for a cell of an export; empty without any."""
    return " ".join(f"{caution.code.value.capitalize()}: {caution.sentence}" for caution in cautions)


def cautions_to_plain(cautions: Iterable[Caution], *, is_discreet: bool = False) -> list[dict[str, str]]:
    """Give cautions as JSON holds them."""
    return [
        {"code": caution.code.value, "sentence": caution.discreet if is_discreet else caution.sentence}
        for caution in cautions
    ]


def limits_of(cautions: Iterable[Caution], n_slides: int) -> tuple[str, ...]:
    """Say, as limits of a report on so many slides, how many of them each kind of caution is of, and why.

    Args: cautions: those of every slide, a slide's own once each.
    """
    found: dict[CautionCode, list[str]] = {}
    for caution in cautions:
        found.setdefault(caution.code, []).append(caution.sentence)
    return tuple(_limit(code, sentences, n_slides) for code, sentences in found.items())


def _limit(code: CautionCode, sentences: list[str], n_slides: int) -> str:
    reasons = sorted(set(sentences))
    more = f" And {len(reasons) - _MOST_REASONS} more." if len(reasons) > _MOST_REASONS else ""
    return f"{_LIMITS[code].format(n=len(sentences), of=n_slides)} {' '.join(reasons[:_MOST_REASONS])}{more}"


_MOST_REASONS = 3
_LIMITS = {
    CautionCode.STALE: "{n} of {of} slides have no call of the model that serves here, only a retired one's:",
    CautionCode.CANDIDATE: "{n} of {of} slides carry a candidate's call:",
    CautionCode.OUTSIDE: "{n} of {of} slides lie outside of the scope that the model's card states:",
}
_UNKNOWN = "How well it stages such slides is not known."


def _by_status(model: RegisteredModel, status: ModelStatus) -> Caution:
    if status is ModelStatus.RETIRED:
        code, sentence = CautionCode.STALE, f"Read by {model.display_name}, which does not serve any more."
    else:
        code = CautionCode.CANDIDATE
        sentence = f"Read by {model.display_name}, a candidate: what it finds is not the slide's call."
    return Caution(code=code, sentence=sentence, discreet=sentence)
