"""A scanner's colours brought to sRGB."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_NO_CACHE = 0x0040  # Source: Little CMS 2 API, cmsFLAGS_NOCACHE: needed where threads share a transform


class ColourTransform:
    """Turns pixels of a profile into sRGB; safe to use from many threads."""

    def __init__(self, profile: ImageCms.ImageCmsProfile) -> None:
        """Build the transform. Raises: ImageCms.PyCMSError where the profile is none for RGB images."""
        self._transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            "RGB",
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags(_NO_CACHE | int(ImageCms.Flags.BLACKPOINTCOMPENSATION)),
        )
        self._lock = threading.Lock()

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Give the image (h, w, 3) in sRGB."""
        source = Image.fromarray(image)
        with self._lock:
            drawn = ImageCms.applyTransform(source, self._transform)
        return np.array(drawn, dtype=np.uint8)
