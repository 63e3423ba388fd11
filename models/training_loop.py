"""The one loop that trains: AdamW, cosine annealing, early stopping, and a state from which it goes on bit for bit."""

import contextlib
import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.losses import loss_of
from models.training_plan import StepOrder, TrainingPlan, learning_rate_at
from models.training_state import TrainingState, load_state, load_weights, save_state, save_weights

Logits = npt.NDArray[np.float32]
STATE_NAME, BEST_NAME = "checkpoint.safetensors", "best.safetensors"
_PREDICTED_AT_ONCE = 64


class Examples(Protocol):
    """What is learnt from: patches, or what a network made of them."""

    def __len__(self) -> int:
        """Say how many there are."""

    def read(self, places: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Give those at some places, the first axis in their order; called from a thread of its own."""


class Learner(Protocol):
    """A network, and how examples become its input."""

    network: nn.Module
    device: torch.device

    def input_of(self, examples: npt.NDArray[Any]) -> torch.Tensor:
        """Give the input as it is in use."""

    def drawn_input_of(
        self, examples: npt.NDArray[Any], plan: TrainingPlan, side_px: int | None, generator: torch.Generator
    ) -> torch.Tensor:
        """Give the input changed at random for training."""


class LoopWatch(Protocol):
    """Whoever follows a training."""

    def begun_at(self, step: int) -> None:
        """Hear from which step it goes on, 0 for a new one; called once, first."""

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        """Hear of a step, counted from 1."""

    def examined(self, epoch: int, training_loss: float, logits: Logits) -> float:
        """Hear what the network says of the validation examples after an epoch; give what is to be small."""

    def is_stopping(self) -> bool:
        """Say whether to stop after this step, so that it can go on later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEnd:
    """How a training ended. `best_epoch` counts from 0; None: the last weights are kept, without validation."""

    n_steps: int
    n_epochs: int
    best_epoch: int | None
    is_ended_early: bool
    is_stopped: bool


class TrainingLoop:
    """Trains a learner; what it needs to go on after any end lies in `folder`.

    State is kept after each epoch, every `keep_every` steps, and when it is stopped. On a processor a training that
    was cut off anywhere comes out bit for bit as one that was not, with the same plan, examples, versions and threads.
    Limits: that does not hold on a GPU, whose sums come in no fixed order.
    """

    def __init__(self, learner: Learner, plan: TrainingPlan, folder: Path, *, keep_every: int = 500) -> None:
        self._learner, self._plan, self._folder, self._keep_every = learner, plan, folder, keep_every
        self._optimiser = torch.optim.AdamW(learner.network.parameters(), weight_decay=plan.weight_decay)

    def run(
        self, training: Examples, targets: npt.NDArray[np.float32], validation: Examples | None, watch: LoopWatch
    ) -> LoopEnd:
        """Train, and leave the network with the weights that are to be kept, ready for use.

        Args: targets: (n, classes), rows summing to 1. Raises: ValueError when what lies in the folder is of another
        training.
        """
        order = StepOrder(len(training), self._plan)
        state = self._resumed(targets)
        watch.begun_at(state.step)
        is_stopped = False
        with ThreadPoolExecutor(1, "training-reader") as thread:
            ahead = _Ahead(thread, training, order, self._plan.n_steps, state.step)
            while state.step < self._plan.n_steps and not state.is_ended_early and not is_stopped:
                self._step(state, order, ahead.next(), targets, watch)
                is_stopped = watch.is_stopping()
                if state.step % order.steps_an_epoch == 0 or state.step == self._plan.n_steps:
                    self._end_epoch(state, order, validation, watch)
                elif is_stopped or state.step % self._keep_every == 0:
                    self._keep(state)
        return self._end(state, order, is_stopped)

    def logits_of(self, examples: Examples) -> Logits:
        """Give what the network says of examples, (n, classes)."""
        self._learner.network.eval()
        rows = []
        with torch.inference_mode():
            for first in range(0, len(examples), _PREDICTED_AT_ONCE):
                places = np.arange(first, min(first + _PREDICTED_AT_ONCE, len(examples)))
                rows.append(self._learner.network(self._learner.input_of(examples.read(places))).float().cpu())
        return np.asarray(torch.cat(rows).numpy(), np.float32)

    def _step(
        self,
        state: TrainingState,
        order: StepOrder,
        read: list[npt.NDArray[Any]],
        targets: npt.NDArray[np.float32],
        watch: LoopWatch,
    ) -> None:
        spent = state.step / self._plan.n_steps
        rate = learning_rate_at(spent, self._plan)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._learner.network.train()
        self._optimiser.zero_grad(set_to_none=True)
        loss = 0.0
        for part, (places, examples) in enumerate(zip(order.minibatches_of(state.step), read, strict=True)):
            generator = order.generator_of(state.step, part)
            drawn = self._learner.drawn_input_of(examples, self._plan, self._plan.side_at(spent), generator)
            loss += self._backward(drawn, torch.from_numpy(targets[places]), len(read))
        self._optimiser.step()
        state.step += 1
        state.epoch_loss += loss
        watch.stepped(state.step, loss, rate)

    def _backward(self, drawn: torch.Tensor, wanted: torch.Tensor, n_parts: int) -> float:
        with self._precision():
            logits = self._learner.network(drawn)
        loss = loss_of(logits.float(), wanted.to(self._learner.device), self._plan) / n_parts
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        """Give half precision where it was asked for and the device has bfloat16, which needs no scaling of losses."""
        is_cuda = self._learner.device.type == "cuda"
        if self._plan.is_mixed_precision and is_cuda and torch.cuda.is_bf16_supported():
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return contextlib.nullcontext()

    def _end_epoch(self, state: TrainingState, order: StepOrder, validation: Examples | None, watch: LoopWatch) -> None:
        n_steps = (state.step - 1) % order.steps_an_epoch + 1
        epoch, state.epoch_loss, mean = (state.step - 1) // order.steps_an_epoch, 0.0, state.epoch_loss / n_steps
        if validation is not None:
            found = watch.examined(epoch, mean, self.logits_of(validation))
            if state.best is None or found < state.best:
                state.best, state.best_epoch, state.n_epochs_worse = found, epoch, 0
                if self._plan.patience is not None:
                    save_weights(self._folder / BEST_NAME, self._learner.network)
            else:
                state.n_epochs_worse += 1
                state.is_ended_early = self._plan.patience is not None and state.n_epochs_worse >= self._plan.patience
        self._keep(state)

    def _keep(self, state: TrainingState) -> None:
        save_state(self._folder / STATE_NAME, self._learner.network, self._optimiser, state)

    def _end(self, state: TrainingState, order: StepOrder, is_stopped: bool) -> LoopEnd:
        is_whole = state.step >= self._plan.n_steps or state.is_ended_early
        keeps_best = self._plan.patience is not None and state.best is not None
        if is_whole and keeps_best:
            load_weights(self._folder / BEST_NAME, self._learner.network)
        self._learner.network.eval()
        return LoopEnd(
            n_steps=state.step,
            n_epochs=-(-state.step // order.steps_an_epoch),
            best_epoch=state.best_epoch if keeps_best else None,
            is_ended_early=state.is_ended_early,
            is_stopped=is_stopped and not is_whole,
        )

    def _resumed(self, targets: npt.NDArray[np.float32]) -> TrainingState:
        made_with = self._made_with(targets)
        state = load_state(self._folder / STATE_NAME, self._learner.network, self._optimiser)
        if state is not None and state.made_with != made_with:
            raise ValueError(
                f"the training in {self._folder.name} was begun with another plan, set, version of torch or number of "
                f"threads ({state.made_with}, here {made_with}); begin a new one"
            )
        return state or TrainingState(made_with=made_with)

    def _made_with(self, targets: npt.NDArray[np.float32]) -> str:
        """Say what every bit depends on: the plan and targets by a hash, torch, the device and its threads."""
        asked = hashlib.sha256(repr(asdict(self._plan)).encode() + targets.tobytes()).hexdigest()[:12]
        device = self._learner.device.type
        return f"plan {asked}, torch {torch.__version__}, {device}, {torch.get_num_threads()} threads"


class _Ahead:
    """Reads the examples of the next step while this one is computed."""

    def __init__(
        self, thread: ThreadPoolExecutor, examples: Examples, order: StepOrder, n_steps: int, step: int
    ) -> None:
        self._thread, self._n_steps, self._step = thread, n_steps, step
        self._read: Callable[[int], list[npt.NDArray[Any]]] = lambda number: [
            examples.read(places) for places in order.minibatches_of(number)
        ]
        self._next: Future[list[npt.NDArray[Any]]] | None = None

    def next(self) -> list[npt.NDArray[Any]]:
        """Give the examples of a step, one step later at each call."""
        read = (self._next or self._thread.submit(self._read, self._step)).result()
        self._step += 1
        self._next = self._thread.submit(self._read, self._step) if self._step < self._n_steps else None
        return read
