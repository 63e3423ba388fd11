"""The agreement report: everything computed from one set of ratings, as one record and as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from core.agreement.assisted import Assistance, AssistedRead, assistance
from core.agreement.bootstrap import Progress, Resampling, unheard
from core.agreement.ceiling import HumanCeiling, human_ceilings
from core.agreement.confounding import StageByTrait, stage_by_trait
from core.agreement.differences import (
    KappaDifference,
    collapsed_against_native,
    model_against_readers,
    pair_differences,
)
from core.agreement.kappa import ReaderPair
from core.agreement.measurement_report import (
    MeasurementReport,
    build_measurement_report,
    measure_sentences,
    measurement_json,
)
from core.agreement.measurements import Measurements
from core.agreement.method import (
    AFTER_REVEAL,
    Method,
    assistance_sentences,
    consensus_sentences,
    difference_sentences,
    drawing_sentences,
    method_of,
    reference_sentences,
    strata_sentences,
)
from core.agreement.overall import OverallAgreement, overall_agreement
from core.agreement.pairwise import PairAgreement, pairwise_agreement
from core.agreement.probabilities import ReferencedProbabilities
from core.agreement.ratings import Ratings, Scale
from core.agreement.reference import ReferenceReport, reference_report
from core.agreement.repeats import IntraReader, RepeatedRead, intra_reader_agreement
from core.agreement.report_values import (
    Json,
    assistance_json,
    ceiling_json,
    confused_json,
    difference_json,
    intra_reader_json,
    leaf,
    leaves,
    method_json,
    pair_json,
    reference_json,
    stage_by_trait_json,
    stated_json,
    strata_json,
)
from core.agreement.stated import StatedAgreement, stated_agreement
from core.agreement.strata import TraitStrata, strata_of
from core.agreement.weights import FloatArray

SCHEMA_FILE = Path(__file__).parent / "agreement.schema.json"
"""The contract of `to_json`, as JSON Schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementReport:
    """What the readers of one set of ratings agree on, and how it was computed.

    `subjects_known` is False where an item was taken as its own animal, `after_reveal` True where the reads that are
    compared were made with the model's call in sight.
    """

    scale: Scale
    readers: tuple[str, ...]
    model_reader: str | None
    n_items: int
    n_subjects: int
    n_reads: int
    n_missing: int
    subjects_known: bool
    after_reveal: bool
    pairs: tuple[PairAgreement, ...]
    overall: OverallAgreement
    ceilings: tuple[HumanCeiling, ...]
    intra_reader: tuple[IntraReader, ...]
    stated: StatedAgreement | None
    differences: tuple[KappaDifference, ...]
    assistance: tuple[Assistance, ...]
    strata: tuple[TraitStrata, ...]
    stages_by_trait: tuple[StageByTrait, ...]
    reference: ReferenceReport | None
    measures: tuple[MeasurementReport, ...]
    method: Method

    def to_json(self) -> str:
        """Write the report as JSON of `SCHEMA_FILE`; equal ratings, settings and versions give equal bytes."""
        return json.dumps(_document(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What a report takes beside the ratings; whatever is empty is left out of it.

    `compared` names two pairs of readers whose kappas are compared (the model with readers always is); `native_five`
    are five-class reads of the same animals, with which seven stages are compared after their collapse.
    `reference_is_stated` says that assisted reads were given what they are right by, `after_reveal` that the ratings
    themselves were made with the model's call in sight. `traits` are those of the ratings by which strata are made.
    `limits` are sentences on the model behind the calls, which stand among the cautions; `measures` are continuous ones
    of the same items.
    """

    repeats: Sequence[RepeatedRead] = ()
    stated_weights: FloatArray | None = None
    compared: Sequence[tuple[ReaderPair, ReaderPair]] = ()
    native_five: Ratings | None = None
    assisted: Sequence[AssistedRead] = ()
    reference_is_stated: bool = False
    after_reveal: bool = False
    traits: Sequence[str] = ()
    probabilities: ReferencedProbabilities | None = None
    limits: Sequence[str] = ()
    measures: Sequence[Measurements] = ()

    def fingerprint(self) -> str:
        """Hash everything that can change a report on the same ratings; equal for equal contents."""
        measures = tuple(one.fingerprint() for one in self.measures)
        rules = (self.reference_is_stated, self.after_reveal, measures)
        said = (self.repeats, self.compared, self.assisted, rules, self.traits, self.probabilities, self.limits)
        digest = hashlib.sha256(repr(said).encode())
        digest.update(b"" if self.native_five is None else self.native_five.fingerprint().encode())
        arrays = [] if self.probabilities is None else [self.probabilities.reference, self.probabilities.probabilities]
        for array in [*arrays, *([] if self.stated_weights is None else [self.stated_weights])]:
            digest.update(array.tobytes())
        return digest.hexdigest()


def build_report(
    ratings: Ratings, resampling: Resampling | None = None, progress: Progress = unheard, beside: Beside | None = None
) -> AgreementReport:
    """Compute everything, with 2,000 resamples and seed 1 unless told otherwise.

    `progress` is told the share that is done.
    """
    chosen, further = resampling or Resampling(), beside or Beside()
    heard = _Parts(progress, 7 + len(further.traits))
    pairwise = pairwise_agreement(ratings, chosen, heard.next())
    overall = overall_agreement(ratings, chosen, heard.next())
    ceilings = human_ceilings(ratings, pairwise, chosen, heard.next())
    stated, probabilities = further.stated_weights, further.probabilities
    report = AgreementReport(
        scale=ratings.scale,
        readers=ratings.readers,
        model_reader=ratings.model_reader,
        n_items=ratings.n_items,
        n_subjects=ratings.n_subjects,
        n_reads=ratings.n_reads,
        n_missing=ratings.n_missing,
        subjects_known=ratings.subjects_known,
        after_reveal=further.after_reveal,
        pairs=pairwise.pairs,
        overall=overall,
        ceilings=ceilings,
        intra_reader=heard.done(intra_reader_agreement(further.repeats, ratings.scale, chosen)),
        stated=None if stated is None else stated_agreement(ratings, stated, chosen),
        differences=heard.done(_differences(ratings, further, chosen)),
        assistance=heard.done(assistance(further.assisted, ratings.scale, chosen)),
        strata=tuple(heard.done(strata_of(ratings, trait, chosen)) for trait in further.traits),
        stages_by_trait=tuple(stage_by_trait(ratings, trait, chosen) for trait in further.traits),
        reference=heard.done(None if probabilities is None else reference_report(probabilities, chosen)),
        measures=tuple(build_measurement_report(one, replace(chosen, stratified_by=None)) for one in further.measures),
        method=method_of(ratings, chosen, len(further.repeats)),
    )
    progress(1.0)
    return replace(report, method=_whole_method(report, ratings, chosen, further))


def _whole_method(report: AgreementReport, ratings: Ratings, resampling: Resampling, further: Beside) -> Method:
    """Say how everything that the report holds came about."""
    holds_others = bool(report.intra_reader or report.assistance or report.reference or report.measures)
    sentences = (
        *report.method.sentences,
        *consensus_sentences(ratings),
        *drawing_sentences(resampling.stratified_by, holds_others=holds_others),
        *difference_sentences(report.differences),
        *assistance_sentences(report.assistance, further.reference_is_stated),
        *strata_sentences(report.strata),
        *reference_sentences(report.reference),
        *measure_sentences(report.measures),
    )
    warnings = [found.warning for found in report.stages_by_trait if found.warning is not None]
    if report.after_reveal:
        warnings.insert(0, AFTER_REVEAL)
    cautions = (*report.method.cautions, *warnings, *further.limits)
    return replace(report.method, sentences=sentences, cautions=cautions)


def _differences(ratings: Ratings, further: Beside, resampling: Resampling) -> tuple[KappaDifference, ...]:
    found = list(model_against_readers(ratings, resampling))
    found += [one for a, b in further.compared for one in pair_differences(ratings, a, b, resampling)]
    if further.native_five is not None:
        found += collapsed_against_native(ratings, further.native_five, resampling)
    return tuple(found)


_Part = TypeVar("_Part")


class _Parts:
    """Makes one progress of several, each as long as the others."""

    def __init__(self, progress: Progress, n_parts: int) -> None:
        self._progress, self._n_parts, self._begun = progress, n_parts, 0

    def next(self) -> Progress:
        """Begin the next part."""
        before = self._begun
        self._begun += 1
        return lambda share: self._progress((before + share) / self._n_parts)

    def done(self, part: _Part) -> _Part:
        """Pass on a part that tells nothing before it is whole."""
        self.next()(1.0)
        return part


def _document(report: AgreementReport) -> dict[str, Json]:
    overall = report.overall
    return {
        "scale": list(report.scale.labels),
        "n_items": report.n_items,
        "n_subjects": report.n_subjects,
        "n_readers": len(report.readers),
        "n_reads": report.n_reads,
        "n_missing": report.n_missing,
        "readers": list(report.readers),
        "model_reader": report.model_reader,
        "pairs": [pair_json(pair) for pair in report.pairs],
        "overall_readers": list(overall.readers),
        "n_paired_items": overall.n_paired_items,
        "percent_agreement": leaf(overall.percent_agreement),
        "within_one_stage": leaf(overall.within_one_stage),
        "fleiss": leaves(overall.fleiss),
        "conger": leaves(overall.conger),
        "gwet": leaves(overall.gwet),
        "brennan_prediger": leaves(overall.brennan_prediger),
        "krippendorff": leaves(overall.krippendorff),
        "specific_agreement": {
            label: leaf(found) for label, found in zip(report.scale.labels, overall.specific, strict=True)
        },
        "most_confused": confused_json(overall.confused),
        "ceiling": {found.weighting.value: ceiling_json(found) for found in report.ceilings},
        "intra_reader": [intra_reader_json(found) for found in report.intra_reader],
        "stated": stated_json(report.stated),
        "differences": [difference_json(found) for found in report.differences],
        "assistance": [assistance_json(found) for found in report.assistance],
        "strata": strata_json(report.strata),
        "stages_by_trait": [stage_by_trait_json(found, report.scale) for found in report.stages_by_trait],
        "reference": reference_json(report.reference),
        "measures": [measurement_json(found) for found in report.measures],
        "method": method_json(report.method),
    }
