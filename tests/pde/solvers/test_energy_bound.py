"""The bound in the energy norm against true errors, by exact gradients and quadrature of its own."""

import numpy as np
import pytest
import trimesh

from edgewise import InputError
from edgewise.pde import (
    Problem,
    SolverConfig,
    atan2,
    box,
    coordinates,
    cos,
    disk,
    div,
    dn,
    dx,
    energy_bound,
    exp,
    grad,
    lap,
    normal,
    on,
    pi,
    polygon,
    sin,
    solid,
    solve,
    sqrt,
    unknown,
)

x, y = coordinates("x", "y")
u = unknown("u", x, y)
DISK = disk((x, y))
FLOOR = polygon((x, y), [(0, 0), (3, 0), (3, 2), (1.5, 3), (0, 2)]) - disk((x, y), (1, 1), 0.3, name="pipe")
ELL = box({x: (-1, 1), y: (-1, 1)}) - box({x: (0, 1), y: (0, 1)})
WAVE = sin(2 * x + 1) * cos(3 * y)


def wave(x, y):
    value = np.sin(2 * x + 1) * np.cos(3 * y)
    return value, 2 * np.cos(2 * x + 1) * np.cos(3 * y), -3 * np.sin(2 * x + 1) * np.sin(3 * y)


def true_energy(solution, exact, weight=lambda x, y: 1.0, reaction=0.0):
    """The energy norm of the error (without the boundary's share), by twice the places that the solver takes."""
    field = solution.pieces.fields[0]
    s = field.numbering.mesh.sampling(2 * field.numbering.degree + 4)
    at = s.places[..., 0], s.places[..., 1]
    apart = [found - wanted for found, wanted in zip(field.jets(s), exact(*at), strict=True)]
    density = weight(*at) * (apart[1] ** 2 + apart[2] ** 2) + reaction * apart[0] ** 2
    return np.sqrt((s.mass * density).sum())


def close(bound, true):
    assert true <= bound.bound * (1 + 1e-6) + 1e-12
    assert bound.bound <= 3 * true


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-3, 1e-7])
def test_given_values(tolerance):
    problem = Problem(FLOOR, [lap(u) == -13 * WAVE], on(FLOOR.boundary["walls"], u == WAVE))
    solution = solve(problem, tolerance, config=SolverConfig(mesh_degree=4))
    close(solution.energy, true_energy(solution, wave))
    assert energy_bound(solution) is solution.energy


@pytest.mark.slow
def test_fluxes_reaction_and_coefficients_that_vary():
    flow = -(dx(WAVE, x) * (x - 1) + dx(WAVE, y) * (y - 1)) / 0.3
    force = -(dx((2 + x) * dx(WAVE, x), x) + (2 + x) * dx(WAVE, y, 2)) + 2 * WAVE
    parts = FLOOR.boundary
    conditions = [
        on(parts["pipe"], dn(u) + 0.5 * u == flow + 0.5 * WAVE),
        on(parts["edge 1"], dn(u) == -dx(WAVE, y)),
        *(on(parts[f"edge {n}"], u == WAVE) for n in (2, 3, 4, 5)),
    ]
    problem = Problem(FLOOR, [-div((2 + x) * grad(u)) + 2 * u == force], conditions)
    solution = solve(problem, 1e-6)
    close(solution.energy, true_energy(solution, wave, lambda x, y: 2 + x, 2.0))


def test_a_corner_and_flow_through_all_of_the_boundary():
    across, up = -(x + y) / sqrt(2), (x - y) / sqrt(2)
    wanted = (x**2 + y**2) ** (1 / 3) * sin(2 * (atan2(up, across) + 3 * pi / 4) / 3)

    def exact(x, y):
        angle = np.arctan2((x - y) / np.sqrt(2), -(x + y) / np.sqrt(2)) + 3 * np.pi / 4
        radius, turned = np.hypot(x, y), angle + np.pi / 2
        along, around = (2 / 3 * radius ** (-1 / 3) * f(2 * angle / 3) for f in (np.sin, np.cos))
        return (
            radius ** (2 / 3) * np.sin(2 * angle / 3),
            along * np.cos(turned) - around * np.sin(turned),
            along * np.sin(turned) + around * np.cos(turned),
        )

    solution = solve(Problem(ELL, [lap(u) == 0], on(ELL.boundary["walls"], u == wanted)), 1e-5)
    close(solution.energy, true_energy(solution, exact))
    grown = exp(x) * cos(y)
    flow = on(DISK.boundary["rim"], dn(u) == x * dx(grown, x) + y * dx(grown, y))
    solution = solve(Problem(DISK, [lap(u) == 0], flow), 1e-6)
    close(
        solution.energy,
        true_energy(
            solution,
            lambda x, y: (np.exp(x) * np.cos(y) - 1, np.exp(x) * np.cos(y), -np.exp(x) * np.sin(y)),
        ),
    )


def test_a_box():
    square = box({x: (-1, 1), y: (-1, 1)})
    problem = Problem(square, [lap(u) == -13 * WAVE], on(square.boundary["walls"], u == WAVE))
    solution = solve(problem, 1e-5)
    found = energy_bound(solution)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    at = np.meshgrid(nodes, nodes, indexing="ij")
    apart = [
        solution(*at, derivative={axis: 1}) - wanted
        for axis, wanted in zip((x, y), wave(*at)[1:], strict=True)
    ]
    close(found, np.sqrt((np.outer(weights, weights) * (apart[0] ** 2 + apart[1] ** 2)).sum()))


@pytest.mark.parametrize("equation", [lap(u) + 3 * u == 1, lap(u) + dx(u, x) == 1])
def test_without_an_energy_there_is_no_bound(equation):
    solution = solve(Problem(DISK, [equation], on(DISK.boundary["rim"], u == 0)), 1e-4)
    assert solution.solved
    assert solution.energy is None
    with pytest.raises(InputError, match="has no energy"):
        energy_bound(solution)


x3, y3, z3 = XYZ = coordinates("x", "y", "z")
u3 = unknown("u", *XYZ)
HILL = exp(x3) * sin(y3 + 2 * z3)


def in_a_cube(equations, held, exact, weight=lambda *at: 1.0, reaction=0.0, tolerance=1e-3):
    """A solution with its bound, and the true error in the energy norm."""
    names = {"low": "-z", "high": "+z", "side": "+x"}
    cube = solid(trimesh.creation.box(extents=(1, 1, 1)), XYZ, names=names)
    parts = cube.boundary
    solution = solve(
        Problem(cube, equations, [on(parts[name], item) for name, item in held.items()]), tolerance
    )
    field = solution.pieces.fields[0]
    s = field.numbering.mesh.sampling(field.numbering.degree + 6)
    at = [s.places[..., k] for k in range(3)]
    apart = [a - b for a, b in zip(field.jets(s), exact(*at), strict=True)]
    density = weight(*at) * sum(item**2 for item in apart[1:]) + reaction * apart[0] ** 2
    return solution, float(np.sqrt((s.mass * density).sum()))


def hill(x, y, z):
    steep = np.exp(x) * np.cos(y + 2 * z)
    return np.exp(x) * np.sin(y + 2 * z), np.exp(x) * np.sin(y + 2 * z), steep, 2 * steep


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
def test_in_a_solid_with_values_fluxes_and_exchange(tolerance):
    flow = sum((n * dx(HILL, c) for n, c in zip(normal(*XYZ), XYZ, strict=True)), 0 * x3)
    held = {"low": u3 == HILL, "high": dn(u3) == flow, "side": dn(u3) + 2 * u3 == flow + 2 * HILL}
    solution, true = in_a_cube(
        [-lap(u3) == 4 * HILL], {**held, "rest": u3 == HILL}, hill, tolerance=tolerance
    )
    close(solution.energy, true)
    assert energy_bound(solution) is solution.energy
    assert solution.to_dict()["energy_bound"] == solution.energy.relative


@pytest.mark.slow
def test_in_a_solid_with_weights_and_a_reaction():
    k = 1 + x3**2
    source = 2 * HILL - sum((dx(k * dx(HILL, c), c) for c in XYZ), 0 * x3)
    equation = -div(k * grad(u3)) + 2 * u3 == source
    solution, true = in_a_cube([equation], {"walls": u3 == HILL}, hill, lambda x, y, z: 1 + x * x, 2.0)
    close(solution.energy, true)


@pytest.mark.slow
def test_in_a_solid_sources_that_no_polynomial_meets():
    def peaks(x, y, z):
        c, s = np.cos, np.sin
        a, b = 3 * np.pi * x, np.pi
        return (
            c(a) * c(b * y) * c(b * z),
            -3 * np.pi * s(a) * c(b * y) * c(b * z),
            -b * c(a) * s(b * y) * c(b * z),
            -b * c(a) * c(b * y) * s(b * z),
        )

    source = 11 * pi**2 * cos(3 * pi * x3) * cos(pi * y3) * cos(pi * z3)
    solution, true = in_a_cube([-lap(u3) == source], {"walls": u3 == 0}, peaks, tolerance=1e-2)
    close(solution.energy, true)


def test_what_has_no_energy_has_no_bound_in_solids_either():
    flowing, _ = in_a_cube([-lap(u3) + dx(u3, x3) == 1], {"walls": u3 == 0}, hill, tolerance=1e-1)
    assert flowing.energy is None
    with pytest.raises(InputError) as error:
        energy_bound(flowing)
    assert error.value.argument == "solution"
