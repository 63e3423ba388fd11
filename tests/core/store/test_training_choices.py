from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from core.domain.choices import Choice, KeptChoice
from core.domain.people import ReaderId
from core.store import audit
from core.store.connection import Database
from core.store.training_choices import TrainingChoiceStore
from core.store.verification import verify

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def kept(name: str, choice: Choice) -> KeptChoice:
    return KeptChoice(name=name, choice=choice, kept_by=ReaderId("lena"), kept_at=NOON)


def test_the_last_choice_kept_under_a_name_stands_and_each_is_audited() -> None:
    sure, weak = Choice(least_confidence=3), Choice(weak=True)
    with Database.in_memory() as database:
        store = TrainingChoiceStore(database)
        for name, choice in (("sure", Choice()), ("weak", weak), ("sure", sure)):
            store.add(kept(name, choice))
        assert store.choices() == (kept("sure", sure), kept("weak", weak))
        assert [(one.action, one.subject) for one in audit.entries(database)] == [
            ("training choice kept", name) for name in ("sure", "weak", "sure")
        ]
        assert verify(database) == 3


def test_a_kept_choice_outlives_the_process(tmp_path: Path) -> None:
    with Database(tmp_path / "fibroread.duckdb") as database:
        TrainingChoiceStore(database).add(kept("weak", Choice(weak=True)))
    with Database(tmp_path / "fibroread.duckdb") as database:
        assert TrainingChoiceStore(database).choices() == (kept("weak", Choice(weak=True)),)
