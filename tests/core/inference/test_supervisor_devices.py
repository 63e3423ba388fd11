"""One worker a CUDA device: the devices are only told of here, the workers are real processes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.jobs import JobStatus
from core.domain.predictions import RunId
from core.domain.slides import Slide, SlideId
from core.domain.stages import Stage
from core.inference.engine import InferenceTask, infer
from core.inference.requests import Explanation, Lookups
from core.inference.supervisor import Supervisor, SupervisorSettings
from core.slides.reader import SlideReader
from tests.core.inference.small_study import (
    NOW,
    SMALL_PATCHES,
    Arithmetic,
    MemoryJobs,
    MemoryRuns,
    facts_of,
    worker_command,
    write_model,
)


class Machine:
    """A supervisor whose workers tell of some devices, with its tables and as many slides as are asked for."""

    def __init__(self, slide: Slide, folder: Path, *worker_arguments: str) -> None:
        self.slide, self.folder = slide, folder
        self.model = write_model(folder / "model")
        self.jobs, self.runs = MemoryJobs(), MemoryRuns()
        self.slides = {SlideId(f"{number:032x}"): slide for number in range(9)}
        settings = SupervisorSettings(
            command=worker_command(*worker_arguments), runs_dir=folder / "runs", clock=lambda: NOW, code_version="0"
        )
        lookups = Lookups(slide=self.slide_of, model=lambda _: self.model)
        self.supervisor = Supervisor(settings, jobs=self.jobs, runs=self.runs, lookups=lookups)

    def slide_of(self, slide_id: SlideId) -> Slide:
        return replace(self.slides[slide_id], slide_id=slide_id)

    def request(self, n: int, first: int = 0) -> list[RunId]:
        slides = [self.slide_of(slide_id) for slide_id in list(self.slides)[first : first + n]]
        return [self.supervisor.request(slide, self.model, "a person").run_id for slide in slides]

    def stand_still(self, n: int) -> None:
        """Wait until so many workers stand still, each with one shard done."""
        self.jobs.wait_for(lambda: len(list((self.folder / "runs").glob("*/shards/[0-9]*.npz"))) == n)

    def status(self, run_id: RunId) -> JobStatus:
        job = self.jobs.job(run_id)
        assert job is not None
        return job.status

    def deeds(self, deed: str) -> list[RunId]:
        return [run_id for each, run_id in self.jobs.history if each == deed]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Name the file that workers standing still wait for."""
    return tmp_path / "go on"


@pytest.fixture(autouse=True)
def _devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers tell of three devices."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("FIBROREAD_TEST_DEVICES", "3")


@pytest.fixture
def machine(slide: Slide, tmp_path: Path, gate: Path) -> Iterator[Machine]:
    """Give a supervisor whose workers stand still in the second shard until the gate is there."""
    machine = Machine(slide, tmp_path, str(gate))
    yield machine
    machine.supervisor.stop()


@pytest.fixture(scope="module")
def uncut_sha256(slide: Slide, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the hash of what a run that nothing happens to comes to."""
    reader = SlideReader(slide.path, slide.scan.bounds)
    folder = tmp_path_factory.mktemp("uncut")
    task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=folder)
    outcome = infer(task, Arithmetic(), lambda _done, _total: None, lambda: False)
    reader.close()
    assert outcome is not None
    return outcome.content_sha256


def test_each_device_has_a_worker_and_no_slide_is_given_to_two(machine: Machine, gate: Path, uncut_sha256: str) -> None:
    runs = machine.request(5)
    machine.supervisor.start()
    machine.stand_still(3)
    assert len(set(machine.supervisor.worker_process_ids)) == 3
    assert machine.deeds("running") == runs[:3]
    assert [machine.status(run_id) for run_id in runs[3:]] == [JobStatus.QUEUED, JobStatus.QUEUED]
    gate.touch()
    assert {machine.supervisor.wait(run_id, 60).status for run_id in runs} == {JobStatus.FINISHED}
    assert sorted(machine.deeds("running")) == sorted(runs)
    assert [machine.runs.runs[run_id].device for run_id in runs[:3]] == [f"arithmetic on device {k}" for k in range(3)]
    assert {machine.runs.runs[run_id].content_sha256 for run_id in runs} == {uncut_sha256}
    assert len(machine.supervisor.worker_process_ids) == 3


def test_a_lost_worker_is_replaced_at_its_own_device_and_its_slide_goes_on(
    machine: Machine, gate: Path, uncut_sha256: str
) -> None:
    runs = machine.request(3)
    machine.supervisor.start()
    machine.stand_still(3)
    first, lost, third = machine.supervisor.worker_process_ids
    os.kill(lost, signal.SIGKILL)
    gate.touch()
    assert {machine.supervisor.wait(run_id, 60).status for run_id in runs} == {JobStatus.FINISHED}
    assert machine.runs.runs[runs[1]].device == "arithmetic on device 1"
    assert machine.supervisor.worker_process_ids[::2] == (first, third)
    assert machine.supervisor.worker_process_ids[1] != lost
    assert machine.runs.runs[runs[1]].content_sha256 == uncut_sha256
    assert (
        machine.deeds("running") == runs
    )  # not even the lost one was put back into the queue, where all could take it
    assert machine.deeds("queued") == runs


def test_a_device_that_fails_costs_its_worker_and_the_slide_goes_on(
    slide: Slide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uncut_sha256: str
) -> None:
    monkeypatch.setenv("FIBROREAD_TEST_DEVICES", "1")
    machine = Machine(slide, tmp_path, "--lose-device-once", str(tmp_path / "lost"))
    machine.supervisor.start()
    (run_id,) = machine.request(1)
    ended = machine.supervisor.wait(run_id, 60)
    machine.supervisor.stop()
    assert (tmp_path / "lost").exists()
    assert ended.status is JobStatus.FINISHED
    assert machine.runs.runs[run_id].content_sha256 == uncut_sha256


def test_a_device_on_which_no_worker_lives_does_not_eat_the_queue(
    slide: Slide, tmp_path: Path, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIBROREAD_TEST_DEVICES", "2")
    machine = Machine(slide, tmp_path, "--die-on-first-device", str(gate))
    runs = machine.request(5)
    machine.supervisor.start()
    failed = [machine.supervisor.wait(run_id, 120) for run_id in (runs[0], runs[2])]
    assert [job.status for job in failed] == [JobStatus.FAILED, JobStatus.FAILED]
    assert "ended 3 times on this slide" in str(failed[1].reason)
    assert machine.status(runs[3]) is JobStatus.QUEUED
    gate.touch()
    for run_id in (runs[1], runs[3], runs[4]):
        assert machine.supervisor.wait(run_id, 60).status is JobStatus.FINISHED
        assert machine.runs.runs[run_id].device == "arithmetic on device 1"
    machine.supervisor.stop()


def test_with_the_processor_asked_for_there_is_one_worker(machine: Machine, gate: Path) -> None:
    gate.touch()
    machine.supervisor.device = "cpu"
    runs = machine.request(3)
    machine.supervisor.start()
    assert {machine.supervisor.wait(run_id, 60).status for run_id in runs} == {JobStatus.FINISHED}
    assert len(machine.supervisor.worker_process_ids) == 1


def test_a_question_is_answered_by_a_worker_that_is_free(machine: Machine, gate: Path) -> None:
    gate.touch()
    finished = machine.request(3)
    machine.supervisor.start()
    for run_id in finished:
        machine.supervisor.wait(run_id, 60)
    assert len(machine.supervisor.worker_process_ids) == 3
    gate.unlink()
    machine.request(1, first=3)
    machine.jobs.wait_for(gate.with_suffix(".standing").exists)
    slide = machine.slide_of(SlideId("0" * 32))
    wish = Explanation(run_id=finished[0], slide=slide, model=machine.model, patch_index=99, stage=Stage.S2)
    assert machine.supervisor.explain(wish).shape == (56, 56)
    gate.touch()


def test_a_cancelled_slide_leaves_the_others_alone(machine: Machine, gate: Path) -> None:
    runs = machine.request(3)
    machine.supervisor.start()
    machine.stand_still(3)
    machine.supervisor.cancel(runs[2], "anna")
    machine.jobs.wait_for(gate.with_suffix(".heard-2").exists)  # at the one worker that was told to stop
    gate.touch()
    assert machine.supervisor.wait(runs[2], 60).status is JobStatus.CANCELLED
    assert {machine.supervisor.wait(run_id, 60).status for run_id in runs[:2]} == {JobStatus.FINISHED}
    assert machine.jobs.cancelled_by == {runs[2]: "anna"}
