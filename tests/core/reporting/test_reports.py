"""One document becomes HTML, PDF and files: complete, inert, with checksums, numbers equal byte by byte."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser

import pyarrow.parquet as pq
import pytest

from core.agreement.measurement_report import build_measurement_report
from core.agreement.ratings import Ratings
from core.agreement.read_table import plain_reads
from core.agreement.weights import Weighting
from core.reporting.bundle import Behind, long_csv, report_files, wide_csv
from core.reporting.charts import VIOLETS, pair_matrix
from core.reporting.document import FigureBlock, FigureRow, Section, TableBlock, Words
from core.reporting.html import as_html
from core.reporting.measures import measure_topics
from core.reporting.pdf import as_pdf
from tests.core.reporting.reported import READERS, made_document, made_measures, made_ratings, made_report


class Tags(HTMLParser):
    """Collects what a browser would open."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.addresses: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]


def test_the_html_holds_every_figure_and_table_and_asks_nothing_of_the_network() -> None:
    document = made_document()
    text = as_html(document)
    tags = Tags()
    tags.feed(text)
    given = [block for section in document.sections for block in section.blocks]
    blocks = [one for block in given for one in (block.figures if isinstance(block, FigureRow) else (block,))]
    assert tags.opened.count("figure") == sum(isinstance(block, FigureBlock) for block in blocks)
    assert tags.opened.count("table") == sum(isinstance(block, TableBlock) for block in blocks)
    assert tags.addresses == []
    assert "default-src 'none'" in text


def test_a_name_in_the_html_is_text_and_never_markup() -> None:
    text = as_html(made_document())
    tags = Tags()
    tags.feed(text)
    assert "b" not in tags.opened
    assert "i" not in tags.opened
    assert tags.opened.count("script") == text.count("</script>")
    assert "=Ann &lt;/script&gt;&lt;b&gt;" in text


def test_the_pdf_has_pages_and_vector_figures() -> None:
    pdf = as_pdf(made_document())
    assert pdf.startswith(b"%PDF-")
    (pages,) = {int(count) for count in re.findall(rb"/Type\s*/Pages.*?/Count (\d+)", pdf, re.DOTALL)}
    assert pages >= 2
    assert b"/Subtype /Image" not in pdf
    assert b"/Subtype/Image" not in pdf


def test_the_short_answer_says_how_many() -> None:
    first = made_document().sections[0].blocks[0]
    assert isinstance(first, Words)
    assert "19 slides with two reads or more" in first.paragraphs[0]


def section(title: str) -> Section:
    return next(one for one in made_document().sections if one.title == title)


def test_the_document_tells_of_the_model_in_detail() -> None:
    (table,) = [block for block in section("The model among the readers").blocks if isinstance(block, TableBlock)]
    assert table.caption == "n = 20 slides of 10 animals."
    assert "  minus two readers" in [row[0] for row in table.table.rows]


def test_the_document_says_who_stages_higher_and_whether_kappas_differ() -> None:
    (higher,) = [block for block in section("Does a reader stage higher?").blocks if isinstance(block, TableBlock)]
    assert next(row[0] for row in higher.table.rows) == "=Ann </script><b> – Bo #link $x$"
    (compared,) = [block for block in section("Do two kappas differ?").blocks if isinstance(block, TableBlock)]
    assert compared.table.rows[0][0] == "the model and a reader (mean) against two readers (mean)"


def test_what_was_measured_twice_has_a_correlation_and_a_figure_each_with_its_n() -> None:
    found = section("Is it measured alike? Continuous score")
    icc, limits = (block for block in found.blocks if isinstance(block, TableBlock))
    (figure,) = (block for block in found.blocks if isinstance(block, FigureBlock))
    assert "n = 19 slides that all of them measured, of 20 slides of 10 animals" in icc.caption
    assert icc.table.rows[0][0] == "ICC(2,1), absolute agreement"
    assert re.fullmatch(r"0\.9\d \(0\.\d\d\N{EN DASH}\d\.\d\d\)", str(icc.table.rows[0][1]))
    assert limits.table.rows[0][:3] == ("two \N{MINUS SIGN} one", 19, 10)
    assert "n = 19 slides of 10 animals" in figure.caption
    assert 19 in [len(drawn) for drawn in figure.chart.to_dict()["datasets"].values()]


def test_what_was_measured_once_says_why_there_is_no_agreement() -> None:
    (topic,) = measure_topics([build_measurement_report(made_measures().of_readers(("one",)))], "slide")
    assert topic.tables == topic.figures == ()
    assert "not estimable, because" in topic.words


def test_what_a_reviewer_asks_is_answered_first() -> None:
    found = {str(row[0]): row[1:] for row in section("In short").blocks[1].table.rows}  # type: ignore[union-attr]
    assert found["Is the model trained on real slides?"][0] == "look"
    assert found["Were readers compared with themselves?"] == ("look", "No reader read an item twice.")
    assert found["Did two readers or more read the same items?"][0] == "yes"


def test_the_report_states_its_limits() -> None:
    (said,) = section("Limits").blocks
    assert isinstance(said, Words)
    assert any("rodents in Sirius Red are adaptations" in one for one in said.paragraphs)


def made_zip() -> zipfile.ZipFile:
    ratings = made_ratings()
    behind = Behind(ratings=ratings, reads=plain_reads(ratings), measures=(made_measures(),))
    return zipfile.ZipFile(io.BytesIO(report_files(behind, made_report(), made_document()).packed))


def test_the_zip_holds_everything_with_its_checksum() -> None:
    packed = made_zip()
    names = set(packed.namelist())
    sums = dict(reversed(line.split("  ", 1)) for line in packed.read("SHA256SUMS").decode().splitlines())
    assert names == {*sums, "SHA256SUMS"}
    assert {"agreement.json", "numbers.csv", "reads.csv", "reads.parquet", "reads_wide.csv", "measures_1.csv"} < names
    assert all(hashlib.sha256(packed.read(name)).hexdigest() == digest for name, digest in sums.items())


def test_equal_reads_give_equal_bytes_of_every_number() -> None:
    one, two = made_zip(), made_zip()
    for name in set(one.namelist()) - {"report.html", "report.pdf", "SHA256SUMS"}:
        assert one.read(name) == two.read(name)


@pytest.mark.parametrize("write", [lambda ratings: long_csv(plain_reads(ratings)), wide_csv], ids=["long", "wide"])
def test_no_cell_of_the_reads_is_a_formula(write: Callable[[Ratings], str]) -> None:
    rows = list(csv.reader(io.StringIO(write(made_ratings()))))
    assert not any(cell.startswith("=") for row in rows for cell in row)


def test_the_reads_come_back_from_the_files() -> None:
    ratings = made_ratings()
    rows = list(csv.DictReader(io.StringIO(long_csv(plain_reads(ratings)))))
    packed = made_zip()
    stored = pq.read_table(io.BytesIO(packed.read("reads.parquet"))).to_pylist()
    assert len(rows) == len(stored) == ratings.n_reads == 59
    assert {row["reader"] for row in stored} == set(READERS)
    wide = list(csv.DictReader(io.StringIO(wide_csv(ratings))))
    assert wide[0][READERS[1]] == ""
    assert wide[1][READERS[1]] == next(
        row["stage"] for row in rows if row["item_id"] == "slide 1" and row["reader"] == READERS[1]
    )


def test_figures_are_violet_from_light_to_dark() -> None:
    red_green_blue = [tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)) for colour in VIOLETS]
    lightness = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in red_green_blue]
    assert lightness == sorted(lightness, reverse=True)
    assert all(blue >= red >= green for red, green, blue in red_green_blue)


def test_a_square_of_the_matrix_is_as_wide_as_its_label_whatever_the_page_fits_it_into() -> None:
    plain = pair_matrix(made_report(), Weighting.LINEAR, "slides").to_dict()
    assert plain["width"]["step"] >= 100  # names of more than a few letters
