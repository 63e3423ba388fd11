"""Patch consensus: the stage that stands for each patch that a study's readers read on its slides, by a named rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.adjudication import Consensus, ConsensusRule
from core.domain.errors import NothingToDo
from core.domain.patch_reads import DISPOSITIONS, NO_STAGE, PatchReadColumns
from core.domain.people import ReaderId
from core.domain.protocols import Protocol, Scheme
from core.domain.reads import Disposition
from core.domain.slides import SlideId
from core.domain.stages import STAGES
from core.review.consensus import by_majority, by_median, by_posterior
from core.review.dawid_skene import Estimate, estimate

PATCH_RULES = (ConsensusRule.MAJORITY, ConsensusRule.MEDIAN, ConsensusRule.DAWID_SKENE)
LEAST_POSTERIOR = 0.9
_FEWEST_READERS = 3
_COUNTS = np.array([disposition.counts for disposition in DISPOSITIONS])
_EXCLUDED = DISPOSITIONS.index(Disposition.EXCLUDED)
_OfScheme = dict[Scheme, npt.NDArray[np.int8]]
_PLACES: _OfScheme = {
    scheme: np.array([scheme.stages.index(scheme.of(stage)) for stage in STAGES], np.int8) for scheme in Scheme
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedRule:
    """Which rule, and how probable a stage has to be to stand by Dawid and Skene's; the other rules do not ask."""

    rule: ConsensusRule
    at_least: float = LEAST_POSTERIOR

    def __post_init__(self) -> None:
        if self.rule not in PATCH_RULES:
            raise ValueError(f"patches have no consensus by {self.rule.value}")
        if not 0.5 < self.at_least < 1.0:
            raise ValueError(f"the probability that a stage needs lies between 0.5 and 1, not {self.at_least:g}")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchReads:
    """What a study's readers say of patches: every patch on which at least one stage counts."""

    scheme: Scheme
    readers: tuple[ReaderId, ...]
    patches: tuple[tuple[SlideId, str, int], ...]  # slide, hash of the recipe that laid the grid, patch
    said: npt.NDArray[np.int8]  # (n_patches, n_readers) place in the scheme's stages, NO_STAGE
    n_excluded: npt.NDArray[np.int64]  # (n_patches,) how many of the readers hold the patch to be unfit


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchConsensus:
    """The consensus of each patch, None where fewer than two readers staged it. `estimate` None: another rule."""

    asked: AskedRule
    reads: PatchReads
    consensus: tuple[Consensus | None, ...]
    estimate: Estimate | None

    @property
    def n_settled(self) -> int:
        """Give how many patches have a consensus."""
        return sum(one is not None and one.stage is not None for one in self.consensus)


def patch_reads(protocol: Protocol, columns: Iterable[PatchReadColumns]) -> PatchReads:
    """Gather the standing patch reads of a study's readers on its slides, in the study's stages.

    Args: columns: each reader's on a slide in the order they were stored, the last of a patch stands.
    """
    places = _PLACES[protocol.scheme]
    said: dict[tuple[int, str, int], list[int]] = {}
    n_excluded: dict[tuple[int, str, int], int] = {}
    slides = {slide: number for number, slide in enumerate(protocol.slides)}
    for one in columns:
        if one.slide_id not in slides or one.reader_id not in protocol.readers:
            continue
        reader = protocol.readers.index(one.reader_id)
        standing = dict(zip(one.patch_index.tolist(), range(len(one.patch_index)), strict=True))
        for index, at in standing.items():
            patch = (slides[one.slide_id], one.recipe_hash, index)
            if one.disposition[at] == _EXCLUDED:
                n_excluded[patch] = n_excluded.get(patch, 0) + 1
            elif _COUNTS[one.disposition[at]] and one.stage[at] != NO_STAGE:
                row = said.setdefault(patch, [NO_STAGE] * len(protocol.readers))
                row[reader] = int(places[one.stage[at]])
    patches = sorted(said)
    return PatchReads(
        scheme=protocol.scheme,
        readers=protocol.readers,
        patches=tuple((protocol.slides[slide], recipe, index) for slide, recipe, index in patches),
        said=np.array([said[patch] for patch in patches], np.int8).reshape(len(patches), len(protocol.readers)),
        n_excluded=np.array([n_excluded.get(patch, 0) for patch in patches], np.int64),
    )


def settle_patches(reads: PatchReads, asked: AskedRule) -> PatchConsensus:
    """Give what stands for each patch by a rule. Patches of which the readers say the same have the same consensus.

    Raises: NothingToDo where the reads do not determine Dawid and Skene's estimate.
    """
    patterns, pattern_of, n_patches = np.unique(reads.said, axis=0, return_inverse=True, return_counts=True)
    estimated = None
    if asked.rule is ConsensusRule.DAWID_SKENE:
        estimated = _estimated(patterns, n_patches, len(reads.scheme.stages))
    rows = (row[row != NO_STAGE].tolist() for row in patterns)
    settled = [_settled(row, number, reads.scheme, asked, estimated) for number, row in enumerate(rows)]
    return PatchConsensus(
        asked=asked,
        reads=reads,
        consensus=tuple(settled[number] for number in pattern_of.ravel().tolist()),
        estimate=estimated,
    )


def _settled(
    row: Sequence[int], number: int, scheme: Scheme, asked: AskedRule, estimated: Estimate | None
) -> Consensus | None:
    if len(row) < 2:
        return None
    if estimated is not None:
        return by_posterior(estimated.posterior[number].tolist(), len(row), scheme, asked.at_least)
    rules: dict[ConsensusRule, Callable[[Sequence[str], Scheme], Consensus]] = {
        ConsensusRule.MAJORITY: by_majority,
        ConsensusRule.MEDIAN: by_median,
    }
    return rules[asked.rule]([scheme.stages[place] for place in row], scheme)


def _estimated(patterns: npt.NDArray[np.int8], n_patches: npt.NDArray[np.int64], n_stages: int) -> Estimate:
    n_reading = int((patterns != NO_STAGE).any(axis=0).sum())
    if n_reading < _FEWEST_READERS:
        raise NothingToDo(
            f"Dawid-Skene needs the patch reads of at least {_FEWEST_READERS} readers, here are those of {n_reading}. "
            "Choose majority or median."
        )
    counts = (patterns[:, :, None] == np.arange(n_stages)).astype(np.int64)  # (n_patterns, n_readers, n_stages)
    found = estimate(counts, n_patches)
    if not found.is_converged:
        raise NothingToDo(
            f"Dawid-Skene came to no end in {found.n_steps} steps: these reads do not determine it. "
            "Choose majority or median."
        )
    return found
