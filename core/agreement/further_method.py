"""How the numbers came about that a report holds beside its readers' agreement, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.agreement.assisted import Assistance
from core.agreement.differences import KappaDifference
from core.agreement.ratings import Ratings
from core.agreement.reference import N_BINS, ReferenceReport
from core.agreement.strata import FEWEST_SUBJECTS, TraitStrata, multiplicity_words


def consensus_sentences(ratings: Ratings) -> Iterator[str]:
    """Say what consensuses are, where there are people enough."""
    if len(ratings.people) >= 3:
        yield (
            "A consensus is the stage of more than half of two or more reads; items whose reads tie have none. Each "
            "reader is compared with the consensus of the others, and the model with those same consensuses."
        )


def drawing_sentences(stratified_by: str | None, *, holds_others: bool) -> Iterator[str]:
    """Say what is not drawn within the strata that were asked for."""
    if stratified_by is not None and holds_others:
        yield (
            f"For readers with themselves, after the reveal and against the reference animals are drawn from all, not "
            f"within {stratified_by}."
        )


def difference_sentences(found: Sequence[KappaDifference]) -> Iterator[str]:
    """Say how kappas were compared."""
    if found:
        yield (
            "Kappas are compared on the same draws of animals (paired bootstrap); p is twice the share of resamples on "
            "the other side of 0. Seven stages are collapsed to five before they are compared with five."
        )


def assistance_sentences(found: Sequence[Assistance], is_stated: bool) -> Iterator[str]:
    """Say what right and wrong are after the reveal."""
    if found:
        rule = "the stated stage" if is_stated else "more than half of two or more first reads by other readers"
        yield (
            f"Reads after the reveal are right or wrong by {rule}. Anchoring is the share of the way from the first "
            "read to the call that the final read went. Times are medians."
        )


def strata_sentences(found: Sequence[TraitStrata]) -> Iterator[str]:
    """Say how strata were compared, and what it means that there were several."""
    if found:
        yield (
            f"Strata of fewer than {FEWEST_SUBJECTS} animals are suppressed. That strata are alike is tested by Wald's "
            "test on their mean kappas, with the covariance of their resamples."
        )
        yield multiplicity_words(len(found))


def reference_sentences(found: ReferenceReport | None) -> Iterator[str]:
    """Say what the model was measured against."""
    if found is not None:
        yield (
            f"The model's reference is {found.rule}. Its call is the most probable stage; each stage is measured "
            "against all others, macro measures are means over the stages that have them; AUPRC is average precision; "
            f"calibration error is that of the called stage over {N_BINS} bins."
        )
