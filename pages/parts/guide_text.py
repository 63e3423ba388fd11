"""A version of the annotation guide as it is read: each stage with its wording, look-alikes and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import FibroreadError
from core.domain.guide import GuideVersion, Pin
from core.domain.people import Reader
from pages.parts import messages

if TYPE_CHECKING:
    from core.workspace import Workspace

_SIDE_PX = 336
_PER_ROW = 4


def draw_guide(workspace: Workspace, reader: Reader, version: GuideVersion) -> None:
    """Draw a whole version, with the examples that this reader may see."""
    st.markdown(messages.marked(version.preface))
    pins = workspace.guide.pins_of(version, reader.reader_id)
    for words in version.stages:
        st.subheader(f"Stage {words.stage.value}: {words.stage.description}", divider="gray", anchor=False)
        st.markdown(messages.marked(words.wording))
        if words.look_alikes:
            st.markdown(f"**Look-alikes.** {messages.marked(words.look_alikes)}")
        examples = [pin for pin in pins if pin.stage is words.stage]
        for start in range(0, len(examples), _PER_ROW):
            for column, pin in zip(st.columns(_PER_ROW), examples[start : start + _PER_ROW], strict=False):
                with column:
                    draw_example(workspace, pin)


def draw_example(workspace: Workspace, pin: Pin) -> None:
    """Draw one example; a slide that cannot be read says so in its place."""
    try:
        picture = workspace.tiles.patch(workspace.slide(pin.slide_id), pin.box, _SIDE_PX)
    except FibroreadError as error:
        messages.show_error(error)
        return
    st.image(picture, caption=messages.plain(f"{pin.stage.value}: {pin.caption}" if pin.caption else pin.stage.value))
