"""The memory bench counts what processes hold, keeps their peaks, and looks at what a viewer looks at."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from core.bench.looking import Sight
from core.bench.resident import Held, MemoryWatch, children, held_by, held_with_children, watched
from core.bench.viewports import viewports
from core.cli import build_parser
from core.domain.geometry import Box, DeepZoom
from core.domain.predictions import RunId
from core.domain.slides import SlideId

MIB = 1 << 20
BLOCK_BYTES = 96 * MIB
HOLD = f"held = bytearray(b'1') * {BLOCK_BYTES}"
WAIT = "print('there', flush=True); input()"
ZOOM = DeepZoom(bounds=Box(x_px=0, y_px=0, width_px=5000, height_px=3000), tile_px=256)


@contextmanager
def process(script: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script until it says that it is there; it ends with the block."""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "there\n"
        yield running
        running.communicate("\n")


def nested(script: str, name: str) -> str:
    """Give a script that runs another as its child, called by a name, and waits for it."""
    child = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {script!r}, '-m', {name!r}, '']"
    return f"{child}, stdin=subprocess.PIPE, stdout=subprocess.PIPE); child.stdout.readline(); {WAIT}"


def test_a_peak_stands_when_the_memory_is_given_back() -> None:
    with process(f"{HOLD}; del held; {WAIT}") as running:
        held = held_by(running.pid)
    assert held.each_bytes - held.now_bytes > 0.9 * BLOCK_BYTES


def test_what_children_hold_counts_with_their_parent() -> None:
    with process(nested(f"{HOLD}; {WAIT}", "other")) as running:
        assert len(children(running.pid)) == 1
        together, alone = held_with_children(running.pid), held_by(running.pid)
    assert together.now_bytes - alone.now_bytes > BLOCK_BYTES


def test_the_worker_is_told_from_the_app_s_other_children() -> None:
    for name, is_worker in (("core.worker", True), ("other", False)):
        with process(nested(f"{HOLD}; {WAIT}", name)) as running, watched(running.pid) as watch:
            pass
        assert (watch.worker.at_once_bytes > BLOCK_BYTES) == is_worker
        assert (watch.app.at_once_bytes > BLOCK_BYTES) != is_worker


def test_the_peak_of_a_worker_that_ended_stands() -> None:
    with process(nested(f"{HOLD}; {WAIT}", "core.worker")) as running:
        watch = MemoryWatch(running.pid)
        watch.look()
    watch.look()
    assert watch.worker.at_once_bytes > BLOCK_BYTES
    assert watch.worker.now_bytes == 0


def test_what_is_held_one_after_the_other_is_not_held_at_once() -> None:
    one = Held(now_bytes=1, at_once_bytes=9, each_bytes=9).and_also(Held(now_bytes=7, at_once_bytes=8, each_bytes=8))
    then = one.and_then(Held(now_bytes=2, at_once_bytes=2, each_bytes=3))
    assert then == Held(now_bytes=2, at_once_bytes=9, each_bytes=17)


def test_a_process_that_has_ended_holds_nothing() -> None:
    with process(WAIT) as running:
        pass
    assert held_with_children(running.pid) == Held()


def test_a_window_shows_the_slide_its_stages_and_one_more_layer_of_the_shards_so_far() -> None:
    sight = Sight.mixed(SlideId("0" * 32), RunId("1" * 32), ZOOM, viewports(5000, 3000, 4))
    kinds = {re.sub(r"/\d+/\d+_\d+\..*", "", address) for address in sight.window(0, 5)}
    assert kinds == {
        f"/tiles/{'0' * 32}/2-256",
        f"/layers/{'1' * 32}/stage/1-256-5",
        f"/layers/{'1' * 32}/saliency:predicted/1-256-5",
    }
    assert all("/1-256/" in address for address in sight.window(0, None) if address.startswith("/layers"))


def test_the_whole_slide_is_gone_over() -> None:
    views = viewports(5000, 3000, 4)
    sight = Sight.mixed(SlideId("0" * 32), RunId("1" * 32), ZOOM, views)
    assert len({sight.window(number, None) for number in range(len(views))}) == len(views)


def test_the_bench_is_on_the_command_line() -> None:
    asked = build_parser().parse_args(["bench", "memory"])
    assert (asked.side, asked.covered, asked.mode) == (100_000, 0.2, "exact")
