from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access.identity import local_reader
from core.agreement.csv_table import TableColumns
from core.agreement.rating_table import read_long_table
from core.cli import build_parser
from core.commands import study
from core.domain.errors import BadProtocol, NothingToDo, NotPermitted
from core.domain.reads import Item, ReadRequest, Sight
from core.domain.stages import Stage
from core.domain.studies import EventKind, ReasonCode
from core.review.study_reading import SignRequest
from core.settings import Settings
from core.workspace import Workspace, open_workspace
from tests.core.store.records import RECIPE, SLIDE_ID, make_model, make_slide

ADA = local_reader("Ada")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        opened.slides.add_slide(make_slide(), actor="test", reason=None)
        yield opened


def run(workspace: Workspace, *words: str | Path) -> int:
    return study.run(build_parser().parse_args(["study", *map(str, words)]), workspace)


def protocol(folder: Path, text: str) -> Path:
    path = folder / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = 'name = "Trial"\nslides = ["liver.svs"]\nreaders = ["Ada", "Bo  Lee"]\n'


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    return dict(json.loads(capsys.readouterr().out))


def test_a_study_is_set_up_from_a_file_and_listed(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.record_sign_in(local_reader("Bo Lee"))
    run(workspace, "create", protocol(tmp_path, GOOD))
    made = said(capsys)
    assert made["names"] == {"ada": "ada", "bo lee": "Bo Lee"}
    assert (made["name"], made["version"], made["n_slides"], made["consensus"]) == ("Trial", 1, 1, 0)
    assert made["readers"] == {"ada": {"to read": 1}, "bo lee": {"to read": 1}}
    run(workspace, "list")
    assert said(capsys) == made


def test_slides_are_chosen_by_words_of_their_origin(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(workspace, "create", protocol(tmp_path, 'name = "T"\nslides_where = "lyon rat"\nreaders = ["Ada"]\n'))
    assert said(capsys)["n_slides"] == 1
    with pytest.raises(BadProtocol):
        run(workspace, "create", protocol(tmp_path, 'name = "T"\nslides_where = "paris"\nreaders = ["Ada"]\n'))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("name = ", BadProtocol),
        (GOOD.replace("liver.svs", "kidney.svs"), NothingToDo),
        (GOOD.replace('"Ada"', '"Bo Lee"'), BadProtocol),
        (GOOD + "n_passes = 9\n", BadProtocol),
    ],
)
def test_a_bad_protocol_stores_nothing(workspace: Workspace, tmp_path: Path, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(workspace, "create", protocol(tmp_path, text))
    assert workspace.roster.studies() == ()


def test_a_change_asks_for_a_reason(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, "create", protocol(tmp_path, GOOD))
    study_id = str(said(capsys)["study_id"])
    changed = protocol(tmp_path, GOOD + "washout_days = 21\n")
    with pytest.raises(BadProtocol, match="why"):
        run(workspace, "change", study_id, changed)
    run(workspace, "change", study_id, changed, "--reason", "a longer pause")
    assert said(capsys)["version"] == 2


def test_reads_and_consensus_are_written_as_tables(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(workspace, "create", protocol(tmp_path, GOOD.replace(', "Bo  Lee"', "")))
    study_id = str(said(capsys)["study_id"])
    (entry,) = workspace.roster.of_reader(ADA.reader_id)
    workspace.study_reading.open(ADA, entry.entry_id, "open")
    for kind in (EventKind.FIRST_READ, EventKind.FINAL_READ):
        workspace.study_reading.sign(
            ADA,
            SignRequest(
                event_id=kind.name,
                entry_id=entry.entry_id,
                kind=kind,
                stage="1c",
                comment="=cmd|'/c'!A1",
                reason_code=ReasonCode.PLACE,
            ),
        )
    out = tmp_path / "reads.csv"
    run(workspace, "reads", study_id, "-o", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    item = f"{workspace.slide(SLIDE_ID).name} ({SLIDE_ID[:8]})"
    assert [(row["item_id"], row["subject_id"], row["reader"], row["step"], row["stage"]) for row in rows] == [
        (item, "rat 7", "ada", "first read", "1c"),
        (item, "rat 7", "ada", "final read", "1c"),
    ]
    assert [(row["is_compared"], row["study"], row["slide_id"]) for row in rows] == [
        ("no", "Trial", SLIDE_ID),
        ("yes", "Trial", SLIDE_ID),
    ]
    assert {row["printed_name"] for row in rows} == {"Ada"}
    assert {row["group"] for row in rows} == {""}
    assert read_long_table(out, TableColumns()).ratings.items == (item,)
    assert rows[0]["comment"] == "'=cmd|'/c'!A1"
    assert rows[0]["signed_at"].endswith("+00:00")
    capsys.readouterr()
    run(workspace, "consensus", study_id)
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["item_id"], row["stage"], row["rule"], row["n_reads"]) == (item, "1c", "unanimous", "1")


def test_patches_are_settled_by_a_named_rule(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(workspace, "create", protocol(tmp_path, GOOD.replace('"Bo  Lee"', '"Bo", "Cy"')))
    study_id = str(said(capsys)["study_id"])
    with pytest.raises(NothingToDo, match="staged a patch"):
        run(workspace, "consensus", study_id, "--patches")
    workspace.models.add_model(make_model(), actor="test")
    for name in ("Ada", "Bo", "Cy"):
        for index in range(20):
            stage = Stage.S3 if (name, index % 5) == ("Cy", 0) else (Stage.S0, Stage.S2)[index % 2]
            item = Item(slide_id=SLIDE_ID, patch_index=index, recipe_hash=RECIPE.hash)
            asked = ReadRequest(event_id=f"{name}-{index}", item=item, sight=Sight(), stage=stage)
            workspace.reading.record(local_reader(name), asked)
    out = tmp_path / "patches.csv"
    run(workspace, "consensus", study_id, "--patches", "--rule", "dawid-skene", "--posterior", "0.95", "-o", out)
    told = said(capsys)
    assert (told["rule"], told["n_settled"], told["n_rows"], told["posterior_asked"]) == ("Dawid-Skene", 20, 20, 0.95)
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["stage"] for row in rows] == ["0", "2"] * 10
    assert {(row["rule"], row["posterior_asked"], row["n_reads"]) for row in rows} == {("Dawid-Skene", "0.95", "3")}
    run(workspace, "consensus", study_id, "--patches")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["rule"] for row in rows} == {"majority", "unanimous"}
    with pytest.raises(NothingToDo, match="between"):
        run(workspace, "consensus", study_id, "--patches", "--rule", "dawid-skene", "--posterior", "0.4")


def test_slides_are_settled_by_another_rule_than_the_protocols_when_asked(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(workspace, "create", protocol(tmp_path, GOOD.replace('"Bo  Lee"', '"Bo"')))
    study_id = str(said(capsys)["study_id"])
    for name, stage in (("Ada", "1c"), ("Bo", "2")):
        reader = local_reader(name)
        (entry,) = workspace.roster.of_reader(reader.reader_id)
        workspace.study_reading.open(reader, entry.entry_id, f"{name}-open")
        for kind in (EventKind.FIRST_READ, EventKind.FINAL_READ):
            asked = SignRequest(event_id=f"{name}-{kind.name}", entry_id=entry.entry_id, kind=kind, stage=stage)
            workspace.study_reading.sign(reader, asked)
    for words, expected in (((), ("", "", "")), (("--rule", "median"), ("", "median", "1c 2"))):
        run(workspace, "consensus", study_id, *words)
        (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
        assert (row["stage"], row["rule"], row["tied"]) == expected
    with pytest.raises(NothingToDo, match="for patches"):
        run(workspace, "consensus", study_id, "--rule", "dawid-skene")


def test_a_plan_says_how_wide_the_interval_will_be(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, "plan", "--animals", "100", "--kappa", "0.7")
    planned = said(capsys)
    assert 0.04 < float(str(planned["half_width_95"])) < 0.09
    with pytest.raises(NothingToDo):
        run(workspace, "plan", "--animals", "2")
    with pytest.raises(NothingToDo, match="seven"):
        run(workspace, "plan", "--scheme", "five", "--weights", "clinical_linear")


def test_the_command_line_cannot_read_in_a_study(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises((BadProtocol, NotPermitted)):
        run(workspace, "create", protocol(tmp_path, GOOD.replace("Ada", "command-line")))
