"""The patches that a model is furthest off on, as a gallery that opens in the viewer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.domain.people import Reader
from core.retraining.worst_patches import WorstPatch, picture_of
from core.workspace import Workspace
from pages.parts import destinations, messages

_A_ROW = 6


def draw_worst_patches(
    workspace: Workspace, reader: Reader, worst: tuple[WorstPatch, ...], set_folder: Path, key: str
) -> None:
    """Draw each patch with its reference and call; those of slides that are hidden from the reader are only counted.

    Call it in the body of a page: opening a patch leaves the page.
    """
    if not worst:
        return
    drawn = [one for one in worst if not workspace.sight.is_hidden(reader.reader_id, one.slide_id)]
    here = {slide.slide_id for slide in workspace.slides_shown(reader)}
    with st.expander(f"Furthest off: {len(worst)} test patches", key=f"{key}.furthest"):
        if len(drawn) < len(worst):
            st.caption(f"{len(worst) - len(drawn)} are of slides that are masked from you.")
        for first in range(0, len(drawn), _A_ROW):
            columns = st.columns(_A_ROW)
            for column, (number, one) in zip(columns, list(enumerate(drawn))[first : first + _A_ROW], strict=False):
                with column:
                    _draw_patch(one, set_folder, f"{key}.{number}", is_here=one.slide_id in here)


def _draw_patch(worst: WorstPatch, set_folder: Path, key: str, *, is_here: bool) -> None:
    picture = picture_of(set_folder, worst)
    if picture is None:
        st.caption("The set that it lies in is gone, or was changed.")
    else:
        st.image(picture, width="stretch")
    st.caption(
        messages.plain(
            f"Reference {worst.reference.value}, called {worst.call.value} ({worst.probability:.2f})",
        )
    )
    why = None if is_here else "Its slide is not registered here."
    if st.button("Open", key=key, disabled=not is_here, help=why):
        destinations.open_place(worst.slide_id, worst.box)
