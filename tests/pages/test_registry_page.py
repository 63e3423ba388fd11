"""The Models page says what fast mode measured, or how to prepare it and how that went."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.fast_mode import PreparationEvent, PreparationStatus
from core.domain.predictions import InferenceMode
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.settings import Settings
from core.workspace import Workspace, start_workspace
from tests.pages.measured_model import measure

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def page() -> None:
    """Draw the page as the shell does for Anna."""
    from core.access.identity import local_reader
    from core.workspace import current_workspace
    from pages import registry
    from pages.parts import messages

    messages.show_kept()
    messages.guarded(registry.render)(current_workspace(), local_reader("Anna Reader"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give an empty workspace as the app would have started it, without the demo."""
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as opened:
        yield opened


def a_model(workspace: Workspace, *, is_demo: bool = True) -> RegisteredModel:
    """Register a model by its record alone."""
    model = RegisteredModel(
        model_id=ModelId("0" * 16),
        name="demo",
        folder=workspace.data_dir / "models" / "0",
        checkpoint_sha256="0" * 64,
        recipe=Recipe(),
        is_demo=is_demo,
        card_json="{}",
        registered_at=workspace.clock(),
    )
    workspace.models.add_model(model, actor="test")
    return model


def opened() -> AppTest:
    """Open the page in a new tab."""
    return AppTest.from_function(page, default_timeout=60).run()


def words_of(tab: AppTest) -> str:
    """Give every text on the page, without what keeps it from being interpreted."""
    boxes = (*tab.markdown, *tab.caption, *tab.warning, *tab.error, *tab.info, *tab.toast)
    return "\n".join(str(box.value) for box in boxes).replace("\\", "").replace("\N{WORD JOINER}", "")


def labels_of(tab: AppTest) -> list[str]:
    """Give the words on the buttons."""
    return [button.label for button in tab.button]


def ended(workspace: Workspace, model: RegisteredModel, status: PreparationStatus, reason: str | None = None) -> None:
    """Store how a preparation went, as an earlier process would have."""
    store = workspace.fast_modes._store
    store.add(PreparationEvent(model_id=model.model_id, status=status, actor="bo", happened_at=NOW, reason=reason))


def test_what_was_measured_is_said_with_its_date(workspace: Workspace) -> None:
    measure(a_model(workspace))
    tab = opened()
    assert not tab.exception
    words = words_of(tab)
    assert "measured 2026-03-01 12:00 UTC on 901 patches" in words
    assert "901 of 901 stages as in exact mode, probabilities at most 0.043 apart" in words
    assert "13% of patches within the margin of 0.17" in words
    assert "Screening, triage only: 895 of 901 stages" in words
    assert "Prepare fast mode" not in labels_of(tab)


def test_a_model_without_it_is_prepared_by_a_button_and_a_failure_is_told_after_a_restart(
    workspace: Workspace,
) -> None:
    model = a_model(workspace)
    tab = opened()
    assert "No fast mode yet." in words_of(tab)
    next(button for button in tab.button if button.label == "Prepare fast mode").click()
    tab.run()
    assert not tab.exception
    assert workspace.fast_modes.wait(120)  # there are no weights in its folder: the real command says so
    latest = workspace.fast_modes.latest(model)
    assert latest is not None
    assert (latest.status, latest.actor) == (PreparationStatus.FAILED, local_reader("Anna Reader").reader_id)
    assert "The last preparation failed" in words_of(opened())
    assert "card" in words_of(opened())


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (PreparationStatus.BEGUN, None, "was cut off; nothing of it was kept"),
        (PreparationStatus.CANCELLED, None, "was cancelled (2026-03-01 12:00 UTC, bo)"),
        (PreparationStatus.FAILED, "no OpenVINO here", "failed (2026-03-01 12:00 UTC, bo): no OpenVINO here"),
    ],
)
def test_how_an_earlier_preparation_ended_is_told(
    workspace: Workspace, status: PreparationStatus, reason: str | None, words: str
) -> None:
    ended(workspace, a_model(workspace), status, reason)
    tab = opened()
    assert words in words_of(tab)
    assert "Prepare fast mode" in labels_of(tab)


def test_a_fast_mode_of_an_earlier_rule_is_not_used_and_is_to_be_prepared_again(workspace: Workspace) -> None:
    model = a_model(workspace)
    measure(model, rule=1)
    tab = opened()
    assert "prepared by an earlier rule and is not used. Prepare it again." in words_of(tab)
    assert "Prepare fast mode" in labels_of(tab)
    assert workspace.modes(model) == (InferenceMode.EXACT,)


def test_a_model_of_ones_own_asks_for_its_training_set(workspace: Workspace) -> None:
    model = a_model(workspace, is_demo=False)
    tab = opened()
    assert "Training set of the model" in [box.label for box in tab.selectbox]
    next(button for button in tab.button if button.label == "Prepare fast mode").click()
    tab.run()
    assert "Name the training set that the model was trained on" in words_of(tab)
    assert workspace.fast_modes.latest(model) is None
