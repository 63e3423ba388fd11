"""`fibroread run-training`: trains on files alone. The app and `fibroread train` start it, for they own the store.

Asked to stop, or left by who started it, it keeps where it stands after the step under way; killed, what it kept last.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from pathlib import Path

from core.commands.told_process import Tell, begin_telling, end_at_once

_SECONDS_TO_STOP = 25.0
_SECONDS_BETWEEN_WORDS = 0.5
_EXIT_STOPPED = 3


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line, without words in the overview: a person uses `train`."""
    parser = subparsers.add_parser("run-training", description="Train on a set's files.")
    parser.add_argument("set_folder", type=Path, metavar="SET")
    parser.add_argument("--folder", type=Path, required=True, help="where the training lies")
    parser.add_argument("--kept", type=Path, required=True, help="where features of patches are kept")
    parser.add_argument("--configuration", type=json.loads, required=True, help="as JSON")
    parser.add_argument("--served", type=Path, help="the checkpoint of the model that serves")
    parser.add_argument("--frozen", help="which test is frozen, and may not be learned from, as JSON")
    parser.add_argument("--leave-test", action="store_true", help="do not look at the test side: it is frozen")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, required=True)
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Train; tell of each step on stdout as a JSON object a line, at last the outcome or what the problem is."""
    stopping = _Stopping()
    tell = begin_telling(stopping.ask)
    signal.signal(signal.SIGTERM, lambda *_: stopping.ask())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed at a terminal it is meant for the one that started this
    return _train(arguments, _Teller(tell, stopping), tell)


def _train(arguments: argparse.Namespace, follower: _Teller, tell: Tell) -> int:
    import importlib.metadata

    from core.domain.errors import Cancelled, FibroreadError
    from core.domain.training import TrainingConfig
    from core.networks import make_trainer
    from core.retraining.frozen_images import FrozenSet
    from core.retraining.training import TrainingWish, train

    try:
        wish = TrainingWish(
            set_folder=arguments.set_folder,
            config=TrainingConfig.from_plain(arguments.configuration),
            folder=arguments.folder,
            kept_dir=arguments.kept,
            served=arguments.served,
            device=arguments.device,
            n_threads=arguments.threads,
            code_version=importlib.metadata.version("fibroread"),
            frozen=None if arguments.frozen is None else FrozenSet.from_json(arguments.frozen),
            leaves_test=arguments.leave_test,
        )
        outcome = train(wish, make_trainer, follower)
    except Cancelled as error:
        tell({"problem": str(error)})
        return _EXIT_STOPPED
    except FibroreadError as error:
        tell({"problem": str(error)})
        return 2
    tell({"outcome": outcome})
    return 0


class _Stopping:
    """Whether this process was asked to stop; where it does not within a while, it is ended."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self) -> None:
        if not self.is_asked:
            self.is_asked = True
            timer = threading.Timer(_SECONDS_TO_STOP, end_at_once)
            timer.daemon = True
            timer.start()


class _Teller:
    """Tells how far a training is, twice a second at most."""

    def __init__(self, tell: Tell, stopping: _Stopping) -> None:
        self._tell, self._stopping, self._told_at = tell, stopping, -_SECONDS_BETWEEN_WORDS

    def tell(self, share: float, words: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= _SECONDS_BETWEEN_WORDS:
            self._tell({"share": share, "words": words})
            self._told_at = now

    def is_stopping(self) -> bool:
        return self._stopping.is_asked
