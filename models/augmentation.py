"""What is changed about patches in training: how they lie and how they are stained, never how large a pixel is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

Patches = npt.NDArray[np.uint8]

_N_LAYINGS = 8  # four quarter turns, each mirrored or not


@dataclass(frozen=True, slots=True, kw_only=True)
class StainJitter:
    """How far each patch's optical density (against white) is moved at random, over the whole patch alike.

    Attributes: gain_bounds: of R, G and B, the largest logarithm of a factor, drawn evenly between minus and plus it;
    overall, mixing, shift: standard deviations of a factor's logarithm shared by the channels, of what channels take
    over from each other, and of what is added to each.
    """

    gain_bounds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    overall: float = 0.0
    mixing: float = 0.0
    shift: float = 0.0


def as_images(patches: Patches) -> torch.Tensor:
    """Turn RGB patches (n, h, w, 3) into images (n, 3, h, w) in 0 to 1."""
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255.0


def shrink(images: torch.Tensor, side_px: int) -> torch.Tensor:
    """Shrink square images (n, 3, h, w) to a smaller side by area, which changes microns per pixel."""
    if images.shape[-1] <= side_px:
        return images
    return functional.interpolate(images, size=(side_px, side_px), mode="area")


def augment(images: torch.Tensor, jitter: StainJitter, generator: torch.Generator) -> torch.Tensor:
    """Turn and mirror each square image of a minibatch and move its stain; every pixel keeps its size.

    Args: images: RGB in 0 to 1, (n, 3, h, w). Returns: the same. The random numbers are drawn on the processor.
    """
    n, device = len(images), images.device
    turns = torch.randint(0, _N_LAYINGS, (n,), generator=generator).tolist()
    factor = _gains(n, jitter, generator).to(device)
    mixing = (torch.eye(3) + jitter.mixing * torch.randn((n, 3, 3), generator=generator)).to(device)
    added = (jitter.shift * torch.randn((n, 3, 1, 1), generator=generator)).to(device)
    density = -torch.log10(images.clamp(min=1.0 / 255.0))
    if jitter.mixing:
        density = torch.einsum("nij,njhw->nihw", mixing, density)
    stained = torch.pow(10.0, -(density * factor + added).clamp(min=0.0))
    return torch.stack([lay(image, turn) for image, turn in zip(stained, turns, strict=True)])


def lay(image: torch.Tensor, turn: int) -> torch.Tensor:
    """Give a square image (3, h, w) in one of the eight ways it can lie on its pixels."""
    return torch.rot90(image.flip(-1) if turn >= 4 else image, turn % 4, (-2, -1))


def _gains(n: int, jitter: StainJitter, generator: torch.Generator) -> torch.Tensor:
    evenly = 2.0 * torch.rand((n, 3), generator=generator) - 1.0
    shared = jitter.overall * torch.randn((n, 1), generator=generator)
    return torch.exp(evenly * torch.tensor(jitter.gain_bounds) + shared)[:, :, None, None]
