"""Surfaces of triangles: their parts by name, smooth ones by an equation, and what is none told in a sentence."""

import numpy as np
import pytest
import trimesh

from edgewise import InputError, pde

X, Y, Z = XYZ = pde.coordinates("x", "y", "z")
MAKE = trimesh.creation
BALL = X**2 + Y**2 + Z**2 == 1


def tube(sections=12, height=2.0):
    """The side of a prism over a regular polygon, open above and below."""
    turn = 2 * np.pi * np.arange(sections) / sections
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    places = np.concatenate([np.column_stack([ring, np.full(sections, z)]) for z in (0.0, height)])
    a, b = np.arange(sections), (np.arange(sections) + 1) % sections
    facets = np.concatenate([np.stack([a, b, b + sections], 1), np.stack([a, b + sections, a + sections], 1)])
    return trimesh.Trimesh(places, facets, process=False)


def test_a_closed_surface_has_no_boundary():
    ball = pde.surface(MAKE.icosphere(subdivisions=1), XYZ)
    assert not list(ball.boundary)
    assert ball.names == () == ball.rim_loops
    assert repr(ball) == "<Surface, closed, of 80 facets>"
    with pytest.raises(InputError, match="without a boundary"):
        ball.boundary["rim"]


def test_rims_get_names_by_places_and_sides():
    found = pde.surface(tube(), XYZ, names={"top": "+z", "foot": (1, 0, 0)}, angle=31)
    assert sorted(found.boundary) == ["foot", "rim", "rim 1", "rim 2", "top"]
    number = found.boundary["top"].faces[0].number
    assert (found.places[found.sides[found.part == number]][..., 2] == 2).all()
    assert found.rim_loops == ((0,), (1,))
    # With an angle below that of the polygon every edge is a part of its own.
    assert len(pde.surface(tube(), XYZ, angle=20).names) == 24
    assert found.area == pytest.approx(2 * 24 * np.sin(np.pi / 12))


def test_the_rim_of_a_square_has_four_parts_whichever_way_its_facets_turn():
    places = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
    for facets in ([(0, 1, 2), (0, 2, 3)], [(0, 1, 2), (0, 3, 2)]):
        found = pde.surface(trimesh.Trimesh(places, facets, process=False), XYZ, names={"west": "-x"})
        assert len(found.names) == 4
        assert found.sagitta == pytest.approx(0, abs=1e-15)
        assert len(found.rim_loops) == 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sagitta_is_how_far_the_round_one_lies_off(count):
    ball = pde.surface(MAKE.icosphere(subdivisions=count), XYZ)
    inner = 1 - np.linalg.norm(ball.places[ball.facets].mean(1), axis=1).min()
    assert inner / 1.5 < ball.sagitta < 1.5 * inner


def test_an_equation_says_where_the_smooth_surface_lies():
    ball = pde.surface(MAKE.icosphere(subdivisions=1), XYZ, smooth=BALL)
    at = ball.somewhere(500, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(at, axis=1), 1, rtol=1e-14)
    assert ball.sagitta == 0
    # A box of the same facets is none.
    with pytest.raises(InputError, match="too far off the surface of 'smooth'"):
        pde.surface(MAKE.icosphere(subdivisions=1), XYZ, smooth=X**2 + Y**2 + Z**2 == 2)
    with pytest.raises(InputError, match="met by no place near"):
        pde.surface(MAKE.icosphere(subdivisions=1), XYZ, smooth=X**2 + Y**2 + Z**2 == -1)
    with pytest.raises(InputError, match="must be an equation"):
        pde.surface(MAKE.icosphere(subdivisions=1), XYZ, smooth=X**2 + Y**2)
    with pytest.raises(InputError, match="coordinates and numbers alone"):
        pde.surface(MAKE.icosphere(subdivisions=1), XYZ, smooth=X**2 + pde.unknown("u", X) == 1)


def test_what_is_no_surface_is_told(tmp_path):
    far = MAKE.box()
    far.apply_translation([3, 0, 0])
    two = trimesh.util.concatenate([MAKE.box(), far])
    with pytest.raises(InputError, match="one piece"):
        pde.surface(two, XYZ)
    fan = trimesh.Trimesh(
        [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, -1, 0)], [(0, 1, 2), (0, 1, 3), (0, 1, 4)]
    )
    with pytest.raises(InputError, match="More than two facets meet"):
        pde.surface(fan, XYZ)
    crossed = trimesh.Trimesh(
        [(0, 0, 0), (2, 0, 0), (1, 2, 0), (1, 0.5, -1), (1, 0.5, 1), (1, 4, 0)],
        [(0, 1, 2), (3, 4, 5)],
        process=False,
    )
    with pytest.raises(InputError, match="crosses itself"):
        pde.surface(crossed, XYZ)
    with pytest.raises(InputError, match="closed: there is no rim"):
        pde.surface(MAKE.box(), XYZ, names={"top": "+z"})
    with pytest.raises(InputError, match="lies farthest to"):
        pde.surface(tube(), XYZ, names={"side": "+x"})
    with pytest.raises(InputError, match="off the boundary"):
        pde.surface(tube(), XYZ, names={"side": (0, 0, 1)})
    with pytest.raises(InputError, match="three coordinates of space"):
        pde.surface(tube(), XYZ[:2])
    (tmp_path / "bad.stl").write_bytes(b"no triangles")
    with pytest.raises(Exception, match="no STL file"):
        pde.surface(tmp_path / "bad.stl", XYZ)
