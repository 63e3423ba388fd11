"""large_image's TIFF source beside ours, over the same windows, in turns: `python -m tests.bench.peer_tiles --slide S`.

The peer runs from its own package in an environment that this script makes with venv, behind the web server that we
have too (starlette, uvicorn with uvloop and httptools), and encodes nothing that it can pass through. Needs a package
index to install it from. Prints one JSON object: the rounds of both, and ours over the peer's medians.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from urllib.error import URLError

from core.bench.filling import Filling, measure_filling
from core.bench.machine import machine
from core.bench.panning import Server
from core.bench.viewports import addresses_of, viewports
from core.domain.geometry import Box, DeepZoom
from tests.bench.peer_environment import environment

PACKAGES = ("large-image[tiff]", "starlette", "uvicorn[standard]")
SERVER = Path(__file__).with_name("peer_tile_server.py")


def main() -> int:
    """Measure both in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slide", type=Path, required=True)
    parser.add_argument("--environment", type=Path, required=True, help="where the peer's environment is or will be")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--windows", type=int, default=24)
    asked = parser.parse_args()
    python = environment(asked.environment, PACKAGES)
    rounds = []
    for _ in range(asked.rounds):
        ours = json.loads(own_bench(asked.slide, asked.windows))
        theirs = asdict(peer_bench(python, asked.slide, asked.windows))
        rounds.append({"ours": ours, "large_image": theirs})
    ratios = {
        f"{kind}_{figure}": round(
            statistics.median(one["ours"][kind][figure] / one["large_image"][kind][figure] for one in rounds), 3
        )
        for kind in ("cold", "warm")
        for figure in ("median_ms", "p95_ms")
    }
    print(json.dumps({"rounds": rounds, "ours_over_large_image": ratios, "machine": machine()}))
    return 0


def own_bench(slide: Path, windows: int) -> str:
    """Run our bench as a person would."""
    command = [sys.executable, "-m", "core.cli", "bench", "tiles", "--slide", str(slide), "--windows", str(windows)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def peer_bench(python: Path, slide: Path, windows: int) -> Filling:
    """Measure the peer over the windows that ours is measured over."""
    with peer(python, slide) as origin:
        with urllib.request.urlopen(f"{origin}/about") as answer:
            about = json.load(answer)
        bounds = Box(x_px=0, y_px=0, width_px=about["sizeX"], height_px=about["sizeY"])
        zoom = DeepZoom(bounds=bounds, tile_px=about["tileWidth"])
        views = viewports(bounds.width_px, bounds.height_px, windows)
        # large_image's level 0 is the first that fits one tile; ours is one pixel.
        n_below = zoom.n_levels - about["levels"]
        numbered = addresses_of(views, zoom, "{level} {column} {row}")
        addresses = [[_address(tile, n_below) for tile in tiles] for tiles in numbered]
        return measure_filling(Server(origin=origin), views, addresses, 8)


def _address(tile: str, n_below: int) -> str:
    level, column, row = map(int, tile.split())
    return f"/{level - n_below}/{column}_{row}.jpg"


@contextmanager
def peer(python: Path, slide: Path) -> Iterator[str]:
    """Start the peer's server on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([python, SERVER, slide, str(port)])
    try:
        origin = f"http://127.0.0.1:{port}"
        while process.poll() is None and not _answers(origin):
            time.sleep(0.1)  # another process: there is nothing to wait on but its port
        yield origin
    finally:
        process.terminate()
        process.wait(20)


def _answers(origin: str) -> bool:
    try:
        with urllib.request.urlopen(f"{origin}/about", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
