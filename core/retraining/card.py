"""The papers inside a training set: splits and proof, recipe, card, README and checksums."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.domain.datasets import LeftOutPatch, PatchSize, Split, TrainingSet
from core.domain.errors import RunDamaged
from core.domain.quality import Concerns, concerns_to_plain
from core.domain.recipe import Recipe
from core.domain.stages import STAGE_NAMES
from core.preprocess.quality import QUALITY_VERSION
from core.retraining.isolation import IsolationProof
from core.retraining.manifest import NOT_HASHED, WrittenPatch
from core.retraining.splits import stages_by_split

DEMO_MARK = "DEMO: drawn by a program, not real tissue; a model trained on it says nothing about real livers"
COLOURS = (
    "sRGB as scanned (ICC profile applied where the file carries one), not stain-normalised; "
    "normalise with the recipe's stain method when training"
)
_LIBRARIES = ("numpy", "openslide-python", "pillow", "pyarrow")
_README = """Fibroread training set
{mark}
Patches of {side_px} x {side_px} pixels at {mpp:g} um per pixel, RGB, {colours}.
Stages: Kleiner / NASH-CRN, {stages}. Split by {isolation}; seed {seed}. {n_patches} patches, {n_subjects} subjects.
Content {content}

manifest.parquet  one row a patch        splits.json  sides, balance, proof of isolation
patches/STAGE/    the images             recipe.json  what was cut, and how it is to be coloured
card.json         counts, what was left out and why, versions
checksums.txt     `sha256sum -c checksums.txt` checks every file

With pandas and Pillow:

    import pandas as pd
    from PIL import Image

    manifest = pd.read_parquet("manifest.parquet")
    train = manifest[manifest["split"] == "train"]
    image, stage = Image.open(train["file"].iloc[0]).convert("RGB"), train["stage"].iloc[0]

With torchvision, one side at a time (classes are the folders, in the order of the stages that occur):

    from torchvision.datasets import ImageFolder

    names = {{name.rsplit("/", 1)[1] for name in train["file"]}}
    dataset = ImageFolder(
        "patches", is_valid_file=lambda path: path.replace("\\\\", "/").rsplit("/", 1)[1] in names, allow_empty=True
    )

Use the sides as they are: sections of one animal are not independent, and no animal is on two sides.
The content hash is SHA-256 over the line `training-set-1` and one line of JSON with sorted keys for each row of the
manifest in the order of `file`, without the columns {not_hashed}.
"""


def write_splits(path: Path, summary: TrainingSet, proof: IsolationProof, written: Iterable[WrittenPatch]) -> None:
    """Write who is on which side, how the stages lie, and the proof that no subject is on two."""
    balance = {
        side.value: dict(zip(STAGE_NAMES, counts, strict=True))
        for side, counts in stages_by_split(one.patch for one in written)
    }
    asked = {side.value: share for side, share in zip(Split, summary.fractions, strict=True)}
    _write_json(
        path,
        {
            "isolated_by": summary.isolation.value,
            "seed": summary.seed,
            "fractions_asked": asked,
            "fractions_found": {side: number / summary.n_patches for side, number in summary.by_split},
            "patches_by_stage": balance,
            "proof_of_isolation": proof.to_json(),
        },
    )


def write_recipe(path: Path, size: PatchSize, recipes: Sequence[Recipe]) -> None:
    """Write what was cut, and every recipe that a patch was read under."""
    plain = {recipe.hash: recipe.to_json() for recipe in recipes}
    _write_json(
        path, {"patch_px": size.side_px, "mpp": size.mpp, "stain_applied": "none", "colours": COLOURS, "recipes": plain}
    )


def write_card(
    folder: Path, summary: TrainingSet, left_out: Sequence[LeftOutPatch], slide_concerns: Mapping[str, Concerns]
) -> None:
    """Write card.json and README.txt: counts, versions, what was left out and why, and how to open the set."""
    quality = {
        "version": QUALITY_VERSION,
        "slides_with_concerns": {name: concerns_to_plain(concerns) for name, concerns in slide_concerns.items()},
    }
    _write_json(folder / "card.json", {**_card(summary, left_out), "quality_gate": quality})
    text = _README.format(
        mark=f"{DEMO_MARK}.\n" if summary.is_demo else "",
        side_px=summary.patch_size.side_px,
        mpp=summary.patch_size.mpp,
        colours=COLOURS,
        stages=", ".join(STAGE_NAMES),
        isolation=summary.isolation.value,
        seed=summary.seed,
        n_patches=summary.n_patches,
        n_subjects=summary.n_subjects,
        content=summary.content_sha256,
        not_hashed=" and ".join(NOT_HASHED),
    )
    (folder / "README.txt").write_text(text, encoding="utf-8")


def _card(summary: TrainingSet, left_out: Sequence[LeftOutPatch]) -> dict[str, object]:
    return {
        "kind": "Fibroread training set",
        "format_version": 1,
        "mark": DEMO_MARK if summary.is_demo else None,
        "is_demo": summary.is_demo,
        "content_sha256": summary.content_sha256,
        "isolated_by": summary.isolation.value,
        "seed": summary.seed,
        "n_patches": summary.n_patches,
        "n_slides": summary.n_slides,
        "n_subjects": summary.n_subjects,
        "n_sites": summary.n_sites,
        "by_split": dict(summary.by_split),
        "by_stage": dict(summary.by_stage),
        "left_out": {
            "by_reason": dict(summary.left_out),
            "patches": [
                {
                    "slide_id": one.slide_id,
                    "slide": one.slide_name,
                    "patch": one.patch_index,
                    "reason": one.reason.value,
                }
                for one in left_out
            ],
        },
        "colours": COLOURS,
        "software": {
            "fibroread": summary.code_version,
            **{library: importlib.metadata.version(library) for library in _LIBRARIES},
        },
        "written_by": summary.written_by,
        "written_at": summary.written_at.isoformat(),
    }


def write_checksums(folder: Path, written: Sequence[WrittenPatch]) -> None:
    """Write the SHA-256 of every file as it lies on disk; RunDamaged when an image is not what was written."""
    expected = {one.patch.file_name: one.png_sha256 for one in written}
    lines: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if expected.get(name, found) != found:
            raise RunDamaged(f"{name} reads back differently than it was written. Check the disk and export again.")
        lines.append(f"{found}  {name}\n")
    (folder / "checksums.txt").write_text("".join(lines), encoding="utf-8")


def _write_json(path: Path, plain: dict[str, object]) -> None:
    path.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
