"""The worker process as such, without a supervisor."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.inference.messages import CancelRequest, Failed, Finished, InferRequest, Message, Ready, from_line, to_line
from core.inference.worker_process import WORKER_COMMAND
from tests.core.inference.small_study import SMALL_PATCHES, facts_of, worker_command, write_model


def _converse(*messages: Message, n_answers: int) -> tuple[list[Message], int]:
    """Send messages, take so many answers that are no progress, close its input and give its exit status."""
    with subprocess.Popen(worker_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in messages:
            process.stdin.write(to_line(message))
        process.stdin.flush()
        answers: list[Message] = []
        while len(answers) < n_answers:
            line = process.stdout.readline()
            assert line, "the worker ended too early"
            if json.loads(line)["kind"] != "progress":
                answers.append(from_line(line))
        process.stdin.close()
        return answers, process.wait(30)


def _request(slide: Slide, folder: Path) -> InferRequest:
    model = write_model(folder / "model")
    return InferRequest(
        run_id=RunId("1" * 32),
        slide=facts_of(slide),
        stain_batch=(),
        recipe=SMALL_PATCHES,
        weights_path=model.weights_path,
        weights_sha256=model.checkpoint_sha256,
        device="cpu",
        run_folder=folder / "run",
    )


def test_it_runs_a_slide_and_ends_with_its_input(slide: Slide, tmp_path: Path) -> None:
    answers, status = _converse(_request(slide, tmp_path), n_answers=2)
    assert isinstance(answers[0], Ready)
    assert isinstance(answers[1], Finished)
    assert answers[1].call is not None
    assert status == 0


def test_a_cancelled_run_tells_that_it_stopped(slide: Slide, tmp_path: Path) -> None:
    request = _request(slide, tmp_path)
    answers, _ = _converse(request, CancelRequest(run_id=request.run_id), n_answers=2)
    assert answers[1].kind == "stopped"


def test_a_slide_that_is_gone_fails_with_words(slide: Slide, tmp_path: Path) -> None:
    gone = replace(facts_of(slide), path=tmp_path / "gone.svs")
    answers, _ = _converse(replace(_request(slide, tmp_path), slide=gone), n_answers=2)
    assert isinstance(answers[1], Failed)
    assert "not there any more" in answers[1].reason


def test_a_slide_with_another_stamp_fails_as_changed(slide: Slide, tmp_path: Path) -> None:
    changed = replace(facts_of(slide), file_stamp=(1, 1))
    answers, _ = _converse(replace(_request(slide, tmp_path), slide=changed), n_answers=2)
    assert isinstance(answers[1], Failed)
    assert "changed on disk" in answers[1].reason


def test_the_worker_that_the_app_starts_ends_without_a_word_when_its_input_closes() -> None:
    ended = subprocess.run(
        WORKER_COMMAND, input="", capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert from_line(ended.stdout).process_id > 0
    assert ended.stderr == ""
