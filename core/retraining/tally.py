"""How often the animals of a test were looked at, and what it does to a bound: more tries, likelier a lucky one.

A candidate is judged as one of all that were looked at on its animals (Bonferroni): with k of them the bound is taken
at 1 - 0.05/k, so that of k candidates that are no better, however alike, one passes in at most 1 of 40 such tests.
Limits: that holds for candidates made before any was looked at, and one choice among them. Where one goes on until the
first passes, the chance is 1/40 (1 + 1/2 + ... + 1/k) at most; where a candidate was made with what was seen of the
test, no count corrects it. Looks that this app did not make are not counted.
Source: Dunn 1961, Multiple comparisons among means, J Am Stat Assoc 56:52.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.datasets import comparable
from core.domain.examinations import ExaminationEvent, ExaminationStatus
from core.domain.frozen_tests import FrozenTest
from core.domain.registry import ModelId
from core.domain.training import TrainingEvent

FOUND_NAME = "evaluation.json"
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_RISK = 0.05
_LIMIT = (
    "That holds for candidates made before any was looked at here; where one was made with what was seen, no count "
    "corrects it: freeze a new test."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many candidates were looked at on the animals of a test, in how many tries; `test_name` None: not frozen."""

    n_candidates: int
    n_tries: int
    test_name: str | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Tally:
        """Take it from what `to_plain` gave."""
        return cls(**plain)

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def level(self) -> float:
        """Give the coverage of the interval that a candidate is judged by."""
        return 1.0 - _RISK / self.n_candidates

    @property
    def level_words(self) -> str:
        """Name that coverage; of one candidate as everywhere, of several as what it came from."""
        return "95%" if self.n_candidates == 1 else f"{self.level:.2%} (1 - 0.05/{self.n_candidates})"

    @property
    def words(self) -> str:
        """Say which of how many this one was."""
        return (
            f"the {_ordinal(self.n_candidates)} candidate looked at on these animals, the {_ordinal(self.n_tries)} try"
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say what it was examined on, which of how many it was, and of several what that does to the bound."""
        where = (
            f"Examined on {self.test_name}."
            if self.test_name is not None
            else "NOT the frozen test: it carries no promotion without a signed override."
        )
        how = f"It is {self.words}: the more tries, the likelier a lucky one."
        if self.n_candidates == 1:
            return (where, how)
        return (where, how, f"It is judged by the bound at {self.level_words}. {_LIMIT}")


@dataclass(frozen=True, kw_only=True, slots=True)
class LookedAt:
    """What was looked at on some animals: candidates, by id, and the number of tries."""

    candidates: frozenset[ModelId]
    n_tries: int

    @property
    def n_candidates(self) -> int:
        """Count the candidates."""
        return len(self.candidates)

    def with_one_more(self, candidate: ModelId, test: FrozenTest | None) -> Tally:
        """Give the tally of one more try. Args: test: the frozen test that it is made on, None for another set."""
        return Tally(
            n_candidates=len(self.candidates | {candidate}),
            n_tries=self.n_tries + 1,
            test_name=None if test is None else test.name,
        )


def looked_at(
    set_sha256: str,
    animals: frozenset[str],
    examinations: Iterable[ExaminationEvent],
    trainings: Iterable[TrainingEvent],
) -> LookedAt:
    """Give what was looked at on a set's test side, or on any of these animals.

    Looked at: examined beside the model that served, to the end or to where what was found could be read; and trained
    on this set before it was frozen, because a training then measures its test side too.
    """
    tried = (one for one in examinations if one.served_id is not None and _was_seen(one))
    seen = [one for one in tried if _is_on(one, set_sha256, animals)]
    trained = (one for one in trainings if one.set_sha256 == set_sha256 and _measured_test(one))
    ids = [*(one.model_id for one in seen), *(one.model_id for one in trained if one.model_id is not None)]
    return LookedAt(candidates=frozenset(ids), n_tries=len(seen))


def _was_seen(event: ExaminationEvent) -> bool:
    """Say whether what was found could be read; of one that was cut off, its file tells."""
    is_cut_off = event.status is ExaminationStatus.BEGUN and (event.folder / FOUND_NAME).is_file()
    return event.status is ExaminationStatus.FINISHED or event.is_seen or is_cut_off


def _is_on(event: ExaminationEvent, set_sha256: str, keys: frozenset[str]) -> bool:
    return event.set_sha256 == set_sha256 or not keys.isdisjoint(comparable(one) for one in event.animals)


def _measured_test(event: TrainingEvent) -> bool:
    return event.outcome_json is not None and "test" in json.loads(event.outcome_json).get("metrics", {})


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
