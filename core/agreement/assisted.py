"""What seeing the call did to readers: who switched, to right or to wrong, how far towards the call, in what time.

Right and wrong are against a reference that the reader had no part in: the stage of more than half of the other
readers' first reads, or one that is stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.agreement.bootstrap import Drawing, Estimate, Resampling, estimates, resampled, subject_sums, totals
from core.agreement.entries import EntryRead
from core.agreement.ratings import Scale
from core.agreement.weighted_quantile import weighted_medians
from core.agreement.weights import FloatArray, NotEstimable, Weighting, stage_steps, weight_matrix

_RATES = (
    "switched",
    "right_to_wrong",
    "wrong_to_right",
    "right_to_wrong_after_wrong_call",
    "wrong_to_right_after_right_call",
    "adopted",
    "anchoring",
)
_WHYS = {
    "switched": "no first read was followed by a call and a final read",
    "right_to_wrong": "no first read was right by a reference",
    "wrong_to_right": "no first read was wrong by a reference",
    "right_to_wrong_after_wrong_call": "no first read was right where the call was wrong",
    "wrong_to_right_after_right_call": "no first read was wrong where the call was right",
    "adopted": "no first read differed from the call",
    "anchoring": "no first read differed from the call by a step",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AssistedRead:
    """A first read, the call that was then shown, and the final read. `reference` None: nothing to be right by."""

    item: str
    subject: str | None
    reader: str
    first: str
    call: str
    final: str
    reference: str | None
    first_s: float | None = None
    final_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A fraction of `n` reads, with its interval."""

    n: int
    found: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Assistance:
    """One reader's assisted reads, or everyone's (`reader` None). Times are medians in seconds.

    `switched`: final reads that differ from the first. `right_to_wrong` and `wrong_to_right`: of first reads that were
    right, or wrong, those whose final read was the other; `..._after_wrong_call` and `..._after_right_call` where the
    call was so. `adopted`: of first reads that differed from the call, final reads equal to it. `anchoring`: of the way
    from first read to call, the share that final reads went (0 none, 1 all; below 0 away from it).
    """

    reader: str | None
    n_reads: int
    n_subjects: int
    n_with_reference: int
    switched: Share
    right_to_wrong: Share
    wrong_to_right: Share
    right_to_wrong_after_wrong_call: Share
    wrong_to_right_after_right_call: Share
    adopted: Share
    anchoring: Share
    first_seconds: Share
    final_seconds: Share


def assisted_reads(
    entries: Sequence[EntryRead], stated_reference: Mapping[str, str] | None = None
) -> tuple[AssistedRead, ...]:
    """Gather the first-pass entries that have a first read, a call and a final read.

    The reference is the stated one where there is one; else the stage of more than half of two or more first reads by
    other readers.
    """
    own = [entry for entry in entries if entry.kind is None and entry.first is not None]
    firsts: dict[str, dict[str, str]] = {}
    for entry in own:
        firsts.setdefault(entry.item, {})[entry.reader] = str(entry.first)
    return tuple(
        AssistedRead(
            item=entry.item,
            subject=entry.subject,
            reader=entry.reader,
            first=entry.first,
            call=entry.call,
            final=entry.final,
            reference=_others(firsts[entry.item], entry.reader)
            if stated_reference is None
            else stated_reference.get(entry.item),
            first_s=entry.first_s,
            final_s=entry.final_s,
        )
        for entry in own
        if entry.first is not None and entry.call is not None and entry.final is not None
    )


def assistance(reads: Sequence[AssistedRead], scale: Scale, resampling: Resampling) -> tuple[Assistance, ...]:
    """Give each reader's numbers, and everyone's together last.

    Source: automation bias as switches after the reveal: Goddard et al. 2012, J Am Med Inform Assoc 19:121;
    `anchoring` is the weight of advice: Harvey and Fischer 1997, Organ Behav Hum Decis Process 70:117.
    """
    if not reads:
        return ()
    readers: list[str | None] = [*dict.fromkeys(read.reader for read in reads), None]
    return tuple(
        _of_reader(reader, [read for read in reads if reader in (None, read.reader)], scale, resampling)
        for reader in readers
    )


def _others(firsts: Mapping[str, str], reader: str) -> str | None:
    stages = [stage for other, stage in firsts.items() if other != reader]
    if len(stages) < 2:
        return None
    stage, n = Counter(stages).most_common(1)[0]
    return stage if 2 * n > len(stages) else None


def _of_reader(reader: str | None, reads: Sequence[AssistedRead], scale: Scale, resampling: Resampling) -> Assistance:
    names = [read.item if read.subject is None else read.subject for read in reads]
    subjects = np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].astype(np.int64)
    drawing = Drawing(resampling=resampling, n_subjects=len(set(names)))
    wholes, parts = _counted(reads, scale)
    features = subject_sums(np.hstack([parts, wholes]), subjects, drawing.n_subjects)
    found = estimates(
        _fractions(totals(features))[0],
        [_WHYS[name] for name in _RATES],
        resampled(features, _fractions, drawing),
        drawing.n_subjects,
        resampling,
    )
    n_of = (wholes > 0.0).sum(axis=0).tolist()
    rates = {name: Share(n=n_of[place], found=found[place]) for place, name in enumerate(_RATES)}
    return Assistance(
        reader=reader,
        n_reads=len(reads),
        n_subjects=drawing.n_subjects,
        n_with_reference=sum(read.reference is not None for read in reads),
        **rates,
        first_seconds=_median([read.first_s for read in reads], subjects, drawing),
        final_seconds=_median([read.final_s for read in reads], subjects, drawing),
    )


def _counted(reads: Sequence[AssistedRead], scale: Scale) -> tuple[FloatArray, FloatArray]:
    """Give for each read what it counts in each rate, and what of that is so: two arrays of reads x rates."""
    place = {label: number for number, label in enumerate(scale.labels)}
    first, call, final = (
        np.array([place[str(getattr(read, name))] for read in reads], dtype=np.int64)
        for name in ("first", "call", "final")
    )
    reference = np.array([-1 if read.reference is None else place[read.reference] for read in reads], dtype=np.int64)
    is_known, steps = reference >= 0, _steps(scale)
    was_right, is_right, call_right = first == reference, final == reference, call == reference
    right, wrong = is_known & was_right, is_known & ~was_right
    far, near = steps[first, call], steps[final, call]
    wholes = [
        np.ones(len(reads)),
        right,
        wrong,
        right & ~call_right,
        wrong & call_right,
        first != call,
        far,
    ]
    parts = [
        first != final,
        right & ~is_right,
        wrong & is_right,
        right & ~call_right & ~is_right,
        wrong & call_right & is_right,
        (first != call) & (final == call),
        np.where(far > 0.0, far - near, 0.0),
    ]
    return np.column_stack(wholes).astype(np.float64), np.column_stack(parts).astype(np.float64)


def _steps(scale: Scale) -> FloatArray:
    """Give the steps between stages; on the seven, 1a, 1b and 1c lie half a step apart."""
    weights = weight_matrix(Weighting.CLINICAL_LINEAR, scale)
    if isinstance(weights, NotEstimable):
        return stage_steps(len(scale.labels))
    return np.asarray((1.0 - weights) * 4.0)


def _fractions(sums: FloatArray) -> FloatArray:
    parts, wholes = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(parts / wholes)


def _median(seconds: Sequence[float | None], subjects: NDArray[np.int64], drawing: Drawing) -> Share:
    known = [number for number, value in enumerate(seconds) if value is not None]
    values = np.array([seconds[number] for number in known], dtype=np.float64)
    found = weighted_medians(values, subjects[known], drawing)
    return Share(n=len(known), found=found)
