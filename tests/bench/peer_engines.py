"""TIAToolbox and WSInfer beside our engine, over the same slide, in turns, with the same ResNet-50.

    python -m tests.bench.peer_engines --slide S --environments DIR --data DIR [--rows N] [--rounds 2]

Patches a second from the open slide to the stored predictions, of the patches that each predicted by its own tissue
mask; ours with stain transfer and saliency maps, which the peers do not make. Each run is a process of its own with
the network loaded and warm before the clock starts, in another order each round; memory is the whole process's peak.

The peers run from their own packages in environments that this script makes under --environments (about 12 GB; needs
a package index once, and nothing of the network afterwards). --data is a data folder of ours, filled where it is empty
(quantising takes minutes); no app may have it open. --rows takes the slide's upper rows of patches alone, for all.
Each peer runs with minibatches of 8 (TIAToolbox's own default, and much less memory to clear on a processor) and of 32
(WSInfer's own), with two loading workers; ours is held against the faster of the two. On two cores 500 patches take
about 5 minutes a round.

Tells each run on stderr and prints one JSON object: rounds, medians, ours over each peer with the bar beside it
(median of the rounds' ratios), and how far the peers' probabilities are from plain torch's on the first patches.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.access.identity import COMMAND_LINE
from core.bench.machine import machine
from core.domain.errors import BadModel, BadSlide
from core.domain.geometry import Box
from core.domain.predictions import InferenceMode
from core.domain.recipe import Recipe
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.inference.messages import to_line
from core.inference.requests import Lookups, Way, infer_request
from core.networks import load_predictor
from core.settings import Settings
from core.slides.catalogue import Request
from core.slides.reader import SlideReader
from core.slides.synthetic.pyramid import write_pyramid
from core.workspace import Workspace, open_workspace
from models.checkpoint import describe_checkpoint, load_checkpoint
from models.patch_classifier import INPUT_MEAN, INPUT_STD
from models.predictor import load_torch_predictor
from tests.bench.peer_environment import environment
from tests.bench.watched_process import peak_mib_of

ROOT = Path(__file__).resolve().parents[2]
N_CHECKED = 8
SILENT = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "CUDA_VISIBLE_DEVICES": ""}
"""Nothing is fetched or told, and all run on the processor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A package and how it is run."""

    packages: tuple[str, ...]
    is_sped_up: bool = False

    @property
    def name(self) -> str:
        """Give the name of the distribution."""
        return self.packages[0].partition("==")[0]


WSINFER = ("wsinfer==0.6.1", "zarr<3")  # it imports a name that zarr 3 no longer has
PEERS = {
    "tiatoolbox": Peer(packages=("tiatoolbox==2.1.3",)),
    "wsinfer": Peer(packages=WSINFER),
    "wsinfer_speedup": Peer(packages=WSINFER, is_sped_up=True),
}
OURS = {"exact": InferenceMode.EXACT, "fast": InferenceMode.FAST}
BARS = {
    "exact": {"tiatoolbox": 2.4, "wsinfer": 2.4, "wsinfer_speedup": 1.4},
    "fast": {"tiatoolbox": 5.5, "wsinfer": 5.5, "wsinfer_speedup": 3.3},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What all runs share. `folder` holds the network as the peers read it, and passes."""

    slide: Slide
    model: RegisteredModel
    pythons: dict[str, Path]
    folder: Path
    batches: tuple[int, ...]
    workers: int

    @property
    def runs(self) -> dict[str, tuple[Peer, int] | InferenceMode]:
        """Give what a round holds: each peer at each size of minibatch, and our modes."""
        peers = {run_name(name, batch): (peer, batch) for batch in self.batches for name, peer in PEERS.items()}
        return {**peers, **OURS}


def run_name(peer: str, batch: int) -> str:
    """Give the name of a peer's run."""
    return f"{peer} at {batch}"


def main() -> int:
    """Prepare, measure in turns, and print."""
    asked = arguments()
    pythons = {peer.name: environment(asked.environments / peer.name, peer.packages) for peer in PEERS.values()}
    with open_workspace(Settings(data_dir=asked.data.resolve())) as workspace:
        model = prepared_model(workspace)
        slide = prepared_slide(workspace, asked.slide.resolve(), asked.rows, model.recipe)
    before = machine()
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        bench = Bench(
            slide=slide,
            model=model,
            pythons=pythons,
            folder=Path(folder),
            batches=tuple(asked.batches),
            workers=asked.workers,
        )
        save_network(bench)
        rounds = [one_round(bench, number) for number in range(asked.rounds)]
    facts = {"slide": slide.name, "workers": asked.workers, **summary(rounds, bench.batches)}
    print(json.dumps({**facts, "rounds": rounds, "machine": before}))
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slide", type=Path, required=True, metavar="FILE")
    parser.add_argument("--environments", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of patches from the top (all)")
    parser.add_argument("--rounds", type=int, default=2, metavar="N")
    parser.add_argument("--batches", type=int, nargs="+", default=(8, 32), metavar="N", help="the peers' minibatches")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="the peers' loading processes (2)")
    return parser.parse_args()


def prepared_model(workspace: Workspace) -> RegisteredModel:
    """Give the data folder's latest model, else the demo model, quantised where it is not."""
    model = workspace.models.served_model() or workspace.add_model(COMMAND_LINE, ROOT / "demo_model")
    try:
        load_predictor(model.weights_path, "cpu", InferenceMode.FAST)
    except ValueError:
        print("quantising the model, which takes minutes", file=sys.stderr)
        workspace.prepare_fast_mode(COMMAND_LINE, model.model_id, None)
        workspace.fast_modes.wait()
        ended = workspace.fast_modes.latest(model)
        if ended is None or ended.measured is None:
            raise BadModel(model.folder, (ended.reason if ended else None) or "it was cancelled") from None
    return model


def prepared_slide(workspace: Workspace, path: Path, n_rows: int | None, recipe: Recipe) -> Slide:
    """Register the slide, or its upper rows of patches as a slide of their own."""
    if n_rows is not None:
        path = cut(path, workspace.data_dir / f"{path.stem}-{n_rows}-rows.tif", n_rows, recipe)
    outcome = workspace.catalogue.register_file(path, Request(actor=COMMAND_LINE.reader_id))
    if outcome.slide is None or outcome.slide.mpp is None:
        raise BadSlide(path, outcome.reason or "its microns per pixel are unknown")
    return outcome.slide


def cut(path: Path, upper: Path, n_rows: int, recipe: Recipe) -> Path:
    """Write the slide's upper rows of patches as a pyramid, where it is not written yet."""
    if not upper.exists():
        reader = SlideReader(path)
        if reader.scan.mpp is None:
            raise BadSlide(path, "its microns per pixel are unknown")
        height_px = round(n_rows * recipe.patch_px * recipe.mpp / reader.scan.mpp.mean)
        bounds = reader.bounds
        box = Box(x_px=bounds.x_px, y_px=bounds.y_px, width_px=bounds.width_px, height_px=height_px)
        write_pyramid(reader.read(box, box.width_px, box.height_px), upper, mpp=reader.scan.mpp.mean)
        reader.close()
    return upper


def save_network(bench: Bench) -> None:
    """Write the checkpoint as each peer reads networks: a dictionary of weights, and TorchScript."""
    weights_path = bench.model.weights_path
    network = load_checkpoint(weights_path, describe_checkpoint(weights_path)).eval()
    torch.save(network.state_dict(), bench.folder / "weights.pt")
    torch.jit.save(torch.jit.script(network), bench.folder / "network.pt")


def one_round(bench: Bench, number: int) -> dict[str, dict[str, Any]]:
    """Run everything once, beginning elsewhere than the round before."""
    names = list(bench.runs)
    first = 3 * number % len(names)
    measured = {}
    for name in [*names[first:], *names[:first]]:
        with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
            measured[name] = one_run(bench, name, Path(folder))
        print(f"round {number + 1}, {name}: {measured[name]}", file=sys.stderr, flush=True)
    return measured


def one_run(bench: Bench, name: str, folder: Path) -> dict[str, Any]:
    """Run one of them in a process of its own."""
    request, answer, run = folder / "request.json", folder / "answer.json", bench.runs[name]
    if isinstance(run, InferenceMode):
        request.write_text(own_request(bench, run, folder), encoding="utf-8")
        command, surroundings = [sys.executable, "-m", "tests.bench.own_engine"], {"PYTHONPATH": str(ROOT)}
    else:
        peer, batch = run
        request.write_text(json.dumps(peer_request(bench, peer, batch, folder)), encoding="utf-8")
        command = [str(bench.pythons[peer.name]), str(Path(__file__).with_name(f"peer_{peer.name}.py"))]
        surroundings = {"HOME": str(folder), **SILENT}
    load = round(os.getloadavg()[0], 2)
    peak_mib = peak_mib_of([*command, request, answer], {**os.environ, **surroundings}, folder / "log")
    told = json.loads(answer.read_text(encoding="utf-8"))
    if "boxes" in told:
        told["from_torch"] = distance_from_torch(bench, told.pop("boxes"), told.pop("probabilities"))
    speed = round(told["n_patches"] / told["seconds"], 2)
    return {"patches_per_s": speed, "peak_mib": round(peak_mib), **told, "load_before": load}


def own_request(bench: Bench, mode: InferenceMode, folder: Path) -> str:
    """Give what the worker would be told."""
    lookups = Lookups(slide=lambda _: bench.slide, model=lambda _: bench.model)
    return to_line(infer_request(bench.slide, bench.model, lookups, Way(device="cpu", mode=mode, runs_dir=folder)))


def peer_request(bench: Bench, peer: Peer, batch: int, folder: Path) -> dict[str, object]:
    """Give everything that a peer's runner needs to know."""
    assert bench.slide.mpp is not None
    recipe = bench.model.recipe
    return {
        "slide": str(bench.slide.path),
        "slide_mpp": bench.slide.mpp.mean,
        "mpp": recipe.mpp,
        "patch_px": recipe.patch_px,
        "n_classes": describe_checkpoint(bench.model.weights_path),
        "weights": str(bench.folder / "weights.pt"),
        "network": str(bench.folder / "network.pt"),
        "mean": INPUT_MEAN,
        "std": INPUT_STD,
        "batch": batch,
        "workers": bench.workers,
        "is_sped_up": peer.is_sped_up,
        "n_checked": N_CHECKED,
        "folder": str(folder),
    }


def distance_from_torch(bench: Bench, boxes: list[list[float]], probabilities: list[list[float]]) -> float:
    """Give the largest difference from plain torch's probabilities, on patches as we decode them."""
    reader, side_px = SlideReader(bench.slide.path), bench.model.recipe.patch_px
    patches = [
        reader.read(
            Box(x_px=round(x), y_px=round(y), width_px=round(right - x), height_px=round(bottom - y)), side_px, side_px
        )
        for x, y, right, bottom in boxes
    ]
    reader.close()
    ours = load_torch_predictor(bench.model.weights_path).predict(np.stack(patches)).probabilities
    return float(f"{np.abs(ours - np.asarray(probabilities)).max():.1e}")


def summary(rounds: list[dict[str, dict[str, Any]]], batches: Sequence[int]) -> dict[str, object]:
    """Give the medians of the rounds, and ours over each peer at its faster size of minibatch."""
    medians = {
        name: {
            what: round(statistics.median(one[name][what] for one in rounds), 2)
            for what in ("patches_per_s", "n_patches", "seconds", "peak_mib")
        }
        for name in rounds[0]
    }
    ratios = {}
    for ours, bars in BARS.items():
        for peer, bar in bars.items():
            names = [run_name(peer, batch) for batch in batches]
            best = max(names, key=lambda name: medians[name]["patches_per_s"])
            ratio = statistics.median(one[ours]["patches_per_s"] / one[best]["patches_per_s"] for one in rounds)
            ratios[f"{ours} over {best}"] = {"ratio": round(ratio, 2), "bar": bar, "is_reached": ratio >= bar}
    return {"medians": medians, "ratios": ratios}


if __name__ == "__main__":
    sys.exit(main())
