"""Where things lie in a liver: central veins, portal tracts and the lines between them.

Lobules are hexagonal and miniature: about 135 um from central vein to central vein where a liver has 500 to 1000,
so that one patch of 112 um shows the architecture of its slide.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

PITCH_PX = 270.0

Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Lobules of one section, in pixels of the image.

    Attributes: veins (n, 2) centres of lobules; portals (m, 2); walls (k, 2) the two portals at the ends of each
    border between lobules; wall_veins (k, 2) the two veins that each border parts; spokes (j, 2) a vein and a portal
    beside it.
    """

    veins: Points
    portals: Points
    walls: Indices
    wall_veins: Indices
    spokes: Indices


def grow_architecture(rng: np.random.Generator, width_px: int, height_px: int, *, jitter: float) -> Architecture:
    """Lay out lobules on a jittered hexagonal lattice that reaches over the image's edge.

    Args: jitter: standard deviation of a vein's place as a share of the pitch; 0 is a honeycomb.
    """
    veins = _lattice(width_px, height_px)
    veins = veins + rng.normal(0.0, jitter * PITCH_PX, veins.shape)
    diagram = Voronoi(veins)
    merged_index, portals = _merge_close(diagram.vertices, 0.28 * PITCH_PX)
    ridges = np.asarray(diagram.ridge_vertices)
    is_finite = (ridges >= 0).all(axis=1)
    walls = merged_index[ridges[is_finite]]
    wall_veins = np.asarray(diagram.ridge_points)[is_finite].astype(np.int64)
    spokes = np.concatenate([np.stack([wall_veins[:, i], walls[:, j]], axis=1) for i in (0, 1) for j in (0, 1)])
    spokes = np.unique(spokes, axis=0)
    is_wall = walls[:, 0] != walls[:, 1]
    return Architecture(
        veins=veins, portals=portals, walls=walls[is_wall], wall_veins=wall_veins[is_wall], spokes=spokes
    )


def _lattice(width_px: int, height_px: int) -> Points:
    row_step = PITCH_PX * np.sqrt(3.0) / 2.0
    n_columns, n_rows = int(width_px / PITCH_PX) + 5, int(height_px / row_step) + 5
    columns, rows = np.meshgrid(np.arange(n_columns), np.arange(n_rows))
    x = (columns - 2 + 0.5 * (rows % 2)) * PITCH_PX
    return np.stack([x.ravel(), ((rows - 2) * row_step).ravel()], axis=1)


def _merge_close(points: Points, reach_px: float) -> tuple[Indices, Points]:
    """Replace points nearer than `reach_px` by their mean; give the new index of each old point, and the means."""
    pairs = cKDTree(points).query_pairs(reach_px, output_type="ndarray")
    n = len(points)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    n_groups, group = connected_components(graph, directed=False)
    sums = np.zeros((n_groups, 2))
    np.add.at(sums, group, points)
    counts = np.bincount(group, minlength=n_groups)[:, None]
    return np.asarray(group, dtype=np.int64), sums / counts


def wavy_lines(
    rng: np.random.Generator, starts: Points, ends: Points, *, amplitude: float | Points, n_points: int = 9
) -> Points:
    """Give lines from start to end that swing sideways as fibres do.

    Args: amplitude: swing in pixels, one or one a line. Returns: (k, n_points, 2).
    """
    t = np.linspace(0.0, 1.0, n_points)[None, :]
    span = ends - starts
    normal = np.stack([-span[:, 1], span[:, 0]], axis=1) / np.maximum(np.linalg.norm(span, axis=1), 1e-6)[:, None]
    n_lines = len(starts)
    swing = np.zeros((n_lines, n_points))
    for n_waves in (1.0, 2.3, 4.1):
        phase = rng.uniform(0.0, 2.0 * np.pi, (n_lines, 1))
        swing += rng.normal(0.0, 1.0 / n_waves, (n_lines, 1)) * np.sin(2.0 * np.pi * n_waves * t + phase)
    swing = swing * np.sqrt(np.clip(4.0 * t * (1.0 - t), 0.0, 1.0)) * np.reshape(np.asarray(amplitude), (-1, 1))
    lines = starts[:, None, :] + t[..., None] * span[:, None, :] + swing[..., None] * normal[:, None, :]
    return np.asarray(lines, np.float64)
