"""The table of subjects is taken whole or not at all."""

from pathlib import Path

import pytest

from core.domain.errors import BadTable
from core.domain.slides import Provenance, SlideId
from core.slides.metadata import match, read_metadata


def _table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def _identities(folder: Path, **files: str) -> dict[Path, SlideId]:
    return {folder / name.replace("_", "."): SlideId(identity) for name, identity in files.items()}


def test_known_columns_become_provenance_and_others_are_kept(tmp_path: Path) -> None:
    text = "file,animal_id,Site,stain_batch,scanner,group,diet\na.svs,M1,north,B7,AT2,dose 3,western\n"
    (row,) = read_metadata(_table(tmp_path, text))
    assert row.provenance == Provenance(
        subject="M1", site="north", stain_batch="B7", scanner="AT2", group="dose 3", further=(("diet", "western"),)
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("subject\nM1\n", "'file' is missing"),
        ("file\na.svs\n", "'subject' is missing"),
        ("file,subject\na.svs,\n", "line 2: a.svs has no subject"),
        ("file,subject\n,M1\n", "line 2: no file"),
        ("file,subject\na.svs,M1\na.svs,M2\n", "line 3: a.svs is named 2 times"),
        ("file,subject\na.svs,M1,more\n", "line 2: 3 cells"),
        ("file,subject,subject\na.svs,M1,M1\n", "two columns are called"),
        ("", "'file' is missing"),
    ],
)
def test_each_fault_of_the_table_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadTable, match=problem):
        read_metadata(_table(tmp_path, text))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match=r"line 2: a.svs has no subject; line 3: no file"):
        read_metadata(_table(tmp_path, "file,subject\na.svs,\n,M1\n"))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("file,subject\nä.svs,M1\n".encode("latin-1"))
    with pytest.raises(BadTable, match="UTF-8"):
        read_metadata(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="cannot be read"):
        read_metadata(tmp_path / "none.csv")


def test_a_row_finds_its_slide_with_or_without_the_extension(tmp_path: Path) -> None:
    table = _table(tmp_path, "slide,subject\na,M1\nb.svs,M2\n")
    matched = match(table, read_metadata(table), tmp_path, _identities(tmp_path, a_svs="1", b_svs="2"))
    assert {slide_id: row.subject for slide_id, row in matched.items()} == {"1": "M1", "2": "M2"}


def test_an_unknown_file_and_a_second_row_for_one_content_are_both_named(tmp_path: Path) -> None:
    table = _table(tmp_path, "file,subject\na.svs,M1\ncopy.svs,M2\nnone.svs,M3\n")
    with pytest.raises(BadTable) as refused:
        match(table, read_metadata(table), tmp_path, _identities(tmp_path, a_svs="1", copy_svs="1"))
    assert "line 3: copy.svs is the same slide as a.svs of line 2" in refused.value.problem
    assert "line 4: none.svs is not in the folder" in refused.value.problem


def test_a_name_that_two_folders_hold_must_say_which(tmp_path: Path) -> None:
    identities = {tmp_path / "x" / "a.svs": SlideId("1"), tmp_path / "y" / "a.svs": SlideId("2")}
    table = _table(tmp_path, "file,subject\na.svs,M1\n")
    with pytest.raises(BadTable, match="several different files"):
        match(table, read_metadata(table), tmp_path, identities)
    table = _table(tmp_path, "file,subject\nx/a.svs,M1\n")
    assert list(match(table, read_metadata(table), tmp_path, identities)) == ["1"]
