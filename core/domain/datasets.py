"""Retraining sets: the patches that reads made worth learning from, the side each is on, and the set as a whole."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from core.domain.adjudication import ConsensusRule
from core.domain.geometry import Box
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.reads import Disposition, ReadId
from core.domain.slides import SlideId
from core.domain.stages import N_STAGES, Stage

Counts = tuple[tuple[str, int], ...]
"""Names and how often each occurs, in the order they are to be shown."""


WEAK = "weak"
"""What a patch is called whose stage is its slide's."""


class Split(Enum):
    """The side of a training set that a patch is on."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Isolation(Enum):
    """What a split never cuts. By site or by scanner cuts no subject either."""

    SUBJECT = "subject"
    SITE = "site"
    SCANNER = "scanner"


class LeftOutReason(Enum):
    """Why a patch that somebody read is not in the set."""

    READERS_DIFFER = "readers differ"
    NO_CONSENSUS = "no consensus by the rule"
    TOO_FEW_READS = "fewer reads than asked for"
    OTHER_STUDY = "read in no chosen study"
    OTHER_READER = "read by no chosen reader"
    OTHER_GUIDE = "read under no chosen guide version"
    UNSURE = "read with less confidence than asked for"
    TAKEN_OUT = "taken out of this selection"
    CONCERN = "slide has a quality concern"
    EXCLUDED = "excluded by a reader"
    DEFERRED = "deferred by a reader"
    WITHDRAWN = "read taken back"
    NO_SUBJECT = "slide has no subject"
    NO_SITE = "slide has no site"
    NO_SCANNER = "slide has no scanner"
    NO_MPP = "microns per pixel are not known"
    MPP_RESTATED = "microns per pixel were stated after the read"
    NO_SLIDE = "slide is not registered"
    NO_RECIPE = "no registered model has this recipe"
    OTHER_PATCH_SIZE = "read at another patch size"
    OUTSIDE_GRID = "outside the slide's grid"
    DEMO_SLIDE = "demo slide beside real ones"
    REAL_SLIDE = "real slide, demo slides asked for"
    SLIDE_CHANGED = "slide file changed or is missing"
    UNREADABLE = "pixels cannot be read"
    QUALITY = "left out by the quality gate"
    UNJUDGED = "not judged by today's quality gate"
    REGION = "in a region that a reader excluded"
    FROZEN_TEST = "animal of the frozen test, in a set without a test side"
    WEAK_HELD_OUT = "weak stage of an animal held out"


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchSize:
    """What one pixel and one patch of a set measure; recipes that share it lay the same grid."""

    mpp: float
    side_px: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPatch:
    """One patch with the stage that its readers settled on.

    The read named is the first that gave this stage; `votes` says how many readers gave each. `guide_version` is the
    one that stood when it was made, 0: none yet. `confidence` is the lowest stated, 0: none was. A weak patch carries
    the stage of its slide, and the read named is one of the slide. `split` is None until the patch has a side; `fold`
    counts from 1, 0: in none.
    """

    slide_id: SlideId
    slide_name: str
    subject: str
    site: str | None
    stain_batch: str | None
    scanner: str | None
    patch_index: int
    box: Box
    stage: Stage
    source: Disposition
    reader_id: ReaderId
    read_id: ReadId
    rule: ConsensusRule
    votes: tuple[int, ...]
    guide_version: int
    confidence: int
    model_run: RunId | None
    recipe_hash: str
    species: str | None = None
    is_weak: bool = False
    split: Split | None = None
    fold: int = 0

    def __post_init__(self) -> None:
        if not self.source.counts or not self.subject.strip():
            raise ValueError("a training patch needs a read that counts and a subject")
        if len(self.votes) != N_STAGES or sum(self.votes) < 1:
            raise ValueError("a training patch has at least one vote, and a number of them for every stage")

    @property
    def n_readers(self) -> int:
        """Give how many readers gave a stage, not only this one."""
        return sum(self.votes)

    @property
    def source_name(self) -> str:
        """Say how the stage came about: the disposition of the read named, or 'weak'."""
        return WEAK if self.is_weak else self.source.value

    @property
    def subject_key(self) -> str:
        """Give the subject as splits compare it: capitals, width and spacing make no other animal."""
        return comparable(self.subject)

    @property
    def site_key(self) -> str:
        """Give the site as splits compare it; empty where none is stated."""
        return comparable(self.site or "")

    @property
    def scanner_key(self) -> str:
        """Give the scanner as splits compare it; empty where none is stated."""
        return comparable(self.scanner or "")

    @property
    def side(self) -> str:
        """Name what leaks are looked for between: the fold where there is one, else the split; empty for neither."""
        return side_name(self.split, self.fold) if self.split else ""

    @property
    def file_name(self) -> str:
        """Give the path of the patch inside its set; weak ones lie apart."""
        folder = WEAK if self.is_weak else "patches"
        return f"{folder}/{self.stage.value}/{self.slide_id}_{self.patch_index}.png"


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOutPatch:
    """One read patch that is not in the set, and why."""

    slide_id: SlideId
    slide_name: str
    patch_index: int
    reason: LeftOutReason


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSet:
    """A written set. `content_sha256` depends on its patches, stages and sides alone, not on time or place.

    `choice_sha256` names the selection it was made by, `choice_name` what that is kept as (None: not kept), and
    `parent_sha256` the content of the set that `changes` are counted since (None: none). `n_folds` 0: no folds.
    `cautions` say which side is too small for what it is for.
    """

    content_sha256: str
    path: Path
    isolation: Isolation
    seed: int
    fractions: tuple[float, float, float]
    patch_size: PatchSize
    n_patches: int
    n_slides: int
    n_subjects: int
    n_sites: int
    by_split: Counts
    by_stage: Counts
    left_out: Counts
    is_demo: bool
    code_version: str
    written_by: ReaderId
    written_at: datetime
    n_weak: int = 0
    n_folds: int = 0
    animals_by_side: Counts = ()
    cautions: tuple[str, ...] = ()
    choice_sha256: str = ""
    choice_name: str | None = None
    parent_sha256: str | None = None
    changes: Counts = ()


def side_name(split: Split, fold: int) -> str:
    """Name a side: the fold where there is one, else the split."""
    return f"fold {fold}" if fold else split.value


def comparable(name: str) -> str:
    """Give a name without differences that are nobody's intention."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def count(names: Iterable[str], order: Iterable[str] = ()) -> Counts:
    """Count names, those of `order` first, the others sorted; names that do not occur are left out."""
    found = Counter(names)
    first = [name for name in order if name in found]
    return tuple((name, found[name]) for name in (*first, *sorted(set(found) - set(first))))
