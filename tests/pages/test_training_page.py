"""The Training page begins a training, says how each went, and sets the network beside the baseline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.registry import ModelId
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.export import write_training_set
from core.retraining.measures import Measures
from core.retraining.selection import ExportRequest
from core.retraining.training_log import TrainingLog
from core.settings import Settings
from core.store.trainings import TrainingStore
from core.workspace import Workspace, start_workspace
from tests.core.retraining.training_material import make_sources

SHA256 = "c" * 64


def page(roles: str = "lead") -> None:
    """Draw the page as the shell does."""
    from core.domain.people import Reader, ReaderId, Role
    from core.workspace import current_workspace
    from pages import training
    from pages.parts import messages

    messages.show_kept()
    training.render(
        current_workspace(), Reader(reader_id=ReaderId("lena"), name="Lena", roles=frozenset({Role(roles)}))
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give an empty workspace as the app would have started it, without the demo."""
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as opened:
        yield opened


def opened(roles: str = "lead") -> AppTest:
    """Open the page in a new tab."""
    return AppTest.from_function(page, default_timeout=60, kwargs={"roles": roles}).run()


def words_of(tab: AppTest) -> str:
    """Give every text on the page, without what keeps it from being interpreted."""
    assert not tab.exception
    boxes = (*tab.markdown, *tab.caption, *tab.warning, *tab.error, *tab.info, *tab.toast)
    return "\n".join(str(box.value) for box in boxes).replace("\\", "").replace("\N{WORD JOINER}", "")


def measured(kappa: float) -> dict[str, object]:
    return Measures(
        accuracy=0.5,
        kappa_unweighted=0.1,
        kappa_linear=kappa,
        kappa_quadratic=0.3,
        calibration_error=0.05,
        animal_accuracy=0.75,
        n_patches=12,
        n_animals=3,
        classes=(),
    ).to_plain()


def stored(workspace: Workspace, status: TrainingStatus, *, baseline: float = 0.2, **more: str | None) -> Path:
    """Store how a training went, as an earlier process would have; give its folder."""
    not_calibrated = more.get("not_calibrated")
    outcome = {
        "is_demo": True,
        "started_from": "ImageNet weights",
        "n_steps": 40,
        "n_epochs": 4,
        "best_epoch": 2,
        "cautions": ["the validation side is small"] if not_calibrated else [],
        "calibration": {
            "temperature": 1.5,
            "fitted_on": None if not_calibrated else "validation",
            "not_calibrated": not_calibrated,
        },
        "metrics": {"validation": measured(0.7), "test": measured(0.6)},
        "baseline": {"method": "ordinal", "validation": measured(baseline), "test": measured(baseline)},
    }
    is_finished = status is TrainingStatus.FINISHED
    event = TrainingEvent(
        training_id=TrainingId("t" * 16),
        status=status,
        actor="bo",
        happened_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        set_path=workspace.data_dir / "no-set",
        set_sha256=SHA256,
        folder=workspace.data_dir / "trainings" / "t",
        config=replace(CONFIGURATIONS["head-only"], seed=7),
        reason=more.get("reason"),
        outcome_json=json.dumps(outcome) if is_finished else None,
        model_id=ModelId("m" * 16) if is_finished else None,
    )
    TrainingStore(workspace.database).add(event)
    return event.folder


def test_without_a_training_it_says_what_to_do(workspace: Workspace) -> None:
    assert "No training yet" in words_of(opened())


def test_who_may_not_train_is_offered_nothing(workspace: Workspace) -> None:
    stored(workspace, TrainingStatus.FAILED, reason="no disk")
    tab = opened("reader")
    assert "A study lead can begin a training" in words_of(tab)
    assert not tab.button


def test_a_finished_one_stands_beside_its_baseline(workspace: Workspace) -> None:
    stored(workspace, TrainingStatus.FINISHED)
    tab = opened()
    words = words_of(tab)
    assert "head-only, seed 7, set cccccccc" in words
    assert "DEMO" in words
    assert "temperature 1.50 on the validation animals; candidate model mmmm" in words
    assert "epoch 3 kept" in words
    table = tab.dataframe[0].value
    assert list(zip(table["Side"], table["By"], table["Kappa, linear"], strict=True)) == [
        ("test", "network", 0.6),
        ("test", "baseline", 0.2),
        ("validation", "network", 0.7),
        ("validation", "baseline", 0.2),
    ]
    assert "as good as the network" not in words


def test_one_that_is_not_calibrated_says_why(workspace: Workspace) -> None:
    stored(workspace, TrainingStatus.FINISHED, not_calibrated="too few: 3 patches of 1 animal")
    words = words_of(opened())
    assert "not calibrated: too few: 3 patches of 1 animal; candidate" in words
    assert "The validation side is small." in words


def test_a_baseline_that_is_ahead_is_said_to_be(workspace: Workspace) -> None:
    stored(workspace, TrainingStatus.FINISHED, baseline=0.65)
    assert "baseline of measured collagen is as good as the network here, or better" in words_of(opened())


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (TrainingStatus.BEGUN, None, "It was cut off (begun 2026-03-01 12:00 UTC, bo)"),
        (
            TrainingStatus.CANCELLED,
            "the app was closed",
            "It was stopped (2026-03-01 12:00 UTC, bo; the app was closed)",
        ),
        (TrainingStatus.FAILED, "no disk", "It failed (2026-03-01 12:00 UTC, bo): no disk"),
    ],
)
def test_one_that_did_not_end_is_gone_on_with(
    workspace: Workspace, status: TrainingStatus, reason: str | None, words: str
) -> None:
    stored(workspace, status, reason=reason)
    tab = opened()
    assert words in words_of(tab)
    tab.button(key="training.go_on_" + "t" * 16).click().run()
    assert "is no training set" in words_of(tab)  # its folder is gone


def test_its_curves_are_drawn(workspace: Workspace) -> None:
    folder = stored(workspace, TrainingStatus.BEGUN)
    folder.mkdir(parents=True)
    assert "No step yet" in words_of(opened())
    log = TrainingLog(folder)
    log.add_step(1, 1.9, 1e-4)
    log.add_epoch(0, 1.9, 2.0, Measures(**{**measured(0.4), "classes": ()}))  # type: ignore[arg-type]
    log.flush()
    assert "No step yet" not in words_of(opened())


def written_set(workspace: Workspace) -> Path:
    """Write a small set as the Training sets page does."""
    folder = workspace.data_dir / "exports" / "mine"
    workspace.training_sets.add(write_training_set(ExportRequest(), make_sources(), folder))
    return folder


def test_a_set_that_is_broken_is_told_after_it_was_begun(workspace: Workspace) -> None:
    (written_set(workspace) / "README.txt").unlink()
    tab = opened()
    tab.selectbox(key="training.configuration").set_value("head-only").run()
    tab.text_area(key="training.changes").set_value("seed = 3").run()
    tab.button(key="training.start").click().run()
    assert not tab.exception
    assert workspace.trainings.wait(120)
    words = words_of(opened())
    assert "head-only, seed 3, set" in words
    assert "README.txt is missing" in words


def test_changes_that_cannot_be_are_refused_by_name(workspace: Workspace) -> None:
    written_set(workspace)
    tab = opened()
    tab.text_area(key="training.changes").set_value("n_epoch = 3").run()
    tab.button(key="training.start").click().run()
    assert "n_epoch" in words_of(tab)
    assert not workspace.trainings.trainings()
