"""A slide that a model's card does not cover is said to lie outside, and by what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.scope import Scope
from core.domain.slides import Slide
from core.domain.units import Mpp
from tests.core.retraining.training_material import make_slide

SCOPE = Scope(
    stain="picrosirius red", species=None, scanners=("Aperio AT2", "NanoZoomer"), sites=("Basel",), scan_mpp=(0.25, 0.5)
)


def slide(scanner: str | None = None, mpp: float = 0.5) -> Slide:
    """Give a slide of a scanner and scale."""
    made = make_slide("one", "rat")
    provenance = replace(made.provenance, scanner=scanner)
    return replace(made, provenance=provenance, scan=replace(made.scan, mpp=Mpp(x=mpp, y=mpp)))


@pytest.mark.parametrize("inside", [slide(), slide(" aperio  at2"), slide("NanoZoomer", 0.23), slide(mpp=0.545)])
def test_a_slide_like_those_learned_from_is_inside(inside: Slide) -> None:
    assert SCOPE.why_outside(inside) is None


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        (slide("Mirax"), "Scanned by Mirax; the model learned from Aperio AT2, NanoZoomer."),
        (slide(mpp=0.6), "Scanned at 0.6 um per pixel; the model learned from 0.25 to 0.5 um per pixel."),
        (slide(mpp=0.2), "Scanned at 0.2 um per pixel"),
    ],
)
def test_another_scanner_or_scale_is_outside(outside: Slide, words: str) -> None:
    assert words in (SCOPE.why_outside(outside) or "")


def test_a_scope_that_knows_no_scanner_or_scale_puts_nothing_outside() -> None:
    assert replace(SCOPE, scanners=(), scan_mpp=None).why_outside(slide("Mirax", 1.0)) is None


def test_it_is_read_from_a_card_as_it_was_written() -> None:
    for scope in (SCOPE, replace(SCOPE, scan_mpp=None, species="rat")):
        assert Scope.from_plain(scope.to_plain()) == scope
    with pytest.raises(ValueError, match="finest"):
        Scope.from_plain(SCOPE.to_plain() | {"scan_mpp": [0.5, 0.25]})
