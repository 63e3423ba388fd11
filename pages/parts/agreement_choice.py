"""Which reads the Agreement page is made of: those outside of studies, or a study's by pass, step, version, reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.agreement.assisted import assisted_reads
from core.agreement.entries import Step
from core.agreement.probabilities import against_consensus
from core.agreement.report import Beside
from core.domain.reads import Item
from core.domain.studies import StudyId, StudyVersion
from core.review.comparing import Compared, StudyChoice

if TYPE_CHECKING:
    from core.agreement.ratings import Ratings
    from core.agreement.read_table import ReadSource
    from core.domain.people import Reader
    from core.workspace import Workspace

ItemKind = Literal["slide", "patch"]

_KINDS: tuple[ItemKind, ...] = ("slide", "patch")
_OUTSIDE, _ALL = "outside", 0
_KIND_WORDS = {"slide": "slides", "patch": "patches"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The ratings that were chosen, what their items are, and how many more this reader may not see yet.

    `reads` are all that stands behind them, `items` says which slide or patch an item of the ratings is, `beside` what
    else the report is made of. `name` goes into the names of files, `facts` on the report that is written of them;
    `compared` is what a study's reads came from, None outside of studies.
    """

    ratings: Ratings
    reads: ReadSource
    items: Mapping[str, Item]
    kind: ItemKind
    n_masked: int
    name: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    is_study: bool = False
    beside: Beside = field(default_factory=Beside)
    compared: Compared | None = None
    step: Step = Step.STANDING


def draw_choice(workspace: Workspace, reader: Reader) -> Chosen:
    """Draw what can be chosen, and give the ratings that were."""
    studies = {str(study.study_id): study for study in workspace.comparing.studies(reader)}
    names = {_OUTSIDE: "Reads outside of studies", **{one: study.protocol.name for one, study in studies.items()}}
    options = [*reversed(studies), _OUTSIDE]
    if not studies:
        return _outside(workspace, reader, st.container())
    left, right = st.columns([3, 7], vertical_alignment="bottom")
    chosen = left.selectbox("Reads", options, format_func=lambda one: names.get(one, one), key="agreement.study")
    with right:
        if chosen == _OUTSIDE:
            return _outside(workspace, reader, right)
        return _of_study(workspace, reader, studies[chosen])


def of_chosen_readers(chosen: Chosen) -> Chosen:
    """Ask which readers of a study enter; all of them unless some are taken out."""
    ratings, compared = chosen.ratings, chosen.compared
    if compared is None:
        return chosen
    left_out = st.multiselect("Readers left out", ratings.readers, key="agreement.left_out", placeholder="none")
    kept = tuple(one for one in ratings.readers if one not in left_out)
    if not left_out or not kept:
        return chosen
    fewer = ratings.of_readers(kept)
    return replace(chosen, ratings=fewer, beside=beside_of(compared, fewer, chosen.step))


def _outside(workspace: Workspace, reader: Reader, place: st.delta_generator.DeltaGenerator) -> Chosen:
    kind = place.radio(
        "Reads of", _KINDS, format_func=lambda one: _KIND_WORDS[one], horizontal=True, key="agreement.item"
    )
    compared = workspace.comparing.reads(reader, item=kind)
    return Chosen(
        ratings=compared.ratings,
        reads=compared.reads,
        items=compared.items,
        beside=Beside(limits=compared.limits, measures=compared.measures),
        kind=kind,
        n_masked=workspace.comparing.n_masked(reader, kind),
        name=kind,
        title=f"Agreement of readers on {_KIND_WORDS[kind]}",
    )


def _of_study(workspace: Workspace, reader: Reader, study: StudyVersion) -> Chosen:
    step_place, pass_place, version_place, guide_place = st.columns([3, 2, 2, 2])
    steps = {one.value: one for one in Step}
    step = steps[step_place.selectbox("Step", list(steps), key="agreement.step")]
    protocol = study.protocol
    choice = StudyChoice(
        study_id=StudyId(study.study_id),
        step=step,
        pass_number=pass_place.selectbox(
            "Pass", list(range(1, protocol.n_passes + 1)), key="agreement.pass", disabled=protocol.n_passes == 1
        ),
        version=_one_or_all(version_place, "Protocol", tuple(range(1, study.number + 1)), "agreement.version"),
        guide_version=_one_or_all(
            guide_place, "Guide", workspace.comparing.guide_versions(reader, study.study_id), "agreement.guide"
        ),
    )
    compared = workspace.comparing.study_reads(reader, choice)
    return Chosen(
        ratings=compared.ratings,
        reads=compared.reads,
        beside=beside_of(compared, compared.ratings, step),
        compared=compared,
        step=step,
        items=compared.items,
        kind="slide",
        n_masked=workspace.comparing.n_hidden(reader, study.study_id),
        name=f"study-{study.study_id[:8]}",
        title=f"Agreement of readers: {protocol.name}",
        facts=_facts(study, choice),
        is_study=True,
    )


def beside_of(compared: Compared, ratings: Ratings, step: Step = Step.STANDING) -> Beside:
    """Give what a study's report takes beside these ratings: their readers' repeats and assisted reads, and strata."""
    entries = [entry for entry in compared.entries if entry.reader in ratings.readers]
    assisted = assisted_reads(entries)
    return Beside(
        repeats=[repeat for repeat in compared.repeats if repeat.reader in ratings.readers],
        assisted=assisted,
        after_reveal=bool(assisted) and step is Step.STANDING,
        traits=[name for name, values in ratings.traits.items() if len(set(values) - {None}) > 1],
        probabilities=against_consensus(ratings, compared.probabilities) if compared.probabilities else None,
        limits=compared.limits,
        measures=compared.measures,
    )


def _facts(study: StudyVersion, choice: StudyChoice) -> tuple[tuple[str, str], ...]:
    protocol = study.protocol
    every = "version 1" if study.number == 1 else f"all versions up to {study.number}"
    version = f"version {choice.version}" if choice.version else every
    return (
        ("Study", f"{protocol.name} ({study.study_id})"),
        ("Protocol", f"{version}; {protocol.mode.value}; order {protocol.order.value}, seed {protocol.seed}"),
        ("Guide", f"version {choice.guide_version}" if choice.guide_version else "all versions"),
        ("Step and pass", f"{choice.step.value}, pass {choice.pass_number}"),
    )


def _one_or_all(place: st.delta_generator.DeltaGenerator, noun: str, numbers: tuple[int, ...], key: str) -> int | None:
    """Ask for one version, or for all of them; with one alone there is nothing to ask."""
    words = {_ALL: "all versions", **{number: f"version {number}" for number in numbers}}
    chosen = place.selectbox(noun, list(words), format_func=lambda one: words[one], key=key, disabled=len(numbers) < 2)
    return chosen if chosen in numbers else None
