"""An agreement report as JSON values; the names are those of `agreement.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from core.agreement.alpha import Metric
from core.agreement.assisted import Assistance, Share
from core.agreement.bootstrap import Estimate
from core.agreement.ceiling import HumanCeiling
from core.agreement.classification import ConfusedStages
from core.agreement.confounding import StageByTrait
from core.agreement.differences import KappaDifference
from core.agreement.marginal import Homogeneity, MarginalAgreement
from core.agreement.method import Method
from core.agreement.pairwise import PairAgreement
from core.agreement.ratings import Scale
from core.agreement.reference import ReferenceReport
from core.agreement.repeats import IntraReader
from core.agreement.stated import StatedAgreement
from core.agreement.strata import FEWEST_SUBJECTS, TraitStrata, corrected_p_values, multiplicity_words
from core.agreement.weights import Weighting

_DECIMALS = 12

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def pair_json(pair: PairAgreement) -> Json:
    """Give two readers."""
    return {
        "reader_a": pair.reader_a,
        "reader_b": pair.reader_b,
        "n": pair.n,
        "n_subjects": pair.n_subjects,
        "percent_agreement": rounded(pair.percent_agreement),
        "within_one_stage": rounded(pair.within_one_stage),
        "kappa": leaves(pair.kappa),
        "asymptotic": leaves(pair.asymptotic),
        "marginal": _marginal(pair.marginal),
        "confusion": [list(row) for row in pair.confusion],
    }


def _marginal(found: MarginalAgreement) -> Json:
    return {
        "stuart_maxwell": homogeneity_json(found.stuart_maxwell),
        "by_animal": homogeneity_json(found.by_animal),
        "mean_difference": leaf(found.mean_difference),
    }


def homogeneity_json(found: Homogeneity) -> Json:
    """Give a test, or why there is none."""
    if found.statistic is None:
        return {"statistic": None, "why": found.why}
    return {
        "statistic": rounded(found.statistic),
        "degrees": found.degrees,
        "p_value": rounded(found.p_value),
    }


def leaf(found: Estimate) -> Json:
    """Give a number with its interval, or why there is none."""
    if found.value is None:
        return {"value": None, "why": found.why}
    numbers: dict[str, Json] = {
        "value": rounded(found.value),
        "low": rounded(found.low),
        "high": rounded(found.high),
    }
    return numbers | {"why": found.why} if found.why else numbers


def leaves(found: Mapping[Weighting, Estimate] | Mapping[Metric, Estimate]) -> Json:
    """Give numbers by weights or metric."""
    return {name.value: leaf(one) for name, one in found.items()}


def confused_json(found: ConfusedStages | None) -> Json:
    """Give the stages that are confused most."""
    if found is None:
        return None
    return {
        "stage_a": found.stage_a,
        "stage_b": found.stage_b,
        "n_pairs": found.n_pairs,
        "n_discordant": found.n_discordant,
    }


def ceiling_json(found: HumanCeiling) -> Json:
    """Give the model's place among people."""
    return {
        "reader_reader": leaf(found.reader_reader),
        "ceiling": leaf(found.ceiling),
        "model_reader": leaf(found.model_reader),
        "model_reader_minus_reader_reader": leaf(found.model_reader_minus_reader_reader),
        "reader_consensus": leaf(found.reader_consensus),
        "model_consensus": leaf(found.model_consensus),
        "model_consensus_minus_reader_consensus": leaf(found.model_consensus_minus_reader_consensus),
        "model_full_consensus": leaf(found.model_full_consensus),
    }


def method_json(method: Method) -> Json:
    """Give how the numbers came about."""
    return {
        "weights": {weighting.value: meaning for weighting, meaning in method.weights.items()},
        "scale_origin": method.scale_origin,
        "resampling_unit": method.resampling_unit,
        "resamples": method.resampling.n_resamples,
        "seed": method.resampling.seed,
        "level": method.resampling.level_fraction,
        "interval": method.interval,
        "missing_reads": method.missing_reads,
        "repeated_reads": method.repeated_reads,
        "text": list(method.sentences),
        "cautions": list(method.cautions),
        "versions": dict(method.versions),
    }


def rounded(number: float | None) -> float | None:
    """Round off what a different order of summation may change, the sign of 0 too."""
    return None if number is None else round(number, _DECIMALS) + 0.0


def intra_reader_json(found: IntraReader) -> Json:
    """Give one reader with themselves; `reader` null stands for all of them."""
    pair = found.found
    return {
        "reader": found.reader,
        "kind": None if found.kind is None else found.kind.value,
        "n": pair.n,
        "n_subjects": pair.n_subjects,
        "percent_agreement": rounded(pair.percent_agreement),
        "within_one_stage": rounded(pair.within_one_stage),
        "kappa": leaves(pair.kappa),
        "mean_difference": leaf(pair.marginal.mean_difference),
    }


def stated_json(found: StatedAgreement | None) -> Json:
    """Give what stated weights give, null where none are stated."""
    if found is None:
        return None
    return {
        "weights": [[float(weight) for weight in row] for row in found.weights.tolist()],
        "pairs": [{"reader_a": pair[0], "reader_b": pair[1], "kappa": leaf(kappa)} for pair, kappa in found.pairs],
        "fleiss": leaf(found.fleiss),
        "conger": leaf(found.conger),
        "gwet": leaf(found.gwet),
        "brennan_prediger": leaf(found.brennan_prediger),
    }


def difference_json(found: KappaDifference) -> Json:
    """Give two kappas and their difference."""
    return {
        "a": found.name_a,
        "b": found.name_b,
        "weights": found.weighting.value,
        "n_subjects": found.n_subjects,
        "kappa_a": leaf(found.kappa_a),
        "kappa_b": leaf(found.kappa_b),
        "difference": leaf(found.difference),
        "p_value": rounded(found.p_value),
    }


def assistance_json(found: Assistance) -> Json:
    """Give what the call did to one reader; `reader` null stands for all of them."""
    return {
        "reader": found.reader,
        "n_reads": found.n_reads,
        "n_subjects": found.n_subjects,
        "n_with_reference": found.n_with_reference,
        **{name: _share(share) for name, share in assistance_shares(found)},
    }


def assistance_shares(found: Assistance) -> tuple[tuple[str, Share], ...]:
    """Name the numbers of an assisted reader."""
    return (
        ("switched", found.switched),
        ("right_to_wrong", found.right_to_wrong),
        ("wrong_to_right", found.wrong_to_right),
        ("right_to_wrong_after_wrong_call", found.right_to_wrong_after_wrong_call),
        ("wrong_to_right_after_right_call", found.wrong_to_right_after_right_call),
        ("adopted", found.adopted),
        ("anchoring", found.anchoring),
        ("first_seconds", found.first_seconds),
        ("final_seconds", found.final_seconds),
    )


def reference_named(found: ReferenceReport) -> tuple[tuple[str, Estimate], ...]:
    """Name the numbers of a model against its reference that concern all stages."""
    return (
        ("accuracy", found.accuracy),
        ("macro_auroc", found.auroc),
        ("macro_auprc", found.auprc),
        ("mcc", found.mcc),
        ("macro_mcc", found.macro_mcc),
        ("calibration_error", found.calibration_error),
    )


def strata_json(found: Sequence[TraitStrata]) -> Json:
    """Give the strata of each trait, p-values corrected for the number of traits; null where none was asked for."""
    if not found:
        return None
    corrected = {weighting: corrected_p_values(found, weighting) for weighting in Weighting}
    return {
        "fewest_subjects": FEWEST_SUBJECTS,
        "multiplicity": multiplicity_words(len(found)),
        "traits": [
            {
                "trait": one.trait,
                "strata": [
                    {
                        "value": stratum.value,
                        "n_items": stratum.n_items,
                        "n_subjects": stratum.n_subjects,
                        "reader_reader": leaves(stratum.reader_reader),
                        "model_reader": leaves(stratum.model_reader),
                    }
                    for stratum in one.strata
                ],
                "difference": {weighting.value: homogeneity_json(test) for weighting, test in one.difference.items()},
                "p_holm": {weighting.value: rounded(corrected[weighting].get(one.trait)) for weighting in Weighting},
            }
            for one in found
        ],
    }


def stage_by_trait_json(found: StageByTrait, scale: Scale) -> Json:
    """Give how stages and a trait go together."""
    return {
        "trait": found.trait,
        "counts": {
            value: {label: rounded(count) for label, count in zip(scale.labels, row, strict=True)}
            for value, row in zip(found.values, found.counts, strict=True)
        },
        "cramers_v": leaf(found.cramers_v),
        "cramers_v_corrected": leaf(found.corrected),
        "warning": found.warning,
    }


def reference_json(found: ReferenceReport | None) -> Json:
    """Give a model against its reference; null where there is none."""
    if found is None:
        return None
    return {
        "rule": found.rule,
        "n_items": found.n_items,
        "n_subjects": found.n_subjects,
        "n_without": found.n_without,
        "accuracy": leaf(found.accuracy),
        "auroc": leaf(found.auroc),
        "auprc": leaf(found.auprc),
        "mcc": leaf(found.mcc),
        "macro_mcc": leaf(found.macro_mcc),
        "calibration_error": leaf(found.calibration_error),
        "stages": [
            {
                "stage": stage.stage,
                "n_positive": stage.n_positive,
                "prevalence": leaf(stage.prevalence),
                "auroc": leaf(stage.auroc),
                "auprc": leaf(stage.auprc),
                "mcc": leaf(stage.mcc),
            }
            for stage in found.stages
        ],
        "reliability": [
            {
                "low": one.low,
                "high": one.high,
                "n": one.n,
                "confidence": leaf(one.confidence),
                "accuracy": leaf(one.accuracy),
            }
            for one in found.bins
        ],
    }


def _share(share: Share) -> Json:
    return {"n": share.n, "estimate": leaf(share.found)}
