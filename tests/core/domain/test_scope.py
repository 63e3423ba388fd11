"""A slide that a model's card does not cover is said to lie outside, and by what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.scope import Scope
from core.domain.slides import Slide
from core.domain.units import Mpp
from tests.core.retraining.training_material import make_slide

SCOPE = Scope(
    stain="picrosirius red",
    species=("mouse", "rat"),
    scanners=("Aperio AT2", "NanoZoomer"),
    sites=("Basel",),
    scan_mpp=(0.25, 0.5),
)


def slide(scanner: str | None = None, mpp: float = 0.5, **further: str) -> Slide:
    """Give a slide of a scanner and scale, with further columns of the person's table."""
    made = make_slide("one", "rat")
    provenance = replace(made.provenance, scanner=scanner, further=tuple(further.items()))
    return replace(made, provenance=provenance, scan=replace(made.scan, mpp=Mpp(x=mpp, y=mpp)))


@pytest.mark.parametrize(
    "inside",
    [
        slide(),
        slide(" aperio  at2"),
        slide("NanoZoomer", 0.23),
        slide(mpp=0.545),
        slide(Species="Mus musculus"),
        slide(species="rat", stain="Sirius Red"),
    ],
)
def test_a_slide_like_those_learned_from_is_inside(inside: Slide) -> None:
    assert SCOPE.outside(inside) == ()


@pytest.mark.parametrize(
    ("outside", "name", "words"),
    [
        (slide("Mirax"), "scanner", "Scanned by Mirax; the model learned from Aperio AT2, NanoZoomer."),
        (
            slide(mpp=0.6),
            "um per pixel",
            "Scanned at 0.6 um per pixel; the model learned from 0.25 to 0.5 um per pixel.",
        ),
        (
            slide(mpp=0.2),
            "um per pixel",
            "Scanned at 0.2 um per pixel; the model learned from 0.25 to 0.5 um per pixel.",
        ),
        (slide(species="human"), "species", "Of the species human; the model learned from mouse, rat."),
        (slide(stain="Masson"), "stain", "Stained with Masson; the model learned from picrosirius red."),
    ],
)
def test_another_scanner_scale_species_or_stain_is_outside(outside: Slide, name: str, words: str) -> None:
    assert SCOPE.outside(outside) == ((name, words),)


def test_a_scope_that_knows_nothing_of_all_slides_puts_nothing_outside() -> None:
    unknown = replace(SCOPE, scanners=(), species=(), scan_mpp=None)
    assert unknown.outside(slide("Mirax", 1.0, species="human")) == ()


def test_it_is_read_from_a_card_as_it_was_written() -> None:
    for scope in (SCOPE, replace(SCOPE, scan_mpp=None, species=())):
        assert Scope.from_plain(scope.to_plain()) == scope
    assert Scope.from_plain(SCOPE.to_plain() | {"species": "rat"}).species == ("rat",)
    assert Scope.from_plain(SCOPE.to_plain() | {"species": None}).species == ()
    with pytest.raises(ValueError, match="finest"):
        Scope.from_plain(SCOPE.to_plain() | {"scan_mpp": [0.5, 0.25]})
