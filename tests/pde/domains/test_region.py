"""Regions against membership rules, areas in closed form and triangulations of their own."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.pde import box, coordinates, disk, ellipse, polygon
from edgewise.pde.discretisation.blocks import blocks_of
from edgewise.pde.discretisation.quadrilaterals import in_blocks, in_elements, mesh_of

x, y = coordinates("x", "y")
FLOOR = [(0, 0), (3, 0), (3, 2), (1.5, 3), (0, 2)]


def area(region, width=0.5, layers=0):
    mesh = mesh_of(blocks_of(region, width), {0: layers})
    return mesh.sampling(10).mass.sum()


def in_disk(at, center, radius):
    return np.linalg.norm(at - center, axis=1) < radius


@given(
    st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)),
    st.floats(0.3, 1.5),
    st.sampled_from(["__or__", "__sub__", "__and__"]),
)
@settings(max_examples=40, deadline=None)
def test_sets_of_disks_hold_what_the_rules_say(center, radius, how):
    one, other = disk((x, y)), disk((x, y), center, radius)
    at = np.random.default_rng(0).uniform(-3, 3, (3000, 2))
    a, b = in_disk(at, (0, 0), 1), in_disk(at, center, radius)
    wanted = {"__or__": a | b, "__sub__": a & ~b, "__and__": a & b}[how]
    distance = float(np.hypot(*center))
    # Circles that do not cross may leave nothing, or two pieces.
    assume(abs(1 - radius) + 1e-3 < distance < 1 + radius - 1e-3)
    region = getattr(one, how)(other)
    assert (region.contains(at) == wanted).all()
    low, high = np.array(region.bounds).T
    assert (at[wanted] >= low).all()
    assert (at[wanted] <= high).all()


def test_turned_ellipses_and_polygons():
    one = ellipse((x, y), (0.2, 0), (2, 1), angle=0.5)
    both = one & polygon((x, y), [(-1, -2), (3, 0), (0, 2)])
    at = np.random.default_rng(1).uniform(-3, 3, (20000, 2))
    local = (at - (0.2, 0)) @ np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    inside = ((local / (2, 1)) ** 2).sum(1) < 1
    cross = [
        (q[0] - p[0]) * (at[:, 1] - p[1]) - (q[1] - p[1]) * (at[:, 0] - p[0]) > 0
        for p, q in [((-1, -2), (3, 0)), ((3, 0), (0, 2)), ((0, 2), (-1, -2))]
    ]
    assert (both.contains(at) == (inside & np.all(cross, axis=0))).all()


@pytest.mark.parametrize(
    ("region", "wanted"),
    [
        (disk((x, y), (1, 2), 0.7), np.pi * 0.49),
        (ellipse((x, y), radii=(2, 0.5), angle=1.0), np.pi),
        (polygon((x, y), FLOOR) - disk((x, y), (1, 1), 0.3), 7.5 - np.pi * 0.09),
        (polygon((x, y), [(0, 0), (1, 0), (1, 0.1)]), 0.05),
        (box({x: (-1, 1), y: (-1, 1)}) - box({x: (0, 1), y: (0, 1)}), 3.0),
        (box({x: (0, 1), y: (0, 1)}) | box({x: (1, 2), y: (0, 1)}), 2.0),
        (polygon((x, y), FLOOR, holes=[[(1, 1), (1, 2), (2, 2), (2, 1)]]), 6.5),
    ],
)
def test_elements_fill_the_region_exactly(region, wanted):
    assert abs(area(region) - wanted) < 1e-12 * wanted
    assert abs(area(region, layers=6) - wanted) < 1e-12 * wanted


def test_parts_have_names():
    plate = box({x: (0, 4), y: (0, 2)}) - disk((x, y), (1, 1), 0.3, name="cylinder")
    parts = plate.boundary
    assert {"left", "right", "bottom", "top", "outer", "hole", "hole 1", "cylinder", "walls"} == set(parts)
    assert parts["cylinder"].faces == parts["hole"].faces
    with pytest.raises(InputError, match=r"has no part 'cylindre'.*'cylinder'"):
        parts["cylindre"]
    corner = box({x: (0, 2), y: (0, 2)}) - box({x: (1, 2), y: (1, 2)})
    assert len(corner.boundary["left"].faces) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: polygon((x, y), [(0, 0), (1, 1), (1, 0), (0, 1)]), "crosses itself: edges 1 and 3"),
        (lambda: polygon((x, y), [(0, 0), (1, 1)]), "at least three corners"),
        (lambda: polygon((x, y), [(0, 0), (1, 0), (1, 0), (0, 1)]), "Edge 2 of the polygon has no length"),
        (lambda: polygon((x, y), [(0, 0), (1, 0), (0, 1)], names=["a"]), "one name an edge, 3"),
        (lambda: polygon((x, y), "abc"), "pairs of numbers"),
        (lambda: disk((x, y), radius=-1), "radius"),
        (lambda: disk((x,)), "two coordinates of space"),
        (lambda: disk((x, y)) - disk((x, y), radius=2), "nothing is left"),
        (lambda: disk((x, y)) | disk((x, y), (5, 0)), "falls into 2 pieces"),
        (lambda: disk((x, y)) - box({x: (0, 1)}), "plane shapes"),
    ],
)
def test_what_is_no_region_is_told_in_a_sentence(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_places_are_found_again_on_a_refined_mesh():
    region = polygon((x, y), FLOOR) - disk((x, y), (1, 1), 0.3)
    blocks = blocks_of(region, 1.0)
    mesh = mesh_of(blocks, {0: 5, 3: 2})
    r = np.random.default_rng(2)
    which = r.integers(0, mesh.count, 400)
    local = r.uniform(0, 1, (400, 1, 2))
    places = mesh.places(which, local)[0][:, 0]
    block, at = in_blocks(blocks, places)
    element, inner = in_elements(mesh, block, at)
    assert (element == which).all()
    assert np.abs(inner - local[:, 0]).max() < 1e-7
    assert (in_blocks(blocks, np.array([[1.0, 1.0], [9.0, 9.0]]))[0] == -1).all()


def test_the_block_beside_a_corner_is_the_right_one():
    region = box({x: (-1, 1), y: (-1, 1)}) - box({x: (0, 1), y: (0, 1)})
    blocks = blocks_of(region, 1.0)
    angle = np.linspace(np.pi / 2 + 0.02, 2 * np.pi - 0.02, 200)
    near, far = (r * np.stack([np.cos(angle), np.sin(angle)], axis=1) for r in (1e-12, 0.2))
    assert (in_blocks(blocks, near)[0] == in_blocks(blocks, far)[0]).all()
