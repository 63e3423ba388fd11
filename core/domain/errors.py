"""Every error of ours, by who must act.

FibroreadError
├── UserMustAct            the input has to change
│   ├── BadTable           a table that cannot be read as what it should be
│   ├── BadSlide           a file that is no readable slide
│   ├── SlideChanged       the file under a known name has other content now
│   ├── MppMissing         microns per pixel are not known; a person must state them
│   ├── OutsideRecipe      the slide cannot be resampled to the recipe, or the recipe is refused
│   ├── BadModel           a model folder whose card and weights do not fit
│   ├── BadRead            a read that cannot be recorded as it was asked for
│   ├── BadProtocol        a study protocol with a field that is wrong
│   ├── BadGuide           a version or an example of the annotation guide that cannot be taken
│   ├── OutOfOrder         a step of a study read that is not due
│   ├── BadRegion          a region, or a feature of a file, that cannot be one
│   ├── LeakingSplit       a training set that would put one subject on both sides
│   ├── CopiesFrozenTest   a training set that would have copies of the frozen test learned from
│   ├── BadTrainingSet     a folder that is no whole training set
│   ├── BadConfiguration   a training that cannot be done as it was asked for
│   ├── TooFewSubjects     a training set that has not enough subjects, or sites, for its splits
│   ├── FolderTaken        a folder to write into that holds something already
│   ├── NotPermitted       this person may not do this
│   └── NothingToDo        the request is empty
├── TryAgain               someone must wait or retry
│   ├── StoreHeld          another process owns the database
│   ├── WorkerLost         the inference worker ended
│   ├── Cancelled          a person stopped it before it ended; nothing of it was kept
│   └── Unreachable        a download that was asked for cannot be made from here
└── InvariantBroken        we, or the disk, broke a promise
    ├── AuditBroken        the hash chain of the audit log does not hold
    └── RunDamaged         stored results do not fit their record
"""

from __future__ import annotations

from pathlib import Path

_MOST_NAMED = 10


class FibroreadError(Exception):
    """Say what happened, to which thing, and what to do next."""


class UserMustAct(FibroreadError):
    """The input has to change."""


class TryAgain(FibroreadError):
    """Someone must wait or retry."""


class InvariantBroken(FibroreadError):
    """A promise of ours does not hold."""


class BadTable(UserMustAct):
    """A table cannot be read; `line` and `column` say where, counted from 1 with the header as line 1."""

    def __init__(self, path: Path | str, problem: str, *, line: int | None = None, column: str | None = None) -> None:
        self.path, self.problem, self.line, self.column = path, problem, line, column
        where = "".join([f", line {line}" if line else "", f", column '{column}'" if column else ""])
        super().__init__(f"{path}{where}: {problem}")


class BadSlide(UserMustAct):
    """A file is no readable slide; `reason` says why."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{Path(path).name}: {reason}")


class SlideChanged(UserMustAct):
    """The file of a registered slide has other content now; its results are not shown for it."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        super().__init__(
            f"{Path(path).name} changed on disk since it was registered. "
            "Restore the file, or import the folder again to register the new content as a new slide."
        )


class MppMissing(UserMustAct):
    """Microns per pixel are missing or not to be trusted."""

    def __init__(self, slide_name: str, reason: str) -> None:
        self.slide_name, self.reason = slide_name, reason
        super().__init__(
            f"{slide_name}: {reason}. State the microns per pixel on the Slides page, "
            "or import with --mpp; measuring and inference wait until then."
        )


class OutsideRecipe(UserMustAct):
    """A slide or a setting lies outside what the recipe allows."""


class BadModel(UserMustAct):
    """A model whose card and weights do not fit."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"Model {path}: {reason}")


class BadRead(UserMustAct):
    """A read that cannot be recorded as it was asked for."""


class BadProtocol(UserMustAct):
    """A study protocol cannot be taken; `field` says which field is wrong and `problem` how."""

    def __init__(self, field: str, problem: str) -> None:
        self.field, self.problem = field, problem
        super().__init__(f"Protocol, {field}: {problem}.")


class BadGuide(UserMustAct):
    """A version or an example of the annotation guide cannot be taken."""


class OutOfOrder(UserMustAct):
    """A step of a study read that is not due: a final read before the first, a second pass before its washout."""


class BadRegion(UserMustAct):
    """A region cannot be recorded as it was asked for; `feature` counts from 1 in the file that it came in."""

    def __init__(self, problem: str, *, feature: int | None = None) -> None:
        self.problem, self.feature = problem, feature
        super().__init__(problem if feature is None else f"Feature {feature}: {problem} Nothing was imported.")


class LeakingSplit(UserMustAct):
    """A training set that would put one subject, site, scanner or image on two sides; `names` are the offenders."""

    def __init__(self, kind: str, names: tuple[str, ...], where: str) -> None:
        self.kind, self.names, self.where = kind, names, where
        further = len(names) - _MOST_NAMED
        shown = ", ".join(names[:_MOST_NAMED]) + (f" and {further} more" if further > 0 else "")
        super().__init__(
            f"The {kind} {shown} would be in {where} at once. Nothing was written. "
            "Correct the slides' subjects and sites, or leave these patches out, and export again."
        )


class CopiesFrozenTest(UserMustAct):
    """What would be learned from holds images of the frozen test, or nearly; `pairs` name patches and animals of both.

    Args: same_from: the correlation of fine structure that two images are the same tissue from.
    """

    def __init__(self, test_name: str, pairs: tuple[str, ...], same_from: float) -> None:
        self.test_name, self.pairs = test_name, pairs
        further = len(pairs) - _MOST_NAMED
        shown = ", ".join(pairs[:_MOST_NAMED]) + (f" and {further} more" if further > 0 else "")
        super().__init__(
            f"Images of {test_name} would be learned from: {shown}. The same tissue is meant from a correlation of "
            f"{same_from} on. Nothing was written or trained. Correct the slide's subject where both are one animal, "
            "or leave these patches out, and export again."
        )


class BadTrainingSet(UserMustAct):
    """A folder is no whole training set; `path` is the set and `problem` names the file or row that is wrong."""

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"Training set {path}: {problem}. Export the set again; nothing was trained.")


class BadConfiguration(UserMustAct):
    """A training cannot be done as it was asked for."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"Training configuration: {problem}.")


class TooFewSubjects(UserMustAct):
    """A training set has fewer `unit`s (subjects or sites) than splits to fill."""

    def __init__(self, unit: str, *, n_needed: int, n_found: int) -> None:
        self.unit, self.n_needed, self.n_found = unit, n_needed, n_found
        super().__init__(
            f"The splits need patches of at least {n_needed} different {unit}s, and there are {n_found}. "
            f"Read patches of more {unit}s, or ask for fewer splits (fractions 0.7,0,0.3 do without validation)."
        )


class FolderTaken(UserMustAct):
    """The folder to write into holds something already, or is a file."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        super().__init__(f"{path} exists and is not an empty folder. Name a new one; nothing is ever overwritten.")


class NotPermitted(UserMustAct):
    """This person may not do this."""


class NothingToDo(UserMustAct):
    """The request names nothing that could be done."""


class StoreHeld(TryAgain):
    """Another process owns the database file."""

    def __init__(self, path: Path | str, holder: str) -> None:
        self.path, self.holder = path, holder
        super().__init__(
            f"The store {path} is held by {holder}. Close the running app (or use its pages), then try again."
        )


class WorkerLost(TryAgain):
    """The inference worker ended before it answered."""


class Cancelled(TryAgain):
    """A person stopped the work before it ended; nothing of it was kept."""


class Unreachable(TryAgain):
    """Something a person asked to download cannot be reached from this machine."""


class AuditBroken(InvariantBroken):
    """The audit chain does not hold from `entry` on."""

    def __init__(self, entry: int, problem: str) -> None:
        self.entry, self.problem = entry, problem
        super().__init__(f"Audit entry {entry}: {problem}. Restore the store from a backup taken before it.")


class RunDamaged(InvariantBroken):
    """Stored results do not fit their record."""
