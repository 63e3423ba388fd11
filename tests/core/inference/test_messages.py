"""What is said arrives as it was meant."""

from pathlib import Path

import pytest

from core.domain.geometry import Box
from core.domain.predictions import RunId, SecondPass, SlideCall
from core.domain.quality import Concern, ConcernCode
from core.domain.recipe import Recipe, StainMethod
from core.domain.stages import Stage
from core.inference.messages import (
    CancelRequest,
    Explained,
    ExplainRequest,
    Failed,
    Finished,
    InferRequest,
    Message,
    PatchOfRun,
    Predicted,
    PredictRequest,
    Progress,
    Ready,
    SlideFacts,
    Stopped,
    from_line,
    to_line,
)
from tests.core.inference.small_study import SLIDE_ID

RUN = RunId("2" * 32)
SLIDE = SlideFacts(
    slide_id=SLIDE_ID,
    name="Leber Ä\n1",
    path=Path("/slides/Leber Ä.svs"),
    file_stamp=(12, 1_700_000_000_000_000_001),
    bounds=Box(x_px=1, y_px=2, width_px=3, height_px=4),
    mpp=0.2273,
)
CALL = SlideCall(
    stage=Stage.S1B,
    probabilities=(0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1),
    continuous_score=1.25,
    n_patches=3,
    n_excluded=2,
    n_failed=1,
    collagen_fraction=0.125,
    rule="some rule",
)
COMMON = {
    "recipe": Recipe(stain=StainMethod.STAIN_BATCH),
    "weights_path": Path("/m/weights.safetensors"),
    "weights_sha256": "ab",
    "device": "auto",
    "run_folder": Path("/runs/x"),
}
PATCH = PatchOfRun(slide=SLIDE, patch_index=7, **COMMON)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        InferRequest(run_id=RUN, slide=SLIDE, stain_batch=(SLIDE, SLIDE), **COMMON),  # type: ignore[arg-type]
        ExplainRequest(
            request_id="r",
            patch=PATCH,
            method="layercam",
            layer="layer2",
            stage=Stage.S1C,
        ),
        PredictRequest(request_id="r", patch=PATCH),
        Predicted(request_id="r", probabilities=(0.25, 0.75)),
        CancelRequest(run_id=RUN),
        Ready(process_id=5),
        Progress(run_id=RUN, n_done=1, n_total=2),
        Finished(
            run_id=RUN,
            call=CALL,
            n_patches=3,
            n_excluded=2,
            n_failed=1,
            seconds=1.5,
            device="cpu",
            content_sha256="cd",
            concerns=(Concern(code=ConcernCode.PEN, sentence="much pen"),),
            quality_version="2",
            second_pass=SecondPass(
                n_exact=1, n_parts=2, n_widened=1, n_sampled=9, n_sampled_same=8, margin=0.17, widest_margin=0.5
            ),
        ),
        Finished(
            run_id=RUN, call=None, n_patches=0, n_excluded=0, n_failed=0, seconds=0.0, device="cpu", content_sha256=""
        ),
        Failed(run_id=RUN, reason="because"),
        Failed(request_id="r", reason="because"),
        Stopped(run_id=RUN),
        Explained(request_id="r", side_px=1, map_base64="AAAAAA=="),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_comes_back_equal_from_one_line(message: Message) -> None:
    line = to_line(message)
    assert line.count("\n") == 1
    assert from_line(line) == message


@pytest.mark.parametrize("line", ["", "{}", "[1]", "null", "loading...", '{"kind":"ready"}', '{"kind":"no"}'])
def test_a_stray_line_is_no_message(line: str) -> None:
    with pytest.raises(ValueError, match="no message of ours"):
        from_line(line)
