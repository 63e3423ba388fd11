"""The images of the frozen test: what is learned from may hold no near-duplicate of them.

A copy of a test slide under another animal's name would have a model examined on what it learned. It is looked for as
between the sides of one set, by the same function and threshold; how the test's images look is worked out once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from core.agreement.bootstrap import Progress, unheard
from core.domain.datasets import Split
from core.domain.errors import BadTrainingSet, CopiesFrozenTest, RunDamaged, UserMustAct
from core.retraining.isolation import SideRow
from core.retraining.looks import KeptLooks, read_row
from core.retraining.manifest import content_sha256, read_manifest, side_rows
from core.retraining.near_duplicates import SAME_FROM, Comparison, Rgb, Shrunk, compare

_LEARNED, _FROZEN = "learned from", "frozen test"
_READ = 0.8
"""By which share of the whole the pixels of a set have been looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenSet:
    """Which test is frozen: its name in words, its set's content and folder, and where looks are kept."""

    name: str
    content_sha256: str
    folder: str
    looks_dir: str

    def to_json(self) -> str:
        """Write it for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """Images that would be learned from: their rows with hashes, their structures, and their pixels by place."""

    rows: Sequence[SideRow]
    shrunk: Sequence[Shrunk]
    image: Callable[[int], Rgb]


class FrozenImages:
    """The test side of the frozen set, to compare with."""

    def __init__(self, frozen: FrozenSet, progress: Progress = unheard) -> None:
        """Open it; `progress` hears the share that is read where its looks are not kept.

        Raises: UserMustAct when the set is not there as it was frozen: without it nothing can be proved.
        """
        self.frozen, self._folder = frozen, Path(frozen.folder)
        try:
            rows = read_manifest(self._folder / "manifest.parquet")
        except (OSError, RunDamaged, ValueError) as error:
            raise self._lost(f"its manifest cannot be read: {error}") from error
        if content_sha256(rows) != frozen.content_sha256:
            raise self._lost("its manifest is not the one that was frozen")
        self._rows = tuple(row for row in rows if row["split"] == Split.TEST.value)
        self.places = side_rows(self._rows)
        looks = KeptLooks(Path(frozen.looks_dir))
        try:
            self._looks = looks.of(self._folder, f"{frozen.content_sha256} test", self._rows, progress)
        except BadTrainingSet as error:
            raise self._lost(error.problem) from error
        self._by_pixels = {row.image: row for row in self.places}
        self._slides = {row.slide_id: row for row in self.places}

    def refuse_slides(self, rows: Sequence[SideRow]) -> None:
        """Refuse patches of a slide of the test, whatever animal the slide is said to be of now.

        Raises: CopiesFrozenTest.
        """
        found = {row.slide_id: row for row in rows if row.slide_id in self._slides}
        self._refuse([f"{one.place} of the same slide as {self._slides[name].place}" for name, one in found.items()])

    def prove_apart(self, learned: Learned, progress: Progress = unheard) -> Comparison:
        """Give what was compared when no image is of a slide of the test, has pixels of it, or nearly.

        Raises: CopiesFrozenTest, naming patches and animals of both.
        """
        rows = learned.rows
        self.refuse_slides(rows)
        same = [(row, self._by_pixels[row.image]) for row in rows if row.image in self._by_pixels]
        self._refuse([f"{row.place} with the very pixels of {other.place}" for row, other in same])
        n = len(rows)
        found = compare(
            [*(_LEARNED for _ in rows), *(_FROZEN for _ in self.places)],
            [*(row.perceptual for row in rows), *self._looks.hashes],
            [*learned.shrunk, *self._looks.shrunk],
            lambda place: learned.image(place) if place < n else read_row(self._folder, self._rows[place - n]),
            progress,
        )
        pairs = [(min(one.first, one.second), max(one.first, one.second), one.correlation) for one in found.found]
        self._refuse(
            [
                f"{rows[place].place} like {self.places[frozen - n].place} at correlation {alike:.2f}"
                for place, frozen, alike in pairs
            ]
        )
        return found

    def stated(self, found: Comparison) -> dict[str, object]:
        """Give what was compared as papers hold it."""
        return {"frozen_test": self.frozen.name, "set_sha256": self.frozen.content_sha256, **found.to_json()}

    def _refuse(self, pairs: Sequence[str]) -> None:
        if pairs:
            raise CopiesFrozenTest(self.frozen.name, tuple(pairs), SAME_FROM)

    def _lost(self, problem: str) -> UserMustAct:
        return UserMustAct(
            f"Nothing can be compared with {self.frozen.name}: {problem}. Put its folder {self._folder} back as it was "
            "frozen, or freeze another test. Until then no set is written and nothing is trained."
        )


def prove_set_apart(
    frozen: FrozenSet, folder: Path, set_sha256: str, tell: Callable[[float, str], None]
) -> dict[str, object]:
    """Prove of a written set, by its pixels, that its training and validation sides copy nothing of the frozen test.

    `tell` hears the share that is done and what is done.
    Raises: CopiesFrozenTest, naming patches and animals of both; BadTrainingSet, UserMustAct where that cannot be told.
    """
    images = FrozenImages(frozen, lambda share: tell(0.0, f"reading {frozen.name}, {share:.0%}"))
    rows = [row for row in read_manifest(folder / "manifest.parquet") if row["split"] != Split.TEST.value]

    def reading(share: float) -> None:
        tell(_READ * share, f"looking at {len(rows)} patches")

    looks = KeptLooks(Path(frozen.looks_dir)).of(folder, f"{set_sha256} learned", rows, reading)
    found = images.prove_apart(
        Learned(
            rows=[replace(row, perceptual=one) for row, one in zip(side_rows(rows), looks.hashes, strict=True)],
            shrunk=looks.shrunk,
            image=lambda place: read_row(folder, rows[place]),
        ),
        lambda share: tell(_READ + (1.0 - _READ) * share, f"looking for copies of {frozen.name}"),
    )
    return images.stated(found)
