"""The tables of one data folder that the whole room shares."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from core.store.connection import Database
from core.store.examinations import ExaminationStore
from core.store.exports import TrainingSetStore
from core.store.frozen_tests import FrozenTestStore
from core.store.jobs import JobStore
from core.store.models import ModelStore
from core.store.people import PeopleStore
from core.store.preferences import PreferenceStore
from core.store.reads import ReadStore
from core.store.runs import RunStore
from core.store.slides import SlideStore


class Tables:
    """A data folder's database, opened, with a store for each table that several parts ask."""

    def __init__(self, data_dir: Path, clock: Callable[[], datetime]) -> None:
        """Open the database, made where there is none."""
        self.data_dir, self.clock = data_dir, clock
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.database = Database(self.data_dir / "fibroread.duckdb", clock=self.clock)
        self.slides = SlideStore(self.database)
        self.models = ModelStore(self.database)
        self.runs = RunStore(self.database)
        self.jobs = JobStore(self.database)
        self.reads = ReadStore(self.database)
        self.people = PeopleStore(self.database)
        self.preferences = PreferenceStore(self.database)
        self.training_sets = TrainingSetStore(self.database)
        self.frozen_versions = FrozenTestStore(self.database)
        self.examination_events = ExaminationStore(self.database)
