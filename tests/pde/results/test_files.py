"""Solutions as files: the same values to the bit, and one sentence for what is no such file."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

import edgewise as ew
from edgewise import FileError, pde
from tests.pde.problem_set import mixed


@pytest.fixture(scope="module")
def marched():
    (x,), s = pde.coordinates("x"), pde.time("s")
    a, b = pde.unknown("a", x, s), pde.unknown("b", x, s)
    ring = pde.box({x: (0, 1), s: (0, 0.2)}, periodic=x)
    wave = pde.sin(2 * pde.pi * x)
    problem = pde.Problem(
        ring,
        [pde.dx(a, s) == b, pde.dx(b, s) == 0.1 * pde.dx(b, x, 2) - a**2],
        pde.on(ring.boundary["start"], a == wave, b == 0),
    )
    return pde.solve(problem, 1e-3)


@pytest.fixture(scope="module")
def steady():
    return pde.solve(mixed()[0], 1e-4)


@pytest.mark.parametrize("which", ["marched", "steady"])
def test_a_solution_comes_back_to_the_bit(which, request, tmp_path):
    solution = request.getfixturevalue(which)
    solution.save(tmp_path / "s.kan")
    again = pde.Solution.load(tmp_path / "s.kan")
    assert again.to_dict() == solution.to_dict()
    assert again.message == solution.message
    r = np.random.default_rng(0)
    at = [r.uniform(low, high, 40) for low, high in solution.problem.domain.bounds]
    last = solution.problem.domain.coordinates[0].name
    for name in solution.names:
        assert np.array_equal(again(*at, unknown=name), solution(*at, unknown=name))
        assert np.array_equal(
            again(*at, unknown=name, derivative={last: 2}), solution(*at, unknown=name, derivative={last: 2})
        )
    assert again.residual() == pytest.approx(solution.residual(), rel=1e-9)
    again.save(tmp_path / "t.kan")
    assert (tmp_path / "s.kan").read_bytes() == (tmp_path / "t.kan").read_bytes()
    assert isinstance(ew.load(tmp_path / "s.kan"), pde.Solution)


@pytest.mark.slow
def test_shapes_come_back_with_their_curves_and_layers(tmp_path):
    x, y = pde.coordinates("x", "y")
    u, v = pde.unknown("u", x, y), pde.unknown("v", x, y)
    corners = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
    ell = pde.polygon((x, y), corners, names=["floor", *(f"edge {n}" for n in range(5))])
    plate = ell - pde.disk((x, y), (0.5, 0.5), 0.2, name="pipe")
    sides = plate.boundary
    problem = pde.Problem(
        plate,
        [pde.lap(u) == -1, pde.lap(v) == u],
        [
            pde.on(sides["pipe"], u == x, pde.dn(v) + v == 1),
            pde.on(sides["floor"], pde.dn(u) == y, v == 0),
            *(pde.on(part, u == 0, v == 0) for name, part in sides.items() if name.startswith("edge")),
        ],
    )
    solution = pde.solve(problem, 1e-3)
    assert solution.pieces.mesh.layers
    solution.save(tmp_path / "s.kan")
    again = pde.Solution.load(tmp_path / "s.kan")
    assert again.to_dict() == solution.to_dict()
    at = np.random.default_rng(0).uniform(0, 2, (200, 2))
    at = at[plate.contains(at)].T
    for name in "uv":
        assert np.array_equal(again(*at, unknown=name), solution(*at, unknown=name))
        assert np.array_equal(
            again(*at, unknown=name, derivative={x: 1, y: 1}),
            solution(*at, unknown=name, derivative={x: 1, y: 1}),
        )
    assert again.integral(pde.dn(u), "pipe") == solution.integral(pde.dn(u), "pipe")
    assert again.problem.domain.boundary.keys() == sides.keys()
    again.save(tmp_path / "t.kan")
    assert (tmp_path / "s.kan").read_bytes() == (tmp_path / "t.kan").read_bytes()


@pytest.fixture(scope="module")
def spread():
    """A pressure beside a density, on a shape and in a solid, through time."""
    x, y, z = pde.coordinates("x", "y", "z")
    t = pde.time()
    u, v, w = pde.unknown("u", x, y, t), pde.unknown("v", x, y, t), pde.unknown("w", x, y, z, t)
    plate = (pde.box({x: (0, 2), y: (0, 1)}) - pde.disk((x, y), (1, 0.5), 0.2)).during({t: (0, 0.1)})
    parts = plate.boundary
    flat = pde.Problem(
        plate,
        [pde.dt(u) == pde.lap(u), pde.lap(v) == u],
        [pde.on(parts["walls"], u == 0, v == 0), pde.on(parts["start"], u == 1)],
        jumps=True,
    )
    cube = pde.solid(trimesh.creation.box(extents=(1, 1, 1)), (x, y, z)).during({t: (0, 1)})
    grown = [pde.on(cube.boundary["walls"], pde.dn(w) == 0), pde.on(cube.boundary["start"], w == 1)]
    return pde.solve(flat, 1e-2), pde.solve(pde.Problem(cube, [pde.dt(w) == pde.lap(w) + w], grown), 1e-2)


@pytest.mark.slow
def test_shapes_through_time_come_back_to_the_bit(spread, tmp_path):
    for n, solution in enumerate(spread):
        path, other = tmp_path / f"{n}.kan", tmp_path / f"{n}-again.kan"
        solution.save(path)
        again = pde.Solution.load(path)
        assert again.to_dict() == solution.to_dict()
        at = [0.3, 0.2, *[0.1] * n, np.linspace(0, 0.1, 5)]
        for name in solution.names:
            assert np.array_equal(again(*at, unknown=name), solution(*at, unknown=name))
        again.save(other)
        assert path.read_bytes() == other.read_bytes()


def test_what_is_no_solution(steady, tmp_path):
    place = tmp_path / "s.kan"
    ew.save(steady, place)
    with pytest.raises(FileError, match="exists"):
        steady.save(place, overwrite=False)
    content = place.read_bytes()
    place.write_bytes(content[:-9] + b"\x01" + content[-8:])
    with pytest.raises(FileError, match="damaged"):
        pde.Solution.load(place)
    ew.save(ew.KAN([1, 1], seed=0), place)
    with pytest.raises(FileError, match="Solution"):
        pde.Solution.load(place)
