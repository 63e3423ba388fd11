"""One calm line above the viewer for what is wrong with a slide as a whole, or with the model beside it."""

from __future__ import annotations

import streamlit as st

from core.domain.cautions import Caution
from core.domain.predictions import Run
from pages.parts import messages

_STYLE = """<style>
.st-key-concerns {
  margin: 0 0.75rem 0.4rem; padding: 0.35rem 0.75rem; gap: 0.1rem; width: auto;
  border: 1px solid #8a5a00; border-left-width: 0.45rem; border-radius: 0.4rem; background: #fff6e0; color: #3d2a00;
}
.st-key-concerns p { font-size: 0.9rem; color: #3d2a00; }
</style>"""


def draw_concerns(run: Run | None, refusal: str | None, cautions: tuple[Caution, ...]) -> None:
    """Draw what is wrong with a slide or with a model beside it, each with its word and sentence; nothing without any.

    Args: refusal: why the model could not run on the slide, None where it did or was not asked.
    """
    lines = [(caution.code.value, caution.sentence) for caution in cautions]
    if run is not None:
        lines += [(concern.code.value, concern.sentence) for concern in run.concerns]
    if refusal is not None:
        lines.append(("the model did not run", refusal))
    if not lines:
        return
    st.html(_STYLE)
    with st.container(key="concerns"):
        for word, sentence in lines:
            st.markdown(f"**{word[0].upper()}{word[1:]}.** {messages.plain(sentence)}")
