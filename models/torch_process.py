"""A checkpoint in plain torch, in a process of its own that begins with the first question and ends when none comes.

Torch takes a gigabyte beside a network that runs in OpenVINO: to be exported, to be compared with, and for saliency on
request. A process gives all of it back when it ends, which is at the latest with the one that asks.
"""

import contextlib
import signal
import subprocess
import sys
import threading
import traceback
import weakref
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from models.minibatch import Minibatch

if TYPE_CHECKING:
    from models.predictor import TorchPredictor

_SECONDS_IDLE = 60.0
_SECONDS_TO_END = 5.0
_STDERR = 2
_PACKAGES = Path(__file__).resolve().parent.parent
_DEVICE_NAME, _EXPORT, _PREDICT, _EXPLAIN = "device name", "export", "predict", "explain"

_Told = tuple[Any, Exception | None]
"""The answer to a question, or why there is none."""


class TorchProcess:
    """Answers as a TorchPredictor does; safe from many threads, one question at a time.

    Its calls raise ValueError as torch's do, and RuntimeError for all else that goes wrong in the process.
    """

    def __init__(self, weights_path: Path, seconds_idle: float = _SECONDS_IDLE) -> None:
        """Begin nothing yet."""
        self._arguments = str(weights_path.resolve()), str(seconds_idle)
        self._lock = threading.Lock()
        self._running: _Running | None = None

    @property
    def process_id(self) -> int | None:
        """Give the id of the process, None when there is none."""
        running = self._running
        return running.process_id if running is not None and running.is_alive else None

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        return str(self._ask(_DEVICE_NAME))

    def export(self, path: Path) -> None:
        """Write the network as an OpenVINO graph, and end: exporting leaves much behind."""
        self._ask(_EXPORT, path.resolve())
        with self._lock:
            self._end()

    def predict(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches (n, h, w, 3)."""
        return cast(Minibatch, self._ask(_PREDICT, patches))

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch, as TorchPredictor does."""
        asked = {"method": method, "layer": layer, "class_index": class_index}
        return np.asarray(self._ask(_EXPLAIN, patch, asked), np.float32)

    def _ask(self, *question: Any) -> Any:
        with self._lock:
            was_running = self._running is not None
            told = self._told(question)
            if told is None and was_running:  # it had ended for want of questions
                told = self._told(question)
        if told is None:
            raise RuntimeError("the process that torch runs in ended before it answered")
        answer, error = told
        if error is not None:
            raise error
        return answer

    def _told(self, question: tuple[Any, ...]) -> _Told | None:
        """Give what the process tells; None when it is not there any more."""
        if self._running is None:
            self._running = _Running(self._arguments)
        try:
            return self._running.ask(question)
        except (EOFError, OSError):
            self._end()
            return None

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.end()


class _Running:
    """One such process as the one that asks sees it."""

    def __init__(self, arguments: tuple[str, str]) -> None:
        self._pipe, theirs = Pipe()
        command = (sys.executable, "-m", "models.torch_process", str(theirs.fileno()), *arguments)
        with theirs:
            self._process = subprocess.Popen(
                command, cwd=_PACKAGES, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=_STDERR
            )
        self.end = weakref.finalize(self, _end, self._pipe, self._process)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def ask(self, question: tuple[Any, ...]) -> _Told:
        self._pipe.send(question)
        return cast(_Told, self._pipe.recv())


def _end(pipe: Connection, process: subprocess.Popen[bytes]) -> None:
    """Close its pipe, and wait for it or end it by force."""
    pipe.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Answer questions from the pipe until it is closed, or none has come for a while."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed at a terminal it is meant for the one that asks
    pipe, weights_path, seconds_idle = Connection(int(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3])
    asked = _Asked(weights_path)
    with contextlib.suppress(EOFError, OSError):
        while pipe.poll(seconds_idle):
            pipe.send(asked.answer(*pipe.recv()))


class _Asked:
    """The inside of the process; torch is loaded with the first question."""

    def __init__(self, weights_path: Path) -> None:
        self._weights_path = weights_path
        self._predictor: TorchPredictor | None = None

    def answer(self, question: str, *about: Any) -> _Told:
        try:
            return self._answer(self._loaded(), question, about), None
        except ValueError as error:
            return None, ValueError(str(error))
        except Exception as error:  # a question must not end the process: the next may have an answer
            traceback.print_exc(file=sys.stderr)
            return None, RuntimeError(f"{type(error).__name__}: {error}")

    def _loaded(self) -> "TorchPredictor":
        from models.predictor import load_torch_predictor

        if self._predictor is None:
            self._predictor = load_torch_predictor(self._weights_path)
        return self._predictor

    def _answer(self, predictor: "TorchPredictor", question: str, about: tuple[Any, ...]) -> Any:
        if question == _DEVICE_NAME:
            return predictor.device_name
        if question == _PREDICT:
            return predictor.predict(*about)
        if question == _EXPLAIN:
            return predictor.explain(about[0], **about[1])
        from models.openvino_graph import export_graph

        return export_graph(predictor.classifier, *about)


if __name__ == "__main__":
    main()
