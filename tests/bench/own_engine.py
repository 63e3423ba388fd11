"""One run of our engine as the worker makes it: `python -m tests.bench.own_engine REQUEST ANSWER`.

REQUEST holds the line that the worker is told. Timed from the open slide to the stored predictions, each with its
saliency maps, with the network loaded and warm.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from core.bench.machine import releases
from core.inference.engine import InferenceTask, infer
from core.inference.messages import InferRequest, from_line
from core.inference.ports import PatchPredictor
from core.inference.results import load_results
from core.networks import load_predictor
from core.slides.reader import SlideReader

MINIBATCH = 32


def main(request: InferRequest, answer: Path) -> None:
    """Predict a slide, and write down how long it took and what came out."""
    predictor = load_predictor(request.weights_path, request.device, request.mode)
    warm_up(predictor, request.recipe.patch_px)
    begun_s = time.perf_counter()
    reader = SlideReader(request.slide.path, request.slide.bounds)
    try:
        task = InferenceTask(reader=reader, slide=request.slide, recipe=request.recipe, run_folder=request.run_folder)
        outcome = infer(task, predictor, lambda _done, _total: None, lambda: False)
    finally:
        reader.close()
    seconds = time.perf_counter() - begun_s
    assert outcome is not None
    facts = {
        "n_patches": outcome.n_patches,
        "seconds": seconds,
        "stain": request.recipe.stain.value,
        "saliency_maps": load_results(request.run_folder).saliency.shape,
        "releases": releases(("fibroread", "openvino")),
    }
    answer.write_text(json.dumps(facts), encoding="utf-8")


def warm_up(predictor: PatchPredictor, side_px: int) -> None:
    """Predict white patches, on every stream, until nothing is loaded for the first time."""
    white = np.full((MINIBATCH, side_px, side_px, 3), 255, np.uint8)
    with ThreadPoolExecutor(predictor.n_streams) as streams:
        list(streams.map(predictor.predict, [white] * 2 * predictor.n_streams))


if __name__ == "__main__":
    told = from_line(Path(sys.argv[1]).read_text(encoding="utf-8"))
    assert isinstance(told, InferRequest)
    main(told, Path(sys.argv[2]))
