"""The pixels of a slide file for any rectangle at any size, and the open slides that are shared."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from core.domain.errors import BadSlide, SlideChanged
from core.domain.geometry import Box
from core.domain.slides import ScanProperties, Slide, SlideId
from core.slides.fingerprint import file_stamp
from core.slides.levels import Level, finest_needed
from core.slides.resample import RgbArray, Window, resample
from core.slides.source import SlideSource
from core.slides.unchanged import holds_content

_LARGEST_READ_PX = 16 << 20
_LONGEST_READ_PX = 16_384
_WHITE = 255
_Stamp = tuple[int, int]


class SlideReader:
    """One open slide file; safe to use from many threads."""

    def __init__(self, path: Path, bounds: Box | None = None, *, may_use_native: bool = True) -> None:
        """Open the file.

        Args: bounds: what a thumbnail shows; None means what the file says. may_use_native: False leaves all
        decoding to OpenSlide.
        Raises: BadSlide where OpenSlide does not read it.
        """
        self.path = path
        self._source = SlideSource(path, may_use_native=may_use_native)
        self.scan: ScanProperties = self._source.scan
        self.levels = self._source.levels
        self.colour_problem = self._source.colour_problem
        self.bounds = bounds or self.scan.bounds

    def read(self, box: Box, width_px: int, height_px: int) -> RgbArray:
        """Draw a level-0 box at a size: (height_px, width_px, 3) in sRGB, white outside the scan.

        Comes from the nearest finer level; shrinking averages areas, enlarging is bilinear. A drawn pixel
        that only partly lies on the slide shows the slide.
        Raises: BadSlide where pixels cannot be decoded; the next call works again.
        """
        if width_px <= 0 or height_px <= 0:
            raise ValueError(f"an empty image: {width_px} x {height_px}")
        canvas = np.full((height_px, width_px, 3), _WHITE, dtype=np.uint8)
        scale_x, scale_y = box.width_px / width_px, box.height_px / height_px
        first_column, end_column = _covered(box.x_px, scale_x, width_px, self.scan.width_px)
        first_row, end_row = _covered(box.y_px, scale_y, height_px, self.scan.height_px)
        if end_column <= first_column or end_row <= first_row:
            return canvas
        level = finest_needed(self.levels, min(scale_x, scale_y))
        n_columns, n_rows = end_column - first_column, end_row - first_row
        window = Window(
            left=(box.x_px + first_column * scale_x) / level.span_x,
            top=(box.y_px + first_row * scale_y) / level.span_y,
            width=n_columns * scale_x / level.span_x,
            height=n_rows * scale_y / level.span_y,
        )
        drawn = self._draw(level, window, n_columns, n_rows)
        to_srgb = self._source.to_srgb
        canvas[first_row:end_row, first_column:end_column] = to_srgb.apply(drawn) if to_srgb else drawn
        return canvas

    def thumbnail(self, longest_px: int) -> RgbArray:
        """Draw the bounds with the longer side at most so long; a smaller slide is not enlarged."""
        shrink = min(1.0, longest_px / max(self.bounds.width_px, self.bounds.height_px))
        width_px, height_px = (max(1, round(side * shrink)) for side in (self.bounds.width_px, self.bounds.height_px))
        return self.read(self.bounds, width_px, height_px)

    def native_jpeg(self, box: Box, width_px: int, height_px: int) -> bytes | None:
        """Give the stored tile that is exactly a level-0 box at a size, as JPEG; None where the box must be drawn.

        Raises: BadSlide where there is one and it is missing or damaged.
        """
        scale, native = box.width_px / width_px, self._source.native
        level = finest_needed(self.levels, scale)
        if native is None or self._source.to_srgb is not None or level.index not in native.levels:
            return None
        stored = native.levels[level.index]
        if (level.span_x, level.span_y, box.height_px / height_px) != (scale, scale, scale):
            return None
        if (width_px, height_px) != (stored.tile_width_px, stored.tile_height_px):
            return None
        column, left = divmod(box.x_px / scale, width_px)
        row, top = divmod(box.y_px / scale, height_px)
        is_inside = (column + 1) * width_px <= stored.width_px and (row + 1) * height_px <= stored.height_px
        if left or top or min(column, row) < 0 or not is_inside:
            return None
        return native.jpeg(level.index, int(column), int(row))

    def check(self, level: Level, x_px: int, y_px: int) -> None:
        """Decode one pixel of a level, given in its own pixels. Raises: BadSlide."""
        self._source.read_region((round(x_px * level.nominal), round(y_px * level.nominal)), level.index, (1, 1))

    @property
    def passes_tiles_through(self) -> bool:
        """Say whether stored tiles can be shown as they are: none can whose colours must be brought to sRGB."""
        return self._source.native is not None and self._source.to_srgb is None

    def native_tile_px(self, level: Level) -> tuple[int, int] | None:
        """Give (width, height) of the tiles that the file stores at a level, or None where it does not say."""
        sides = [
            self._source.properties.get(f"openslide.level[{level.index}].tile-{side}") for side in ("width", "height")
        ]
        width, height = (int(side) if side is not None and side.isdigit() else 0 for side in sides)
        return (width, height) if width and height else None

    def close(self) -> None:
        """Give the file back; reading afterwards is a mistake."""
        self._source.close()

    def _draw(self, level: Level, window: Window, width_px: int, height_px: int) -> RgbArray:
        """Draw a window of a level; a large one in halves, so that memory stays bounded on flat slides."""
        is_long = max(window.width, window.height) > _LONGEST_READ_PX
        if not is_long and window.width * window.height <= _LARGEST_READ_PX:
            return self._draw_at_once(level, window, width_px, height_px)
        if window.width >= window.height:
            return self._draw_halves(level, window, width_px, height_px)
        return self._draw_stacked(level, window, width_px, height_px)

    def _draw_halves(self, level: Level, window: Window, width_px: int, height_px: int) -> RgbArray:
        if width_px == 1:
            return _shrink_area(self._draw_halves(level, window, 2, height_px), 1, height_px)
        split_px = width_px // 2
        split = window.width * split_px / width_px
        left = Window(left=window.left, top=window.top, width=split, height=window.height)
        right = Window(left=window.left + split, top=window.top, width=window.width - split, height=window.height)
        return np.hstack(
            [self._draw(level, left, split_px, height_px), self._draw(level, right, width_px - split_px, height_px)]
        )

    def _draw_stacked(self, level: Level, window: Window, width_px: int, height_px: int) -> RgbArray:
        if height_px == 1:
            return _shrink_area(self._draw_stacked(level, window, width_px, 2), width_px, 1)
        split_px = height_px // 2
        split = window.height * split_px / height_px
        above = Window(left=window.left, top=window.top, width=window.width, height=split)
        below = Window(left=window.left, top=window.top + split, width=window.width, height=window.height - split)
        return np.vstack(
            [self._draw(level, above, width_px, split_px), self._draw(level, below, width_px, height_px - split_px)]
        )

    def _draw_at_once(self, level: Level, window: Window, width_px: int, height_px: int) -> RgbArray:
        """Read the level's pixels around a window and draw it; one pixel more where edges are fractional."""
        is_enlarged = window.width < width_px or window.height < height_px
        margin = 2 if is_enlarged else 0
        left, top = _floor(window.left) - margin, _floor(window.top) - margin
        right = _ceil(window.left + window.width) + margin
        bottom = _ceil(window.top + window.height) + margin
        left, right = _cut(left, right, level.width_px)
        top, bottom = _cut(top, bottom, level.height_px)
        pixels, origin = self._source.read_level(level, (left, top), (right - left, bottom - top))
        inside = Window(
            left=window.left - origin[0], top=window.top - origin[1], width=window.width, height=window.height
        )
        return resample(pixels, inside, width_px, height_px)


@dataclass(slots=True)
class _Place:
    """One slide in the pool. Changed only under the pool's lock, except `reader`, which has a lock of its own."""

    n_users: int = 0
    reader: SlideReader | None = None
    stamp: _Stamp | None = None
    opening: threading.Lock = field(default_factory=threading.Lock)


class SlideReaders:
    """Lends readers; the longest unused one is closed when there are more than `capacity`."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._places: OrderedDict[SlideId, _Place] = OrderedDict()
        self._checking = threading.Lock()
        self._verdicts: dict[tuple[SlideId, Path, _Stamp], bool] = {}

    @contextmanager
    def lease(self, slide: Slide) -> Iterator[SlideReader]:
        """Lend the reader of a slide.

        Raises: BadSlide where the file is gone or unreadable; SlideChanged where its content is another now.
        """
        stamp = self._checked_stamp(slide)
        place = self._take(slide.slide_id)
        try:
            yield self._opened(place, slide, stamp)
        finally:
            self._give_back(place)

    def close(self) -> None:
        """Close every reader that nobody uses; the others close when they come back."""
        with self._lock:
            self._capacity = 0
            idle = self._evict()
        _close(idle)

    def _checked_stamp(self, slide: Slide) -> _Stamp:
        """Compare the file with what was registered: by stamp, and by content when the stamp is another."""
        try:
            stamp = file_stamp(slide.path)
            is_same = stamp == slide.file_stamp or self._holds_content(slide, stamp)
        except OSError as error:
            raise BadSlide(slide.path, f"the file cannot be found any more ({error.strerror})") from error
        if not is_same:
            raise SlideChanged(slide.path)
        return stamp

    def _holds_content(self, slide: Slide, stamp: _Stamp) -> bool:
        """Hash a file once for each stamp it has had."""
        key = slide.slide_id, slide.path, stamp
        with self._checking:
            if key not in self._verdicts:
                self._verdicts[key] = holds_content(slide)
            return self._verdicts[key]

    def _take(self, slide_id: SlideId) -> _Place:
        with self._lock:
            place = self._places.setdefault(slide_id, _Place())
            self._places.move_to_end(slide_id)
            place.n_users += 1
            return place

    def _opened(self, place: _Place, slide: Slide, stamp: _Stamp) -> SlideReader:
        """Open on first use, and again after the file was replaced by one of equal content."""
        with place.opening:
            if place.reader is None or place.reader.path != slide.path or place.stamp != stamp:
                place.reader, place.stamp = SlideReader(slide.path, slide.scan.bounds), stamp
            return place.reader

    def _give_back(self, place: _Place) -> None:
        with self._lock:
            place.n_users -= 1
            idle = self._evict()
        _close(idle)

    def _evict(self) -> list[SlideReader]:
        """Take out the longest unused places beyond the capacity; the caller holds the lock."""
        surplus = len(self._places) - self._capacity
        unused = [slide_id for slide_id, place in self._places.items() if place.n_users == 0][: max(0, surplus)]
        readers = [self._places.pop(slide_id).reader for slide_id in unused]
        return [reader for reader in readers if reader is not None]


def _close(readers: list[SlideReader]) -> None:
    for reader in readers:
        reader.close()


def _covered(start_px: int, scale: float, length_px: int, slide_px: int) -> tuple[int, int]:
    """Give the first and the end index of the drawn pixels that lie at least partly on the slide."""
    first = max(0, math.floor(-start_px / scale + 1e-9))
    end = min(length_px, math.ceil((slide_px - start_px) / scale - 1e-9))
    return first, end


def _cut(start: int, end: int, length_px: int) -> tuple[int, int]:
    """Cut a range to a level, leaving at least its last pixel: a level may end a pixel before the slide does."""
    start = min(max(0, start), length_px - 1)
    return start, max(start + 1, min(end, length_px))


def _floor(value: float) -> int:
    return math.floor(value + 1e-6)


def _ceil(value: float) -> int:
    return math.ceil(value - 1e-6)


def _shrink_area(image: RgbArray, width_px: int, height_px: int) -> RgbArray:
    return np.asarray(cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)
