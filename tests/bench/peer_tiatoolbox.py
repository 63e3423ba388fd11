"""One run of TIAToolbox's PatchPredictor. Runs in an environment of its own, which has none of our packages.

Usage: python peer_tiatoolbox.py REQUEST ANSWER, both JSON files. Timed from the open slide to the probabilities in its
zarr store, with the network loaded and warm. Its own tissue mask decides which patches it predicts.
"""

import importlib.metadata
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import zarr
from tiatoolbox.models.architecture.vanilla import CNNModel
from tiatoolbox.models.engine.io_config import IOPatchPredictorConfig
from tiatoolbox.models.engine.patch_predictor import PatchPredictor
from torchvision import transforms


def main(request: dict, answer: Path) -> None:
    """Predict a slide, and write down how long it took and what came out."""
    predictor = PatchPredictor(
        model=network_of(request), batch_size=request["batch"], num_workers=request["workers"], verbose=False
    )
    side_px = request["patch_px"]
    for _ in range(2):
        predictor.model.infer_batch(predictor.model, torch.zeros(request["batch"], side_px, side_px, 3), device="cpu")
    places = IOPatchPredictorConfig(
        input_resolutions=[{"units": "mpp", "resolution": request["mpp"]}],
        patch_input_shape=(side_px, side_px),
        stride_shape=(side_px, side_px),
    )
    out = Path(request["folder"]) / "stored"
    begun = time.perf_counter()
    stored = predictor.run(
        images=[Path(request["slide"])],
        patch_mode=False,
        ioconfig=places,
        save_dir=out,
        output_type="zarr",
        return_probabilities=True,
        wsireader_kwargs={"mpp": request["slide_mpp"]},
    )
    seconds = time.perf_counter() - begun
    group = zarr.open(next(iter(stored.values())), mode="r")
    probabilities = np.asarray(group["probabilities"])
    boxes = np.asarray(group["coordinates"]) * request["mpp"] / request["slide_mpp"]
    first = slice(0, request["n_checked"])
    answer.write_text(
        json.dumps(
            {
                "n_patches": len(probabilities),
                "seconds": seconds,
                "boxes": boxes[first].tolist(),
                "probabilities": probabilities[first].tolist(),
                "releases": {name: importlib.metadata.version(name) for name in ("tiatoolbox", "torch", "numpy")},
            }
        )
    )


def network_of(request: dict) -> CNNModel:
    """Give TIAToolbox's own ResNet-50 with the weights of the checkpoint, and what they expect of a patch."""
    network = CNNModel("resnet50", num_classes=request["n_classes"])
    weights = torch.load(request["weights"], map_location="cpu", weights_only=True)
    names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    moved = {
        f"feat_extract.{names.index(name.split('.')[0])}.{name.split('.', 1)[1]}": tensor
        for name, tensor in weights.items()
        if not name.startswith("fc.")
    }
    moved |= {f"classifier.{name}": weights[f"fc.{name}"] for name in ("weight", "bias")}
    network.load_state_dict(moved, strict=True)
    ready = transforms.Compose([transforms.ToTensor(), transforms.Normalize(request["mean"], request["std"])])
    network.preproc_func = lambda image: ready(image.copy()).permute(1, 2, 0)
    return network


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
