"""Do the readers agree, on which stages not, and is the model inside the human range?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.agreement.report import AgreementReport, Beside, build_report
from core.agreement.weights import Weighting
from core.reporting import charts, tables, words
from pages.parts.agreement_cases import draw_confusion
from pages.parts.agreement_choice import Chosen, ItemKind, draw_choice
from pages.parts.agreement_export import draw_export
from pages.parts.messages import plain, show_empty

if TYPE_CHECKING:
    from core.agreement.ratings import Ratings
    from core.domain.people import Reader
    from core.workspace import Workspace

_WEIGHTINGS: tuple[Weighting, ...] = tuple(Weighting)
_NEXT_STEP = (
    "Agreement needs two readers who have both read the same {noun}. Read on the Review page, or ask a second reader "
    "to read what you have read; what others read shows here once you have read it yourself."
)
_NEXT_STEP_OF_STUDY = (
    "Agreement needs two readers of the study who have both signed the same slide. It shows here as they sign."
)


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader: what they may see of everyone's reads, and what follows from it."""
    st.title("Agreement")
    chosen = draw_choice(workspace, reader)
    ratings, kind = chosen.ratings, chosen.kind
    weighting = _weighting()
    _say_counts(chosen)
    report = _report(ratings.fingerprint() + chosen.beside.fingerprint(), ratings, chosen.beside)
    if not any(pair.n for pair in report.pairs):
        next_step = _NEXT_STEP_OF_STUDY if chosen.is_study else _NEXT_STEP.format(noun=kind)
        show_empty(f"No two readers have read the same {kind} yet", next_step)
        return
    for caution in report.method.cautions:
        st.caption(plain(caution))
    _draw_answer(report, weighting, kind)
    _draw_pairs(report, weighting, kind)
    _draw_stages(report, chosen)
    _draw_model(report, weighting)
    _draw_overall(report, weighting)
    for title, table in tables.further_tables(report, weighting):
        with st.expander(plain(title)):
            _show(table)
    _draw_sources(report)
    draw_export(workspace, report, weighting, chosen)


@st.cache_resource(max_entries=16, show_spinner="Comparing the readers")
def _report(fingerprint: str, _ratings: Ratings, _beside: Beside) -> AgreementReport:
    """Compute once for equal ratings: who holds these ratings may see all that follows from them, and nobody else."""
    del fingerprint
    return build_report(_ratings, beside=_beside)


def _weighting() -> Weighting:
    return st.selectbox(
        "Weights",
        _WEIGHTINGS,
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


def _draw_answer(report: AgreementReport, weighting: Weighting, kind: ItemKind) -> None:
    st.subheader("Do the readers agree?")
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    equal = report.overall.percent_agreement
    if equal.value is not None:
        n = words.counted(report.overall.n_paired_items, kind)
        st.markdown(
            f"Two readers of one {kind} give it the same stage in **{equal.value:.0%}** and lie within one stage in "
            f"**{words.fraction_words(report.overall.within_one_stage.value)}** of cases ({n} with two reads or more)."
        )
    lines = (
        (f"Two readers, {weighting.title} kappa", ceiling.reader_reader),
        ("Ceiling for a perfect model", ceiling.ceiling),
        ("The model and a reader", ceiling.model_reader),
    )
    for column, (name, found) in zip(st.columns(3), lines, strict=True):
        column.metric(name, words.value_of(found), border=True)
        column.caption(plain(words.interval_of(found)))


def _draw_pairs(report: AgreementReport, weighting: Weighting, kind: ItemKind) -> None:
    st.subheader("Who agrees with whom?")
    st.caption(f"{weighting.title.capitalize()} kappa of every two readers; darker is closer to 1, empty has none.")
    matrix = charts.pair_matrix(report, weighting, kind)
    st.altair_chart(matrix, width="content", key="agreement.matrix")
    _show(tables.pair_table(report, kind))
    st.caption("Kappa with its 95% interval from drawing animals again, not slides or patches.")


def _draw_stages(report: AgreementReport, chosen: Chosen) -> None:
    st.subheader("On which stages do they differ?")
    confused = report.overall.confused
    if confused is not None:
        st.markdown(
            f"Stages **{plain(confused.stage_a)}** and **{plain(confused.stage_b)}** are confused most: "
            f"{confused.n_pairs:,} of {confused.n_discordant:,} pairs of reads that differ."
        )
    left, right = st.columns([2, 3])
    with left:
        st.altair_chart(charts.stage_forest(report), width="content", key="agreement.stages")
        st.caption("Of two reads of one item where one is this stage, how often the other is too.")
    compared = [pair for pair in report.pairs if pair.n]
    with right:
        pair = st.selectbox("Two readers", compared, format_func=words.pair_name, key="agreement.pair")
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
    figure = charts.ceiling_chart(report, ceiling)
    st.altair_chart(figure, width="content", key="agreement.ceiling")
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


def _draw_sources(report: AgreementReport) -> None:
    with st.expander("What others found on human livers"):
        _show(tables.literature_table())
        st.caption("Compare with care: other livers, other stains, other weights.")
    with st.expander("How this was computed"):
        for sentence in report.method.sentences:
            st.markdown(plain(sentence))


def _show(table: tables.Table) -> None:
    st.dataframe(pd.DataFrame(table.rows, columns=list(table.header)), hide_index=True, width="stretch")
