"""Export of an agreement report: numbers at once, what is typeset made beside the page when it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.agreement.report_csv import report_csv
from core.reporting.bundle import Behind, report_files
from core.reporting.document import Origin, agreement_document
from core.reporting.report_files import ReportFiles
from core.side_work import Told
from core.store import audit
from pages.parts.agreement_choice import Chosen
from pages.parts.agreement_work import outcome_of
from pages.parts.messages import guarded_callback

if TYPE_CHECKING:
    from core.agreement.report import AgreementReport
    from core.agreement.weights import Weighting
    from core.workspace import Workspace

_WHAT = "The ZIP holds report, numbers and reads (CSV, Parquet, JSON) with a checksum for each."


def draw_export(
    workspace: Workspace, report: AgreementReport, weighting: Weighting, chosen: Chosen, report_key: str
) -> None:
    """Draw the buttons. PDF, HTML and ZIP are made once for a report and a weighting, and stay for who comes back."""
    model = _model_facts(workspace)
    said = (report_key, weighting.value, chosen.title, chosen.facts, model, chosen.reads.fingerprint)
    key = hashlib.sha256(repr(said).encode()).hexdigest()

    def work(told: Told) -> ReportFiles:
        facts = (*chosen.facts, *model, ("Audit head", audit.head_hash(workspace.database)))
        origin = Origin(title=chosen.title, noun=chosen.kind, made_at=workspace.clock(), facts=facts)
        document = agreement_document(report, weighting, origin)
        reads = chosen.reads.table().of_readers(chosen.ratings.readers)
        behind = Behind(ratings=chosen.ratings, reads=reads, measures=chosen.beside.measures)
        return report_files(behind, report, document, told)

    known = workspace.comparing.files.known(key)
    made = None
    if known is not None:
        made = outcome_of(workspace.comparing.files, key, known, "Typesetting the report")
    with st.container(horizontal=True, vertical_alignment="center"):
        if known is None:
            st.button(
                "Export the report",
                key="agreement.export",
                on_click=_begin,
                args=(workspace, key, work),
                help=f"As PDF, as one HTML file and as a ZIP. {_WHAT}",
                type="primary",
            )
        if made is not None:
            _offer(chosen, "Report as PDF", "pdf", "application/pdf", lambda: made.pdf)
            _offer(chosen, "Report as HTML", "html", "text/html", lambda: made.html)
            _offer(chosen, "Everything as ZIP", "zip", "application/zip", lambda: made.packed)
        _offer(chosen, "Numbers as CSV", "csv", "text/csv", lambda: report_csv(report))
        _offer(chosen, "Numbers as JSON", "json", "application/json", report.to_json)
    if made is not None:
        st.caption(_WHAT)


@guarded_callback
def _begin(workspace: Workspace, key: str, work: Callable[[Told], ReportFiles]) -> None:
    workspace.comparing.files.ask(key, work)


def _offer(chosen: Chosen, words: str, ending: str, mime: str, content: Callable[[], bytes | str]) -> None:
    name = f"agreement-{chosen.name}.{ending}"
    st.download_button(words, content, name, mime, key=f"agreement.{ending}", on_click="ignore")


def _model_facts(workspace: Workspace) -> tuple[tuple[str, str], ...]:
    """Name the model, its checkpoint and recipe."""
    model = workspace.models.served_model()
    if model is None:
        return ()
    return (("Model", f"{model.display_name}, checkpoint {model.checkpoint_sha256}"), ("Recipe", model.recipe.hash))
