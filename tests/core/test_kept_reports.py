"""A finished report outlives the app: equal when it comes back, and made anew for other reads."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.agreement.assisted import AssistedRead
from core.agreement.bootstrap import Resampling
from core.agreement.probabilities import against_consensus
from core.agreement.ratings import Ratings
from core.agreement.repeats import RepeatedRead, RepeatKind
from core.agreement.report import AgreementReport, Beside, build_report
from core.kept_reports import kept_files, kept_reports
from core.record_json import from_json, to_json
from core.reporting.report_files import ReportFiles
from core.side_work import SideWork, Told
from tests.core.reporting.reported import READERS, made_measures, made_ratings

PATIENCE_S = 30.0


def full_report() -> AgreementReport:
    """Give a report that holds something of everything."""
    sites = tuple("Lyon" if number // 2 % 2 else "Graz" for number in range(20))
    ratings = replace(made_ratings(), traits={"site": sites})
    again = RepeatedRead(
        item="slide 1", subject="animal 0", reader=READERS[0], kind=RepeatKind.HIDDEN, first="2", again="3"
    )
    assisted = AssistedRead(
        item="slide 1",
        subject="animal 0",
        reader=READERS[0],
        first="2",
        call="3",
        final="3",
        reference="3",
        first_s=9.0,
    )
    beside = Beside(
        repeats=(again,),
        stated_weights=np.eye(7),
        assisted=(assisted,),
        traits=("site",),
        probabilities=against_consensus(ratings, dict.fromkeys(ratings.items, (0.4, *[0.1] * 6))),
        measures=(made_measures(),),
    )
    return build_report(ratings, Resampling(n_resamples=20), beside=beside)


def test_a_report_comes_back_as_it_was() -> None:
    report = full_report()

    again = from_json(AgreementReport, to_json(report))

    assert again == report
    assert again.to_json() == report.to_json()
    np.testing.assert_array_equal(again.measures[0].pairs[0].differences, report.measures[0].pairs[0].differences)


def test_what_is_no_report_is_refused() -> None:
    stored = to_json(full_report())

    for wrong in (b"{}", stored.replace(b'"n_items":20', b'"n_items":"many"'), stored[:-1]):
        with pytest.raises((ValueError, TypeError, KeyError)):
            from_json(AgreementReport, wrong)


def test_after_a_restart_equal_reads_find_their_report_and_a_changed_read_does_not(tmp_path: Path) -> None:
    made: list[str] = []

    def asked(ratings: Ratings) -> AgreementReport:
        def work(told: Told) -> AgreementReport:
            made.append("made")
            return build_report(ratings, Resampling(n_resamples=10), told)

        kept = SideWork[AgreementReport](4, kept_reports(tmp_path))  # as a start of the app makes it
        found = kept.ask(ratings.fingerprint(), work)
        assert found.wait(PATIENCE_S)
        assert found.outcome is not None
        return found.outcome

    ratings = made_ratings()
    assert asked(ratings) == asked(ratings)
    assert len(made) == 1

    stages = ratings.stages.copy()
    stages[3, 0] = (stages[3, 0] + 1) % 7
    assert asked(replace(ratings, stages=stages)) != asked(ratings)
    assert len(made) == 2


def test_what_was_typeset_is_there_before_anyone_asks_for_it_again(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("report.html", b"<p>")
        archive.writestr("report.pdf", b"%PDF-")
    files = ReportFiles(html=b"<p>", pdf=b"%PDF-", packed=packed.getvalue())
    before = SideWork[ReportFiles](4, kept_files(tmp_path))
    assert before.ask("a", lambda _: files).wait(PATIENCE_S)

    known = SideWork[ReportFiles](4, kept_files(tmp_path)).known("a")

    assert known is not None
    assert known.outcome == files
    assert SideWork[ReportFiles](4, kept_files(tmp_path)).known("b") is None
