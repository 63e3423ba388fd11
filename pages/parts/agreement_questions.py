"""What is asked of the chosen reads beside their agreement: which kappas are compared, and how intervals are made."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.kappa import ReaderPair, reader_pairs
from core.agreement.ratings import Ratings
from core.domain.protocols import Scheme
from core.domain.studies import StudyId
from core.reporting.words import short_name
from core.review.comparing import StudyChoice
from pages.parts.agreement_choice import Chosen

if TYPE_CHECKING:
    from core.domain.people import Reader
    from core.workspace import Workspace

_MOST_PAIRS = 4
_NONE = ""


def with_comparisons(workspace: Workspace, reader: Reader, chosen: Chosen) -> Chosen:
    """Ask which pairs of readers are compared with each other, and which five-class study; give it with them."""
    with st.popover("Compare kappas", width="stretch"):
        pairs = _pairs(chosen.ratings)
        native = _native_five(workspace, reader, chosen)
        st.caption("On the same draws of animals. The model is always compared with the readers.")
    compared = list(itertools.combinations(pairs, 2))
    return replace(chosen, beside=replace(chosen.beside, compared=compared, native_five=native))


def draw_resampling(chosen: Chosen) -> Resampling:
    """Ask how intervals are read off the resamples, and within which trait animals are drawn."""
    plain = Resampling()
    traits = [name for name in chosen.beside.traits if name != "guide version"]
    with st.popover("Intervals", width="stretch"):
        names = {kind.value: kind for kind in (plain.interval, *(one for one in IntervalKind if one != plain.interval))}
        kind = st.radio(
            "Read off the resamples as",
            list(names),
            format_func=lambda one: names[one].title,
            horizontal=True,
            key="agreement.interval",
        )
        within = st.selectbox(
            "Draw animals",
            [_NONE, *traits],
            format_func=lambda one: f"within each {one}" if one else "from all alike",
            key="agreement.within",
        )
        st.caption(
            f"{plain.n_resamples:,} resamples of animals, seed {plain.seed}. BCa corrects for bias and skew; in "
            "simulated studies of known kappa it covered nearer to 95% than percentiles did."
        )
    return replace(plain, interval=names[kind], stratified_by=within if within in traits else None)


def _pairs(ratings: Ratings) -> list[ReaderPair]:
    options = {_named(pair, ratings.model_reader): pair for pair in reader_pairs(ratings.readers)}
    asked = st.multiselect(
        "Pairs of readers, each compared with each",
        list(options),
        key="agreement.compared",
        placeholder="two pairs or more",
        max_selections=_MOST_PAIRS,
    )
    return [options[name] for name in asked if name in options]


def _named(pair: ReaderPair, model_reader: str | None) -> str:
    return " \N{EN DASH} ".join(short_name(one, model_reader) for one in pair)


def _native_five(workspace: Workspace, reader: Reader, chosen: Chosen) -> Ratings | None:
    """Ask for a study that was read in five classes; seven stages are collapsed before they are compared with it."""
    if not chosen.ratings.scale.is_seven_stage:
        return None
    studies = {
        str(one.study_id): one.protocol.name
        for one in workspace.comparing.studies(reader)
        if one.protocol.scheme is Scheme.FIVE
    }
    if not studies:
        return None
    asked = st.selectbox(
        "Five-class study, compared with these stages collapsed to five",
        [_NONE, *studies],
        format_func=lambda one: studies.get(one, "none"),
        key="agreement.native_five",
    )
    if not asked or asked not in studies:
        return None
    return workspace.comparing.study_reads(reader, StudyChoice(study_id=StudyId(asked))).ratings
