"""Hepatocytes, sinusoids, veins and fat: what is yellow and white in a Sirius Red liver."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.slides.synthetic.architecture import PITCH_PX, Architecture, Points, wavy_lines
from core.slides.synthetic.canvas import Canvas, Field, as_field, draw_ellipses, draw_lines, grain, smooth_noise

_CELL_PX = 27.0
_N_SINUSOIDS = 32
_COARSE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Parenchyma:
    """Fields over the image, 0 to 1 where not said otherwise.

    Attributes: cytoplasm (about 1 in a cell); gap sinusoids and holes; nuclei; border between cells;
    zone distance to the nearest vein as a share of the lobule's reach; sinusoids the lines (k, n, 2), vein first.
    """

    cytoplasm: Field
    gap: Field
    nuclei: Field
    border: Field
    zone: Field
    sinusoids: Points


def grow_parenchyma(
    rng: np.random.Generator,
    architecture: Architecture,
    shape: tuple[int, int],
    *,
    steatosis_fraction: float,
    is_nodular: bool,
) -> Parenchyma:
    """Fill the lobules of an image of (height, width) with plates of hepatocytes.

    Args: is_nodular: regenerating parenchyma, larger cells and plates without order.
    """
    cell_px = _CELL_PX * (1.2 if is_nodular else 1.0)
    tint, border, nuclei = _cells(rng, shape, cell_px)
    zone = _zone(architecture.veins, shape)
    sinusoids = _sinusoids(rng, architecture, swing=9.0 if is_nodular else 4.5)
    canvas = np.zeros(shape, np.uint8)
    n_lines = len(sinusoids)
    draw_lines(canvas, sinusoids, thickness=rng.integers(2, 5, n_lines), grey=rng.integers(120, 256, n_lines))
    patchy = smooth_noise(rng, shape, 22.0)
    gap = as_field(canvas, 1.3) * np.clip(0.75 + 0.55 * patchy, 0.0, 1.0)
    holes = np.zeros(shape, np.uint8)
    _draw_fat(rng, holes, steatosis_fraction)
    gap = np.maximum(gap, as_field(holes, 0.9))
    granules = 1.0 + 0.07 * grain(rng, shape) + 0.07 * smooth_noise(rng, shape, 3.0)
    cytoplasm = tint * granules * (1.0 + 0.07 * smooth_noise(rng, shape, 90.0))
    cytoplasm *= 1.06 - 0.12 * np.clip(zone, 0.0, 1.0)
    return Parenchyma(
        cytoplasm=cytoplasm.astype(np.float32), gap=gap, nuclei=nuclei, border=border, zone=zone, sinusoids=sinusoids
    )


def _cells(rng: np.random.Generator, shape: tuple[int, int], cell_px: float) -> tuple[Field, Field, Field]:
    """Give each cell its tint, and draw borders and nuclei."""
    height, width = shape
    step = cell_px * 0.93
    columns, rows = np.meshgrid(np.arange(width / step + 1), np.arange(height / step + 1))
    x = (columns + 0.5 * (rows % 2)) * step + rng.normal(0.0, 0.2 * cell_px, columns.shape)
    y = rows * step + rng.normal(0.0, 0.2 * cell_px, columns.shape)
    x, y = np.clip(x, 0, width - 1).ravel(), np.clip(y, 0, height - 1).ravel()
    seeds = np.full(shape, 255, np.uint8)
    seeds[y.astype(int), x.astype(int)] = 0
    _, numbers = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    tints = np.clip(rng.normal(1.0, 0.10, int(numbers.max()) + 1), 0.7, 1.3).astype(np.float32)
    tint = cv2.GaussianBlur(tints[numbers], (0, 0), 1.6)
    edges = np.zeros(shape, np.uint8)
    edges[:, 1:] |= (numbers[:, 1:] != numbers[:, :-1]).view(np.uint8) * np.uint8(255)
    edges[1:, :] |= (numbers[1:, :] != numbers[:-1, :]).view(np.uint8) * np.uint8(255)
    return tint, as_field(edges, 0.8), _nuclei(rng, shape, np.stack([x, y], axis=1))


def _nuclei(rng: np.random.Generator, shape: tuple[int, int], centres: Points) -> Field:
    """Draw faint round nuclei: a darker rim, a paler middle, often out of the plane and then not seen."""
    kept = centres[rng.random(len(centres)) < 0.72]
    canvas = np.zeros(shape, np.uint8)
    radii = np.repeat(rng.uniform(3.2, 4.8, (len(kept), 1)), 2, axis=1)
    angles = np.zeros(len(kept))
    draw_ellipses(canvas, kept, radii, angles, grey=rng.integers(70, 150, len(kept)).tolist())
    draw_ellipses(canvas, kept, radii, angles, grey=rng.integers(130, 256, len(kept)).tolist(), thickness=1)
    return as_field(canvas, 0.8)


def _zone(veins: Points, shape: tuple[int, int]) -> Field:
    height, width = shape
    seeds = np.full((height // _COARSE + 1, width // _COARSE + 1), 255, np.uint8)
    places = np.rint(veins / _COARSE).astype(int)
    is_inside = ((places >= 0) & (places < np.array([seeds.shape[1], seeds.shape[0]]))).all(axis=1)
    places = places[is_inside]
    seeds[places[:, 1], places[:, 0]] = 0
    distance = cv2.distanceTransform(seeds, cv2.DIST_L2, 5) * np.float32(_COARSE / (0.56 * PITCH_PX))
    return cv2.resize(distance, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _sinusoids(rng: np.random.Generator, architecture: Architecture, *, swing: float) -> Points:
    """Give lines from each vein outwards to where the nearest other lobule begins."""
    n_veins = len(architecture.veins)
    angles = np.linspace(0.0, 2.0 * np.pi, _N_SINUSOIDS, endpoint=False)[None, :]
    angles = (angles + rng.normal(0.0, 0.11, (n_veins, _N_SINUSOIDS))).ravel()
    owner = np.repeat(np.arange(n_veins), _N_SINUSOIDS)
    direction = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = _reach(architecture, direction.reshape(n_veins, _N_SINUSOIDS, 2)).ravel()
    first = np.where(np.arange(len(owner)) % 2 == 0, 14.0, reach * rng.uniform(0.25, 0.5, len(owner)))
    centres = architecture.veins[owner]
    starts = centres + direction * first[:, None]
    bend = rng.normal(0.0, 0.12, len(owner))
    bent = np.stack([np.cos(angles + bend), np.sin(angles + bend)], axis=1)
    ends = centres + bent * (reach * rng.uniform(0.85, 1.02, len(owner)))[:, None]
    return wavy_lines(rng, starts, ends, amplitude=swing, n_points=11)


def _reach(architecture: Architecture, direction: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give how far each lobule goes in each direction, (n, d), from the half planes of its neighbours."""
    reach = np.full(direction.shape[:2], 0.62 * PITCH_PX)
    pairs = np.concatenate([architecture.wall_veins, architecture.wall_veins[:, ::-1]])
    gap = architecture.veins[pairs[:, 1]] - architecture.veins[pairs[:, 0]]
    length = np.linalg.norm(gap, axis=1)
    along = np.einsum("kdc,kc->kd", direction[pairs[:, 0]], gap / length[:, None])
    limit = np.where(along > 0.05, length[:, None] / 2.0 / np.maximum(along, 0.05), np.inf)
    np.minimum.at(reach, pairs[:, 0], limit)
    return reach


def _draw_fat(rng: np.random.Generator, holes: Canvas, steatosis_fraction: float) -> None:
    """Draw round vacuoles, large and small, in clusters, over about the given share of the image."""
    height, width = holes.shape
    n_drops = int(steatosis_fraction * height * width / 180.0)
    n_clusters = max(1, n_drops // 9)
    middles = rng.uniform(0.0, 1.0, (n_clusters, 2)) * np.array([width, height])
    centres = middles[rng.integers(0, n_clusters, n_drops)] + rng.normal(0.0, 34.0, (n_drops, 2))
    radii = np.clip(rng.lognormal(1.7, 0.5, (n_drops, 1)), 2.0, 17.0)
    axes = np.concatenate([radii, radii * rng.uniform(0.9, 1.0, (n_drops, 1))], axis=1)
    draw_ellipses(holes, centres, axes, rng.uniform(0.0, 180.0, n_drops), grey=250)
