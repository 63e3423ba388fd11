"""The agreement page says what it shows, how many it is made of, and what to do when there is nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.agreement.bootstrap import Estimate, Resampling
from core.agreement.entries import EntryRead
from core.agreement.probabilities import against_consensus
from core.agreement.ratings import MISSING, SEVEN_STAGES, Ratings
from core.agreement.read_table import ReadSource, plain_reads
from core.agreement.repeats import RepeatedRead, RepeatKind
from core.agreement.report import Beside, build_report
from core.agreement.report_csv import report_csv
from core.agreement.weights import Weighting
from core.domain.reads import Item
from core.domain.slides import SlideId
from core.reporting.topics import topics
from core.reporting.words import counted, words_of
from core.review.comparing import Compared
from core.side_work import SideWork, Told, Underway
from pages.parts.agreement_cases import cases_of
from pages.parts.agreement_choice import Chosen, beside_of

MODEL = "Model (DEMO 1a2b)"


def ratings_of(rows: list[list[int]], readers: tuple[str, ...], model_reader: str | None = None) -> Ratings:
    items = tuple(f"slide {number}" for number in range(len(rows)))
    return Ratings(
        scale=SEVEN_STAGES,
        items=items,
        readers=readers,
        subjects=tuple(f"animal {number // 2}" for number in range(len(rows))),
        stages=np.array(rows, dtype=np.int16).reshape(len(rows), len(readers)),
        model_reader=model_reader,
    )


def many_reads() -> Ratings:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 7, 30)
    rows = np.clip(truth[:, None] + generator.integers(-1, 2, (30, 3)), 0, 6)
    return ratings_of(rows.tolist(), ("Ann", "Bob", MODEL), MODEL)


def source_of(ratings: Ratings) -> ReadSource:
    return ReadSource(fingerprint="", table=lambda: plain_reads(ratings))


class PatientWork(SideWork[Any]):
    """Ends before it is looked at, however busy the machine is."""

    def ask(self, key: str, work: Callable[[Told], Any]) -> Underway[Any]:
        underway = super().ask(key, work)
        assert underway.wait(60)
        return underway


class NoModels:
    """Knows no model."""

    def served_model(self) -> None:
        return None


class FakeWorkspace:
    """Gives the same ratings for slides, nothing for patches."""

    models = NoModels()

    def __init__(self, ratings: Ratings, n_masked: int = 0) -> None:
        self._ratings, self._n_masked = ratings, n_masked
        self.asked: list[str] = []
        self.reports, self.files = PatientWork(4), PatientWork(4)

    @property
    def comparing(self) -> FakeWorkspace:
        return self

    def studies(self, reader: object) -> tuple[()]:
        return ()

    def reads(self, reader: object, *, item: str) -> Compared:
        self.asked.append(item)
        ratings = self._ratings if item == "slide" else ratings_of([], ())
        return Compared(
            ratings=ratings,
            items={name: Item(slide_id=SlideId(name)) for name in ratings.items},
            reads=source_of(ratings),
        )

    def n_masked(self, reader: object, item: str) -> int:
        return self._n_masked


def draw(workspace: object) -> None:
    from types import SimpleNamespace  # the function is run as a script of its own

    from pages.agreement import render

    render(workspace, SimpleNamespace(name="Ann"))


@pytest.fixture
def page() -> Callable[..., AppTest]:
    def drawn(ratings: Ratings, n_masked: int = 0) -> AppTest:
        app = AppTest.from_function(draw, args=(FakeWorkspace(ratings, n_masked),), default_timeout=30)
        return app.run()

    return drawn


def text_of(app: AppTest) -> str:
    """Give what is read: without what keeps a name from becoming markup."""
    text = "\n".join(element.value for element in [*app.markdown, *app.caption, *app.subheader])
    return text.replace("\\", "").replace("\N{WORD JOINER}", "")


def test_the_page_says_how_many_it_is_made_of(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())

    assert not app.exception
    assert "**30 slides** of **15 animals**, read by **2 readers** and Model" in text_of(app)


def test_five_questions_and_their_answers_stand_first(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())

    questions = (
        "Do the readers agree?",
        "On which stages not?",
        "Who differs, and how?",
        "human range?",
        "publish this?",
    )
    text = text_of(app)
    assert all(question in text for question in questions)
    assert "Mean linear kappa of two readers 0." in text
    assert "n = 30 slides" in text


def test_other_weights_change_all_figures_at_once(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())
    before = text_of(app)

    app.selectbox(key="agreement.weights").set_value(Weighting.QUADRATIC).run()

    assert not app.exception
    assert "Mean linear kappa" in before
    assert "Mean linear kappa" not in text_of(app)
    assert "Mean quadratic kappa of two readers" in text_of(app)


def test_every_pair_stands_in_the_table_with_its_interval(page: Callable[..., AppTest]) -> None:
    table = page(many_reads()).dataframe[0].value

    assert table["Readers"].tolist() == ["Ann – Bob", "Ann – Model (DEMO)", "Bob – Model (DEMO)"]
    assert table["Kappa, linear"].str.fullmatch(r"0\.\d\d \(0\.\d\d–[01]\.\d\d\)").all()


def test_patches_nobody_has_read_show_what_to_do_next(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())

    app.radio(key="agreement.item").set_value("patch").run()

    assert not app.exception
    assert "No two readers have read the same patch yet" in text_of(app)
    assert "ask a second reader" in text_of(app)
    assert not app.dataframe


def test_readers_without_a_common_slide_show_what_to_do_next(page: Callable[..., AppTest]) -> None:
    app = page(ratings_of([[0, MISSING], [MISSING, 1]], ("Ann", "Bob")))

    assert not app.exception
    assert "No two readers have read the same slide yet" in text_of(app)


def test_masked_slides_are_counted_in_words(page: Callable[..., AppTest]) -> None:
    app = page(many_reads(), 4)

    assert "4 slides not counted here: others have read, you have not" in text_of(app)


def test_without_a_model_the_page_says_how_to_get_one(page: Callable[..., AppTest]) -> None:
    app = page(ratings_of([[0, 0], [1, 2], [4, 4]], ("Ann", "Bob")))

    assert not app.exception
    assert "No model has read these items yet" in text_of(app)


def test_one_person_and_the_model_are_drawn_without_a_ceiling(page: Callable[..., AppTest]) -> None:
    app = page(ratings_of([[0, 0], [1, 2], [4, 4]], ("Ann", MODEL), MODEL))

    assert not app.exception
    assert "no two readers have a kappa" in text_of(app)


def test_one_stage_only_says_why_there_is_no_kappa(page: Callable[..., AppTest]) -> None:
    app = page(ratings_of([[2, 2], [2, 2]], ("Ann", "Bob")))

    assert not app.exception
    assert "gave one and the same stage" in app.dataframe[0].value["Kappa, linear"][0]


def test_names_are_shown_as_they_are(page: Callable[..., AppTest]) -> None:
    app = page(ratings_of([[0, 0], [1, 2]], ("<a href='x'>Ann</a>", "Bob")))

    assert not app.exception
    assert app.dataframe[0].value["Readers"][0].startswith("<a href='x'>Ann</a>")


def test_a_square_of_the_confusion_matrix_names_its_cases() -> None:
    ratings = ratings_of([[0, 0], [1, 2], [1, 2], [2, 1]], ("Ann", "Bob"))
    items = {name: Item(slide_id=SlideId(name)) for name in ratings.items}
    chosen = Chosen(
        ratings=ratings, reads=source_of(ratings), items=items, kind="slide", n_masked=0, name="slide", title=""
    )
    (pair,) = build_report(ratings, Resampling(n_resamples=0)).pairs

    assert [name for name, _ in cases_of(chosen, pair, "1a", "1b")] == ["slide 1", "slide 2"]
    assert [item.slide_id for _, item in cases_of(chosen, pair, "1b", "1a")] == ["slide 3"]


def test_the_csv_has_a_row_for_every_number_and_runs_nothing() -> None:
    ratings = ratings_of([[0, 0], [1, 2], [4, 4]], ("=cmd()", "Bob"))
    report = build_report(ratings, Resampling(n_resamples=50))

    lines = report_csv(report).splitlines()

    assert lines[0] == "statistic,readers,weights,n_items,n_subjects,value,low,high,why"
    assert lines[1].startswith("cohen_kappa,'=cmd() - Bob,unweighted,3,2,")
    assert len(lines) == 1 + 9 + 2 + 16 + 3 + 7 + 12


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Estimate(value=0.784, low=0.7, high=0.8499), "0.78 (0.70–0.85)"),
        (Estimate(value=None, why="nobody read"), "not estimable, because nobody read"),
        (Estimate(value=0.5, why="no interval: one animal"), "0.50 (no interval: one animal)"),
    ],
)
def test_numbers_are_written_with_their_interval_or_their_reason(found: Estimate, words: str) -> None:
    assert words_of(found) == words


def test_nouns_are_counted_in_english() -> None:
    assert [counted(1, "patch"), counted(2, "patch"), counted(1200, "slide")] == [
        "1 patch",
        "2 patches",
        "1,200 slides",
    ]


def test_importing_the_page_draws_nothing() -> None:
    import pages.agreement

    assert callable(pages.agreement.render)


def test_a_studys_report_holds_the_repeats_and_assisted_reads_of_its_chosen_readers() -> None:
    ratings = ratings_of([[0, 0, 0], [1, 2, 2]], ("Ann", "Bob", "Cy"))
    entries = tuple(
        EntryRead(item=item, subject="a", reader=reader, standing="2", first="1a", call="2", final="2")
        for item in ratings.items
        for reader in ratings.readers
    )
    repeats = tuple(
        RepeatedRead(item="slide 0", subject="a", reader=reader, kind=RepeatKind.HIDDEN, first="0", again="1a")
        for reader in ratings.readers
    )
    probabilities = dict.fromkeys(ratings.items, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    compared = Compared(
        ratings=ratings,
        reads=source_of(ratings),
        items={},
        repeats=repeats,
        entries=entries,
        probabilities=probabilities,
    )

    beside = beside_of(compared, ratings.of_readers(("Ann", "Bob")))

    assert [repeat.reader for repeat in beside.repeats] == ["Ann", "Bob"]
    assert {read.reader for read in beside.assisted} == {"Ann", "Bob"}
    assert beside.probabilities is not None
    assert beside.after_reveal
    report = build_report(ratings.of_readers(("Ann", "Bob")), beside=beside)
    found = {topic.title: topic for topic in topics(report, Weighting.LINEAR, "slide")}
    assert "Do readers agree with themselves?" in found
    switches = found["What did seeing the model's call do?"].tables[0][1]
    assert switches.rows[0][:2] == ("Ann", 2)
    assert "The model against the reference" in found


def test_two_pairs_that_are_chosen_are_compared(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())

    app.multiselect(key="agreement.compared").set_value(["Ann – Bob", "Ann – Model (DEMO)"]).run()

    assert not app.exception
    (compared,) = [frame.value for frame in app.dataframe if "Compared" in frame.value]
    assert compared["Compared"].tolist() == [
        "the model and a reader (mean) against two readers (mean)",
        "Ann - Bob against Ann - Model (DEMO)",
    ]


def test_percentile_intervals_are_another_report(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())
    assert "Intervals: BCa interval" in text_of(app)

    app.radio(key="agreement.interval").set_value("percentile").run()

    assert not app.exception
    assert "Intervals: percentile interval" in text_of(app)


def test_the_report_is_typeset_when_it_is_asked_for(page: Callable[..., AppTest]) -> None:
    app = page(many_reads())
    assert [button.label for button in app.get("download_button")] == ["Numbers as CSV", "Numbers as JSON"]


class SlowWork(SideWork[Any]):
    """Never ends while it is looked at."""

    def __init__(self) -> None:
        super().__init__(2)
        self.goes_on = threading.Event()

    def ask(self, key: str, work: Callable[[Told], Any]) -> Underway[Any]:
        def slow(progress: Told) -> Any:
            progress(0.25)
            self.goes_on.wait(60)
            return work(progress)

        return super().ask(key, slow)


def test_a_report_that_takes_long_shows_progress_and_is_there_for_who_comes_back() -> None:
    workspace = FakeWorkspace(many_reads())
    slow = workspace.reports = SlowWork()  # type: ignore[assignment]
    app = AppTest.from_function(draw, args=(workspace,), default_timeout=30).run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Cancel"]
    assert not app.dataframe

    slow.goes_on.set()
    assert all(one.wait(60) for one in slow._known.values())
    again = AppTest.from_function(draw, args=(workspace,), default_timeout=30).run()

    assert not again.exception
    assert len(slow._known) == 1
    assert "Mean linear kappa of two readers" in text_of(again)


def test_other_probabilities_are_another_report() -> None:
    ratings = ratings_of([[0, 0], [1, 1]], ("Ann", "Bob"))
    given = [
        Beside(probabilities=against_consensus(ratings, dict.fromkeys(ratings.items, row)))
        for row in ((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0))
    ]

    assert given[0].fingerprint() != given[1].fingerprint()
    assert given[0].fingerprint() == replace(given[0]).fingerprint()
