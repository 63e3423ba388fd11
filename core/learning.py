"""The wiring of what follows a training set: models registered, trained, examined, put into service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from core.inference.registry import DescribeWeights, ModelRegistry
from core.retraining.evidence import Evidence
from core.retraining.examinations import Examinations
from core.retraining.frozen_test import FrozenTests
from core.retraining.promotion import Promotion
from core.retraining.training_runs import TrainingRuns, TrainingRunSources
from core.store.tables import Tables
from core.store.trainings import TrainingStore


class Learning(Tables):
    """One data folder with what makes models and decides on them."""

    def __init__(self, data_dir: Path, clock: Callable[[], datetime], describe_weights: DescribeWeights) -> None:
        super().__init__(data_dir, clock)
        served = self.models.served_model
        self.registry = ModelRegistry(self.models, self.data_dir / "models", clock, describe_weights)
        self.frozen_tests = FrozenTests(self.frozen_versions, self.data_dir / "looks", clock)
        sources = TrainingRunSources(served, self.frozen_tests)
        folder = self.data_dir / "trainings"
        self.trainings = TrainingRuns(TrainingStore(self.database), folder, self.registry, sources, clock)
        tests = self.frozen_tests.current
        self.evidence = Evidence(self.examination_events, tests, self.trainings.trainings, served)
        examined = self.data_dir / "examinations"
        self.examinations = Examinations(self.models, self.trainings, self.evidence, examined, clock)
        self.promotion = Promotion(self.models, self.evidence, clock)

    def stop_learning(self) -> None:
        """End what is under way, and wait until that is stored; a training goes on from where it stood."""
        self.examinations.stop()
        self.frozen_tests.stop()
        self.trainings.stop()
