"""A network on a device answers as plain torch does, whatever is under way beside it and however it is filled up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from models.captured import N_SLOTS, CapturedNetwork, colour_table, look_up
from models.device import Mark, Processor, Work, names_of_devices, without_short_products
from models.embedding import EMBEDDING_SIZE
from models.predictor import ExplainedClassifier, TorchPredictor
from tests.models.late_device import ForgetfulDevice, LateDevice

N_CLASSES = 7


class Means(nn.Module):
    """Stands in for a network: its answer is each patch's mean, so that patches cannot be taken for each other."""

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean = patches.float().mean(dim=(1, 2, 3)) / 255.0
        maps = mean[:, None, None, None].expand(-1, N_CLASSES, 7, 7)
        return mean[:, None].expand(-1, N_CLASSES), maps, mean[:, None].expand(-1, EMBEDDING_SIZE)


def _sized(device: Processor, *sizes: int) -> Processor:
    device.sizes = sizes
    return device


def _flat_patches(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 224, 224, 3), np.uint8)


def _answers_of_many(device: Processor, n_threads: int) -> list[bool]:
    """Predict forty minibatches of one or two patches from many threads; say of each whether the answer is its own."""
    network = CapturedNetwork(Means(), _sized(device, 1, 2), N_CLASSES)

    def is_right(number: int) -> bool:
        values = [5 * number + 3, 5 * number + 4][: 1 + number % 2]
        return network.run(_flat_patches(values))[0][:, 0] == pytest.approx(np.array(values) / 255.0, abs=1e-6)

    with ThreadPoolExecutor(n_threads) as threads:
        return list(threads.map(is_right, range(40)))


@pytest.mark.parametrize("n_threads", [1, N_SLOTS, 5])
def test_no_minibatch_is_taken_for_another_on_a_device_that_does_everything_as_late_as_it_may(n_threads: int) -> None:
    assert all(_answers_of_many(LateDevice(), n_threads))


def test_without_the_marks_minibatches_would_be_taken_for_each_other() -> None:
    assert not all(_answers_of_many(ForgetfulDevice(), N_SLOTS))


def test_the_next_minibatch_is_copied_in_before_the_last_one_is_computed() -> None:
    both_are_copied = threading.Barrier(N_SLOTS)

    class Overlapping(Processor):
        def compute(self, after: Mark, work: Work) -> Mark:
            done = super().compute(after, work)
            return _WaitsToo(done)

    class _WaitsToo:
        def __init__(self, mark: Mark) -> None:
            self._mark = mark

        def wait(self) -> None:
            both_are_copied.wait(30)  # breaks where a minibatch is not even begun before the other is done
            self._mark.wait()

    network = CapturedNetwork(Means(), _sized(Overlapping(), 1), N_CLASSES)
    with ThreadPoolExecutor(N_SLOTS) as threads:
        found = list(threads.map(lambda value: network.run(_flat_patches([value]))[0][0, 0], [51, 102]))
    assert found == pytest.approx([0.2, 0.4])


def test_a_short_minibatch_gives_the_same_filled_up_as_alone(network: nn.Module, patches: np.ndarray) -> None:
    classifier = ExplainedClassifier(network)
    filled_up = CapturedNetwork(classifier, _sized(Processor(), 5), N_CLASSES).run(patches)
    alone = CapturedNetwork(classifier, _sized(Processor(), 3), N_CLASSES).run(patches)
    plain = TorchPredictor(network).predict(patches)
    for probabilities, maps, embedding in (filled_up, alone):
        assert probabilities == pytest.approx(plain.probabilities, abs=1e-5)
        assert maps.astype(float) == pytest.approx(plain.saliency.astype(float), rel=2e-3, abs=1e-3)
        assert embedding.astype(float) == pytest.approx(plain.embedding.astype(float), abs=1e-3)
    assert filled_up[0] == pytest.approx(alone[0], abs=1e-6)


def test_what_a_slot_held_before_does_not_matter(network: nn.Module, patches: np.ndarray) -> None:
    captured = CapturedNetwork(ExplainedClassifier(network), _sized(Processor(), 4), N_CLASSES)
    first = captured.run(patches[:2])
    for _ in range(N_SLOTS):
        captured.run(np.concatenate([patches, patches[:1]])[::-1])
    again = captured.run(patches[:2])
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_more_patches_than_the_largest_size_are_answered_in_their_order() -> None:
    values = [10, 20, 30, 40, 50, 60, 70]
    found = CapturedNetwork(Means(), _sized(LateDevice(), 2, 3), N_CLASSES).run(_flat_patches(values))
    assert found[0][:, 0] == pytest.approx(np.array(values) / 255.0)
    assert found[1].shape == (7, N_CLASSES, 7, 7)
    assert found[2][:, 0] == pytest.approx(np.array(values) / 255.0, abs=1e-3)


def test_colours_are_looked_up_byte_for_byte() -> None:
    table = np.arange(256**3, dtype=np.uint32)[::-1].copy()  # little-endian bytes: red, green, blue to take, unused
    patches = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), np.uint8)
    found = look_up(torch.from_numpy(patches), colour_table(Processor(), table)).numpy()
    red, green, blue = (patches[..., channel].astype(np.uint32) for channel in range(3))
    expected = table[red * 65536 + green * 256 + blue]
    assert np.array_equal(found[..., 0], expected & 255)
    assert np.array_equal(found[..., 1], expected >> 8 & 255)
    assert np.array_equal(found[..., 2], expected >> 16 & 255)


def test_a_device_that_fails_ends_the_process_so_that_another_begins_anew() -> None:
    class Failing(Processor):
        def compute(self, after: Mark, work: Work) -> Mark:
            raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(SystemExit, match="has to begin anew: CUDA error"):
        CapturedNetwork(Means(), _sized(Failing(), 1), N_CLASSES).run(_flat_patches([1]))


@pytest.mark.parametrize(
    ("n", "named", "names"),
    [
        (0, None, ()),
        (0, "", ()),
        (3, None, ("0", "1", "2")),
        (2, "GPU-7,GPU-9", ("GPU-7", "GPU-9")),
        (1, "5,none,6", ("5",)),  # CUDA leaves out all from the first that it does not know
    ],
)
def test_a_device_is_named_as_a_worker_of_its_own_has_to_know_it(
    n: int, named: str | None, names: tuple[str, ...]
) -> None:
    assert names_of_devices(n, named) == names


def test_single_precision_on_cuda_is_without_tf32_whoever_asked_for_it_before() -> None:
    places = (torch.backends, torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "tf32"
        without_short_products()
        assert [place.fp32_precision for place in places] == ["ieee"] * 3
    finally:
        for place, precision in zip(places, before, strict=True):
            place.fp32_precision = precision
