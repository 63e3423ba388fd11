"""The bench of choosing keeps each drawn patch with its stage and animal, and says what it compares."""

from __future__ import annotations

import numpy as np
import pytest

from core.cli import main
from core.commands.bench_active import staged_patches
from core.retraining.demo_patches import PatchSet
from tests.core.inference.small_study import Arithmetic


def test_each_patch_is_embedded_in_its_place() -> None:
    drawn = PatchSet(
        patches=np.random.default_rng(0).integers(0, 256, (21, 56, 56, 3), np.uint8),
        targets=np.arange(21) % 7,
        animals=tuple(f"animal {number // 3}" for number in range(21)),
    )
    staged = staged_patches(drawn, Arithmetic())
    alone = [Arithmetic().predict(patch[None]).embedding[0] for patch in drawn.patches]
    assert np.array_equal(staged.embedding, np.array(alone, np.float32))
    assert (staged.stage.tolist(), staged.animal) == (drawn.targets.tolist(), drawn.animals)


def test_the_command_says_what_it_says_nothing_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "active", "--help"])
    assert "Says nothing of real tissue" in capsys.readouterr().out
