"""From a written set to a candidate in the registry, by the real process and the real network, last layer alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.access.identity import COMMAND_LINE
from core.domain.errors import Cancelled, FolderTaken, NothingToDo
from core.domain.people import Reader, ReaderId, Role
from core.domain.registry import ModelStatus
from core.domain.stages import Stage
from core.domain.training import TrainingConfig, TrainingEvent, TrainingStatus
from core.networks import make_trainer
from core.retraining.configurations import CONFIGURATIONS, changed
from core.retraining.training import TrainingWish, train
from core.retraining.training_log import read_curves
from core.retraining.training_runs import TrainingRequest, n_training_threads
from core.settings import Settings
from core.store import audit
from core.workspace import Workspace, open_workspace
from tests.core.retraining.drawn_set import drawn_sources, read_as_every_stage_alike, write_drawn_set

DEMO_MODEL = Path(__file__).parents[3] / "demo_model"
FAR_APART = (Stage.S0, Stage.S4)
HEAD = changed(CONFIGURATIONS["head-only"], {"start": "served", "n_epochs": 20, "minibatch": 8})


@dataclass
class Waiting:
    """Follows a training, and stops it after some words."""

    stops_after: int = 10**9
    words: list[str] = field(default_factory=list)

    def tell(self, share: float, words: str) -> None:
        self.words.append(words)

    def is_stopping(self) -> bool:
        return len(self.words) >= self.stops_after


@dataclass(frozen=True)
class Trained:
    """A workspace after a training, and its outcome."""

    workspace: Workspace
    event: TrainingEvent

    @property
    def outcome(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.event.outcome_json or "{}")
        return found


@pytest.fixture(scope="module")
def set_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a set of twenty animals of the first and the last stage, of which ten are validated on."""
    out = tmp_path_factory.mktemp("set") / "set"
    return write_drawn_set(out, drawn_sources(20, FAR_APART), fractions=(0.3, 0.5, 0.2))


@pytest.fixture(scope="module")
def trained(set_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Train on it beside a workspace that the demo model serves."""
    with open_workspace(Settings(data_dir=tmp_path_factory.mktemp("data"))) as workspace:
        workspace.add_model(COMMAND_LINE, DEMO_MODEL)
        training_id = workspace.trainings.begin(COMMAND_LINE, TrainingRequest(set_folder=set_folder, config=HEAD))
        assert workspace.trainings.wait(300)
        event = workspace.trainings.latest(training_id)
        assert event is not None
        assert event.status is TrainingStatus.FINISHED, event.reason
        yield Trained(workspace, event)


def wished(set_folder: Path, folder: Path, config: TrainingConfig = HEAD) -> TrainingWish:
    return TrainingWish(
        set_folder=set_folder,
        config=config,
        folder=folder,
        kept_dir=folder.parent / "features",
        served=DEMO_MODEL / "weights.safetensors",
        device="cpu",
        n_threads=n_training_threads(),
        code_version="0.1.0",
    )


def test_it_learns_what_held_out_animals_are_and_the_baseline_stands_beside_it(trained: Trained) -> None:
    metrics, baseline = trained.outcome["metrics"], trained.outcome["baseline"]
    for side in ("validation", "test"):
        assert metrics[side]["kappa_linear"] > 0.75
        assert baseline[side]["n_patches"] == metrics[side]["n_patches"]
    assert "ordinal logistic" in baseline["method"]


def test_shuffled_stages_fall_to_chance(tmp_path: Path) -> None:
    shuffled = write_drawn_set(
        tmp_path / "set", drawn_sources(16, FAR_APART, read_as=read_as_every_stage_alike(16, FAR_APART))
    )
    outcome = train(wished(shuffled, tmp_path / "run"), make_trainer, Waiting())
    assert outcome["metrics"]["test"]["kappa_linear"] < 0.4
    assert outcome["baseline"]["test"]["kappa_linear"] < 0.4


def test_on_too_few_held_out_animals_no_temperature_is_fitted_and_that_is_said(
    trained: Trained, tmp_path: Path
) -> None:
    few = write_drawn_set(tmp_path / "set", drawn_sources(6, FAR_APART))
    outcome = train(wished(few, tmp_path / "run"), make_trainer, Waiting())
    found = outcome["calibration"]
    words = "4 patches of 1 animal, where 20 of 5 are the fewest"
    assert (found["temperature"], found["fitted_on"], found["not_calibrated"]) == (1.0, None, f"too few: {words}")
    assert found["test"]["before"] == found["test"]["after"]
    record, card = (json.loads((tmp_path / "run" / name).read_text()) for name in ("record.json", "model/card.json"))
    said = [
        f"the validation side holds {words}: which epoch is kept is much by chance, and no temperature is fitted on it"
    ]
    assert record["set"]["cautions"] == outcome["cautions"] == said
    assert words in card["limits"]
    enough = trained.outcome
    assert (enough["cautions"], enough["calibration"]["fitted_on"]) == ([], "validation")
    assert enough["calibration"]["temperature"] != 1.0


def test_on_a_small_set_an_epoch_is_of_several_passes_and_the_record_says_so(trained: Trained) -> None:
    schedule = json.loads((trained.event.folder / "record.json").read_text())["schedule"]
    assert schedule == {"patches_a_step": 8, "steps_a_pass": 3, "steps_an_epoch": 12, "n_steps_at_most": 240}
    curves = trained.workspace.trainings.curves(trained.event.training_id)
    assert [point.step for point in curves.epochs][:3] == [12, 24, 36]


def test_the_model_is_a_candidate_with_its_lineage_and_the_one_that_served_goes_on_serving(trained: Trained) -> None:
    workspace, event = trained.workspace, trained.event
    assert event.model_id is not None
    model, serving = workspace.model(event.model_id), workspace.models.served_model()
    card = json.loads(model.card_json)
    assert (model.training_id, model.is_demo) == (event.training_id, True)
    assert workspace.models.status_of(model.model_id) is ModelStatus.CANDIDATE
    assert card["training"]["set_sha256"] == event.set_sha256
    assert card["sha256"] == model.checkpoint_sha256 == trained.outcome["checkpoint_sha256"]
    assert card["calibration"]["temperature"] == trained.outcome["calibration"]["temperature"]
    assert card["metrics"]["baseline"] == trained.outcome["baseline"]
    assert (card["scope"]["sites"], card["scope"]["scan_mpp"]) == (["A", "B"], [0.5, 0.5])
    assert serving is not None
    assert serving.training_id is None


def test_its_folder_holds_the_record_and_the_curves_and_nothing_to_go_on_from(trained: Trained) -> None:
    folder = trained.event.folder
    assert {path.name for path in folder.iterdir()} == {
        "record.json",
        "baseline.json",
        "outcome.json",
        "steps.parquet",
        "epochs.parquet",
        "model",
    }
    record = json.loads((folder / "record.json").read_text())
    assert record["configuration"] == HEAD.to_plain()
    assert record["set"]["content_sha256"] == trained.event.set_sha256
    assert {"torch", "fibroread", "code_sha256", "scikit-learn"} <= record["software"].keys()
    curves = trained.workspace.trainings.curves(trained.event.training_id)
    assert len(curves.steps) == trained.outcome["n_steps"]
    assert len(curves.epochs) == trained.outcome["n_epochs"]
    assert curves.epochs[-1].training_loss < curves.epochs[0].training_loss


def test_the_audit_log_tells_its_beginning_its_model_and_its_end(trained: Trained) -> None:
    log = [(entry.action, entry.subject) for entry in audit.entries(trained.workspace.database)]
    event = trained.event
    assert log[-3:] == [
        ("training begun", event.training_id),
        ("model registered", event.model_id),
        ("training finished", event.training_id),
    ]


def test_the_same_training_is_not_done_twice(trained: Trained, set_folder: Path) -> None:
    with pytest.raises(NothingToDo, match="is finished"):
        trained.workspace.trainings.begin(COMMAND_LINE, TrainingRequest(set_folder=set_folder, config=HEAD))


def test_who_may_not_train_does_not(trained: Trained, set_folder: Path) -> None:
    reader = Reader(reader_id=ReaderId("anna"), name="Anna", roles=frozenset({Role.READER}))
    with pytest.raises(Exception, match="may not train models"):
        trained.workspace.trainings.begin(reader, TrainingRequest(set_folder=set_folder, config=HEAD))


def test_a_training_that_was_stopped_ends_as_one_that_was_not(trained: Trained, set_folder: Path) -> None:
    """On the features that are kept of the first, so that it takes no time."""
    folder = trained.event.folder.parent / "again"
    with pytest.raises(Cancelled):
        train(wished(set_folder, folder), make_trainer, Waiting(stops_after=12))
    n_before = len(read_curves(folder).steps)
    outcome = train(wished(set_folder, folder), make_trainer, Waiting())
    assert 0 < n_before < outcome["n_steps"]
    assert outcome == trained.outcome
    assert read_curves(folder) == read_curves(trained.event.folder)


def test_another_training_does_not_take_its_folder(trained: Trained, set_folder: Path) -> None:
    with pytest.raises(FolderTaken):
        train(wished(set_folder, trained.event.folder, changed(HEAD, {"seed": 9})), make_trainer, Waiting())
