"""Published rating tables, transcribed: small enough to read, each with its source.

A line of `rows` is an item; a digit is the place of the stage in `labels`, counted from 1; a dot is a missing read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.agreement.ratings import MISSING, Ratings, Scale


@dataclass(frozen=True, kw_only=True)
class RatingTable:
    """Items x readers."""

    source: str
    labels: tuple[str, ...]
    readers: tuple[str, ...]
    rows: tuple[str, ...]

    def ratings(self) -> Ratings:
        """Give the table as ratings, every item its own subject."""
        stages = [[MISSING if place == "." else int(place) - 1 for place in row] for row in self.rows]
        items = tuple(f"item {number}" for number in range(1, len(stages) + 1))
        return Ratings(
            scale=Scale(labels=self.labels),
            items=items,
            readers=self.readers,
            subjects=items,
            stages=np.array(stages, dtype=np.int16),
        )


@dataclass(frozen=True, kw_only=True)
class SquareTable:
    """Two readers: stages of the first in rows, of the second in columns."""

    source: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def ratings(self) -> Ratings:
        """Give one item for each count."""
        cells = [
            (row, column) for row, line in enumerate(self.counts) for column, n in enumerate(line) for _ in range(n)
        ]
        return expanded(cells, self.labels)


@dataclass(frozen=True, kw_only=True)
class CountTable:
    """How many readers gave each stage: items in rows, stages in columns; who read what is not known."""

    source: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def ratings(self) -> Ratings:
        """Give one column for each read."""
        cells = [tuple(stage for stage, n in enumerate(line) for _ in range(n)) for line in self.counts]
        return expanded(cells, self.labels)


def expanded(cells: Sequence[tuple[int, ...]], labels: tuple[str, ...]) -> Ratings:
    """Give complete ratings of numbered readers."""
    items = tuple(f"item {number}" for number in range(1, len(cells) + 1))
    readers = tuple(f"reader {number}" for number in range(1, len(cells[0]) + 1))
    stages = np.array(cells, dtype=np.int16)
    return Ratings(scale=Scale(labels=labels), items=items, readers=readers, subjects=items, stages=stages)


FLEISS_1971 = RatingTable(
    source="Fleiss 1971, Psychol Bull 76:378: 30 patients, 6 psychiatrists, 5 diagnoses",
    labels=("1. Depression", "2. Personality Disorder", "3. Schizophrenia", "4. Neurosis", "5. Other"),
    readers=("rater1", "rater2", "rater3", "rater4", "rater5", "rater6"),
    rows=(
        "444444",
        "222555",
        "233335",
        "555555",
        "222444",
        "113333",
        "333355",
        "113334",
        "114444",
        "555555",
        "144444",
        "124444",
        "222333",
        "144444",
        "224445",
        "333335",
        "111455",
        "111112",
        "224444",
        "133555",
        "555555",
        "244444",
        "224555",
        "114444",
        "144445",
        "222224",
        "111155",
        "224444",
        "133333",
        "555555",
    ),
)

KRIPPENDORFF_2011 = RatingTable(
    source="Krippendorff 2011, Computing Krippendorff's Alpha-Reliability: 12 units, 4 observers, missing reads",
    labels=("1", "2", "3", "4", "5"),
    readers=("Rater1", "Rater2", "Rater3", "Rater4"),
    rows=("11.1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", ".555", "..11", "..3."),
)

ANXIETY = RatingTable(
    source="R package irr, data set anxiety: 20 subjects, 3 raters, scale 1 to 6",
    labels=("1", "2", "3", "4", "5", "6"),
    readers=("rater1", "rater2", "rater3"),
    rows=(
        "332",
        "361",
        "344",
        "464",
        "523",
        "542",
        "221",
        "346",
        "531",
        "231",
        "221",
        "632",
        "133",
        "533",
        "221",
        "221",
        "113",
        "233",
        "432",
        "342",
    ),
)

BEN_GERRY = RatingTable(
    source="Krippendorff and Gwet, R package irrCAC: 12 units, 2 observers, one read missing",
    labels=("a", "b", "c", "d", "e"),
    readers=("Ben", "Gerry"),
    rows=("12", "11", "22", "22", "42", "33", "33", "33", "55", "4.", "44", "14"),
)

GENDER = RatingTable(
    source="Gwet, R package irrCAC, cac.raw.gender: 15 units, 4 raters",
    labels=("a", "b", "c"),
    readers=("RaterA", "RaterB", "RaterC", "RaterD"),
    rows=(
        "1113",
        "1123",
        "1123",
        "1133",
        "1211",
        "2111",
        "2222",
        "2322",
        "3333",
        "1113",
        "1123",
        "1123",
        "1133",
        "1211",
        "2111",
    ),
)

COHEN_1968 = SquareTable(
    source="Cohen 1968, Psychol Bull 70:213: 200 patients, 2 diagnosticians",
    labels=("Personality disorder", "Neurosis", "Psychosis"),
    counts=((88, 14, 18), (10, 40, 10), (2, 6, 12)),
)

ABSTRACTORS = SquareTable(
    source="Gwet, R package irrCAC, cont3x3abstractors: 100 pregnancies, 2 abstractors",
    labels=("Ectopic", "AIU", "NIU"),
    counts=((13, 0, 0), (0, 20, 7), (0, 4, 56)),
)

WINNIPEG = SquareTable(
    source="Landis and Koch 1977, Biometrics 33:159 (Westlund and Kurland): 149 patients of Winnipeg, 2 neurologists",
    labels=("Certain", "Probable", "Possible", "Doubtful"),
    counts=((38, 5, 0, 1), (33, 11, 3, 0), (10, 14, 5, 6), (3, 7, 3, 10)),
)

COUPLES = SquareTable(
    source="Agresti, Categorical Data Analysis (Hout, Duncan and Sobel 1987): 91 couples, 4 ordered classes",
    labels=("Never Fun", "Fairly Often", "Very Often", "Always fun"),
    counts=((7, 7, 2, 3), (2, 8, 3, 7), (1, 5, 4, 9), (2, 8, 9, 14)),
)

WORKED_EXAMPLE = CountTable(
    source="worked example of Fleiss' kappa, in the tests of statsmodels (table0): 10 subjects, 14 raters, 5 classes",
    labels=("1", "2", "3", "4", "5"),
    counts=(
        (0, 0, 0, 0, 14),
        (0, 2, 6, 4, 2),
        (0, 0, 3, 5, 6),
        (0, 3, 9, 2, 0),
        (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0),
        (2, 5, 3, 2, 2),
        (6, 5, 2, 1, 0),
        (0, 2, 2, 3, 7),
    ),
)

STUART_1953 = SquareTable(
    source="Stuart 1953, Biometrika 40:105 (and 1955, 42:412): unaided vision of 7477 women, right and left eye",
    labels=("highest", "second", "third", "lowest"),
    counts=((1520, 266, 124, 66), (234, 1512, 432, 78), (117, 362, 1772, 205), (36, 82, 179, 492)),
)

SHROUT_FLEISS_1979 = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
"""Shrout and Fleiss 1979, Psychol Bull 86:420, table 2: 6 targets, 4 judges."""

PEAK_FLOW = (
    *((494, 512), (395, 430), (516, 520), (434, 428), (476, 500), (557, 600), (413, 364), (442, 380), (650, 658)),
    *((433, 445), (417, 432), (656, 626), (267, 260), (478, 477), (178, 259), (423, 350), (427, 451)),
)
"""Bland and Altman 1986, Lancet 327:307, table: first peak flow by the Wright and the mini Wright meter, 17 people."""
