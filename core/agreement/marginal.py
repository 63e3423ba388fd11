"""Does one of two readers stage higher? Marginal homogeneity, and by how many stages on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import chi2

from core.agreement.bootstrap import Estimate
from core.agreement.ratings import Scale
from core.agreement.weights import FloatArray
from core.domain.stages import STAGES


@dataclass(frozen=True, kw_only=True, slots=True)
class Homogeneity:
    """A chi-square test that two readers use the stages equally often.

    `statistic`, `degrees` and `p_value` are None where there is none, and `why` says why.
    """

    statistic: float | None = None
    degrees: int | None = None
    p_value: float | None = None
    why: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginalAgreement:
    """Two readers' use of the stages on the items both have read.

    `stuart_maxwell` takes items for independent, `by_animal` only animals. `mean_difference` is how many stages
    `reader_b` stages higher than `reader_a` on average: five-class stages on the seven, else steps of the scale.
    """

    stuart_maxwell: Homogeneity
    by_animal: Homogeneity
    mean_difference: Estimate


def marginal_agreement(
    table: FloatArray, of_subjects: sparse.csr_array, mean_difference: Estimate, why_empty: str
) -> MarginalAgreement:
    """Test how often two readers use each stage.

    Args:
        table: contingency table of items, stages of `reader_a` in rows.
        of_subjects: the same by animal, subjects x (stages * stages).

    Source: Stuart 1955, Biometrika 42:412; Maxwell 1970, Br J Psychiatry 116:651. By animal: the same quadratic form
    on sums over animals; for two stages it is the test of Obuchowski 1998, Stat Med 17:1495.
    """
    n_stages = len(table)
    differences = (np.eye(n_stages)[:, None, :] - np.eye(n_stages)[None, :, :]).reshape(n_stages**2, n_stages)
    summed = table.ravel() @ differences
    of_items = differences.T @ (table.reshape(-1, 1) * differences)
    animals = np.asarray(of_subjects @ differences)
    return MarginalAgreement(
        stuart_maxwell=_homogeneity(summed, of_items, int(table.sum()), why_empty),
        by_animal=_homogeneity(summed, animals.T @ animals, int(table.sum()), why_empty),
        mean_difference=mean_difference,
    )


def mean_differences(tables: FloatArray, scale: Scale) -> FloatArray:
    """Give by how many stages the second reader stages higher, of tables (... x stages x stages); NaN for none."""
    positions = stage_positions(scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            (tables * (positions[None, :] - positions[:, None])).sum(axis=(-2, -1)) / tables.sum(axis=(-2, -1))
        )


def stage_positions(scale: Scale) -> FloatArray:
    """Give where each stage lies on a ladder of whole steps: by five-class stage on the seven."""
    if scale.is_seven_stage:
        return np.array([stage.collapsed for stage in STAGES], dtype=np.float64)
    return np.arange(len(scale.labels), dtype=np.float64)


def _homogeneity(summed: FloatArray, covariance: FloatArray, n_items: int, why_empty: str) -> Homogeneity:
    """Test that sums of differences are 0; the degrees are the rank of their covariance under that hypothesis."""
    if not n_items:
        return Homogeneity(why=why_empty)
    degrees = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if not degrees:
        return Homogeneity(why="nothing differs: there is no variance to test against")
    statistic = float(summed @ np.linalg.pinv(covariance, hermitian=True) @ summed)
    return Homogeneity(statistic=statistic, degrees=degrees, p_value=float(chi2.sf(statistic, degrees)))
