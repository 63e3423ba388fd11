"""Which side each animal, or whole site or scanner, goes to: animals near the fractions asked for, stages alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from core.domain.datasets import TrainingPatch
from core.domain.stages import N_STAGES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
METHOD = (
    "greedy over whole subjects (or sites, scanners) in an order drawn by the seed, then moves of one and exchanges of "
    "two while they help; least chi-square distance from the fractions asked for of animals (weight 10), patches (3), "
    "animals by stage (1) and patches by stage (1), each counted so that all of it is as many as there are animals"
)
_ANIMALS, _PATCHES, _STAGES = 10.0, 3.0, 1.0
"""Stages decide little: of one that few animals have, a small side would do best to have none, and so no animal."""
_SMALLEST_GAIN = 1e-6


def weighed(
    patches: Sequence[TrainingPatch], unit_of: Sequence[str], units: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Give what each unit counts for, (units, columns), and how much each column weighs."""
    number = {unit: row for row, unit in enumerate(units)}
    rows = np.array([number[unit] for unit in unit_of], np.int64)
    stages = np.array([patch.stage.index for patch in patches], np.int64)
    animals = {(patch.subject_key, row) for patch, row in zip(patches, rows.tolist(), strict=True)}
    staged = {(patch.subject_key, row, patch.stage.index) for patch, row in zip(patches, rows.tolist(), strict=True)}
    by_stage = [np.zeros((len(units), N_STAGES)) for _ in range(2)]
    np.add.at(by_stage[0], (rows, stages), 1.0)
    for _, row, stage in staged:
        by_stage[1][row, stage] += 1.0
    of_animals = np.bincount([row for _, row in animals], minlength=len(units))[:, None].astype(np.float64)
    groups = [of_animals, by_stage[0].sum(axis=1, keepdims=True), *by_stage]
    counts = np.hstack([group * (len(animals) / group.sum()) for group in groups])
    weights = np.repeat([_ANIMALS, _PATCHES, _STAGES, _STAGES], [group.shape[1] for group in groups])
    occurs = counts.any(axis=0)
    return counts[:, occurs], weights[occurs]


def balanced(counts: FloatArray, weights: FloatArray, fractions: FloatArray, fixed: IntArray) -> IntArray:
    """Choose a side number for each unit but those that are `fixed` (-1: not); every side gets at least one."""
    dealt = _Dealt(counts, weights, fractions, fixed)
    dealt.fill()
    while dealt.move() or dealt.exchange():
        pass
    return dealt.side_of


class _Dealt:
    """Units on their sides, and how far what the sides hold lies from what is wanted."""

    def __init__(self, counts: FloatArray, weights: FloatArray, fractions: FloatArray, fixed: IntArray) -> None:
        wanted = fractions[:, None] * counts.sum(axis=0)  # sides x columns
        self._counts, self._costs, self.side_of = counts, weights / wanted, fixed.copy()
        self._off, self._stays = -wanted, fixed >= 0
        self._n_on = np.bincount(fixed[self._stays], minlength=len(fractions))
        np.add.at(self._off, fixed[self._stays], counts[self._stays])

    def fill(self) -> None:
        """Deal the units in their order, each to the side that it helps most; none stays empty."""
        free = np.flatnonzero(~self._stays).tolist()
        for number, unit in enumerate(free):
            empty = np.flatnonzero(self._n_on == 0)
            open_sides = empty if len(empty) >= len(free) - number else np.arange(len(self._off))
            self._put(unit, int(open_sides[np.argmin(self._joining(unit)[open_sides])]))

    def move(self) -> bool:
        """Take the one unit to the one side that helps most, if any does; no side is emptied."""
        linear, square = 2 * self._off * self._costs, self._counts**2  # of the cost of joining or leaving a side
        joining = self._counts @ linear.T + square @ self._costs.T  # units x sides
        here = np.arange(len(self._counts)), self.side_of
        leaving = square @ self._costs.T - self._counts @ linear.T
        change = joining + leaving[here][:, None]
        change[here] = 0.0
        change[self._stays | (self._n_on[self.side_of] == 1)] = 0.0
        unit, side = np.unravel_index(int(change.argmin()), change.shape)
        if change[unit, side] >= -_SMALLEST_GAIN:
            return False
        self._put(int(unit), int(side))
        return True

    def exchange(self) -> bool:
        """Exchange the two units of two sides that it helps most, if any do."""
        best, change = (-1, -1), -_SMALLEST_GAIN
        for one, other in combinations(range(len(self._off)), 2):
            units = [np.flatnonzero((self.side_of == side) & ~self._stays) for side in (one, other)]
            if all(map(len, units)):
                changes = self._exchanging(one, other, *units)
                place = np.unravel_index(int(changes.argmin()), changes.shape)
                if changes[place] < change:
                    best, change = (int(units[0][place[0]]), int(units[1][place[1]])), float(changes[place])
        if best == (-1, -1):
            return False
        first, second = self.side_of[list(best)].tolist()
        self._put(best[0], second)
        self._put(best[1], first)
        return True

    def _exchanging(self, one: int, other: int, of_one: IntArray, of_other: IntArray) -> FloatArray:
        """Give by how much the distance grows when each of one side is exchanged with each of another."""
        slope = 2 * (self._off[one] * self._costs[one] - self._off[other] * self._costs[other])
        bend = self._costs[one] + self._costs[other]
        leave, come = self._counts[of_one], self._counts[of_other]
        alone = (come**2 @ bend + come @ slope)[None, :] + (leave**2 @ bend - leave @ slope)[:, None]
        return np.asarray(alone - 2 * (leave * bend) @ come.T, np.float64)

    def _joining(self, unit: int) -> FloatArray:
        row = self._counts[unit]
        return np.asarray(((2 * self._off * row + row**2) * self._costs).sum(axis=1), np.float64)

    def _put(self, unit: int, side: int) -> None:
        before = int(self.side_of[unit])
        if before >= 0:
            self._off[before] -= self._counts[unit]
            self._n_on[before] -= 1
        self._off[side] += self._counts[unit]
        self._n_on[side] += 1
        self.side_of[unit] = side
