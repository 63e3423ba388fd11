"""The proof of a whole set, made again of what lies there: before its test side is frozen, nothing is taken on trust.

Covered: every file is as it was written and belongs to the set, the manifest hashes to the content that the card
states, every image has the pixels of its row, no subject, slide or image is on two sides, and no near-duplicate is, by
hashes worked out anew from the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.domain.datasets import Counts, Split, count
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.stages import STAGE_NAMES
from core.retraining.images import read_png
from core.retraining.isolation import prove_images_apart
from core.retraining.looks import Look, looks_of
from core.retraining.manifest import read_manifest, side_rows
from core.retraining.open_set import open_set

Tell = Callable[[float, str], None]
_FILES, _PIXELS = 0.1, 0.6
"""By which share of the whole the files, and the pixels, have been looked at."""
FEWEST_ANIMALS = 2
"""Of a frozen test: fewer give no interval, and so no evidence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvedTest:
    """The test side of a set of which everything was proved again; `proof` says what was compared."""

    set_sha256: str
    is_demo: bool
    n_patches: int
    by_stage: Counts
    animals: tuple[str, ...]
    proof: dict[str, object]

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def prove_test(folder: Path, tell: Tell) -> ProvedTest:
    """Prove a set again and give its test side; `tell` hears the share that is done and what is done.

    Raises: NothingToDo for no set or one without test animals, UserMustAct for one test animal alone, BadTrainingSet,
    LeakingSplit.
    """
    tell(0.0, "checking the files")
    opened = open_set(folder, lambda share: tell(share * _FILES, "checking the files"))
    test = opened.side(Split.TEST)
    if not test:
        raise NothingToDo(f"{folder} has no test animals. Export a set with a test share.")
    if len({patch.subject for patch in test}) < FEWEST_ANIMALS:
        raise UserMustAct(
            f"{folder} has one test animal. No interval comes from drawing one animal again, so that no examination "
            "on it could carry a promotion. Export a set with more test animals."
        )
    rows = read_manifest(folder / "manifest.parquet")
    found: list[Look] = []
    for looked in looks_of(folder, rows):
        found.append(looked)
        tell(_FILES + (_PIXELS - _FILES) * len(found) / len(rows), f"reading patch {len(found)} of {len(rows)}")
    apart = prove_images_apart(
        [replace(row, perceptual=hashed) for row, (hashed, _) in zip(side_rows(rows), found, strict=True)],
        [shrunk for _, shrunk in found],
        lambda place: read_png(folder / str(rows[place]["file"])),
        lambda share: tell(_PIXELS + (1.0 - _PIXELS) * share, "looking for near-duplicates"),
    )
    return ProvedTest(
        set_sha256=opened.content_sha256,
        is_demo=opened.is_demo,
        n_patches=len(test),
        by_stage=count((patch.stage.value for patch in test), STAGE_NAMES),
        animals=tuple(sorted({patch.subject for patch in test})),
        proof={"isolated_by": opened.isolation.value, "n_patches": len(rows), "near_duplicates": apart.to_json()},
    )
