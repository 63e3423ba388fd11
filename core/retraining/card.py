"""The papers inside a training set: splits and proof, recipe, card, README and checksums."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.cautions import Caution
from core.domain.choices import Choice
from core.domain.datasets import WEAK, LeftOutPatch, PatchSize, Split, TrainingSet
from core.domain.errors import RunDamaged
from core.domain.quality import Concerns, concerns_to_plain
from core.domain.recipe import Recipe
from core.domain.stages import STAGE_NAMES
from core.preprocess.quality import QUALITY_VERSION
from core.retraining.balance import METHOD
from core.retraining.changes import SetChanges
from core.retraining.manifest import NOT_HASHED, WrittenPatch
from core.retraining.side_sizes import SideSize
from core.retraining.splits import largest_imbalance, stages_by_fold, stages_by_split

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
{cautions}
manifest.parquet  one row a patch        splits.json  sides, folds, balance, proof of isolation
patches/STAGE/    images that were read  recipe.json  what was cut, and how it is to be coloured
weak/STAGE/       images that carry the stage of their slide; only where that was asked for
card.json         the selection, counts, what was left out and why, versions
changes.json      what was added, removed, relabelled or moved since the parent set
checksums.txt     `sha256sum -c checksums.txt` checks every file

With pandas and Pillow:

    import pandas as pd
    from PIL import Image

    manifest = pd.read_parquet("manifest.parquet")
    train = manifest[(manifest["split"] == "train"){only_read}]
    image, stage = Image.open(train["file"].iloc[0]).convert("RGB"), train["stage"].iloc[0]

With torchvision, one side at a time (classes are the folders, in the order of the stages that occur):

    from torchvision.datasets import ImageFolder

    names = {{name.rsplit("/", 1)[1] for name in train["file"]}}
    dataset = ImageFolder(
        "{folder}", is_valid_file=lambda path: path.replace("\\\\", "/").rsplit("/", 1)[1] in names, allow_empty=True
    )

Use the sides as they are: sections of one animal are not independent, and no animal is on two sides. Where there are
folds, `fold` counts from 1, and 0 is in none: the test side, or weak patches that every fold trains on; `split` takes
fold 1 for validation. {weak}
`votes` is a JSON list of how many readers gave each stage; `guide_version` and `confidence` 0: none is stated.
The content hash is SHA-256 over the line `training-set-1` and one line of JSON with sorted keys for each row of the
manifest in the order of `file`, without the columns {not_hashed}; what is not stated is null.
"""
_WEAK_APART = "Weak patches (`is_weak`) train only: nothing held out is judged by them."
_WEAK_ALONE = (
    "All patches here are weak: they carry the stage of their slide, on every side; nobody staged a patch itself."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CardFacts:
    """What a card says beside the summary. `changes` None: there was nothing to compare with.

    `cautions`: what has to be known of the calls that readers had in sight, each with how many patches it is of.
    """

    choice: Choice
    left_out: Sequence[LeftOutPatch]
    slide_concerns: Mapping[str, Concerns]
    cautions: Mapping[Caution, int]
    changes: SetChanges | None


def write_splits(
    path: Path,
    summary: TrainingSet,
    proof: Mapping[str, object],
    written: Sequence[WrittenPatch],
    sizes: Sequence[SideSize],
) -> None:
    """Write what is on which side, how the stages lie, and the proof that no subject is on two."""
    by_split = stages_by_split(one.patch for one in written)
    by_fold = stages_by_fold(one.patch for one in written)
    balance = {side.value: dict(zip(STAGE_NAMES, counts, strict=True)) for side, counts in by_split}
    folds = {f"fold {fold}": dict(zip(STAGE_NAMES, counts, strict=True)) for fold, counts in by_fold}
    asked = {side.value: share for side, share in zip(Split, summary.fractions, strict=True)}
    _write_json(
        path,
        {
            "isolated_by": summary.isolation.value,
            "seed": summary.seed,
            "fractions_asked": asked,
            "sides": {size.name: size.to_plain() for size in sizes},
            "cautions": list(summary.cautions),
            "n_folds": summary.n_folds,
            "patches_by_stage": balance,
            "patches_by_stage_in_folds": folds,
            "balance": {
                "method": METHOD,
                "largest_difference_of_a_stage_share": round(largest_imbalance(by_split), 4),
                "largest_difference_of_a_stage_share_in_folds": round(largest_imbalance(by_fold), 4),
            },
            "proof_of_isolation": dict(proof),
        },
    )


def write_recipe(path: Path, size: PatchSize, recipes: Sequence[Recipe]) -> None:
    """Write what was cut, and every recipe that a patch was read under."""
    plain = {recipe.hash: recipe.to_json() for recipe in recipes}
    _write_json(
        path, {"patch_px": size.side_px, "mpp": size.mpp, "stain_applied": "none", "colours": COLOURS, "recipes": plain}
    )


def write_changes(path: Path, changes: SetChanges | None) -> None:
    """Write what is new since the parent; a set without one says so."""
    _write_json(path, {"parent_content_sha256": None} if changes is None else changes.to_json())


def write_card(folder: Path, summary: TrainingSet, facts: CardFacts) -> None:
    """Write card.json and README.txt: counts, versions, what was left out and why, and how to open the set."""
    concerns = {name: concerns_to_plain(of_slide) for name, of_slide in facts.slide_concerns.items()}
    further = {
        "quality_gate": {"version": QUALITY_VERSION, "slides_with_concerns": concerns},
        "calls_in_sight": {
            "cautions": [
                {"code": one.code.value, "sentence": one.sentence, "n_patches": n} for one, n in facts.cautions.items()
            ]
        },
        "selection": {
            "name": summary.choice_name,
            "sha256": summary.choice_sha256,
            "choice": facts.choice.to_json(),
        },
        "changes_since_parent": None
        if facts.changes is None
        else {"parent_content_sha256": facts.changes.parent_sha256, "counts": dict(facts.changes.counts)},
    }
    _write_json(folder / "card.json", {**_card(summary, facts.left_out), **further})
    is_weak_alone = summary.n_weak == summary.n_patches
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
        cautions="".join(f"{caution[0].upper()}{caution[1:]}.\n" for caution in summary.cautions),
        weak=_WEAK_ALONE if is_weak_alone else _WEAK_APART,
        only_read="" if is_weak_alone else ' & ~manifest["is_weak"]',
        folder=WEAK if is_weak_alone else "patches",
        not_hashed=", ".join(NOT_HASHED),
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
        "n_weak_patches": summary.n_weak,
        "n_folds": summary.n_folds,
        "by_split": dict(summary.by_split),
        "animals_by_side": dict(summary.animals_by_side),
        "by_stage": dict(summary.by_stage),
        "cautions": list(summary.cautions),
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
