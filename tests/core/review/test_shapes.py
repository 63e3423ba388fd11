"""The geometry of regions: drawn outlines are kept as they were clicked, the brush paints what it passed over."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import BadRegion
from core.domain.regions import Shape, Stroke
from core.review.shapes import area_px, drawn, holds, painted, problem_of
from tests.core.review.drawn_regions import rectangle, round_stroke, shapes

SIZE = (2220, 2967)


def test_a_drawn_outline_is_kept_corner_by_corner_to_a_hundredth_of_a_pixel() -> None:
    corners = ((10.004, 20.0), (300.0, 25.5), (200.126, 220.0), (10.004, 20.0))
    kept = drawn(Shape(parts=((corners,),)), SIZE)
    assert kept.parts[0][0] == ((10.0, 20.0), (300.0, 25.5), (200.13, 220.0), (10.0, 20.0))


def test_an_outline_over_the_edge_is_cut_at_the_edge() -> None:
    kept = drawn(rectangle(-50, 2900, 100, 3000), SIZE)
    assert area_px(kept) == pytest.approx(100 * 67)
    assert problem_of(kept, SIZE) is None


@pytest.mark.parametrize(
    "corners",
    [
        ((10.0, 10.0), (110.0, 110.0), (110.0, 10.0), (10.0, 110.0), (10.0, 10.0)),
        ((-10.0, 10.0), (110.0, 110.0), (110.0, 10.0), (-10.0, 110.0), (-10.0, 10.0)),
        ((10.0, 10.0), (10.001, 10.001), (10.002, 10.0), (10.0, 10.0)),
    ],
)
def test_an_outline_that_crosses_itself_or_encloses_nothing_is_refused(
    corners: tuple[tuple[float, float], ...],
) -> None:
    with pytest.raises(BadRegion, match="cannot be a region"):
        drawn(Shape(parts=((corners,),)), SIZE)


def test_an_outline_beside_the_slide_is_refused() -> None:
    with pytest.raises(BadRegion, match="Nothing of the region is left on the slide"):
        drawn(rectangle(-50, -50, -10, -10), SIZE)


def test_a_stroke_is_as_wide_as_the_brush_and_round_at_its_ends() -> None:
    shape = painted(None, [Stroke(points=((500.0, 500.0), (700.0, 500.0)), radius_px=40)], SIZE)
    assert area_px(shape) == pytest.approx(200 * 80 + math.pi * 40**2, rel=0.005)


def test_a_touch_of_the_brush_is_a_disc() -> None:
    shape = painted(None, [Stroke(points=((500.0, 500.0),), radius_px=40)], SIZE)
    assert area_px(shape) == pytest.approx(math.pi * 40**2, rel=0.01)


def test_a_stroke_round_something_leaves_a_hole() -> None:
    ((outer, hole),) = painted(None, [round_stroke(600, 600, 200, 50)], SIZE).parts
    assert (min(x for x, _ in hole), max(x for x, _ in hole)) == pytest.approx((450, 750), abs=1)
    assert (min(x for x, _ in outer), max(x for x, _ in outer)) == pytest.approx((350, 850), abs=1)


def test_erasing_across_cuts_a_region_in_two_and_erasing_all_is_refused() -> None:
    wide = Stroke(points=((600.0, 300.0), (600.0, 900.0)), radius_px=60, erases=True)
    assert len(painted(rectangle(400, 400, 800, 800), [wide], SIZE).parts) == 2
    with pytest.raises(BadRegion, match="Nothing of the region is left"):
        painted(rectangle(590, 590, 610, 610), [wide], SIZE)


def test_strokes_paint_in_their_order() -> None:
    paint = Stroke(points=((600.0, 600.0),), radius_px=60)
    erase = Stroke(points=((600.0, 600.0),), radius_px=30, erases=True)
    assert [len(painted(None, order, SIZE).parts[0]) for order in ([paint, erase], [erase, paint])] == [2, 1]


@settings(max_examples=30, deadline=None)
@given(shapes(), st.lists(st.tuples(st.integers(0, 2200), st.integers(0, 2900), st.booleans()), min_size=1, max_size=5))
def test_whatever_is_painted_is_a_region_of_the_slide(shape: Shape, touches: list[tuple[int, int, bool]]) -> None:
    strokes = [
        Stroke(points=((float(x), float(y)), (float(x) + 90, float(y) + 7)), radius_px=33, erases=erases)
        for x, y, erases in touches
    ]
    try:
        kept = painted(shape, strokes, SIZE)
    except BadRegion:
        return
    assert problem_of(kept, SIZE) is None
    assert all(round(number, 2) == number for part in kept.parts for ring in part for at in ring for number in at)


def test_a_point_in_a_hole_is_outside_and_one_on_the_edge_inside() -> None:
    ring = Shape(parts=((rectangle(0, 0, 100, 100).parts[0][0], rectangle(40, 40, 60, 60).parts[0][0]),))
    x, y = np.array([50.0, 20.0, 100.0, 40.0, 101.0]), np.array([50.0, 20.0, 50.0, 50.0, 50.0])
    assert holds([ring], x, y).tolist() == [False, True, True, True, False]
    assert holds([], x, y).tolist() == [False] * 5
    assert area_px(ring) == 100**2 - 20**2
