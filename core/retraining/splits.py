"""Sides of a training set that never cut a subject, or a site."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from core.domain.datasets import Isolation, Split, TrainingPatch
from core.domain.errors import NothingToDo, TooFewSubjects
from core.domain.stages import N_STAGES
from core.retraining.balance import balanced, weighed
from core.retraining.selection import ExportRequest
from core.retraining.side_sizes import sides_asked

_Side = tuple[Split, int]
_TRAINING: _Side = (Split.TRAIN, 0)


def assign_splits(
    patches: Sequence[TrainingPatch], request: ExportRequest, held_out: frozenset[str] = frozenset()
) -> tuple[TrainingPatch, ...]:
    """Give every patch a side; whole subjects, or whole sites or scanners with all their subjects, go to one side.

    Subjects that are held out go to the test side whatever is drawn, and whole sites or scanners with them.

    A greedy choice in an order drawn by the seed, then moves and exchanges while they help. What it makes small is the
    chi-square distance from the fractions asked for: of subjects first, then of patches, then of both by stage
    (`balance`). Folds are dealt in the same way, in equal parts of what the test side leaves; the first is the
    validation side.
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
    sides = sides_asked(request.fractions, request.n_folds)
    places = [side for side, _ in sides]
    fixed = np.array([places.index((Split.TEST, 0)) if unit in kept else -1 for unit in units], np.int64)
    n_needed = len(sides) - (1 if (fixed >= 0).any() else 0)
    if (fixed < 0).sum() < n_needed:
        raise TooFewSubjects(request.isolation.value, n_needed=n_needed, n_found=int((fixed < 0).sum()))
    counts, weights = weighed(patches, unit_of, units)
    chosen = balanced(counts, weights, np.array([share for _, share in sides]), fixed)
    return {unit: sides[number][0] for unit, number in zip(units, chosen, strict=True)}


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
