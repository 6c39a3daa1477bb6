"""Laws of the geometry: nothing overlaps, everything stands in order, places are the nearest that fit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from edgewise.plots.layout import (
    LABEL_HEIGHT,
    NODE_RADIUS,
    NetworkShape,
    Rectangle,
    arrange,
    confined,
    panel_grid,
    spread,
)


@given(count=st.integers(0, 20), across=st.integers(1, 5), margin=st.floats(0, 1))
def test_panels_stand_in_reading_order_inside_the_figure(count, across, margin):
    room = (0.5, 0.25, 0.75, 0.25)
    grid = panel_grid(count, across, (2.0, 1.0), room, margin)
    assert len(grid.boxes) == count
    for a, b in pairwise(grid.boxes):
        assert not a.overlaps(b)
        assert b.left > a.left or b.bottom < a.bottom
    for box in grid.boxes:
        assert box.left >= margin + room[0] - 1e-9
        assert box.bottom >= room[1] - 1e-9
        assert box.left + box.width + room[2] <= grid.width + 1e-9
        assert box.bottom + box.height + room[3] <= grid.height + 1e-9


reals = st.floats(-10, 10)


@st.composite
def shapes(draw):
    """Networks with random masks, multiplication nodes and labels."""
    widths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    groups, edges, labelled, before = [], [], set(), widths[0]
    for layer, nodes in enumerate(widths[1:]):
        arity = [draw(st.integers(1, 3)) for _ in range(nodes)]
        starts = np.concatenate([[0], np.cumsum(arity)])
        groups.append(tuple(tuple(range(a, b)) for a, b in pairwise(starts)))
        pairs = [(s, t) for s in range(before) for t in range(int(starts[-1]))]
        alive = draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))
        edges.append(tuple(sorted(alive)))
        labelled |= {(layer, s, t) for s, t in alive if draw(st.booleans())}
        before = nodes
    return NetworkShape(widths[0], tuple(groups), tuple(edges), frozenset(labelled))


@given(shapes())
def test_thumbnails_and_their_labels_never_overlap(shape):
    layout = arrange(shape)
    boxes = []
    for edge, box in layout.thumbs.items():
        room = LABEL_HEIGHT if edge in shape.labelled else 0.0
        boxes.append(Rectangle(box.left, box.bottom - room, box.width, box.height + room))
    for k, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[k + 1 :])


@given(shapes())
def test_every_edge_has_a_thumbnail_and_nodes_keep_clear(shape):
    layout = arrange(shape)
    assert set(layout.thumbs) == {(k, s, t) for k, edges in enumerate(shape.edges) for s, t in edges}
    discs = [p for column in layout.nodes for p in column.values()]
    for k, p in enumerate(discs):
        assert all(
            (p.x - q.x) ** 2 + (p.y - q.y) ** 2 >= (2 * NODE_RADIUS) ** 2 - 1e-9 for q in discs[k + 1 :]
        )
        square = Rectangle(p.x - NODE_RADIUS, p.y - NODE_RADIUS, 2 * NODE_RADIUS, 2 * NODE_RADIUS)
        assert not any(square.overlaps(box) for box in layout.thumbs.values())
        assert layout.bottom <= p.y - NODE_RADIUS
        assert p.y + NODE_RADIUS <= layout.top


@given(shapes())
def test_edges_run_from_left_to_right(shape):
    layout = arrange(shape)
    for (layer, source, target), box in layout.thumbs.items():
        node = next(n for n, group in enumerate(shape.groups[layer]) if target in group)
        assert layout.nodes[layer][source].x < box.left
        assert box.left + box.width < layout.factors[layer].get(target, layout.nodes[layer + 1][node]).x


def test_inputs_keep_their_order():
    edges = ((0, 2), (1, 1), (2, 0))
    layout = arrange(NetworkShape(4, (((0,), (1,), (2,)),), (edges,), frozenset()))
    heights = [layout.nodes[0][i].y for i in range(4)]
    assert heights == sorted(heights, reverse=True)


@given(st.lists(reals, min_size=1, max_size=6), st.data())
def test_spread_is_the_nearest_that_fits(desired, data):
    gaps = data.draw(st.lists(st.floats(0, 3), min_size=len(desired) - 1, max_size=len(desired) - 1))
    found = spread(desired, gaps)
    assert np.all(np.diff(found) >= np.array(gaps) - 1e-9)
    wanted = np.array(desired)
    rules = [
        {"type": "ineq", "fun": lambda p, k=k: p[k + 1] - p[k] - gaps[k]} for k in range(len(desired) - 1)
    ]
    oracle = minimize(lambda p: ((p - wanted) ** 2).sum(), found + 0.1, constraints=rules, method="SLSQP")
    assert ((found - wanted) ** 2).sum() <= oracle.fun + 1e-5


@given(st.lists(reals, min_size=1, max_size=6))
def test_confined_places_lie_inside_with_their_gaps(places):
    gaps = [0.5] * (len(places) - 1)
    inside = confined(np.sort(places), gaps, -2.0, 2.0)
    assert inside.min() >= -2 - 1e-12
    assert inside.max() <= 2 + 1e-12
    assert np.all(np.diff(inside) >= 0.5 - 1e-12)


def test_spread_of_nothing():
    assert spread([], []).size == 0
    assert spread([3.0], []).tolist() == pytest.approx([3.0])
