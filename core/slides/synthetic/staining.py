"""From concentrations of picric acid and Sirius Red to pixels: each site has its dyes, its strength and its scanner.

Optical densities add (Beer-Lambert): OD = yellow x its vector + red x its vector + dark x its vector.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.slides.synthetic.canvas import Field

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StainSite:
    """A site's optical density (R, G, B) of one unit of each dye, and its scanner's white."""

    yellow: Vector
    red: Vector
    white: Vector
    dark: Vector = (0.42, 0.50, 0.55)


SITES: dict[str, StainSite] = {
    "A": StainSite(yellow=(0.070, 0.150, 0.330), red=(0.120, 0.780, 0.600), white=(250, 249, 246)),
    "B": StainSite(yellow=(0.045, 0.105, 0.400), red=(0.160, 0.900, 0.520), white=(246, 243, 232)),
    "C": StainSite(yellow=(0.095, 0.150, 0.260), red=(0.100, 0.640, 0.480), white=(252, 250, 252)),
    "D": StainSite(yellow=(0.060, 0.170, 0.420), red=(0.200, 0.820, 0.740), white=(243, 246, 240)),
    "E": StainSite(yellow=(0.085, 0.120, 0.230), red=(0.085, 0.700, 0.380), white=(251, 246, 249)),
}
"""A to D are for training and the demo; E is held out: pinker, paler and of another scanner."""


def stain(site_name: str, rng: np.random.Generator, *, yellow: Field, red: Field, dark: Field) -> npt.NDArray[np.uint8]:
    """Give the RGB image of concentrations, with the stain batch's own strengths drawn from `rng`.

    Returns: (h, w, 3).
    """
    site = SITES[site_name]
    strengths = rng.lognormal(0.0, 0.10, 3)
    hue = rng.normal(0.0, 0.05, (3, 3))
    gain = rng.normal(1.0, 0.012, 3)
    vectors = np.array([site.yellow, site.red, site.dark]) * (1.0 + hue) * strengths[:, None]
    image = np.empty((*yellow.shape, 3), np.uint8)
    for channel in range(3):
        density = yellow * np.float32(vectors[0, channel])
        density += red * np.float32(vectors[1, channel])
        density += dark * np.float32(vectors[2, channel])
        np.exp(density * np.float32(-np.log(10.0)), out=density)
        density *= np.float32(min(site.white[channel] * gain[channel], 254.0))
        image[:, :, channel] = density
    return image
