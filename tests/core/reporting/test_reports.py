"""One document becomes HTML, PDF and files: complete, inert, with checksums, numbers equal byte by byte."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from html.parser import HTMLParser

import pyarrow.parquet as pq
import pytest

from core.agreement.weights import Weighting
from core.reporting.bundle import long_csv, report_files, wide_csv
from core.reporting.charts import VIOLETS, pair_matrix
from core.reporting.document import FigureBlock, FigureRow, Section, TableBlock, Words
from core.reporting.html import as_html
from core.reporting.pdf import as_pdf
from tests.core.reporting.reported import READERS, made_document, made_ratings, made_report


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
    assert table.caption == "n = 20 items of 10 animals."
    assert "  minus two readers" in [row[0] for row in table.table.rows]


def test_the_document_says_who_stages_higher_and_whether_kappas_differ() -> None:
    (higher,) = [block for block in section("Does a reader stage higher?").blocks if isinstance(block, TableBlock)]
    assert next(row[0] for row in higher.table.rows) == "=Ann </script><b> – Bo #link $x$"
    (compared,) = [block for block in section("Do two kappas differ?").blocks if isinstance(block, TableBlock)]
    assert compared.table.rows[0][0] == "the model and a reader (mean) against two readers (mean)"


def test_what_a_reviewer_asks_is_answered_first() -> None:
    found = {str(row[0]): row[1:] for row in section("In short").blocks[1].table.rows}  # type: ignore[union-attr]
    assert found["Is the model trained on real slides?"][0] == "look"
    assert found["Were readers compared with themselves?"] == ("look", "No reader read an item twice.")
    assert found["Did two readers or more read the same items?"][0] == "yes"


def test_the_report_states_its_limits() -> None:
    (said,) = section("Limits").blocks
    assert isinstance(said, Words)
    assert any("rodents in Sirius Red are adaptations" in one for one in said.paragraphs)


def test_the_zip_holds_everything_with_its_checksum() -> None:
    packed = zipfile.ZipFile(io.BytesIO(report_files(made_ratings(), made_report(), made_document()).packed))
    names = set(packed.namelist())
    sums = dict(reversed(line.split("  ", 1)) for line in packed.read("SHA256SUMS").decode().splitlines())
    assert names == {*sums, "SHA256SUMS"}
    assert {"agreement.json", "numbers.csv", "reads.csv", "reads.parquet", "reads_wide.csv"} < names
    assert all(hashlib.sha256(packed.read(name)).hexdigest() == digest for name, digest in sums.items())


def test_equal_reads_give_equal_bytes_of_every_number() -> None:
    one, two = (
        zipfile.ZipFile(io.BytesIO(report_files(made_ratings(), made_report(), made_document()).packed))
        for _ in range(2)
    )
    for name in ("agreement.json", "numbers.csv", "reads.csv", "reads.parquet", "reads_wide.csv"):
        assert one.read(name) == two.read(name)


@pytest.mark.parametrize("write", [long_csv, wide_csv])
def test_no_cell_of_the_reads_is_a_formula(write: object) -> None:
    rows = list(csv.reader(io.StringIO(write(made_ratings()))))  # type: ignore[operator]
    assert not any(cell.startswith("=") for row in rows for cell in row)


def test_the_reads_come_back_from_the_files() -> None:
    ratings = made_ratings()
    rows = list(csv.DictReader(io.StringIO(long_csv(ratings))))
    packed = zipfile.ZipFile(io.BytesIO(report_files(ratings, made_report(), made_document()).packed))
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
