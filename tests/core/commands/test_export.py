from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.commands import export
from core.domain.adjudication import ConsensusRule
from core.domain.choices import Choice, KeptChoice, PatchPlace
from core.domain.datasets import Isolation, TrainingSet
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.people import Reader, ReaderId
from core.domain.quality import ConcernCode
from core.domain.slides import SlideId
from core.domain.studies import StudyId
from core.retraining.export import write_training_set
from core.retraining.images import Watch
from core.retraining.selection import ExportRequest, Selection
from tests.core.retraining.training_material import NOON, make_sources


@dataclass
class FakeWorkspace:
    """Exports and remembers what was asked."""

    asked: ExportRequest | None = None
    parent: Path | None = None
    choices: dict[str, Choice] = field(default_factory=dict)

    @property
    def training(self) -> FakeWorkspace:
        """Give what writes sets."""
        return self

    def export(
        self,
        reader: Reader,
        request: ExportRequest,
        out: Path,
        watch: Watch | None = None,
        parent: Path | None = None,
    ) -> TrainingSet:
        """Write the set."""
        self.asked, self.parent = request, parent
        return write_training_set(request, make_sources(), out, watch)

    def preview(self, reader: Reader, request: ExportRequest) -> Selection:
        """Give what would be in the set."""
        self.asked = request
        return make_sources().select(request)

    def look_for_copies(self, reader: Reader, request: ExportRequest) -> None:
        """Give nothing: no test is frozen."""

    def keep(self, reader: Reader, name: str, choice: Choice) -> None:
        """Keep a selection."""
        self.choices[name] = choice

    def kept(self, reader: Reader) -> tuple[KeptChoice, ...]:
        """Give the selections kept."""
        return tuple(
            KeptChoice(name=name, choice=choice, kept_by=reader.reader_id, kept_at=NOON)
            for name, choice in self.choices.items()
        )

    def kept_as(self, reader: Reader, name: str) -> KeptChoice:
        """Give one selection."""
        return next(one for one in self.kept(reader) if one.name == name)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    export.add_parser(parser.add_subparsers())
    return parser.parse_args(["export", *words])


def run(*words: str, workspace: FakeWorkspace | None = None) -> ExportRequest:
    workspace = workspace or FakeWorkspace()
    arguments = parsed(*words)
    assert arguments.run(arguments, workspace) == 0
    assert workspace.asked is not None
    return workspace.asked


def test_one_json_object_says_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("training", str(tmp_path / "set"))
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["path"] == str(tmp_path / "set")
    assert len(said["content_sha256"]) == 64
    assert (said["n_patches"], said["n_subjects"], said["left_out"], said["is_demo"]) == (32, 8, {}, False)
    assert sum(said["by_split"].values()) == sum(said["by_stage"].values()) == 32


def test_the_request_is_what_was_typed(tmp_path: Path) -> None:
    asked = run("training", str(tmp_path / "set"), "--by", "site", "--seed", "7", "--fractions", "0.6,0,0.4")
    assert asked == ExportRequest(isolation=Isolation.SITE, seed=7, fractions=(0.6, 0.0, 0.4))


def test_without_options_the_defaults_hold(tmp_path: Path) -> None:
    assert run("training", str(tmp_path / "set")) == ExportRequest()


def test_demo_slides_can_be_asked_for() -> None:
    assert parsed("training", "set", "--demo").demo is True


@pytest.mark.parametrize("fractions", ["0.7,0.3", "a,b,c", "0.9,0.9,0.9", "1,0,0", ""])
def test_fractions_that_make_no_split_are_refused_on_the_line(
    fractions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("training", "set", "--fractions", fractions)
    assert "not like 0.7,0.15,0.15" in capsys.readouterr().err


def test_every_field_of_a_selection_has_its_option(tmp_path: Path) -> None:
    typed = (
        "--study s1 --study s2 --reader anna --rule dawid-skene --at-least 0.8 --fewest-reads 1 --guide 0 --guide 2 "
        "--confidence 2 --without-concern pen --weak 7 --exclude ab/3"
    )
    asked = run("training", "--preview", *typed.split(), workspace=Choosing())
    assert asked.choice == Choice(
        studies=(StudyId("s1"), StudyId("s2")),
        readers=(ReaderId("anna"),),
        rule=ConsensusRule.DAWID_SKENE,
        at_least=0.8,
        guide_versions=(0, 2),
        least_confidence=2,
        without_concerns=(ConcernCode.PEN,),
        weak=True,
        weak_a_slide=7,
        excluded=(PatchPlace(slide_id=SlideId("ab"), patch_index=3),),
    )


class Choosing(FakeWorkspace):
    """Remembers what was asked and finds nothing."""

    def preview(self, reader: Reader, request: ExportRequest) -> Selection:
        """Give an empty selection."""
        self.asked = request
        return replace(make_sources(), reads=()).select(ExportRequest())


def test_a_preview_counts_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slide_id = make_sources().slides[0].slide_id
    run("training", str(tmp_path / "set"), "--preview", "--folds", "3", "--exclude", f"{slide_id}/2")
    said = json.loads(capsys.readouterr().out)
    assert (said["n_patches"], len(said["by_subject"]), set(said["by_site"])) == (31, 8, {"Basel", "Kyoto"})
    assert said["left_out_patches"] == [
        {"patch": f"{slide_id}/2", "slide": "slide-0", "reason": "taken out of this selection"}
    ]
    assert {"fold 1", "fold 2", "fold 3", "test"} <= set(said["sides"])
    assert sum(side["n_animals"] for side in said["side_sizes"].values()) == 8
    assert [caution.split(" holds")[0] for caution in said["cautions"]] == ["fold 1", "fold 2", "fold 3"]
    assert not list(tmp_path.iterdir())


def test_a_selection_is_kept_listed_and_used_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = FakeWorkspace()
    run("training", "--preview", "--rule", "majority", "--keep", "usual", workspace=workspace)
    run("selections", workspace=workspace)
    listed = json.loads(capsys.readouterr().out.splitlines()[-1])
    choice = Choice(rule=ConsensusRule.MAJORITY)
    assert (listed["name"], listed["sha256"], listed["choice"]["rule"]) == ("usual", choice.sha256, "majority")
    asked = run("training", str(tmp_path / "set"), "--selection", "usual", workspace=workspace)
    assert (asked.choice, asked.choice_name) == (choice, "usual")
    with pytest.raises(UserMustAct, match="as it is"):
        run("training", "--preview", "--selection", "usual", "--weak", "3", workspace=workspace)


def test_a_parent_is_passed_on(tmp_path: Path) -> None:
    workspace = FakeWorkspace()
    run("training", str(tmp_path / "set"), "--parent", "before", workspace=workspace)
    assert workspace.parent == Path("before")


def test_without_a_folder_or_a_preview_there_is_nothing_to_do() -> None:
    with pytest.raises(NothingToDo, match="Name the folder"):
        run("training")


@pytest.mark.parametrize("wrong", [["--folds", "1"], ["--weak", "0"], ["--confidence", "9"], ["--exclude", "none"]])
def test_options_out_of_range_are_refused_in_a_sentence(wrong: list[str]) -> None:
    with pytest.raises(UserMustAct, match="cannot be made so"):
        run("training", "--preview", *wrong)
