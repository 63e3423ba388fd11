"""The tile bench asks for what a window shows, once cold and once for each warm reader, and refuses failures."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.bench.filling import Spread, measure_filling
from core.bench.panning import Server
from core.bench.viewports import HEIGHT_PX, WIDTH_PX, Viewport, addresses_of, tiles_in, viewports
from core.cli import build_parser
from core.domain.errors import InvariantBroken
from core.domain.geometry import Box, DeepZoom


@contextmanager
def answering(status: int, asked: list[str]) -> Iterator[str]:
    """Give the origin of a server that notes what it is asked for and answers everything alike."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"tile")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


ZOOM = DeepZoom(bounds=Box(x_px=0, y_px=0, width_px=5000, height_px=3000), tile_px=256)
VIEWS = viewports(5000, 3000, 4)
ADDRESSES = addresses_of(VIEWS, ZOOM, "/{level}/{column}_{row}.jpg")


def test_windows_of_a_level_share_no_pixel_and_lie_on_the_slide() -> None:
    for view in VIEWS:
        assert view.left + WIDTH_PX <= 5000 >> view.n_halvings
        assert view.top + HEIGHT_PX <= 3000 >> view.n_halvings
    corners = [(view.left // WIDTH_PX, view.top // HEIGHT_PX) for view in VIEWS if view.n_halvings == 0]
    assert len(set(corners)) == len(corners) == 4


def test_a_window_needs_the_tiles_it_touches_and_none_beyond_the_level() -> None:
    view = Viewport(n_halvings=0, left=250, top=512)
    assert {column for column, _ in tiles_in(view, 256, (1200, 1300))} == {0, 1, 2, 3, 4}
    assert {row for _, row in tiles_in(view, 256, (1200, 1300))} == {2, 3, 4, 5}


def test_each_reader_asks_for_every_window_once() -> None:
    asked: list[str] = []
    with answering(200, asked) as origin:
        filling = measure_filling(Server(origin=origin), VIEWS, ADDRESSES, n_readers=3)
    wanted = Counter(address for window in ADDRESSES for address in window)
    assert Counter(asked) == Counter({address: 4 * count for address, count in wanted.items()})
    assert (filling.cold.n, filling.warm.n, filling.n_tiles) == (len(VIEWS), 3 * len(VIEWS), wanted.total())


def test_a_tile_that_fails_ends_the_bench() -> None:
    with answering(404, []) as origin, pytest.raises(InvariantBroken, match="404"):
        measure_filling(Server(origin=origin), VIEWS[:1], ADDRESSES[:1], n_readers=1)


def test_a_spread_is_the_median_and_the_95th_percentile() -> None:
    assert Spread.of([float(time) for time in range(1, 101)]) == Spread(n=100, median_ms=50.5, p95_ms=95.0)


def test_the_bench_is_on_the_command_line() -> None:
    assert build_parser().parse_args(["bench", "tiles", "--slide", "x.svs"]).readers == 8
