"""What is stored of a candidate's examinations, and whether it carries a promotion now. Files play no part in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from core.domain.baselines import BaselineFound
from core.domain.examinations import ExaminationEvent, ExaminationStatus
from core.domain.frozen_tests import FrozenTest
from core.domain.registry import ModelId, RegisteredModel
from core.domain.training import TrainingEvent
from core.retraining.tally import LookedAt, Tally, looked_at
from core.retraining.verdict import Verdict


class ExaminationsPort(Protocol):
    """The table of examinations."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while what is stored is counted and written to."""

    def add(self, event: ExaminationEvent) -> None:
        """Store that an examination began or ended."""

    def examinations(self) -> tuple[ExaminationEvent, ...]:
        """Give the last event of every examination, the one that began last at the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The verdict that stands of a candidate, and why it does not carry a promotion; None: it does.

    `verdict` is of the frozen test where the candidate was compared on it, else of the last set; None without any.
    `baseline`: how it stands beside the hand-crafted baseline there, None where that is not known.
    """

    verdict: Verdict | None
    refusal: str | None
    baseline: BaselineFound | None = None

    @property
    def against(self) -> str | None:
        """Say all that stands against a promotion, the baseline where it is ahead included; None where nothing does."""
        ahead = self.baseline.headline if self.baseline is not None and self.baseline.is_ahead else None
        return "; ".join(one for one in (self.refusal, ahead) if one) or None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Judges what is stored: examinations, the frozen test, the trainings and the model that serves."""

    store: ExaminationsPort
    test: Callable[[], FrozenTest | None]
    trainings: Callable[[], tuple[TrainingEvent, ...]]
    served: Callable[[], RegisteredModel | None]

    def tally(self, candidate: ModelId, set_sha256: str) -> Tally:
        """Count the candidates and tries on a set's test animals, one more try of this candidate included."""
        test = self.test()
        if test is not None and test.set_sha256 == set_sha256:
            return self.looked_at(test).with_one_more(candidate, test)
        found = looked_at(set_sha256, frozenset(), self.store.examinations(), self.trainings())
        return found.with_one_more(candidate, None)

    def looked_at(self, test: FrozenTest) -> LookedAt:
        """Give the candidates that were looked at on a test's animals, and the tries."""
        return looked_at(test.set_sha256, test.keys, self.store.examinations(), self.trainings())

    def of(self, model_id: ModelId) -> tuple[ExaminationEvent, ...]:
        """Give the last event of each examination of a model, the one that began last at the end."""
        return tuple(one for one in self.store.examinations() if one.model_id == model_id)

    def standing(self, model_id: ModelId) -> Standing:
        """Say what stands of a candidate, and why it does not carry a promotion."""
        compared = [one for one in self.of(model_id) if one.status is ExaminationStatus.FINISHED and one.verdict_json]
        test = self.test()
        if test is None:
            return _refused(compared, "no test is frozen here; freeze one, and examine on it")
        on_test = [one for one in compared if one.test_version == test.version]
        if not on_test:
            return _refused(compared, f"it was not compared with the model that serves on {test.name}")
        return self._standing(on_test[-1], test)

    def _standing(self, event: ExaminationEvent, test: FrozenTest) -> Standing:
        """Say what stands of a candidate by its last comparison on the frozen test."""
        stands = _stands(event)
        verdict, served = _verdict(event), self.served()
        if served is None or served.model_id != verdict.served_id:
            return replace(stands, refusal="another model serves since this comparison; compare again")
        if verdict.margin != test.margin:
            why = f"it was judged by a margin of {verdict.margin:g}, and {test.margin:g} was fixed with {test.name}"
            return replace(stands, refusal=f"{why}; examine it again")
        if not verdict.is_passed:
            return replace(stands, refusal=verdict.refusal)
        now = self.tally(event.model_id, test.set_sha256).n_candidates
        more = now - verdict.tally.n_candidates
        if more > 0:
            were = "1 more candidate was" if more == 1 else f"{more} more candidates were"
            why = f"{were} looked at on these animals since; examine it again, to be judged as one of {now}"
            return replace(stands, refusal=why)
        return stands


def _refused(compared: list[ExaminationEvent], why: str) -> Standing:
    return replace(_stands(compared[-1]), refusal=why) if compared else Standing(verdict=None, refusal=why)


def _stands(event: ExaminationEvent) -> Standing:
    return Standing(verdict=_verdict(event), refusal=None, baseline=event.baseline)


def _verdict(event: ExaminationEvent) -> Verdict:
    return Verdict.from_plain(json.loads(event.verdict_json or "{}"))
