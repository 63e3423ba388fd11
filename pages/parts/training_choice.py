"""What a training set is made of and how it is divided: the usual in one row, all else under one expander."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.adjudication import ConsensusRule
from core.domain.choices import CHOICE_RULES, LEAST_POSTERIOR, LONGEST_CHOICE_NAME, Choice, PatchPlace
from core.domain.datasets import Isolation
from core.domain.errors import UserMustAct
from core.domain.people import Reader
from core.domain.quality import ConcernCode
from core.retraining.selection import MOST_FOLDS, ExportRequest
from core.retraining.training_sets import Offered
from pages.parts import messages, session

if TYPE_CHECKING:
    from core.workspace import Workspace

_ISOLATIONS = {"Subject": Isolation.SUBJECT, "Site": Isolation.SITE, "Scanner": Isolation.SCANNER}
_SIDES = {
    "Train 70, validation 15, test 15": (0.7, 0.15, 0.15),
    "Train 50, validation 20, test 30: for few animals": (0.5, 0.2, 0.3),
    "Train 70, test 30": (0.7, 0.0, 0.3),
}
_RULES = {
    ConsensusRule.UNANIMOUS: "Unanimous: all readers of a patch agree",
    ConsensusRule.MAJORITY: "Majority: the stage of more than half of the reads",
    ConsensusRule.MEDIAN: "Median: the middle of the reads on the ladder of stages",
    ConsensusRule.DAWID_SKENE: "Dawid-Skene: the likeliest stage, by how each reader errs",
}
_CONFIDENCES = {None: "Any", 2: "2 or 3, or none stated", 3: "3, or none stated"}
_AS_BELOW = "As chosen below"
_KEPT, _KEEP_NAME = "retraining.kept", "retraining.keep_name"
_KEEP, _ASKED_NAME = "retraining.keep", "retraining.asked_name"


def ask(workspace: Workspace, reader: Reader) -> ExportRequest:
    """Draw what can be chosen and give the request. Raises: UserMustAct for what cannot be made so."""
    by, sides = st.columns([2, 3], vertical_alignment="bottom")
    isolation = by.radio(
        "Never on two sides",
        tuple(_ISOLATIONS),
        horizontal=True,
        key="retraining.isolation",
        help="By subject, no animal or patient is cut. By site or scanner, whole sites or scanners with all their "
        "subjects are held out.",
    )
    fractions = sides.selectbox("Sides, in percent of animals", tuple(_SIDES), key="retraining.sides")
    with st.expander("Selection, folds and seed"):
        choice, name = _ask_choice(workspace, reader)
        st.divider()
        folds_at, seed_at, _ = st.columns([2, 2, 3])
        n_folds = folds_at.number_input(
            "Folds (0: none)",
            0,
            MOST_FOLDS,
            0,
            key="retraining.folds",
            help="Equal parts of what the test side leaves. Fold 1 is the validation side, the others train.",
        )
        seed = seed_at.number_input("Seed", min_value=0, max_value=2**31, value=1, key="retraining.seed")
    try:
        return ExportRequest(
            choice=choice,
            choice_name=name,
            isolation=_ISOLATIONS[isolation],
            fractions=_SIDES[fractions],
            n_folds=int(n_folds),
            seed=int(seed),
        )
    except ValueError as error:
        raise UserMustAct(f"The set cannot be made so: {error}.") from error


def ask_parent(workspace: Workspace) -> Path | None:
    """Draw the choice of the set to say the changes since; None is the last one written of the same kind."""
    sets = tuple(reversed(workspace.training_sets.training_sets()))
    if not sets:
        return None
    words = {str(one.path): f"{one.path.name}, {one.n_patches} patches" for one in sets}
    found = st.selectbox(
        "Say what changed since",
        (None, *words),
        format_func=lambda path: "the last set of this kind" if path is None else words[path],
        key="retraining.parent",
        width=420,
    )
    return None if found is None else Path(found)


def _ask_choice(workspace: Workspace, reader: Reader) -> tuple[Choice, str | None]:
    """Draw the selection: one that was kept, or one chosen here; give it with the name it is kept under."""
    asked_name = session.get(_ASKED_NAME, str)
    session.drop(_ASKED_NAME)
    kept = {one.name: one for one in workspace.training.kept(reader)}
    name = None
    if kept:
        name = st.selectbox(
            "Selection",
            (None, *kept),
            format_func=lambda one: _AS_BELOW if one is None else f"{one} (kept by {kept[one].kept_by})",
            key=_KEPT,
            width=420,
        )
    if name is not None:
        st.caption(f"SHA-256 {kept[name].choice.sha256[:16]}. {_in_words(kept[name].choice)}")
        return kept[name].choice, name
    choice = _ask_fields(workspace.training.offered(reader))
    if asked_name is not None:
        _keep(workspace, reader, choice, asked_name)
        st.rerun()
    same = next((one.name for one in kept.values() if one.choice.sha256 == choice.sha256), None)
    _draw_keeping()
    return choice, same


def _ask_fields(offered: Offered) -> Choice:
    left, middle, right = st.columns(3)
    studies = dict(offered.studies)
    with left:
        chosen_studies = st.multiselect(
            "Studies",
            tuple(studies),
            format_func=studies.__getitem__,
            key="retraining.studies",
            placeholder="All reads, in studies or not",
            help="The patch reads of a study's readers on its slides.",
        )
        readers = st.multiselect("Readers", offered.readers, key="retraining.readers", placeholder="All")
        guides = st.multiselect(
            "Guide versions",
            (0, *offered.guide_versions),
            format_func=lambda one: "before the first" if one == 0 else f"version {one}",
            key="retraining.guides",
            placeholder="All",
        )
    with middle:
        rule = st.selectbox("Stage of a patch", CHOICE_RULES, format_func=_RULES.__getitem__, key="retraining.rule")
        at_least = LEAST_POSTERIOR
        if rule is ConsensusRule.DAWID_SKENE:
            at_least = st.number_input("Stands from probability", 0.51, 0.99, LEAST_POSTERIOR, 0.01)
        fewest = st.number_input("Fewest reads of a patch", 1, 20, 1, key="retraining.fewest")
        confidence = st.selectbox(
            "Confidence", tuple(_CONFIDENCES), format_func=_CONFIDENCES.__getitem__, key="retraining.confidence"
        )
    with right:
        concerns = st.multiselect(
            "Leave out slides with a concern",
            tuple(ConcernCode),
            format_func=lambda code: code.value,
            key="retraining.concerns",
            placeholder="None",
            help="What the quality gate says of a slide as a whole.",
        )
        excluded = st.text_area(
            "Leave out patches", key="retraining.excluded", height=68, placeholder="SLIDE/PATCH, one a line"
        )
        weak = st.toggle(
            "Weak stages",
            key="retraining.weak",
            help="Adds patches that nobody staged and that carry the stage of their slide. They are marked, lie apart, "
            "and are only trained on, unless the set has no others.",
        )
        a_slide = st.number_input("Weak patches a slide", 1, 10_000, 50, key="retraining.weak_a_slide") if weak else 50
    try:
        return Choice(
            studies=tuple(chosen_studies),
            readers=tuple(readers),
            rule=rule,
            at_least=float(at_least),
            fewest_reads=int(fewest),
            guide_versions=tuple(guides),
            least_confidence=confidence,
            without_concerns=tuple(concerns),
            weak=weak,
            weak_a_slide=int(a_slide),
            excluded=tuple(PatchPlace.typed(line) for line in excluded.splitlines() if line.strip()),
        )
    except ValueError as error:
        raise UserMustAct(f"The selection cannot be made so: {error}") from error


def _draw_keeping() -> None:
    name_at, button_at, _ = st.columns([2, 1, 2], vertical_alignment="bottom")
    name_at.text_input("Keep this selection as", key=_KEEP_NAME, max_chars=LONGEST_CHOICE_NAME)
    button_at.button("Keep", key="retraining.keep_button", on_click=_ask_to_keep, args=(session.token(_KEEP),))


@messages.guarded_callback
def _ask_to_keep(token: str) -> None:
    """Have the selection kept under the name that was typed, as it is then chosen; once for each token."""
    name = session.get_or(_KEEP_NAME, "")
    if not name.strip():
        raise UserMustAct("Type a name to keep this selection as.")
    if session.spend(_KEEP, token):
        session.put(_ASKED_NAME, name)
        session.drop(_KEEP_NAME)


@messages.guarded_callback
def _keep(workspace: Workspace, reader: Reader, choice: Choice, name: str) -> None:
    kept = workspace.training.keep(reader, name, choice)
    messages.receipt(f"Selection kept as {kept.name}.")


def _in_words(choice: Choice) -> str:
    """Say what a kept selection asks for, beyond all reads."""
    words = [f"{choice.rule.value}, at least {choice.fewest_reads} read{'s' if choice.fewest_reads > 1 else ''}"]
    some = (("studies", choice.studies), ("readers", choice.readers), ("guide versions", choice.guide_versions))
    words += [f"{len(found)} of the {kind}" for kind, found in some if found]
    if choice.least_confidence is not None:
        words.append(f"confidence {choice.least_confidence} or more")
    if choice.without_concerns:
        words.append("without slides of concern: " + ", ".join(code.value for code in choice.without_concerns))
    if choice.weak:
        words.append(f"up to {choice.weak_a_slide} weak patches a slide")
    if choice.excluded:
        words.append(f"{len(choice.excluded)} patches taken out")
    return messages.plain("; ".join(words) + ".")
