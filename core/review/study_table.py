"""A study's reads and consensus as tables: one row for each signed read, one for each slide, one for each patch.

An item has one name in all of them, and in the files of agreement reports.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from core.agreement.read_table import Column, ReadTable
from core.agreement.standing import item_name, slide_traits
from core.domain.adjudication import Adjudication, Consensus, ConsensusRule
from core.domain.cautions import Caution, sentences_of
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.protocols import Mask
from core.domain.reads import Item
from core.domain.slides import Slide, SlideId
from core.domain.studies import StudyId
from core.domain.tables import escaped_cell
from core.review.adjudication import Cases
from core.review.compared_reads import ReadRow, SignedStep, read_table, step_rows
from core.review.consensus import by_majority, by_median
from core.review.patch_consensus import PatchConsensus
from core.review.roster import Roster

_FURTHER: tuple[Column, ...] = (("printed_name", str), ("call_cautions", str))
_CONSENSUS = (
    "item_id",
    "slide_id",
    "slide",
    "subject_id",
    "site",
    "n_reads",
    "stage",
    "rule",
    "tied",
    "settled_by",
    "reason",
)
_PATCH_CONSENSUS = (
    "item_id",
    "slide_id",
    "slide",
    "subject_id",
    "site",
    "recipe",
    "patch",
    "n_reads",
    "n_excluded",
    "stage",
    "rule",
    "tied",
    "posterior",
    "posterior_asked",
    "why_none",
)


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """What is printed beside reads: slides, how each reader is called, and the cautions of a run as they stand now."""

    slides: Mapping[SlideId, Slide]
    names: Mapping[ReaderId, str]
    cautions: Callable[[RunId], tuple[Caution, ...]]


def study_reads(roster: Roster, study_id: StudyId, facts: ReadFacts) -> ReadTable:
    """Give every signed step of a study in long form, as reports give it with their numbers; whose each is, is told.

    `is_compared` marks what a report compares where nothing else is chosen: the standing reads of the first pass. What
    of a slide's origin the protocol masks is left out.
    """
    study = roster.versions(study_id)[-1]
    masked = {mask.value for mask in (Mask.GROUP, Mask.DOSE) if mask in study.protocol.masked}

    def traits(slide: Slide) -> dict[str, str | None]:
        return {name: value for name, value in slide_traits(slide).items() if name not in masked}

    rows = [_with_cautions(row, facts) for row in step_rows(study, _steps(roster, study_id, facts))]
    return read_table(rows, lambda item: facts.slides[item.slide_id], traits, _FURTHER)


def consensus_csv(
    roster: Roster, cases: Cases, study_id: StudyId, slides: Mapping[SlideId, Slide], rule: ConsensusRule | None = None
) -> str:
    """Write the stage that stands for each slide, with its rule; the stage is empty while there is none.

    Args: rule: majority or median of the readers' reads; None takes the protocol's own, with its adjudications.
    """
    return _table(_CONSENSUS, _consensus_rows(roster, cases, study_id, slides, rule))


def patch_consensus_csv(settled: PatchConsensus, slides: Mapping[SlideId, Slide], names: Mapping[ReaderId, str]) -> str:
    """Write the stage that stands for each patch, with its rule, and then what each reader said.

    The stage is empty where there is none, and `why_none` says why. Args: names: how each reader is printed.
    """
    readers = [f"stage by {names.get(reader, reader)}" for reader in settled.reads.readers]
    return _table((*_PATCH_CONSENSUS, *readers), _patch_rows(settled, slides))


def _steps(roster: Roster, study_id: StudyId, facts: ReadFacts) -> Iterator[SignedStep]:
    for entry in roster.entries(study_id):
        standing = roster.standing(entry)
        for event in roster.events(entry):
            yield SignedStep(
                entry=entry,
                event=event,
                reader=facts.names.get(entry.reader_id, entry.reader_id),
                is_pseudonym=False,
                is_compared=event == standing and entry.pass_number == 1 and not entry.is_repeat,
            )


def _with_cautions(row: ReadRow, facts: ReadFacts) -> ReadRow:
    """Say what has to be known of the call that was in sight."""
    run_id = row.cells["model_run"]
    said = None if run_id is None else sentences_of(facts.cautions(RunId(str(run_id))))
    return replace(row, cells={**row.cells, "call_cautions": said})


def _item(slide: Slide, patch: int | None = None, recipe: str | None = None) -> list[object]:
    item = Item(slide_id=slide.slide_id, patch_index=patch, recipe_hash=recipe)
    return [item_name(item, slide), slide.slide_id, slide.name, slide.provenance.subject, slide.provenance.site]


def _consensus_rows(
    roster: Roster, cases: Cases, study_id: StudyId, slides: Mapping[SlideId, Slide], rule: ConsensusRule | None
) -> Iterator[list[object]]:
    scheme, reads = roster.protocol(study_id).scheme, cases.complete_reads(study_id)
    for slide_id in roster.protocol(study_id).slides:
        stages = [read.stage for read in reads.get(slide_id, ()) if read.stage is not None]
        consensus: Consensus | None = None
        settling: tuple[Adjudication, ...] = ()
        if rule is None:
            consensus, settling = cases.consensus(study_id, slide_id), cases.settlings(study_id, slide_id)
        elif stages:
            consensus = (by_median if rule is ConsensusRule.MEDIAN else by_majority)(stages, scheme)
        yield [
            *_item(slides[slide_id]),
            len(stages),
            *_stands(consensus),
            settling[-1].signature.printed_name if settling else None,
            settling[-1].reason if settling else None,
        ]


def _stands(consensus: Consensus | None) -> list[object]:
    """Give stage, rule and ties."""
    if consensus is None:
        return [None, None, None]
    return [consensus.stage, consensus.rule.value, " ".join(consensus.tied)]


def _patch_rows(settled: PatchConsensus, slides: Mapping[SlideId, Slide]) -> Iterator[list[object]]:
    reads, asked = settled.reads, settled.asked
    stages = (*reads.scheme.stages, None)  # the place before the first is the last: nothing was said
    at_least = asked.at_least if asked.rule is ConsensusRule.DAWID_SKENE else None
    rows = zip(reads.patches, reads.said.tolist(), reads.n_excluded.tolist(), settled.consensus, strict=True)
    for (slide_id, recipe, patch), said, n_excluded, consensus in rows:
        n_reads = sum(place >= 0 for place in said)
        stands = _stands(consensus) if consensus else [None, asked.rule.value, None]
        posterior = None if consensus is None or consensus.posterior is None else round(consensus.posterior, 6)
        yield [
            *_item(slides[slide_id], patch, recipe),
            recipe,
            patch,
            n_reads,
            n_excluded,
            *stands,
            posterior,
            at_least,
            why_none(consensus),
            *(stages[place] for place in said),
        ]


def why_none(consensus: Consensus | None) -> str | None:
    """Say why a patch has no consensus, None where it has one."""
    if consensus is None:
        return "one read"
    if consensus.stage is not None:
        return None
    return "tie" if consensus.posterior is None else "no stage is probable enough"


def _table(header: tuple[str, ...], rows: Iterable[list[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return escaped_cell(value) if isinstance(value, str) else value
