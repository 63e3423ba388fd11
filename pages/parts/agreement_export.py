"""Export of an agreement report: made when it is asked for, one file for people, one with everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.agreement.report_csv import report_csv
from core.reporting.bundle import bundle
from core.reporting.document import Document, Origin, agreement_document
from core.reporting.html import as_html
from core.reporting.pdf import as_pdf
from core.store import audit
from pages.parts.agreement_choice import Chosen

if TYPE_CHECKING:
    from core.agreement.report import AgreementReport
    from core.agreement.weights import Weighting
    from core.workspace import Workspace


def draw_export(workspace: Workspace, report: AgreementReport, weighting: Weighting, chosen: Chosen) -> None:
    """Draw the buttons; nothing is written before one is pressed."""
    st.subheader("Export")

    def document() -> Document:
        facts = (*chosen.facts, *_facts(workspace))
        origin = Origin(title=chosen.title, noun=chosen.kind, made_at=workspace.clock(), facts=facts)
        return agreement_document(report, weighting, origin)

    offered: tuple[tuple[str, str, str, Callable[[], bytes | str]], ...] = (
        ("Report as PDF", "pdf", "application/pdf", lambda: as_pdf(document())),
        ("Report as HTML", "html", "text/html", lambda: as_html(document())),
        ("Everything as ZIP", "zip", "application/zip", lambda: bundle(chosen.ratings, report, document())),
        ("Numbers as CSV", "csv", "text/csv", lambda: report_csv(report)),
        ("Numbers as JSON", "json", "application/json", report.to_json),
    )
    with st.container(horizontal=True):
        for words, ending, mime, content in offered:
            st.download_button(
                words,
                content,
                f"agreement-{chosen.name}.{ending}",
                mime,
                key=f"agreement.{ending}",
                on_click="ignore",
            )
    st.caption("The ZIP holds report, numbers and reads (CSV, Parquet, JSON) with a checksum for each.")


def _facts(workspace: Workspace) -> tuple[tuple[str, str], ...]:
    """Name the model, its checkpoint and recipe, and where the audit chain stood."""
    model = workspace.models.latest_model()
    audit_head = ("Audit head", audit.head_hash(workspace.database))
    if model is None:
        return (audit_head,)
    return (
        ("Model", f"{model.display_name}, checkpoint {model.checkpoint_sha256}"),
        ("Recipe", model.recipe.hash),
        audit_head,
    )
