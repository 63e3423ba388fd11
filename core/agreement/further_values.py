"""What a report may hold beside its readers' agreement, as JSON values: differences, assistance, strata, reference."""

from __future__ import annotations

from collections.abc import Sequence

from core.agreement.assisted import Assistance, Share
from core.agreement.confounding import StageByTrait
from core.agreement.differences import KappaDifference
from core.agreement.ratings import Scale
from core.agreement.reference import ReferenceReport
from core.agreement.report_values import Json, homogeneity_json, leaf, leaves, rounded
from core.agreement.strata import FEWEST_SUBJECTS, TraitStrata, holm, multiplicity_words
from core.agreement.weights import Weighting


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


def strata_json(found: Sequence[TraitStrata]) -> Json:
    """Give the strata of each trait, p-values corrected for the number of traits; null where none was asked for."""
    if not found:
        return None
    corrected = {weighting: _corrected(found, weighting) for weighting in Weighting}
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


def _corrected(found: Sequence[TraitStrata], weighting: Weighting) -> dict[str, float]:
    tested = [(one.trait, one.difference[weighting].p_value) for one in found]
    known = [(trait, p_value) for trait, p_value in tested if p_value is not None]
    corrected = holm([p_value for _, p_value in known])
    return {trait: p_value for (trait, _), p_value in zip(known, corrected, strict=True)}
