"""Red collagen whose amount and architecture follow the stage: where it lies decides, how much only helps."""

from dataclasses import dataclass

import numpy as np

from core.domain.stages import Stage
from core.slides.synthetic.architecture import Architecture, Indices, Points, wavy_lines
from core.slides.synthetic.canvas import Canvas, Field, as_field, draw_ellipses, draw_lines, smooth_noise
from core.slides.synthetic.parenchyma import Parenchyma


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How a stage lays its collagen.

    Attributes: portal radius in pixels; spikes short septa out of a portal tract; perisinusoidal share of zone-3
    sinusoids clad in collagen, with reach as a share of the lobule and thickness in pixels; wire how closely cells are
    fenced; portal_bridges and spoke_bridges share of borders and of vein-portal lines bridged, septum width in pixels.
    """

    portal_px: float
    spikes: float = 0.0
    perisinusoidal: float = 0.0
    reach: float = 0.0
    thickness: int = 1
    wire: float = 0.0
    portal_bridges: float = 0.0
    spoke_bridges: float = 0.0
    septum_px: float = 0.0
    is_nodular: bool = False


_PATTERNS = {
    Stage.S0: Pattern(portal_px=17.0),
    Stage.S1A: Pattern(portal_px=18.0, perisinusoidal=0.60, reach=0.50, thickness=1, wire=0.30),
    Stage.S1B: Pattern(portal_px=18.0, perisinusoidal=0.75, reach=0.68, thickness=2, wire=0.70),
    Stage.S1C: Pattern(portal_px=30.0, spikes=4.0),
    Stage.S2: Pattern(portal_px=29.0, spikes=3.0, perisinusoidal=0.6, reach=0.56, thickness=1, wire=0.45),
    Stage.S3: Pattern(
        portal_px=25.0, spikes=1.0, perisinusoidal=0.4, reach=0.50, thickness=1, wire=0.30,
        portal_bridges=0.74, spoke_bridges=0.12, septum_px=9.0,
    ),
    Stage.S4: Pattern(
        portal_px=26.0, perisinusoidal=0.10, reach=0.4, wire=0.10, portal_bridges=0.97, septum_px=24.0, is_nodular=True
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Collagen:
    """Fields 0 to 1 over the image: fibre the collagen; lumen vessels' white; matrix pale ground between fibres that
    replaces parenchyma; duct bile-duct epithelium; cells small dark nuclei of stroma."""

    fibre: Field
    lumen: Field
    matrix: Field
    duct: Field
    cells: Field


def pattern_of(stage: Stage) -> Pattern:
    """Give how a stage lays its collagen."""
    return _PATTERNS[stage]


def lay_collagen(
    rng: np.random.Generator, stage: Stage, architecture: Architecture, parenchyma: Parenchyma, *, amount: float
) -> Collagen:
    """Draw the collagen, the vessels within it and the stroma.

    Args: amount: factor of the animal on widths and densities, 1 is the middle of the stage.
    """
    pattern = pattern_of(stage)
    shape = (parenchyma.zone.shape[0], parenchyma.zone.shape[1])
    layers = {name: np.zeros(shape, np.uint8) for name in ("fibre", "lumen", "matrix", "duct", "cells")}
    _draw_septa(rng, layers, pattern, architecture, amount)
    _draw_veins(rng, layers, pattern, architecture)
    portal_px = _draw_portals(rng, layers, pattern, architecture, amount)
    _draw_spikes(rng, layers["fibre"], pattern, architecture.portals, portal_px)
    thin = _perisinusoidal(rng, pattern, parenchyma, amount)
    _draw_vessels(rng, layers, architecture.portals, portal_px)
    matrix = as_field(layers["matrix"], 1.6)
    weave = np.clip(0.80 + 0.32 * smooth_noise(rng, shape, 4.0), 0.12, 1.3)
    fibre = np.clip(as_field(layers["fibre"], 0.8) * weave, 0.0, 1.15)
    lumen = as_field(layers["lumen"], 1.0)
    fibre = np.maximum(fibre, thin * (1.0 - matrix)) * (1.0 - lumen)
    cells = as_field(layers["cells"], 0.8) * (1.0 - lumen)
    return Collagen(fibre=fibre, lumen=lumen, matrix=matrix, duct=as_field(layers["duct"], 0.9), cells=cells)


def _draw_strands(rng: np.random.Generator, canvas: Canvas, paths: Points, width_px: Points, *, density: float) -> None:
    """Draw bundles of wavy fibres along paths (k, n, 2), each bundle as wide as said, no fibre along the whole path."""
    n_fibres = np.maximum(2, np.rint(width_px * density)).astype(int)
    owner = np.repeat(np.arange(len(paths)), n_fibres)
    along = np.gradient(paths, axis=1)
    normal = np.stack([-along[..., 1], along[..., 0]], axis=2)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-6)
    flat = np.zeros((len(owner), 2))
    wave = wavy_lines(
        rng, flat, flat + np.array([1.0, 0.0]), amplitude=0.16 * width_px[owner] + 2.0, n_points=paths.shape[1]
    )
    side = np.clip(rng.normal(0.0, 0.36, (len(owner), 1)), -0.75, 0.75) * width_px[owner, None] + wave[..., 1]
    fibres = paths[owner] + normal[owner] * side[..., None]
    thickness, grey = rng.integers(1, 3, len(owner)), rng.integers(110, 256, len(owner))
    n_shown = max(3, round(0.6 * paths.shape[1]))
    first = rng.integers(0, paths.shape[1] - n_shown + 1, len(owner))
    shown = fibres[np.arange(len(owner))[:, None], first[:, None] + np.arange(n_shown)[None, :]]
    draw_lines(canvas, shown, thickness=thickness, grey=grey)


def _draw_septa(
    rng: np.random.Generator, layers: dict[str, Canvas], pattern: Pattern, architecture: Architecture, amount: float
) -> None:
    if pattern.septum_px <= 0:
        return
    walls = architecture.walls[rng.random(len(architecture.walls)) < pattern.portal_bridges]
    spokes = architecture.spokes[rng.random(len(architecture.spokes)) < pattern.spoke_bridges]
    starts = np.concatenate([architecture.portals[walls[:, 0]], architecture.veins[spokes[:, 0]]])
    ends = np.concatenate([architecture.portals[walls[:, 1]], architecture.portals[spokes[:, 1]]])
    width_px = pattern.septum_px * amount * rng.lognormal(0.0, 0.28, len(starts))
    bow = wavy_lines(rng, starts, ends, amplitude=0.20 * width_px + 5.0, n_points=17)
    thickness = np.maximum(2, np.rint(width_px * 0.6)).astype(np.int64)
    draw_lines(layers["matrix"], bow, thickness=thickness, grey=np.full(len(bow), 235))
    _draw_strands(rng, layers["fibre"], bow, width_px, density=1.1)
    _scatter_cells(rng, layers["cells"], bow[:, rng.integers(1, 16, 6)].reshape(-1, 2), 0.3 * float(width_px.mean()))


def _draw_veins(
    rng: np.random.Generator, layers: dict[str, Canvas], pattern: Pattern, architecture: Architecture
) -> None:
    """Draw central veins: a white lumen in a thin rim; few are left in nodules."""
    kept = architecture.veins
    if pattern.is_nodular:
        kept = kept[rng.random(len(kept)) < 0.25]
        kept = kept + rng.normal(0.0, 22.0, kept.shape)
    axes = rng.uniform(8.0, 17.0, (len(kept), 1)) * rng.uniform(0.75, 1.25, (len(kept), 2))
    angles = rng.uniform(0.0, 180.0, len(kept))
    rim = rng.integers(150, 240, len(kept)).tolist()
    draw_ellipses(layers["fibre"], kept, axes + 1.5, angles, grey=rim, thickness=2)
    draw_ellipses(layers["lumen"], kept, axes, angles, grey=255)


def _draw_portals(
    rng: np.random.Generator, layers: dict[str, Canvas], pattern: Pattern, architecture: Architecture, amount: float
) -> Points:
    """Draw portal tracts as stars of short fibres over a pale ground; give their radii."""
    portals = architecture.portals
    radius = pattern.portal_px * (0.5 + 0.5 * amount) * rng.lognormal(0.0, 0.16, len(portals))
    axes = radius[:, None] * rng.uniform(0.75, 1.1, (len(portals), 2))
    draw_ellipses(layers["matrix"], portals, axes * 0.95, rng.uniform(0.0, 180.0, len(portals)), grey=235)
    n_fibres = np.rint(radius * 0.9).astype(int)
    owner = np.repeat(np.arange(len(portals)), n_fibres)
    angle = rng.uniform(0.0, 2.0 * np.pi, len(owner))
    place = portals[owner] + (
        np.stack([np.cos(angle), np.sin(angle)], axis=1)
        * (radius[owner] * np.sqrt(rng.uniform(0.05, 1.0, len(owner))))[:, None]
    )
    turned = angle + np.pi / 2 + rng.normal(0.0, 0.6, len(owner))
    half = np.stack([np.cos(turned), np.sin(turned)], axis=1) * (radius[owner] * 0.42)[:, None]
    fibres = wavy_lines(rng, place - half, place + half, amplitude=2.2, n_points=7)
    draw_lines(
        layers["fibre"], fibres, thickness=rng.integers(1, 4, len(owner)), grey=rng.integers(110, 256, len(owner))
    )
    inflamed = portals[rng.random(len(portals)) < 0.7]
    _scatter_cells(rng, layers["cells"], np.repeat(inflamed, 7, axis=0), 0.55 * float(radius.mean()))
    return radius


def _draw_spikes(
    rng: np.random.Generator, canvas: Canvas, pattern: Pattern, portals: Points, portal_px: Points
) -> None:
    """Draw the short septa by which an expanded portal tract reaches between the plates beside it."""
    n_spikes = rng.poisson(pattern.spikes, len(portals)) if pattern.spikes > 0 else np.zeros(len(portals), int)
    owner: Indices = np.repeat(np.arange(len(portals)), n_spikes)
    angle = rng.uniform(0.0, 2.0 * np.pi, len(owner))
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    starts = portals[owner] + direction * (0.8 * portal_px[owner])[:, None]
    ends = portals[owner] + direction * (portal_px[owner] * rng.uniform(1.3, 1.75, len(owner)))[:, None]
    paths = wavy_lines(rng, starts, ends, amplitude=3.0, n_points=5)
    _draw_strands(rng, canvas, paths, rng.uniform(3.0, 8.0, len(owner)), density=0.6)


def _perisinusoidal(rng: np.random.Generator, pattern: Pattern, parenchyma: Parenchyma, amount: float) -> Field:
    """Clad sinusoids and fence cells in zone 3: the chicken wire."""
    shape = (parenchyma.zone.shape[0], parenchyma.zone.shape[1])
    canvas = np.zeros(shape, np.uint8)
    chosen = parenchyma.sinusoids[rng.random(len(parenchyma.sinusoids)) < pattern.perisinusoidal * min(amount, 1.2)]
    for side in (-2.2, 2.2) if len(chosen) else ():
        lines = chosen[:, : max(2, round(11 * pattern.reach))] + rng.normal(side, 1.0, (len(chosen), 1, 2))
        strength = rng.integers(110, 235, len(lines))
        draw_lines(canvas, lines, thickness=rng.integers(1, pattern.thickness + 1, len(lines)), grey=strength)
    patchy = smooth_noise(rng, shape, 26.0)
    limit = pattern.reach + 0.12 * smooth_noise(rng, shape, 60.0)
    in_zone = np.clip((limit - parenchyma.zone) * 6.0, 0.0, 1.0)
    clad = as_field(canvas, 0.7) * in_zone
    stray = np.clip(patchy - 1.1, 0.0, 0.5) * parenchyma.border
    if not pattern.wire:
        return np.asarray(np.maximum(clad, stray), np.float32)
    uneven = 0.5 + 0.6 * patchy + 0.5 * smooth_noise(rng, shape, 9.0)
    closeness = np.clip(uneven + (pattern.wire * amount - 0.6) * 1.6, 0.0, 1.0)
    fence = np.clip(1.6 * parenchyma.border, 0.0, 0.8) * in_zone * closeness
    return np.asarray(np.maximum(np.maximum(clad, fence), stray), np.float32)


def _draw_vessels(rng: np.random.Generator, layers: dict[str, Canvas], portals: Points, portal_px: Points) -> None:
    """Draw in each portal tract a vein, an artery with its wall and a bile duct with its epithelium."""
    n = len(portals)
    turn = rng.uniform(0.0, 2.0 * np.pi, n)
    for shift, place, size in ((0.0, 0.22, 0.40), (2.3, 0.62, 0.15), (4.2, 0.58, 0.20)):
        angle = turn + shift
        centres = portals + np.stack([np.cos(angle), np.sin(angle)], axis=1) * (place * portal_px)[:, None]
        axes = np.clip((size * portal_px)[:, None] * rng.uniform(0.75, 1.2, (n, 2)), 2.0, 13.0)
        tilt = rng.uniform(0.0, 180.0, n)
        if size == 0.15:
            draw_ellipses(layers["fibre"], centres, axes + 2.0, tilt, grey=200, thickness=2)
        if size == 0.20:
            draw_ellipses(layers["duct"], centres, axes + 4.0, tilt, grey=255)
            axes = axes * 0.6
        draw_ellipses(layers["lumen"], centres, axes, tilt, grey=245)


def _scatter_cells(rng: np.random.Generator, canvas: Canvas, centres: Points, spread_px: float) -> None:
    """Draw small dark nuclei of lymphocytes and fibroblasts round the centres."""
    places = centres + rng.normal(0.0, max(spread_px, 1.0), centres.shape)
    axes = rng.uniform(1.6, 2.6, places.shape)
    draw_ellipses(canvas, places, axes, rng.uniform(0.0, 180.0, len(places)), grey=230)
