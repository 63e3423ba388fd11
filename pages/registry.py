"""The models: the test they are judged by, which one serves, what its card says, and how another is added."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from core.domain.people import Reader
from core.domain.registry import RegisteredModel
from core.workspace import Workspace
from pages.parts import messages, session
from pages.parts.fast_mode import draw_fast_mode
from pages.parts.frozen_test import draw_frozen_test
from pages.parts.model_service import draw_examination, draw_status

_FOLDER, _WRITE = "models.folder", "models.add"


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    st.title("Models")
    models = workspace.models.models()
    if not models:
        messages.show_empty("No model is registered yet.", "Add a folder with weights.safetensors and card.json below.")
    else:
        draw_frozen_test(workspace, reader)
    for model in reversed(models):
        _draw_model(workspace, reader, model)
    with st.expander("Add a model", expanded=not models):
        with st.form("models_add_form", border=False):
            st.text_input("Folder on this machine", key=_FOLDER, placeholder="holds weights.safetensors and card.json")
            args = (workspace, reader, session.token(_WRITE))
            st.form_submit_button("Add the model", type="primary", on_click=_add, args=args)
        st.caption("The card is checked against the weights. Pickles are refused, because loading one runs its code.")


def _draw_model(workspace: Workspace, reader: Reader, model: RegisteredModel) -> None:
    recipe = model.recipe
    with st.container(border=True):
        st.markdown(f"**{messages.plain(model.display_name)}**")
        draw_status(workspace, model)
        if model.is_demo:
            st.warning("**DEMO.** Trained on slides that a program drew. It says nothing about real livers.")
        facts = (
            f"Model {model.model_id}, registered {model.registered_at:%Y-%m-%d %H:%M} UTC",
            f"Recipe {recipe.hash}: {recipe.patch_px} px patches at {recipe.mpp:g} um per pixel, "
            f"tissue at least {recipe.tissue_fraction:.0%}, stain normalisation {recipe.stain.value}",
            f"Checkpoint SHA-256 {model.checkpoint_sha256}",
            *((f"Out of training {model.training_id}",) * (model.training_id is not None)),
        )
        st.caption("  \n".join(messages.plain(fact) for fact in facts))
        draw_examination(workspace, reader, model)
        draw_fast_mode(workspace, reader, model)
        with st.expander("Card"):
            st.json(json.loads(model.card_json))


@messages.guarded_callback
def _add(workspace: Workspace, reader: Reader, token: str) -> None:
    folder = session.get_or(_FOLDER, "").strip()
    if folder and session.spend(_WRITE, token):
        model = workspace.add_model(reader, Path(folder).expanduser())
        messages.receipt(f"{model.display_name} is registered.")
