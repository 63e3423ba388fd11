"""Whether a registered slide's file still holds what was registered."""

from __future__ import annotations

from pathlib import Path

from core.domain.slides import Slide
from core.slides.fingerprint import fingerprint


def holds_content(slide: Slide) -> bool:
    """Compare content, not names or times; OSError where the file cannot be read.

    A pyramid that we made carries the identity of the image it was made from, so its own fingerprint lies
    in a seal beside it.
    """
    found = fingerprint(slide.path)
    if found == slide.slide_id:
        return True
    seal = seal_path(slide.path)
    return slide.path != slide.source_path and seal.is_file() and seal.read_text("ascii").strip() == found


def seal_path(pyramid: Path) -> Path:
    """Give the file beside a pyramid of ours that holds its own fingerprint."""
    return pyramid.with_suffix(".fingerprint")
