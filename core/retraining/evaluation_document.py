"""An evaluation as a document: a model's scope and limits, then how it did by slide and by patch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting
from core.reporting.document import Document, Origin, Section, Words, agreement_document
from core.retraining.evaluation import Evaluation

_NO_LIMITS = "The card states no limits."


def evaluation_document(evaluation: Evaluation, card: Mapping[str, Any], made_at: datetime) -> Document:
    """Write an evaluation down, under the model's card. Both levels are drawn again by animal."""
    recipe = card["recipe"]
    facts = (
        ("Model", evaluation.names[0]),
        *((("Beside it, the model that serves", evaluation.names[1]),) if len(evaluation.names) > 1 else ()),
        ("Set", evaluation.set_sha256),
        ("Scope", f"picrosirius red, {recipe['mpp']:g} um per pixel, patches of {recipe['patch_px']} px"),
        ("Stain normalisation", str(recipe["stain"])),
    )
    title = f"Model card: {evaluation.names[0]}"
    limits = (str(card.get("limits") or _NO_LIMITS), *evaluation.cautions)
    by_slide = _of_level(evaluation.slides, title, "slide", made_at)
    by_patch = _of_level(evaluation.patches, title, "patch", made_at)
    sections = (Section(title="Scope and limits", blocks=(Words(paragraphs=limits),)), *by_slide, *by_patch)
    subtitle = f"Examined {made_at:%Y-%m-%d %H:%M} UTC by Fibroread on animals of the test side"
    return Document(title=title, subtitle=subtitle, facts=facts, sections=sections)


def _of_level(report: AgreementReport, title: str, noun: str, made_at: datetime) -> tuple[Section, ...]:
    origin = Origin(title=title, noun=noun, made_at=made_at)
    sections = agreement_document(report, Weighting.QUADRATIC, origin).sections
    return tuple(replace(section, title=f"By {noun}: {section.title}") for section in sections)
