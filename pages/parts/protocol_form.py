"""The form of a study's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.access.identity import local_reader
from core.domain.errors import BadProtocol
from core.domain.people import Reader, ReaderId
from core.domain.protocols import (
    BelowCoverage,
    Completeness,
    Mask,
    Protocol,
    ReadingOrder,
    Repeats,
    Scheme,
    Settling,
    StudyMode,
)
from core.domain.slides import SlideId
from pages.parts import session

if TYPE_CHECKING:
    from core.workspace import Workspace

_FIELDS = (
    "name",
    "words",
    "slides",
    "readers",
    "adjudicators",
    "scheme",
    "mode",
    "masked",
    "order",
    "seed",
    "repeats",
    "distance",
    "passes",
    "washout",
    "settling",
    "needs",
    "coverage",
    "below",
    "see_names",
)
_CONFIDENCE, _COMMENT = "a confidence", "a comment"


def draw_protocol_form(workspace: Workspace, lead: Reader, prefix: str, protocol: Protocol | None) -> None:
    """Draw every field, filled from a protocol where there is one. `prefix` names the form's state.

    Slides that are hidden from the lead, who reads them in another study, cannot be chosen.
    """
    keys = _keys(prefix)
    _fill_once(keys, protocol)
    st.text_input("Name of the study", key=keys["name"], max_chars=120)
    _draw_slides(workspace, lead, keys)
    _draw_people(workspace, keys, protocol)
    _draw_reading(keys)
    _draw_order(keys)
    _draw_completeness(keys)


def asked_protocol(prefix: str) -> Protocol:
    """Give the protocol as the form has it. BadProtocol says what is missing or does not go together."""
    keys = _keys(prefix)
    needs: list[str] = session.get_or(keys["needs"], [])
    coverage = session.get_or(keys["coverage"], 0)
    masked = frozenset(session.get_or(keys["masked"], list(Mask)))
    mode = session.get_or(keys["mode"], StudyMode.MASKED_FIRST)
    try:
        return Protocol(
            name=" ".join(session.get_or(keys["name"], "").split()),
            slides=_slides(session.get_or(keys["slides"], [])),
            readers=_people(session.get_or(keys["readers"], [])),
            adjudicators=_people(session.get_or(keys["adjudicators"], [])),
            scheme=session.get_or(keys["scheme"], Scheme.SEVEN),
            mode=mode,
            masked=masked - {Mask.MODEL} if mode is StudyMode.INFORMED else masked | {Mask.MODEL},
            order=session.get_or(keys["order"], ReadingOrder.RANDOMISED),
            seed=session.get_or(keys["seed"], 1),
            repeats=Repeats(
                fraction=session.get_or(keys["repeats"], 0) / 100, distance=session.get_or(keys["distance"], 5)
            ),
            n_passes=session.get_or(keys["passes"], 1),
            washout_days=session.get_or(keys["washout"], 14),
            settling=session.get_or(keys["settling"], Settling.THIRD_READER),
            adjudicators_see_names=session.get_or(keys["see_names"], False),
            completeness=Completeness(
                needs_confidence=_CONFIDENCE in needs,
                needs_comment=_COMMENT in needs,
                coverage=coverage / 100 or None,
                below_coverage=session.get_or(keys["below"], BelowCoverage.WARN),
            ),
        )
    except ValueError as error:
        raise BadProtocol("form", str(error)) from error


def _keys(prefix: str) -> dict[str, str]:
    return {field: f"{prefix}_{field}" for field in _FIELDS}


def _slides(ids: list[str]) -> tuple[SlideId, ...]:
    return tuple(SlideId(one) for one in ids)


def _people(names: list[str]) -> tuple[ReaderId, ...]:
    return tuple(dict.fromkeys(local_reader(name).reader_id for name in names))


def _fill_once(keys: dict[str, str], protocol: Protocol | None) -> None:
    """Put a protocol into the form, or the defaults of one, unless the form is being filled already."""
    if session.get(keys["scheme"], Scheme) is not None:
        return
    is_new = protocol is None
    shown = protocol or Protocol(name="new", slides=(SlideId("new"),), readers=(ReaderId("new"),))
    complete = shown.completeness
    needs = ((_CONFIDENCE, complete.needs_confidence), (_COMMENT, complete.needs_comment))
    filled: dict[str, object] = {
        "name": "" if is_new else shown.name,
        "slides": [] if is_new else list(shown.slides),
        "readers": [] if is_new else list(shown.readers),
        "adjudicators": list(shown.adjudicators),
        "scheme": shown.scheme,
        "mode": shown.mode,
        "masked": sorted(shown.masked, key=list(Mask).index),
        "order": shown.order,
        "seed": shown.seed,
        "repeats": round(100 * shown.repeats.fraction),
        "distance": shown.repeats.distance,
        "passes": shown.n_passes,
        "washout": shown.washout_days,
        "settling": shown.settling,
        "see_names": shown.adjudicators_see_names,
        "needs": [words for words, is_on in needs if is_on],
        "coverage": round(100 * (complete.coverage or 0.0)),
        "below": complete.below_coverage,
    }
    for field, value in filled.items():
        session.put(keys[field], value)


def _draw_slides(workspace: Workspace, lead: Reader, keys: dict[str, str]) -> None:
    slides = workspace.slides_shown(lead)
    names = {str(slide.slide_id): slide.name for slide in slides}
    chosen: list[str] = session.get_or(keys["slides"], [])
    names |= {one: "a slide that you read elsewhere" for one in chosen if one not in names}
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    words = left.text_input(
        "Find slides", key=keys["words"], placeholder="name, subject, site, batch or group; empty: all"
    )
    found = [str(slide.slide_id) for slide in slides if slide.matches(words)]
    right.button(
        f"Add these {len(found)}", key=f"{keys['words']}_add", width="stretch", on_click=_add_slides, args=(keys, found)
    )
    st.multiselect("Slides", list(names), format_func=lambda one: names.get(one, one), key=keys["slides"])


def _add_slides(keys: dict[str, str], found: list[str]) -> None:
    chosen: list[str] = session.get_or(keys["slides"], [])
    session.put(keys["slides"], list(dict.fromkeys([*chosen, *found])))


def _draw_people(workspace: Workspace, keys: dict[str, str], protocol: Protocol | None) -> None:
    known = {str(person.reader_id): person.name for person in workspace.readers_seen()}
    if protocol is not None:
        known |= {one: known.get(one, one) for one in (*protocol.readers, *protocol.adjudicators)}
    for field, words, help_words in (
        ("readers", "Readers", "Names as they sign in with; type one who was never here"),
        ("adjudicators", "Adjudicators", "Settle what readers differ in, and do not read in the study"),
    ):
        st.multiselect(
            words,
            list(known),
            format_func=lambda one: known.get(str(one), str(one)),
            key=keys[field],
            accept_new_options=True,
            help=help_words,
        )


def _draw_reading(keys: dict[str, str]) -> None:
    mode, scheme, settling = st.columns(3)
    mode.selectbox("Mode", list(StudyMode), format_func=lambda one: one.value, key=keys["mode"])
    scheme.selectbox(
        "Stages", list(Scheme), format_func=lambda one: f"{one.value}: {', '.join(one.stages)}", key=keys["scheme"]
    )
    settling.selectbox(
        "Discordance is settled by", list(Settling), format_func=lambda one: one.value, key=keys["settling"]
    )
    st.pills(
        "Hidden from readers",
        list(Mask),
        format_func=lambda one: one.value,
        selection_mode="multi",
        key=keys["masked"],
        help="The model is hidden until the first read is signed, and shown from the start in an informed study",
    )
    st.checkbox("Adjudicators are told whose reads they settle", key=keys["see_names"])


def _draw_order(keys: dict[str, str]) -> None:
    order, seed, repeats, distance = st.columns(4)
    order.selectbox("Order", list(ReadingOrder), format_func=lambda one: one.value, key=keys["order"])
    _number(seed, "Seed", keys["seed"], (0, 1_000_000), "Deals the same lists again")
    _number(repeats, "Hidden repeats (%)", keys["repeats"], (0, 100), "Come again in the same list, unannounced")
    _number(distance, "Slides between", keys["distance"], (1, 1000), "A repeat comes at least so many slides later")
    passes, washout, _, _ = st.columns(4)
    _number(passes, "Passes", keys["passes"], (1, 2), "A second pass reads every slide again, in another order")
    _number(washout, "Washout (days)", keys["washout"], (0, 365), "Between the first pass and the second")


def _draw_completeness(keys: dict[str, str]) -> None:
    needs, coverage, below = st.columns([2, 1, 1])
    needs.pills("A read needs, beside a stage", (_CONFIDENCE, _COMMENT), selection_mode="multi", key=keys["needs"])
    _number(coverage, "Tissue seen at 10x (%)", keys["coverage"], (0, 100), "0 asks for none")
    below.selectbox("Below that", list(BelowCoverage), format_func=lambda one: one.value, key=keys["below"])


def _number(place: DeltaGenerator, words: str, key: str, limits: tuple[int, int], help_words: str) -> None:
    place.number_input(words, *limits, key=key, help=help_words, step=1)
