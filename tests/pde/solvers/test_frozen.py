"""GMRES beside NumPy, and the inverse of averaged equations beside the equations themselves."""

import numpy as np
import pytest

from edgewise.fields.quadrature import gauss, radau
from edgewise.fields.space import Space
from edgewise.pde import Problem, box, coordinates, dx, lap, on, time, unknown
from edgewise.pde.discretisation.assembly import Layout, Patch, ReducedAxis, WeightingSpace
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.discretisation.lift import reductions
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.solvers.frozen import FrozenSlab
from edgewise.pde.solvers.newton import gmres
from edgewise.pde.solvers.separable import SeparableInverse


def test_gmres_solves_as_numpy_does():
    r = np.random.default_rng(0)
    matrix, right = np.eye(30) + 0.1 * r.normal(size=(30, 30)), r.normal(size=30)
    found, left = gmres(lambda v: matrix @ v, right, 1e-13, 40)
    assert left <= 1e-13
    assert np.allclose(found, np.linalg.solve(matrix, right), rtol=1e-10, atol=1e-12)


def operators_of(problem, spaces, tests, rules):
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    compiled = compile_equations(
        [equation.residual for equation in problem.equations], problem.fields, symbols
    )
    reduced = reductions(spaces, face_conditions(problem).built_in, len(problem.names))
    layout = Layout(
        tuple(tuple(ReducedAxis(s, item) for s, item in zip(spaces, own, strict=True)) for own in reduced)
    )
    lifts = [np.zeros([s.size for s in spaces])] * len(problem.names)
    operators = Operators(layout, Patch(compiled, rules), tests, lifts)
    return operators, operators.slopes(operators.jets(np.zeros(layout.count)))


@pytest.mark.parametrize("periodic", [False, True])
def test_equations_that_do_not_change_with_time_are_inverted_exactly(periodic):
    (x, y), t = coordinates("x", "y"), time()
    u, v = unknown("u", x, y, t), unknown("v", x, y, t)
    square = box({x: (0, 1), y: (0, 2), t: (0, 1)}, periodic=(y,) if periodic else ())
    walls = square.boundary["walls"]
    problem = Problem(
        square,
        [(2 + x) * dx(u, t) == lap(u) + v, dx(v, t) + dx(u, x) == 0.1 * lap(v)],
        [on(walls, u == 0, v == 0), on(square.boundary["start"], u == x, v == 0)],
    )
    spaces = (
        Space(np.linspace(0, 1, 3), 4),
        Space(np.linspace(0, 2, 6), 4, periodic),
        Space(np.array([0, 0.1]), 3),
    )
    rules = (gauss(spaces[0], 5), gauss(spaces[1], 5), radau(spaces[2], 3))
    tests = (WeightingSpace(0, (0, 0, 1)), WeightingSpace(1, (0, 0, 1)))
    operators, slopes = operators_of(problem, spaces, tests, rules)
    inverse = FrozenSlab(operators, 2, slopes)
    step = np.random.default_rng(1).normal(size=operators.layout.count)
    assert np.allclose(inverse.solve(operators.derivative(slopes, step)), step, atol=1e-9)


def test_sums_of_one_operator_a_coordinate_are_inverted_exactly():
    x, y, z = coordinates("x", "y", "z")
    u = unknown("u", x, y, z)
    cube = box({x: (0, 1), y: (0, 2), z: (0, 1)}, periodic=z)
    equation = (2 + x) * dx(u, x, 2) + 3 * dx(u, y, 2) + dx(u, y) + dx(u, z, 4) * -0.1 - (1 + y) * u == 1
    problem = Problem(cube, [equation], on(cube.boundary["walls"], u == 0))
    spaces = (
        Space(np.linspace(0, 1, 3), 4),
        Space(np.linspace(0, 2, 4), 4),
        Space(np.linspace(0, 1, 7), 4, periodic=True),
    )
    rules = tuple(gauss(s, 5) for s in spaces)
    operators, slopes = operators_of(problem, spaces, (WeightingSpace(0, (0, 0, 0)),), rules)
    step = np.random.default_rng(1).normal(size=operators.layout.count)
    made = operators.derivative(slopes, step)
    # The last term varies along another coordinate than that of no derivative: it is told, and left to iterations.
    inverse = SeparableInverse(operators, slopes)
    assert not inverse.exact
    found, left = gmres(
        lambda v: inverse.solve(operators.derivative(slopes, v)), inverse.solve(made), 1e-12, 20
    )
    assert left <= 1e-12
    assert np.allclose(found, step, atol=1e-8)
    plain = [
        np.broadcast_to(np.float64(-1.0), slope.shape) if n == 0 else slope for n, slope in enumerate(slopes)
    ]
    exact = SeparableInverse(operators, plain)
    assert exact.exact
    assert np.allclose(exact.solve(operators.derivative(plain, step)), step, atol=1e-8)
