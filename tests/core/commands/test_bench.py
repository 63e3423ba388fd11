"""`fibroread bench` takes the data folder like every other command."""

from pathlib import Path

import pytest

from core.cli import build_parser


@pytest.mark.parametrize(
    "arguments",
    [["bench", "--data", "D", "engine", "--slide", "S"], ["bench", "engine", "--slide", "S", "--data", "D"]],
)
def test_the_data_folder_may_be_named_before_or_after_the_kind(arguments: list[str]) -> None:
    assert build_parser().parse_args(arguments).data == Path("D")


def test_without_a_data_folder_the_environment_decides() -> None:
    assert build_parser().parse_args(["bench", "engine", "--slide", "S"]).data is None
