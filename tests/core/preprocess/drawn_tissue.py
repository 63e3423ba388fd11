"""Pictures of Sirius-Red-like tissue whose collagen fraction is known, drawn without the demo's renderer."""

import cv2
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]

YELLOW = np.array([216.0, 190.0, 112.0])
RED = np.array([180.0, 60.0, 78.0])
GLASS = np.array([244.0, 243.0, 240.0])


def tissue(fraction: float, *, side_px: int = 224, seed: int = 0, gain: float = 1.0) -> Rgb:
    """Draw yellow tissue with texture and red strands over about this fraction of it.

    Args: gain: how much stronger all stain is, as another scanner or another day in the laboratory makes it.
    """
    rng = np.random.default_rng(seed)
    strands = cv2.GaussianBlur(rng.normal(size=(side_px, side_px)), (0, 0), 4.0)
    is_red = strands > np.quantile(strands, 1.0 - fraction) if fraction > 0 else np.zeros_like(strands, np.bool_)
    colour = np.where(is_red[..., None], RED, YELLOW)
    fine = cv2.GaussianBlur(rng.normal(size=(side_px, side_px)), (0, 0), 0.8) * 0.10
    density = -np.log10(colour / 255.0) * (gain * (1.0 + fine[..., None]))
    return np.clip(np.rint(255.0 * 10.0**-density), 0, 255).astype(np.uint8)


def glass(height_px: int, width_px: int, seed: int = 0) -> Rgb:
    """Draw an empty slide with sensor noise."""
    noise = np.random.default_rng(seed).normal(scale=1.5, size=(height_px, width_px, 1))
    return np.clip(np.rint(GLASS + noise), 0, 255).astype(np.uint8)
