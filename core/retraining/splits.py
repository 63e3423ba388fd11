"""Sides of a training set that never cut a subject, or a site."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.domain.datasets import Isolation, Split, TrainingPatch
from core.domain.errors import NothingToDo, TooFewSubjects
from core.domain.stages import N_STAGES
from core.retraining.selection import ExportRequest

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_SMALLEST_GAIN = 1e-9
_Side = tuple[Split, int]
_TRAINING: _Side = (Split.TRAIN, 0)


def assign_splits(
    patches: Sequence[TrainingPatch], request: ExportRequest, held_out: frozenset[str] = frozenset()
) -> tuple[TrainingPatch, ...]:
    """Give every patch a side; whole subjects, or whole sites or scanners with all their subjects, go to one side.

    Subjects that are held out go to the test side whatever is drawn, and whole sites or scanners with them.

    A greedy choice in an order drawn by the seed, then single moves while they help. What it makes small is
    the chi-square distance of patches by stage, and of the number of subjects, from the fractions asked for. Folds
    are dealt in the same way, in equal parts of what the test side leaves; the first is the validation side.
    Weak patches weigh nothing beside read ones: those of units without a read patch train and are in no fold.
    Source: the balance of Sechidis 2011 (iterative stratification), here with whole groups.
    Raises: NothingToDo, TooFewSubjects.
    """
    if not patches:
        raise NothingToDo("No patch can go into a training set: no read of a patch counts. See what is left out.")
    unit_of = _unit_names(patches, request.isolation)
    has_read = not all(patch.is_weak for patch in patches)
    weighing = [not (patch.is_weak and has_read) for patch in patches]
    dealt = [(patch, unit) for patch, unit, weighs in zip(patches, unit_of, weighing, strict=True) if weighs]
    kept = {unit for patch, unit in zip(patches, unit_of, strict=True) if patch.subject_key in held_out}
    side_of = _deal([patch for patch, _ in dealt], [unit for _, unit in dealt], request, kept)
    side_of |= dict.fromkeys(kept, (Split.TEST, 0))
    return tuple(
        replace(patch, split=side_of.get(unit, _TRAINING)[0], fold=side_of.get(unit, _TRAINING)[1])
        for patch, unit in zip(patches, unit_of, strict=True)
    )


def weak_held_out(patches: Sequence[TrainingPatch]) -> list[bool]:
    """Say of patches with a side which carry a weak stage where read ones are held out: none of these may be judged by.

    Where a set has weak patches alone they are on every side.
    """
    if all(patch.is_weak for patch in patches):
        return [False] * len(patches)
    return [patch.is_weak and (patch.split is not Split.TRAIN or patch.fold > 0) for patch in patches]


def _deal(
    patches: Sequence[TrainingPatch], unit_of: Sequence[str], request: ExportRequest, kept: set[str]
) -> dict[str, _Side]:
    """Give the side of each unit; those kept for the test count there from the start."""
    units = sorted(set(unit_of), key=lambda unit: hashlib.sha256(f"{request.seed}\n{unit}".encode()).digest())
    sides = _sides(request)
    places = [side for side, _ in sides]
    fixed = np.array([places.index((Split.TEST, 0)) if unit in kept else -1 for unit in units], np.int64)
    n_needed = len(sides) - (1 if (fixed >= 0).any() else 0)
    if (fixed < 0).sum() < n_needed:
        raise TooFewSubjects(request.isolation.value, n_needed=n_needed, n_found=int((fixed < 0).sum()))
    counts = _count_stages(patches, unit_of, units)
    chosen = _balance(counts, np.array([share for _, share in sides]), fixed)
    return {unit: sides[number][0] for unit, number in zip(units, chosen, strict=True)}


def _sides(request: ExportRequest) -> list[tuple[_Side, float]]:
    """Give every side, with its fold, and its share of the patches."""
    shares = dict(zip(Split, request.fractions, strict=True))
    if not request.n_folds:
        return [((side, 0), share) for side, share in shares.items() if share > 0]
    part = (1 - shares[Split.TEST]) / request.n_folds
    folds = range(1, request.n_folds + 1)
    test = [((Split.TEST, 0), shares[Split.TEST])] if shares[Split.TEST] > 0 else []
    return [((Split.VALIDATION if fold == 1 else Split.TRAIN, fold), part) for fold in folds] + test


def stages_by_split(patches: Iterable[TrainingPatch]) -> tuple[tuple[Split, tuple[int, ...]], ...]:
    """Count the patches of each stage, in the order of stages, on every side that has any."""
    counts: dict[Split, list[int]] = {}
    for patch in patches:
        if patch.split is not None:
            counts.setdefault(patch.split, [0] * N_STAGES)[patch.stage.index] += 1
    return tuple((side, tuple(counts[side])) for side in Split if side in counts)


def stages_by_fold(patches: Iterable[TrainingPatch]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Count the patches of each stage in every fold, in order; empty without folds."""
    counts: dict[int, list[int]] = {}
    for patch in patches:
        if patch.fold:
            counts.setdefault(patch.fold, [0] * N_STAGES)[patch.stage.index] += 1
    return tuple((fold, tuple(counts[fold])) for fold in sorted(counts))


def largest_imbalance(by_side: Iterable[tuple[object, Sequence[int]]]) -> float:
    """Give the largest difference between a stage's share on a side and its share of all; 0 is perfect balance."""
    counts = np.array([row for _, row in by_side], np.float64).reshape(-1, N_STAGES)
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        return 0.0
    shares = counts / counts.sum(axis=1, keepdims=True)
    return float(np.abs(shares - counts.sum(axis=0) / counts.sum()).max())


def _unit_names(patches: Sequence[TrainingPatch], isolation: Isolation) -> list[str]:
    """Name what must stay together for each patch; sites, or scanners, that share a subject are one unit."""
    if isolation is Isolation.SUBJECT:
        return [patch.subject_key for patch in patches]
    keys = [patch.site_key if isolation is Isolation.SITE else patch.scanner_key for patch in patches]
    unit_of_key = {key: key for key in keys}
    keys_of: defaultdict[str, set[str]] = defaultdict(set)
    for patch, key in zip(patches, keys, strict=True):
        keys_of[patch.subject_key].add(key)
    for shared in keys_of.values():
        joined = {unit_of_key[key] for key in shared}
        unit_of_key = {key: min(joined) if unit in joined else unit for key, unit in unit_of_key.items()}
    return [unit_of_key[key] for key in keys]


def _count_stages(patches: Sequence[TrainingPatch], unit_of: Sequence[str], units: Sequence[str]) -> FloatArray:
    """Count patches: units x (stages that occur, then 1 for the unit itself)."""
    number = {unit: row for row, unit in enumerate(units)}
    counts = np.zeros((len(units), N_STAGES + 1))
    for patch, unit in zip(patches, unit_of, strict=True):
        counts[number[unit], patch.stage.index] += 1
    counts[:, N_STAGES] = 1
    return counts[:, counts.any(axis=0)]


def _balance(counts: FloatArray, fractions: FloatArray, fixed: IntArray) -> IntArray:
    """Choose a side number for each unit but those that are `fixed` (-1: not); every side gets at least one."""
    wanted = fractions[:, None] * counts.sum(axis=0)  # sides x columns
    chosen, free = fixed.copy(), np.flatnonzero(fixed < 0)
    filled = np.zeros_like(wanted)
    np.add.at(filled, fixed[fixed >= 0], counts[fixed >= 0])
    for number, unit in enumerate(free.tolist()):
        n_left, empty = len(free) - number, np.flatnonzero(~filled.any(axis=1))
        open_sides = empty if len(empty) >= n_left else np.arange(len(fractions))
        best = open_sides[np.argmin(_gain(counts[unit], filled, wanted)[open_sides])]
        chosen[unit], filled[best] = best, filled[best] + counts[unit]
    while (move := _best_move(counts, chosen, filled, wanted, fixed >= 0)) is not None:
        unit, side = move
        filled[chosen[unit]] -= counts[unit]
        filled[side] += counts[unit]
        chosen[unit] = side
    return chosen


def _gain(row: FloatArray, filled: FloatArray, wanted: FloatArray) -> FloatArray:
    """Give by how much the distance grows when a unit joins each side."""
    return np.asarray((((filled + row - wanted) ** 2 - (filled - wanted) ** 2) / wanted).sum(axis=1))


def _best_move(
    counts: FloatArray, chosen: IntArray, filled: FloatArray, wanted: FloatArray, stays: npt.NDArray[np.bool_]
) -> tuple[int, int] | None:
    """Give the (unit, side) that lowers the distance most without emptying a side; None when none does."""
    n_units_on = np.bincount(chosen, minlength=len(filled))
    off = (filled - wanted)[None]  # 1 x sides x columns
    joining = (((off + counts[:, None]) ** 2 - off**2) / wanted).sum(axis=2)  # units x sides
    here = (filled - wanted)[chosen]
    leaving = (((here - counts) ** 2 - here**2) / wanted[chosen]).sum(axis=1)
    change = joining + leaving[:, None]
    change[np.arange(len(chosen)), chosen] = 0.0
    change[n_units_on[chosen] == 1] = 0.0
    change[stays] = 0.0
    unit, side = np.unravel_index(int(change.argmin()), change.shape)
    return (int(unit), int(side)) if change[unit, side] < -_SMALLEST_GAIN else None
