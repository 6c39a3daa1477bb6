"""GMRES beside NumPy, and the inverse of averaged equations beside the equations themselves."""

import numpy as np
import pytest

from edgewise.pde import Problem, box, coordinates, dx, lap, on, time, unknown
from edgewise.pde.discretisation.assembly import Layout, Patch, ReducedAxis, WeightingSpace
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.discretisation.lift import reductions
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.discretisation.quadrature import gauss, radau
from edgewise.pde.discretisation.space import Space
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.solvers.frozen import FrozenSlab
from edgewise.pde.solvers.newton_krylov import gmres


def test_gmres_solves_as_numpy_does():
    r = np.random.default_rng(0)
    matrix, right = np.eye(30) + 0.1 * r.normal(size=(30, 30)), r.normal(size=30)
    found, left = gmres(lambda v: matrix @ v, right, 1e-13, 40)
    assert left <= 1e-13
    assert np.allclose(found, np.linalg.solve(matrix, right), rtol=1e-10, atol=1e-12)


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
    symbols = [each.tree for each in square.coordinates]
    compiled = compile_equations([each.residual for each in problem.equations], problem.fields, symbols)
    spaces = (
        Space(np.linspace(0, 1, 3), 4),
        Space(np.linspace(0, 2, 6), 4, periodic),
        Space(np.array([0, 0.1]), 3),
    )
    reduced = reductions(spaces, face_conditions(problem).built_in, 2)
    layout = Layout(
        tuple(tuple(ReducedAxis(s, each) for s, each in zip(spaces, own, strict=True)) for own in reduced)
    )
    rules = (gauss(spaces[0], 5), gauss(spaces[1], 5), radau(spaces[2], 3))
    tests = (WeightingSpace(0, (0, 0, 1)), WeightingSpace(1, (0, 0, 1)))
    lifts = [np.zeros([s.size for s in spaces])] * 2
    operators = Operators(layout, Patch(compiled, rules), tests, lifts)
    slopes = operators.slopes(operators.jets(np.zeros(layout.count)))
    inverse = FrozenSlab(operators, 2, slopes)
    step = np.random.default_rng(1).normal(size=layout.count)
    assert np.allclose(inverse.solve(operators.derivative(slopes, step)), step, atol=1e-9)
