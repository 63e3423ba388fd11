"""OpenSeadragon is the one file of its hash, or a clear word on how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.parts import openseadragon
from pages.parts.openseadragon import ENVIRONMENT_VARIABLE, OpenSeadragonMissing, ensure_openseadragon


def no_network(tried: list[str]) -> None:
    """Stand in for registries that cannot be reached."""
    tried.append("registries: not reached")


def test_the_file_in_place_has_the_hash() -> None:
    path = ensure_openseadragon()
    assert path.name == "openseadragon.js"
    assert path.stat().st_size > 500_000


def test_a_file_named_in_the_environment_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(ensure_openseadragon()))
    monkeypatch.setattr(openseadragon, "_from_registries", no_network)
    target = tmp_path / "new" / "openseadragon.js"
    assert ensure_openseadragon(target).read_bytes() == ensure_openseadragon().read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["openseadragon.js"]


def test_another_file_is_refused_and_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.js").write_text("alert(1)")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "other.js"))
    monkeypatch.setattr(openseadragon, "_from_registries", no_network)
    with pytest.raises(OpenSeadragonMissing, match=r"another file[\s\S]*SHA-256"):
        ensure_openseadragon(tmp_path / "openseadragon.js")
    assert not (tmp_path / "openseadragon.js").exists()


def test_a_damaged_file_in_place_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "openseadragon.js"
    target.write_text("half")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(ensure_openseadragon()))
    assert ensure_openseadragon(target).stat().st_size > 500_000
