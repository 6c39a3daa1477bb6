"""Where a place lies on a mesh: the block and element that hold it, and its place in their unit squares."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.blocks import Blocks
from edgewise.pde.discretisation.mesh import SIGMA, Mesh

# Places may lie outside a block by this share of it: rounding, on its edges.
_SLACK = 1e-9
_MOST_STEPS = 40


def in_blocks(blocks: Blocks, at: Floats) -> tuple[Ints, Floats]:
    """For places (q, 2): the number of the block, -1 outside of all, and the place in its unit square (q, 2)."""
    which, local = np.full(len(at), -1, dtype=np.int64), np.zeros((len(at), 2))
    line = np.linspace(0, 1, 9)
    edges = np.concatenate(
        [
            np.stack(pair, axis=-1)
            for pair in ((line, 0 * line), (line, 0 * line + 1), (0 * line, line), (0 * line + 1, line))
        ]
    )
    every = np.arange(len(blocks.quads))
    outline = blocks.places(every, np.broadcast_to(edges, (len(every), *edges.shape)))[0]
    low, high = outline.min(1), outline.max(1)
    # Arcs bulge beyond their samples by a little.
    slack = 0.05 * (high - low).max(1, keepdims=True)
    best = np.full(len(at), _SLACK)
    for q in range(len(every)):
        near = np.flatnonzero(
            (best > 0) & (at >= low[q] - slack[q]).all(1) & (at <= high[q] + slack[q]).all(1)
        )
        if len(near):
            found, outside = _inverted(blocks, q, at[near])
            # Beside a corner the slack is more than whole elements: the block counts that a place is least outside of.
            hit = outside < best[near]
            which[near[hit]], local[near[hit]], best[near[hit]] = q, found[hit], outside[hit]
    return which, np.clip(local, 0.0, 1.0)


def _inverted(blocks: Blocks, q: int, at: Floats) -> tuple[Floats, Floats]:
    """Newton's method for the place in the unit square of one block, and how far outside it lies; infinite by far."""
    found = np.full((len(at), 2), 0.5)
    block = np.array([q])
    size = np.ptp(blocks.points[blocks.quads[q]], axis=0).max()
    left = np.full(len(at), np.inf)
    for _ in range(_MOST_STEPS):
        places, slopes = blocks.places(block, found[None])
        gap = at - places[0]
        left = np.abs(gap).max(1) / size
        step = np.linalg.solve(slopes[0], gap[..., None])[..., 0]
        # Beside the unit square the map may fold: what leaves it by far is brought back.
        found = np.clip(found + np.clip(step, -0.5, 0.5), -0.2, 1.2)
        if np.abs(step).max() < 1e-15:
            break
    outside = np.maximum(np.maximum(-found, found - 1).max(1), 0.0)
    return found, np.where(left < 1e-8, outside, np.inf)


def in_elements(mesh: Mesh, block: Ints, at: Floats, sigma: float = SIGMA) -> tuple[Ints, Floats]:
    """For places in the unit squares of blocks: the number of the element, and the place in its own unit square."""
    firsts = np.searchsorted(mesh.block, np.arange(len(mesh.blocks.quads)))
    tips = mesh.blocks.quads[:, 0]
    layers = np.array([mesh.layers.get(int(tip), 0) for tip in tips])[block]
    larger = at.max(1)
    with np.errstate(divide="ignore"):
        depth = np.log(larger) / np.log(sigma)
    layer = np.minimum(np.floor(np.minimum(depth, 1e6)).astype(np.int64) + 1, layers + 1)
    innermost = layer > layers
    outer, inner = sigma ** (layer - 1.0), sigma ** layer.astype(float)
    outer = np.where(innermost, sigma ** layers.astype(float), outer)
    along_x = at[:, 0] >= at[:, 1]
    share = np.clip((larger - inner) / (outer - inner), 0, 1)
    ratio = at.min(1) / np.where(larger > 0, larger, 1)
    local = np.where(along_x[:, None], np.stack([share, ratio], 1), np.stack([ratio, share], 1))
    local[innermost] = np.minimum(at[innermost] / outer[innermost, None], 1.0)
    element = firsts[block] + np.where(innermost, 0, 1 + 2 * (layers - layer) + ~along_x)
    return element.astype(np.int64), local
