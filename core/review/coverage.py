"""The grounds that coverage is measured on: each slide's tissue grid, looked for once and kept in a file."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from core.domain.slides import Slide
from core.preprocess.tissue_grid import GRID_VERSION, tissue_grid
from core.slides.reader import SlideReaders


class TissueGrids:
    """Gives tissue grids as plain values. They are made of pixels alone: nothing of a model or a reader is in them."""

    def __init__(self, readers: SlideReaders, folder: Path) -> None:
        self._readers, self._folder = readers, folder
        self._looking = threading.Lock()

    def of(self, slide: Slide) -> dict[str, object] | None:
        """Give a slide's grid, or None without microns per pixel to measure with.

        Raises: BadSlide, SlideChanged where the file cannot be read.
        """
        if slide.mpp is None or slide.mpp.distrust is not None:
            return None
        path = self._folder / f"{slide.slide_id}-{slide.mpp.mean:.6g}.json"
        kept = _kept(path)
        if kept is not None:
            return kept
        with self._looking:  # one slide at a time: a second reader of the same slide finds it done
            return _kept(path) or self._looked_for(slide, slide.mpp.mean, path)

    def _looked_for(self, slide: Slide, mpp: float, path: Path) -> dict[str, object]:
        with self._readers.lease(slide) as reader:
            grid = tissue_grid(reader, slide.scan.bounds, mpp).to_plain()
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(grid), encoding="ascii")
        draft.replace(path)
        return grid


def _kept(path: Path) -> dict[str, object] | None:
    """Give what is kept; a file of another version, or none that can be read, is made anew."""
    try:
        grid = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return grid if isinstance(grid, dict) and grid.get("version") == GRID_VERSION else None
