"""The bench says of each file in its folders what the gate makes of it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.cli import main
from tests.core.preprocess.drawn_tissue import tissue


def test_the_verdict_of_each_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, gains in (("sirius_red", (1.0, 1.0, 1.0)), ("wrong_stain", (0.9, 0.75, 1.7))):
        (tmp_path / folder).mkdir()
        picture = np.clip(tissue(0.2, side_px=900) * np.array(gains), 0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / folder / "one.png"), picture[:, :, ::-1])
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "broken.svs").write_bytes(b"no slide")
    assert main(["bench", "quality", "--animals", "0", "--data-folder", str(tmp_path)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == ["wrong_stain/one.png", "sirius_red/one.png", "slides/broken.svs"]
    assert lines[0]["concerns"] == "wrong stain"
    assert lines[1]["concerns"] is None
    assert "broken.svs" in lines[2]["error"]
