"""An evaluation as a document: a model's scope and limits, what it rests on, then how it did by slide and by patch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.agreement.differences import KappaDifference
from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting
from core.domain.scope import Scope
from core.reporting.document import Document, Origin, Section, TableBlock, Words, agreement_document
from core.reporting.tables import Table
from core.reporting.words import counted, p_words, words_of
from core.retraining.baseline import METHOD
from core.retraining.evaluation import Evaluation
from core.retraining.examined_baseline import ExaminedBaseline
from core.retraining.five_classes import FiveClasses
from core.retraining.vote_agreement import LIMIT

_NO_LIMITS = "The card states no limits."
_NO_VOTES = (
    "Not estimable, because no patch of the test has the votes of two readers: the model cannot be compared with what "
    "two readers agree on here."
)
_NO_EFFECTS = "Not asked."
_NO_BASELINE = "Not asked."
_COLUMNS = ("Weights", "Reader and reader", "Its bound for a model", "Model and reader", "Model minus readers")


def evaluation_document(evaluation: Evaluation, card: Mapping[str, Any], made_at: datetime) -> Document:
    """Write an evaluation down, under the model's card. Both levels are drawn again by animal."""
    recipe = card["recipe"]
    facts = (
        ("Model", evaluation.names[0]),
        *((("Beside it, the model that serves", evaluation.names[1]),) if len(evaluation.names) > 1 else ()),
        ("Set", evaluation.set_sha256),
        *_scope_facts(card),
        ("Looks at", f"{recipe['mpp']:g} um per pixel, patches of {recipe['patch_px']} px"),
        ("Stain normalisation", str(recipe["stain"])),
    )
    title = f"Model card: {evaluation.names[0]}"
    limits = (str(card.get("limits") or _NO_LIMITS), *evaluation.cautions)
    by_slide = _of_level(evaluation.slides, title, "slide", made_at)
    by_patch = _of_level(evaluation.patches, title, "patch", made_at)
    effects = tuple(effect.sentence for effect in evaluation.batch_effects) or (_NO_EFFECTS,)
    sections = (
        Section(title="Scope and limits", blocks=(Words(paragraphs=limits),)),
        Section(title="Beside measured collagen", blocks=tuple(_baseline(evaluation.baseline))),
        Section(title="Can the laboratory be told from the embeddings?", blocks=(Words(paragraphs=effects),)),
        Section(title="The model among the readers of the set", blocks=tuple(_votes(evaluation))),
        Section(title="Seven stages collapsed to five", blocks=tuple(_five(evaluation.five))),
        *by_slide,
        *by_patch,
    )
    subtitle = f"Examined {made_at:%Y-%m-%d %H:%M} UTC by Fibroread on animals of the test side"
    return Document(title=title, subtitle=subtitle, facts=facts, sections=sections)


def _scope_facts(card: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if "scope" not in card:
        return (("Scope", "the card states none: stain, species, scanners and um per pixel are not known"),)
    return tuple(
        (f"Scope: {name[0].lower()}{name[1:]}", words) for name, words in Scope.from_plain(card["scope"]).words
    )


def _baseline(baseline: ExaminedBaseline | None) -> Iterator[Words | TableBlock]:
    if baseline is None:
        yield Words(paragraphs=(_NO_BASELINE,))
        return
    yield Words(paragraphs=(baseline.found.sentence, f"It is {METHOD}."))
    for noun, compared in (("patch", baseline.patches), ("slide", baseline.slides)):
        if compared:
            caption = (
                f"Kappa with the reference by {noun}, paired on the same draws of "
                f"{counted(compared[0].n_subjects, 'animal')}."
            )
            header = ("Weights", "Model", "Baseline", "Model minus baseline", "p")
            yield TableBlock(caption=caption, table=Table(header=header, rows=_rows(compared)))


def _rows(compared: Sequence[KappaDifference]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            one.weighting.title,
            words_of(one.kappa_a),
            words_of(one.kappa_b),
            words_of(one.difference),
            p_words(one.p_value),
        )
        for one in compared
    )


def _votes(evaluation: Evaluation) -> Iterator[Words | TableBlock]:
    if not evaluation.votes:
        yield Words(paragraphs=(_NO_VOTES,))
        return
    first = evaluation.votes[0]
    rows = tuple(
        (
            one.weighting.title,
            words_of(one.reader_reader),
            words_of(one.bound),
            words_of(one.model_reader),
            words_of(one.model_reader_minus_reader_reader),
        )
        for one in evaluation.votes
    )
    caption = (
        f"Pooled kappa with its 95% interval; n = {first.n_votes:,} votes on {counted(first.n_patches, 'patch')} of "
        f"{counted(first.n_animals, 'animal')}. The bound is the root of the readers' own."
    )
    yield TableBlock(caption=caption, table=Table(header=_COLUMNS, rows=rows))
    yield Words(paragraphs=(LIMIT,))


def _five(five: FiveClasses) -> Iterator[Words | TableBlock]:
    rows = tuple((weighting.title, words_of(found)) for weighting, found in five.kappa.items())
    yield TableBlock(
        caption="Kappa of the model and the reference by patch, after 1a, 1b and 1c are 1.",
        table=Table(header=("Weights", "Kappa"), rows=rows),
    )
    if five.native is None:
        yield Words(paragraphs=(f"Against native five: not estimable, because {five.why}.",))
        return
    header = ("Weights", "Collapsed", "Native five", "Difference", "p")
    caption = f"Paired with {five.native} on the same draws of {counted(five.differences[0].n_subjects, 'animal')}."
    yield TableBlock(caption=caption, table=Table(header=header, rows=_rows(five.differences)))


def _of_level(report: AgreementReport, title: str, noun: str, made_at: datetime) -> tuple[Section, ...]:
    origin = Origin(title=title, noun=noun, made_at=made_at)
    sections = agreement_document(report, Weighting.QUADRATIC, origin).sections
    return tuple(replace(section, title=f"By {noun}: {section.title}") for section in sections)
