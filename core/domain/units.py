"""Microns per pixel as a pair, and when it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

_DPI_DEFAULTS = (72, 96, 100, 120, 144, 150, 180, 200, 240, 300, 350, 360, 400, 600)
_LARGEST_UM = 40.0
_SMALLEST_UM = 0.04
_ANISOTROPY_FRACTION = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Mpp:
    """Microns per level-0 pixel along x and y, both positive."""

    x: float
    y: float

    def __post_init__(self) -> None:
        if not (self.x > 0 and self.y > 0):
            raise ValueError(f"microns per pixel must be positive, got {self.x} x {self.y}")

    @property
    def distrust(self) -> str | None:
        """Say why this value must be confirmed by a person, or None when it can be used.

        Printing resolutions (25400 / dpi um: 352.8 at 72 dpi) are no scan resolutions; a pixel that is not
        square cannot be resampled as if it were.
        """
        if abs(self.x - self.y) > _ANISOTROPY_FRACTION * max(self.x, self.y):
            return f"pixels are not square ({self.x:g} x {self.y:g} um)"
        if self.x < _SMALLEST_UM:
            return f"{self.x:g} um per pixel is finer than any slide scanner"
        for dpi in _DPI_DEFAULTS:
            if abs(self.x - 25400 / dpi) < 0.005 * self.x:
                return f"{self.x:.1f} um per pixel is a print setting ({dpi} dpi), not a scan resolution"
        if self.x > _LARGEST_UM:
            return f"{self.x:g} um per pixel is coarser than any slide scanner"
        return None

    @property
    def mean(self) -> float:
        """Give one value for square pixels; refuses pixels that are not square."""
        if abs(self.x - self.y) > _ANISOTROPY_FRACTION * max(self.x, self.y):
            raise ValueError("pixels are not square")
        return (self.x + self.y) / 2
