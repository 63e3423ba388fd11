"""How much has to be held out before an epoch is chosen by it and a temperature fitted on it."""

from __future__ import annotations

FEWEST_ANIMALS, FEWEST_PATCHES = 5, 20
"""On drawn slides, four patches an animal, a temperature fitted on one or two animals raised the surprise at others
in a quarter to a third of the draws, by up to 2; on five or more it lowered it by 0.3, and raised it in 1 draw of 48.
"""
NOTHING = "the set holds out no validation animals"
RULE = f"a temperature is fitted on at least {FEWEST_PATCHES} held-out patches of {FEWEST_ANIMALS} animals"


def shortage(n_animals: int, n_patches: int) -> str | None:
    """Say in words that too little is held out to fit or choose anything by, None where it is enough."""
    if n_animals >= FEWEST_ANIMALS and n_patches >= FEWEST_PATCHES:
        return None
    patches, animals = _counted(n_patches, "patch", "patches"), _counted(n_animals, "animal", "animals")
    return f"{patches} of {animals}, where {FEWEST_PATCHES} of {FEWEST_ANIMALS} are the fewest"


def caution_of(side: str, n_animals: int, n_patches: int) -> str | None:
    """Say what a person should know of the side that a training is stopped and calibrated by; None: nothing."""
    found = shortage(n_animals, n_patches)
    if found is None:
        return None
    return f"{side} holds {found}: which epoch is kept is much by chance, and no temperature is fitted on it"


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
