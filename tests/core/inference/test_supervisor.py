"""Jobs come to their end whatever becomes of the worker, which is a real process here."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import MppMissing, NothingToDo, OutsideRecipe, SlideChanged, UserMustAct, WorkerLost
from core.domain.jobs import JobStatus
from core.domain.predictions import RunId
from core.domain.recipe import Recipe
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.domain.stages import Stage
from core.domain.units import Mpp
from core.inference.engine import InferenceTask, infer
from core.inference.requests import Explanation, Lookups
from core.inference.results import load_results
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


class House:
    """A supervisor with its tables."""

    def __init__(self, slide: Slide, folder: Path, *worker_arguments: str) -> None:
        self.slide, self.folder = slide, folder
        self.model: RegisteredModel = write_model(folder / "model")
        self.jobs, self.runs = MemoryJobs(), MemoryRuns()
        self.arguments = worker_arguments
        self.supervisor = self.another_supervisor()

    def another_supervisor(self, lookups: Lookups | None = None) -> Supervisor:
        settings = SupervisorSettings(
            command=worker_command(*self.arguments),
            runs_dir=self.folder / "runs",
            clock=lambda: NOW,
            code_version="0",
        )
        lookups = lookups or Lookups(slide=lambda _: self.slide, model=lambda _: self.model)
        return Supervisor(settings, jobs=self.jobs, runs=self.runs, lookups=lookups)

    def request(self) -> str:
        return self.supervisor.request(self.slide, self.model, "a person").run_id


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Name the file that a worker standing still waits for."""
    return tmp_path / "go on"


@pytest.fixture
def house(slide: Slide, tmp_path: Path, gate: Path) -> Iterator[House]:
    """Give a supervisor whose worker stands still in the second shard until the gate is there."""
    house = House(slide, tmp_path, str(gate))
    yield house
    house.supervisor.stop()


def _hash_of_an_uncut_run(slide: Slide, folder: Path) -> str:
    reader = SlideReader(slide.path, slide.scan.bounds)
    task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=folder)
    outcome = infer(task, Arithmetic(), lambda _done, _total: None, lambda: False)
    reader.close()
    assert outcome is not None
    return outcome.content_sha256


def _stand_in_second_shard(house: House, run_id: str) -> int:
    """Wait until the worker stands still, its first shard done; give its process."""
    standing = Path(house.arguments[0]).with_suffix(".standing")
    house.jobs.wait_for(lambda: ("progress", run_id) in house.jobs.history and standing.exists())
    assert len(list((house.folder / "runs" / run_id / "shards").glob("*.npz"))) == 1
    (worker,) = house.supervisor.worker_process_ids
    return worker


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_run_goes_on_after_its_worker_was_killed_and_ends_bit_for_bit_the_same(
    house: House, gate: Path, tmp_path: Path
) -> None:
    house.supervisor.start()
    run_id = house.request()
    killed = _stand_in_second_shard(house, run_id)
    gate.touch()
    os.kill(killed, signal.SIGKILL)
    assert house.supervisor.wait(run_id, 60).status is JobStatus.FINISHED
    assert killed not in house.supervisor.worker_process_ids
    assert house.runs.runs[run_id].content_sha256 == _hash_of_an_uncut_run(house.slide, tmp_path / "uncut")


def test_a_run_goes_on_in_the_next_process_after_the_app_went(house: House, gate: Path, tmp_path: Path) -> None:
    house.supervisor.start()
    run_id = house.request()
    worker = _stand_in_second_shard(house, run_id)
    house.supervisor.stop()
    assert not _is_alive(worker)
    assert house.jobs.job(run_id).status is JobStatus.RUNNING
    gate.touch()
    house.supervisor = house.another_supervisor()
    house.supervisor.start()
    assert house.supervisor.wait(run_id, 60).status is JobStatus.FINISHED
    assert house.runs.runs[run_id].content_sha256 == _hash_of_an_uncut_run(house.slide, tmp_path / "uncut")


def test_two_requests_share_one_job_and_a_finished_one_is_not_computed_again(house: House, gate: Path) -> None:
    gate.touch()
    first, second = house.request(), house.request()
    house.supervisor.start()
    house.supervisor.wait(first, 60)
    third = house.supervisor.request(house.slide, house.model, "another person")
    assert first == second == third.run_id
    assert third.status is JobStatus.FINISHED
    assert [deed for deed, _ in house.jobs.history].count("running") == 1


def test_a_running_job_is_cancelled_and_its_worker_lives_on(house: House, gate: Path) -> None:
    house.supervisor.start()
    run_id = house.request()
    worker = _stand_in_second_shard(house, run_id)
    house.supervisor.cancel(run_id, "anna")
    house.jobs.wait_for(gate.with_suffix(".heard-2").exists)  # the order of the run, and that it is cancelled
    gate.touch()
    assert house.supervisor.wait(run_id, 60).status is JobStatus.CANCELLED
    assert house.supervisor.worker_process_ids == (worker,)
    assert house.jobs.cancelled_by == {run_id: "anna"}


def test_a_job_cancelled_while_its_worker_hangs_is_cancelled_when_that_dies(house: House) -> None:
    house.supervisor.start()
    run_id = house.request()
    worker = _stand_in_second_shard(house, run_id)
    house.supervisor.cancel(run_id, "anna")
    os.kill(worker, signal.SIGKILL)
    assert house.supervisor.wait(run_id, 60).status is JobStatus.CANCELLED


def test_a_queued_job_is_cancelled_before_anything_runs(house: House) -> None:
    run_id = house.request()
    house.supervisor.cancel(run_id, "anna")
    assert house.jobs.job(run_id).status is JobStatus.CANCELLED
    assert house.jobs.cancelled_by == {run_id: "anna"}


def test_a_slide_on_which_the_worker_dies_three_times_fails(slide: Slide, tmp_path: Path) -> None:
    house = House(slide, tmp_path, "die")
    house.supervisor.start()
    ended = house.supervisor.wait(house.request(), 60)
    house.supervisor.stop()
    assert ended.status is JobStatus.FAILED
    assert ended.reason is not None
    assert "ended 3 times on this slide (exit status 3)" in ended.reason


def test_saliency_is_explained_between_minibatches_and_after(house: House, gate: Path) -> None:
    gate.touch()
    house.supervisor.start()
    run_id = house.request()
    house.supervisor.wait(run_id, 60)
    index = int(np.flatnonzero(load_results(house.folder / "runs" / run_id).is_predicted)[0])
    wish = Explanation(run_id=run_id, slide=house.slide, model=house.model, patch_index=index, stage=Stage.S2)
    first = house.supervisor.explain(wish)
    other = house.supervisor.explain(replace(wish, stage=Stage.S0))
    assert first.shape == (56, 56)
    assert first == pytest.approx(other * (Stage.S2.index + 1))
    with pytest.raises(UserMustAct, match="unknown saliency method"):
        house.supervisor.explain(replace(wish, method="guesswork"))
    with pytest.raises(UserMustAct, match="no patch 99999"):
        house.supervisor.explain(replace(wish, patch_index=99999))


def test_a_patch_is_predicted_on_request_as_the_run_would_have(house: House, gate: Path) -> None:
    gate.touch()
    house.supervisor.start()
    run_id = house.request()
    house.supervisor.wait(run_id, 60)
    predictions = load_results(house.folder / "runs" / run_id)
    index = int(np.flatnonzero(predictions.is_predicted)[0])
    answer = house.supervisor.predict(house.slide, house.model, run_id, index)
    assert answer == pytest.approx(predictions.probabilities[index], abs=0.02)
    with pytest.raises(UserMustAct, match="no patch 99999"):
        house.supervisor.predict(house.slide, house.model, run_id, 99999)


def test_a_question_about_a_slide_never_run_is_answered_with_the_reason(house: House) -> None:
    house.supervisor.start()
    with pytest.raises(UserMustAct, match="not been run with this model"):
        house.supervisor.explain(
            Explanation(run_id=RunId("0" * 32), slide=house.slide, model=house.model, patch_index=0, stage=Stage.S0)
        )


def test_a_question_in_time_without_an_answer_says_so(house: House) -> None:
    house.supervisor.start()
    run_id = house.request()
    _stand_in_second_shard(house, run_id)
    wish = Explanation(run_id=run_id, slide=house.slide, model=house.model, patch_index=0, stage=Stage.S0)
    with pytest.raises(WorkerLost, match=r"within 0.2 s"):
        house.supervisor.explain(wish, timeout_s=0.2)


def test_a_changed_slide_fails_with_that_reason_and_the_next_job_runs(house: House, gate: Path) -> None:
    gate.touch()
    changed = replace(house.slide, slide_id="f" * 32)

    def verify(slide: Slide) -> None:
        if slide.slide_id == changed.slide_id:
            raise SlideChanged(slide.path)

    slides = {slide.slide_id: slide for slide in (changed, house.slide)}
    lookups = Lookups(slide=slides.__getitem__, model=lambda _: house.model, verify=verify)
    house.supervisor = house.another_supervisor(lookups)
    bad = house.supervisor.request(changed, house.model, "a person").run_id
    good = house.request()
    house.supervisor.start()
    ended = house.supervisor.wait(bad, 60)
    assert ended.status is JobStatus.FAILED
    assert "changed on disk" in str(ended.reason)
    assert house.supervisor.wait(good, 60).status is JobStatus.FINISHED


def test_a_slide_whose_file_was_touched_is_not_run_unless_its_content_is_checked(house: House, gate: Path) -> None:
    gate.touch()
    touched = replace(house.slide, file_stamp=(1, 1))
    house.supervisor = house.another_supervisor(Lookups(slide=lambda _: touched, model=lambda _: house.model))
    house.supervisor.start()
    first = house.supervisor.wait(house.request(), 60)
    house.supervisor.stop()
    lookups = Lookups(slide=lambda _: touched, model=lambda _: house.model, verify=lambda _: None)
    house.supervisor = house.another_supervisor(lookups)
    house.supervisor.start()
    second = house.supervisor.wait(house.request(), 60)
    assert (first.status, second.status) == (JobStatus.FAILED, JobStatus.FINISHED)
    assert "changed on disk" in str(first.reason)


def test_a_checkpoint_that_changed_on_disk_is_not_run(house: House) -> None:
    house.model.weights_path.write_bytes(b"another network")
    house.supervisor.start()
    ended = house.supervisor.wait(house.request(), 60)
    assert ended.status is JobStatus.FAILED
    assert "the checkpoint changed on disk" in str(ended.reason)


def test_a_slide_without_scale_is_not_queued(house: House) -> None:
    unscaled = replace(house.slide, scan=replace(house.slide.scan, mpp=Mpp(x=352.8, y=352.8)))
    with pytest.raises(MppMissing, match="print setting"):
        house.supervisor.request(unscaled, house.model, "a person")
    assert house.jobs.history == []


def test_a_slide_too_coarse_for_the_recipe_is_not_queued(house: House) -> None:
    coarse = replace(house.slide, scan=replace(house.slide.scan, mpp=Mpp(x=28.97, y=28.97)))
    with pytest.raises(OutsideRecipe, match="too coarse"):
        house.supervisor.request(coarse, replace(house.model, recipe=Recipe()), "a person")


def test_waiting_for_what_nobody_asked_for_is_refused(house: House) -> None:
    with pytest.raises(NothingToDo):
        house.supervisor.wait("0" * 32)  # type: ignore[arg-type]


def test_a_worker_ends_when_its_input_closes_even_in_the_middle_of_a_minibatch(house: House) -> None:
    house.supervisor.start()
    worker = _stand_in_second_shard(house, house.request())
    house.supervisor.stop()
    assert not _is_alive(worker)
