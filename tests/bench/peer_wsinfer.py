"""One run of WSInfer over a slide. Runs in an environment of its own, which has none of our packages.

Usage: python peer_wsinfer.py REQUEST ANSWER, both JSON files. Calls what `wsinfer run --config C --model-path M
[--speedup]` calls, with its tissue mask and its settings; the command itself asks the network for a list of models even
when it is given one. Timed from the open slide to its CSV, with the network loaded, sped up and warm.
"""

import importlib.metadata
import json
import sys
import time
from pathlib import Path

import pandas as pd
import torch
import wsinfer.modellib.run_inference as wsinfer_run
from wsinfer.modellib.models import LocalModelTorchScript, get_pretrained_torch_module, jit_compile
from wsinfer.patchlib import segment_and_patch_directory_of_slides
from wsinfer_zoo.client import ModelConfiguration


def main(request: dict, answer: Path) -> None:
    """Predict a slide, and write down how long it took and what came out."""
    model = LocalModelTorchScript(config=configuration_of(request), model_path=request["network"])
    keep_ready(network_of(model, request))
    folder = Path(request["folder"])
    (folder / "slides").mkdir()
    slide = folder / "slides" / Path(request["slide"]).name
    slide.symlink_to(request["slide"])
    begun = time.perf_counter()
    segment_and_patch_directory_of_slides(
        slide.parent, folder, patch_size_px=request["patch_px"], patch_spacing_um_px=request["mpp"]
    )
    wsinfer_run.run_inference(
        slide.parent,
        folder,
        model,
        batch_size=request["batch"],
        num_workers=request["workers"],
        speedup=request["is_sped_up"],
    )
    seconds = time.perf_counter() - begun
    rows = pd.read_csv(folder / "model-outputs-csv" / f"{slide.stem}.csv")
    first = rows.head(request["n_checked"])
    boxes = first[["minx", "miny"]].assign(right=first.minx + first.width, bottom=first.miny + first.height)
    answer.write_text(
        json.dumps(
            {
                "n_patches": len(rows),
                "seconds": seconds,
                "boxes": boxes.to_numpy().tolist(),
                "probabilities": first.filter(regex="^prob_").to_numpy().tolist(),
                "releases": {name: importlib.metadata.version(name) for name in ("wsinfer", "torch", "tiffslide")},
            }
        )
    )


def configuration_of(request: dict) -> ModelConfiguration:
    """Give what stands in a WSInfer model's config.json."""
    standardised = {"mean": request["mean"], "std": request["std"]}
    return ModelConfiguration.from_dict(
        {
            "spec_version": "1.0",
            "architecture": "resnet50",
            "num_classes": request["n_classes"],
            "class_names": [str(number) for number in range(request["n_classes"])],
            "patch_size_pixels": request["patch_px"],
            "spacing_um_px": request["mpp"],
            "transform": [
                {"name": "Resize", "arguments": {"size": [request["patch_px"]] * 2}},
                {"name": "ToTensor"},
                {"name": "Normalize", "arguments": standardised},
            ],
        }
    )


def network_of(model: LocalModelTorchScript, request: dict) -> torch.nn.Module:
    """Load the network as WSInfer does, and run it until it is no longer compiling."""
    network = get_pretrained_torch_module(model).eval()
    if request["is_sped_up"]:
        network = jit_compile(network)
    patches = torch.zeros(request["batch"], 3, request["patch_px"], request["patch_px"])
    with torch.no_grad():
        for _ in range(3):
            network(patches)
    return network


def keep_ready(network: torch.nn.Module) -> None:
    """Have WSInfer take the network that is loaded and warm, so that neither counts against it."""
    wsinfer_run.get_pretrained_torch_module = lambda model: network
    wsinfer_run.jit_compile = lambda model: model


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
