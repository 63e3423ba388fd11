"""Do the readers agree, on which stages not, who differs, is the model in the human range, can this be published?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.agreement.publishing import publication_checks
from core.agreement.report import AgreementReport, build_report
from core.agreement.weights import Weighting, weightings_of
from core.reporting import charts, tables, words
from core.reporting.answers import answers
from core.reporting.document import SHARES
from core.reporting.topic import Place, Topic
from core.reporting.topics import topics
from pages.parts.agreement_cases import draw_confusion
from pages.parts.agreement_choice import Chosen, ItemKind, draw_choice, of_chosen_readers
from pages.parts.agreement_export import draw_export
from pages.parts.agreement_questions import draw_resampling, with_comparisons
from pages.parts.agreement_work import outcome_of
from pages.parts.messages import plain, show_empty

if TYPE_CHECKING:
    from core.agreement.bootstrap import Resampling
    from core.domain.people import Reader
    from core.workspace import Workspace

_NO_STRATA = "Nothing is stated of these animals (site, stain batch, scanner, group) in which they differ."
_NO_MEASURES = {
    "slide": "Nothing continuous (score, collagen area) was measured here: no model has read these slides.",
    "patch": "Score and collagen area are compared by slide: choose slides above.",
}
_NEXT_STEP = (
    "Agreement needs two readers who have both read the same {noun}. Read on the Review page, or ask a second reader "
    "to read what you have read; what others read shows here once you have read it yourself."
)
_NEXT_STEP_OF_STUDY = (
    "Agreement needs two readers of the study who have both signed the same slide. It shows here as they sign."
)


class _Tab(Enum):
    """The tabs of the page, in order."""

    READERS = "Readers"
    STAGES = "Stages"
    MODEL = "Model"
    OVERALL = "All together"
    STRATA = "Strata"
    MEASURES = "Measures"
    PUBLISHING = "Publishing"
    LITERATURE = "Literature"
    METHOD = "Method"


_TOPICS = {
    _Tab.READERS: Place.READERS,
    _Tab.MODEL: Place.MODEL,
    _Tab.OVERALL: Place.COEFFICIENTS,
    _Tab.STRATA: Place.STRATA,
    _Tab.MEASURES: Place.MEASURES,
}


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader: what they may see of everyone's reads, and what follows from it."""
    st.title("Agreement")
    chosen = draw_choice(workspace, reader)
    weights, readers, comparing, intervals = st.columns([5, 3, 2, 2], vertical_alignment="bottom")
    with weights:
        weighting = _weighting(chosen)
    with readers:
        chosen = of_chosen_readers(chosen)
    with comparing:
        chosen = with_comparisons(workspace, reader, chosen)
    with intervals:
        resampling = draw_resampling(chosen)
    _say_counts(chosen)
    if not _share_items(chosen):
        next_step = _NEXT_STEP_OF_STUDY if chosen.is_study else _NEXT_STEP.format(noun=chosen.kind)
        show_empty(f"No two readers have read the same {chosen.kind} yet", next_step)
        return
    key = _key(chosen, resampling)
    underway = workspace.comparing.reports.ask(
        key, lambda progress: build_report(chosen.ratings, resampling, progress, chosen.beside)
    )
    report = outcome_of(workspace.comparing.reports, key, underway, "Comparing the readers, drawing animals again")
    if report is not None:
        _draw(workspace, report, weighting, chosen, key)


def _share_items(chosen: Chosen) -> bool:
    return bool(((chosen.ratings.stages >= 0).sum(axis=1) >= 2).any())


def _key(chosen: Chosen, resampling: Resampling) -> str:
    """Name equal inputs: who holds these ratings may see all that follows from them, and nobody else."""
    said = (chosen.ratings.fingerprint(), chosen.beside.fingerprint(), resampling)
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _weighting(chosen: Chosen) -> Weighting:
    return st.selectbox(
        "Weights",
        weightings_of(chosen.ratings.scale),
        index=1,
        format_func=lambda weighting: f"{weighting.title}: {weighting.meaning}",
        key="agreement.weights",
    )


def _say_counts(chosen: Chosen) -> None:
    ratings, kind = chosen.ratings, chosen.kind
    model = f" and {plain(ratings.model_reader)}" if ratings.model_reader else ""
    st.markdown(
        f"**{words.counted(ratings.n_items, kind)}** of **{words.counted(ratings.n_subjects, 'animal')}**, read by "
        f"**{words.counted(len(ratings.people), 'reader')}**{model}; {words.counted(ratings.n_reads, 'read')}, "
        f"{ratings.n_missing:,} missing."
    )
    if chosen.n_masked and chosen.is_study:
        st.caption(f"{words.counted(chosen.n_masked, kind)} not counted here until you have signed or settled them.")
    elif chosen.n_masked:
        st.caption(
            f"{words.counted(chosen.n_masked, kind)} not counted here: others have read, you have not, and their "
            "reads stay masked until you have."
        )


def _draw(workspace: Workspace, report: AgreementReport, weighting: Weighting, chosen: Chosen, key: str) -> None:
    _draw_answers(report, weighting, chosen.kind)
    for caution in report.method.cautions:
        st.caption(f":material/info: {plain(caution)}")
    draw_export(workspace, report, weighting, chosen, key)
    found = topics(report, weighting, chosen.kind)
    for tab, place in zip(st.tabs([place.value for place in _Tab]), _Tab, strict=True):
        with tab:
            _draw_tab(place, report, weighting, chosen)
            _draw_topics(found, _TOPICS.get(place))


def _draw_tab(tab: _Tab, report: AgreementReport, weighting: Weighting, chosen: Chosen) -> None:
    """Draw what stands in a tab before its topics."""
    drawers: dict[_Tab, Callable[[], None]] = {
        _Tab.READERS: lambda: _draw_pairs(report, weighting, chosen.kind),
        _Tab.STAGES: lambda: _draw_stages(report, chosen),
        _Tab.MODEL: lambda: _draw_model(report, weighting),
        _Tab.OVERALL: lambda: _draw_overall(report, weighting),
        _Tab.STRATA: lambda: _say_where_empty(not report.strata, _NO_STRATA),
        _Tab.MEASURES: lambda: _say_where_empty(not report.measures, _NO_MEASURES[chosen.kind]),
        _Tab.PUBLISHING: lambda: _draw_publishing(report, weighting),
        _Tab.LITERATURE: lambda: _draw_literature(report, weighting),
        _Tab.METHOD: lambda: _draw_method(report),
    }
    drawers[tab]()


def _say_where_empty(is_empty: bool, said: str) -> None:
    if is_empty:
        st.markdown(said)


def _draw_publishing(report: AgreementReport, weighting: Weighting) -> None:
    _show(tables.checks_table(publication_checks(report, weighting)))
    st.caption("After Kottner 2011 (GRRAS); the bounds of precision and of missing reads are ours.")


def _draw_method(report: AgreementReport) -> None:
    for sentence in report.method.sentences:
        st.markdown(plain(sentence))


def _draw_answers(report: AgreementReport, weighting: Weighting, kind: ItemKind) -> None:
    for column, answer in zip(st.columns(5), answers(report, weighting, kind), strict=True):
        with column.container(border=True, height="stretch"):
            st.caption(answer.question)
            st.markdown(f"#### {plain(answer.short)}")
            st.caption(plain(answer.words))


def _draw_pairs(report: AgreementReport, weighting: Weighting, kind: ItemKind) -> None:
    st.subheader("Who agrees with whom?")
    st.caption(
        f"{weighting.title.capitalize()} kappa of every two readers; darker is closer to 1, empty has none. "
        f"n = {words.counted(report.n_items, kind)} of {words.counted(report.n_subjects, 'animal')}."
    )
    st.altair_chart(charts.pair_matrix(report, weighting, kind), width="content", key="agreement.matrix")
    _show(tables.pair_table(report, kind))
    st.caption(f"Kappa with its 95% interval from drawing animals again, not slides or patches. {SHARES}")


def _draw_stages(report: AgreementReport, chosen: Chosen) -> None:
    st.subheader("On which stages do they differ?")
    left, right = st.columns([2, 3])
    with left:
        st.altair_chart(charts.stage_forest(report), width="content", key="agreement.stages")
        n = words.counted(report.overall.n_paired_items, chosen.kind)
        st.caption(f"Of two reads of one {chosen.kind} where one is this stage, how often the other is too; n = {n}.")
    compared = [pair for pair in report.pairs if pair.n]
    with right:
        pair = st.selectbox(
            "Two readers, the first in rows",
            compared,
            format_func=lambda one: words.pair_name(one, report.model_reader),
            key="agreement.pair",
        )
        st.caption(f"n = {words.counted(pair.n, chosen.kind)} of {words.counted(pair.n_subjects, 'animal')}")
        draw_confusion(chosen, pair)


def _draw_model(report: AgreementReport, weighting: Weighting) -> None:
    st.subheader("Is the model inside the human range?")
    if report.model_reader is None:
        st.markdown(
            "No model has read these items yet. Run it on the Slides page, and it stands here as one more reader."
        )
        return
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    st.altair_chart(charts.ceiling_chart(report, ceiling), width="content", key="agreement.ceiling")
    st.caption(
        "The ceiling is the root of the mean kappa of two readers: what a model that is always right reaches against "
        "one reader who errs. Against a consensus of several readers more can be reached."
    )


def _draw_overall(report: AgreementReport, weighting: Weighting) -> None:
    st.subheader("All readers together")
    st.caption(
        f"{words.counted(len(report.overall.readers), 'reader')}, without a model; "
        f"{report.overall.n_paired_items:,} items with two reads or more, {report.n_subjects:,} animals."
    )
    st.altair_chart(charts.coefficient_forest(report, weighting), width="content", key="agreement.overall")
    _show(tables.overall_table(report))
    _show(tables.alpha_table(report))


def _draw_topics(found: tuple[Topic, ...], place: Place | None) -> None:
    for topic in found:
        if topic.place is place:
            st.subheader(plain(topic.title))
            st.caption(plain(topic.words))
            for caption, table in topic.tables:
                st.markdown(plain(caption))
                _show(table)
            for number, (caption, chart) in enumerate(topic.figures):
                st.altair_chart(chart, width="content", key=f"agreement.{topic.title}_{number}")
                st.caption(plain(caption))


def _draw_literature(report: AgreementReport, weighting: Weighting) -> None:
    st.subheader("What others found on human livers")
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    st.altair_chart(charts.literature_chart(report, ceiling), width="content", key="agreement.literature")
    _show(tables.literature_table())
    st.caption("Compare with care: other livers, other stains, other weights.")


def _show(table: tables.Table) -> None:
    st.dataframe(
        pd.DataFrame(table.rows, columns=list(table.header)), hide_index=True, width="stretch", height="content"
    )
