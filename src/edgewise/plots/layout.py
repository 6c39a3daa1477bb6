"""Where everything goes: pure geometry, in inches. Grids of small panels, and network diagrams from left to right.

In a diagram a column of thumbnails stands between two columns of nodes. Thumbnails are grouped by the node they feed, so
that each node reads as the sum of the curves to its left; they never overlap, because their places are an isotonic
regression with least gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from edgewise._core.arrays import Floats

Edge = tuple[int, int, int]

THUMB_ASPECT = 1.55
LABEL_HEIGHT = 0.17
NODE_RADIUS = 0.1
FACTOR_RADIUS = 0.045


class Rectangle(NamedTuple):
    """A rectangle: left, bottom, width, height."""

    left: float
    bottom: float
    width: float
    height: float

    def overlaps(self, other: Rectangle) -> bool:
        """Whether the two share an area."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.bottom < other.bottom + other.height
            and other.bottom < self.bottom + self.height
        )


class Grid(NamedTuple):
    """A figure of small panels: its size, and the box of each panel."""

    width: float
    height: float
    boxes: tuple[Rectangle, ...]


def panel_grid(
    count: int,
    across: int,
    size: tuple[float, float],
    room: tuple[float, float, float, float],
    margin: float = 0.0,
) -> Grid:
    """Panels of one size in rows, from the upper left, at least one.

    Parameters
    ----------
    count : int
    across : int
        Panels in a row.
    size : (width, height)
        Of a panel's axes.
    room : (left, bottom, right, top)
        Around each panel, for its ticks and title.
    margin : float
        At the left of the figure, beside that.

    Examples
    --------
    >>> grid = panel_grid(3, 2, (2.0, 1.0), (0.5, 0.25, 0.5, 0.25))
    >>> (grid.width, grid.height), grid.boxes[2]
    ((6.0, 3.0), Rectangle(left=0.5, bottom=0.25, width=2.0, height=1.0))
    """
    across = max(min(across, count), 1)
    down = max(-(-count // across), 1)
    left, bottom, right, top = room
    step = (size[0] + left + right, size[1] + bottom + top)
    boxes = tuple(
        Rectangle(margin + (k % across) * step[0] + left, (down - 1 - k // across) * step[1] + bottom, *size)
        for k in range(count)
    )
    return Grid(margin + across * step[0], down * step[1], boxes)


class Point(NamedTuple):
    """A place."""

    x: float
    y: float


@dataclass(frozen=True)
class NetworkShape:
    """What the layout must know of a network.

    Attributes
    ----------
    inputs : int
        Number of inputs.
    groups : tuple, one entry a layer
        The sums behind each node, as `Nodes.groups`.
    edges : tuple, one entry a layer
        The (source, sum) pairs to draw.
    labelled : set of (layer, source, sum)
        Edges with a word under the curve.
    """

    inputs: int
    groups: tuple[tuple[tuple[int, ...], ...], ...]
    edges: tuple[tuple[tuple[int, int], ...], ...]
    labelled: frozenset[Edge]


@dataclass(frozen=True)
class NetworkLayout:
    """Where the parts go; x starts at the inputs, y grows upward.

    Attributes
    ----------
    thumbs : dict
        Rectangle of the curve of each edge (layer, source, sum).
    nodes : tuple of dict
        For each column of nodes, the place of each node drawn (inputs first).
    factors : tuple of dict
        For each layer, the place of each sum that feeds a multiplication node.
    width : float
        From the first column of nodes to the last.
    bottom, top : float
        Lowest and highest point of all parts.
    """

    thumbs: dict[Edge, Rectangle]
    nodes: tuple[dict[int, Point], ...]
    factors: tuple[dict[int, Point], ...]
    width: float
    bottom: float
    top: float


def spread(desired: Sequence[float], gaps: Sequence[float]) -> Floats:
    """The positions nearest to the desired ones (least squares) that keep their order and at least the given gaps.

    Isotonic regression by pooling adjacent violators, after the gaps are taken off.

    Examples
    --------
    >>> spread([0.0, 0.0, 5.0], [1.0, 1.0]).tolist()
    [-0.5, 0.5, 5.0]
    """
    offset = np.concatenate([[0.0], np.cumsum(gaps)]) if len(desired) else np.zeros(0)
    pools: list[tuple[float, int]] = []
    for value in np.asarray(desired, dtype=np.float64) - offset:
        pool, size = float(value), 1
        while pools and pools[-1][0] > pool:
            before, count = pools.pop()
            pool, size = (before * count + pool * size) / (count + size), size + count
        pools.append((pool, size))
    return np.concatenate([np.full(size, pool) for pool, size in pools] or [np.zeros(0)]) + offset


def confined(places: Floats, gaps: Sequence[float], low: float, high: float) -> Floats:
    """Ordered places moved no more than needed to lie in [low, high] with the given gaps; the room must suffice.

    Examples
    --------
    >>> confined(np.array([-1.0, 0.0, 5.0]), [1.0, 1.0], 0.0, 4.0).tolist()
    [0.0, 1.0, 4.0]
    """
    moved = places.copy()
    for k in range(len(moved)):
        moved[k] = max(moved[k], low if k == 0 else moved[k - 1] + gaps[k - 1])
    for k in reversed(range(len(moved))):
        moved[k] = min(moved[k], high if k == len(moved) - 1 else moved[k + 1] - gaps[k])
    return moved


def arrange(shape: NetworkShape) -> NetworkLayout:
    """Lay the network out."""
    tallest = max((len(edges) for edges in shape.edges), default=1)
    thumb = float(np.clip(7.0 / max(tallest, 1), 0.27, 0.52))
    thumbs: dict[Edge, Rectangle] = {}
    factors: list[dict[int, Point]] = []
    nodes: list[dict[int, Point]] = []
    x = 0.0
    for layer in range(len(shape.edges)):
        slots = _slots(shape, layer, thumb)
        centres = _centres(slots, nodes[-1] if nodes else None)
        middles = [c + s.label / 2 for c, s in zip(centres, slots, strict=True)]
        fan = float(np.clip(0.16 * (max(middles, default=0.0) - min(middles, default=0.0)), 0.42, 1.5))
        left = x + NODE_RADIUS + fan
        for slot, middle in zip(slots, middles, strict=True):
            box = Rectangle(left, middle - thumb / 2, THUMB_ASPECT * thumb, thumb)
            thumbs[layer, slot.source, slot.target] = box
        if not nodes:
            nodes.append(_inputs(shape.inputs, [s.source for s in slots], middles))
        right = left + THUMB_ASPECT * thumb + max(0.36, 0.7 * fan)
        arriving: dict[int, list[float]] = {}
        for slot, middle in zip(slots, middles, strict=True):
            arriving.setdefault(slot.target, []).append(middle)
        sums = {target: _mean(ys) for target, ys in arriving.items()}
        many = {t for group in shape.groups[layer] if len(group) > 1 for t in group if t in sums}
        factors.append({t: Point(right, sums[t]) for t in sorted(many)})
        x = right + NODE_RADIUS + (0.4 if many else 0.0)
        places: dict[int, Point] = {}
        for node, group in enumerate(shape.groups[layer]):
            if alive := [sums[t] for t in group if t in sums]:
                places[node] = Point(x, _mean(alive))
        leaving = shape.edges[layer + 1] if layer + 1 < len(shape.edges) else ()
        # A node that nothing reaches but something leaves is a constant; it stands below the others.
        for node in sorted({source for source, _ in leaving} - set(places)):
            lowest = min((p.y for p in places.values()), default=0.0)
            places[node] = Point(x, lowest - 4 * NODE_RADIUS)
        nodes.append(places)
    reach = [p.y + d for column in nodes for p in column.values() for d in (NODE_RADIUS, -NODE_RADIUS)]
    for edge, box in thumbs.items():
        reach += [box.bottom + box.height, box.bottom - (LABEL_HEIGHT if edge in shape.labelled else 0.0)]
    return NetworkLayout(thumbs, tuple(nodes), tuple(factors), x, min(reach), max(reach))


class _Slot(NamedTuple):
    """The place of one thumbnail: its edge, the node it leads to, its height with the label, the label's height."""

    source: int
    target: int
    node: int
    size: float
    label: float


def _slots(shape: NetworkShape, layer: int, thumb: float) -> list[_Slot]:
    """The thumbnails of a layer from top to bottom."""
    node_of = {t: node for node, group in enumerate(shape.groups[layer]) for t in group}
    slots: list[_Slot] = []
    for s, t in sorted(shape.edges[layer], key=lambda edge: (edge[1], edge[0])):
        label = LABEL_HEIGHT if (layer, s, t) in shape.labelled else 0.0
        slots.append(_Slot(s, t, node_of[t], thumb + label, label))
    return slots


def _gap(a: _Slot, b: _Slot) -> float:
    """Least distance between the centres of neighbours: a little inside a group, more between groups."""
    return (a.size + b.size) / 2 + 0.14 * min(a.size, b.size) * (1.0 if a.target == b.target else 2.8)


def _centres(slots: Sequence[_Slot], sources: dict[int, Point] | None) -> Floats:
    """Heights of the slots' centres: level with their sources where possible.

    A layer that feeds one sum follows its sources one by one; groups of several sums stay whole and follow the mean of
    theirs. In the first layer the sources do not stand yet.
    """
    if not slots:
        return np.zeros(0)
    gaps = [_gap(a, b) for a, b in pairwise(slots)]
    # Down the page is the order of the slots, up the page is y.
    level = [0.0 if sources is None else slot.label / 2 - sources[slot.source].y for slot in slots]
    targets = [slot.target for slot in slots]
    if sources is None or len(set(targets)) == 1:
        centres = -spread(level, gaps)
        return centres - (centres[0] + centres[-1]) / 2 if sources is None else centres
    starts = [k for k in range(len(slots)) if k == 0 or targets[k] != targets[k - 1]]
    within = np.concatenate([[0.0], np.cumsum(gaps)])
    blocks = list(zip(starts, [*starts[1:], len(slots)], strict=True))
    middles = [float(within[a] + within[b - 1]) / 2 for a, b in blocks]
    means = spread([_mean(level[a:b]) for a, b in blocks], np.diff(middles).tolist())
    down = [
        within[k] - middle + mean
        for (a, b), middle, mean in zip(blocks, middles, means, strict=True)
        for k in range(a, b)
    ]
    return -np.asarray(down, dtype=np.float64)


def _inputs(count: int, sources: Sequence[int], middles: Sequence[float]) -> dict[int, Point]:
    """Inputs beside the curves that leave them; inputs that nothing leaves keep their place in the order."""
    top, bottom = max(middles, default=0.0), min(middles, default=0.0)
    even = np.linspace(top, bottom, count) if count > 1 else np.zeros(1)
    own = [[m for s, m in zip(sources, middles, strict=True) if s == i] for i in range(count)]
    desired = [-_mean(found) if found else -float(even[i]) for i, found in enumerate(own)]
    step = max(3.2 * NODE_RADIUS, 0.85 * (top - bottom) / max(count - 1, 1))
    return {i: Point(0.0, -float(y)) for i, y in enumerate(spread(desired, [step] * (count - 1)))}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
