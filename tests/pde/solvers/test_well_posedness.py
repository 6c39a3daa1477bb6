"""Problems whose shortest waves grow fastest are told from those that go on from their start."""

import pytest

from edgewise.pde import (
    Problem,
    Vector,
    advect,
    box,
    coordinates,
    div,
    dx,
    lap,
    on,
    pi,
    sin,
    solve,
    time,
    unknown,
)
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.solvers.well_posedness import ill_posed

(X,), T = coordinates("x"), time()
U, V = unknown("u", X, T), unknown("v", X, T)
WAVE, STRIP = 1.0 * sin(pi * X), box({X: (0, 2), T: (0, 1)})
START = on(STRIP.boundary["start"], U == WAVE)
END = on(STRIP.boundary["end"], U == WAVE)
TWO = on(STRIP.boundary["start"], U == WAVE, dx(U, T) == 0)


def told(problem):
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    compiled = compile_equations(
        [equation.residual for equation in problem.equations], problem.fields, symbols
    )
    return ill_posed(problem.domain, compiled, face_conditions(problem))


@pytest.mark.parametrize(
    ("equation", "conditions"),
    [
        (dx(U, T) == -dx(U, X, 2), START),
        (dx(U, T) == -1e-3 * dx(U, X, 2), START),
        (dx(U, T) == dx(U, X, 2), END),
        (dx(U, T) == (X - 0.5) * dx(U, X, 2), START),
        (dx(U, T) == dx(U, X, 4), START),
        (dx(U, T, 2) == -dx(U, X, 2), TWO),
        (dx(U, T, 2) == dx(U, X, 4), TWO),
    ],
)
def test_waves_that_grow_without_bound(equation, conditions):
    assert "ill-posed" in told(Problem(STRIP, [equation], conditions))


@pytest.mark.parametrize(
    ("equation", "conditions"),
    [
        (dx(U, T) == dx(U, X, 2) + 1e4 * U, START),
        (dx(U, T) == -dx(U, X, 2), END),
        (dx(U, T) + U * dx(U, X) == 1e-3 * dx(U, X, 2), START),
        (dx(U, T) == dx(U * dx(U, X), X), START),
        (dx(U, T) + U * dx(U, X) + dx(U, X, 3) == 0, START),
        (dx(U, T) + dx(U, X, 2) + dx(U, X, 4) == 0, START),
        (dx(U, T, 2) - 3 * dx(U, T) == dx(U, X, 2), TWO),
        (dx(U, T, 2) == -dx(U, X, 4), TWO),
        (dx(U, X, 2) + dx(U, T, 2) == 1, [on(STRIP.boundary["left"], U == 0), START, END]),
    ],
)
def test_waves_that_do_not(equation, conditions):
    assert told(Problem(STRIP, [equation], conditions)) == ""


def test_systems():
    both = on(STRIP.boundary["start"], U == 1, V == 0)
    waves = [dx(U, T) == -dx(V, X, 2) + U * V, dx(V, T) == dx(U, X, 2)]
    assert told(Problem(STRIP, waves, both)) == ""
    assert told(Problem(STRIP, [dx(U, T) == dx(V, X), dx(V, T) == -dx(U, X)], both))
    x, y = coordinates("x", "y")
    u, v, p = (unknown(name, x, y, T) for name in "uvp")
    block, flow = box({x: (0, 1), y: (0, 1), T: (0, 1)}), Vector(u, v)
    rest = on(block.boundary["start"], u == 0, v == 0)
    for sign in (1, -1):
        momentum = [
            dx(part, T) + turned == sign * lap(part) - dx(p, axis)
            for part, turned, axis in zip(flow, advect(flow, flow), (x, y), strict=True)
        ]
        assert bool(told(Problem(block, [*momentum, div(flow) == 0], rest))) is (sign < 0)


@pytest.mark.slow
def test_solutions_of_such_problems_say_so():
    # A single wave goes back without a fault; its data could not be measured so well.
    walls = on(STRIP.boundary["walls"], U == 0)
    solution = solve(Problem(STRIP, [dx(U, T) == -0.05 * dx(U, X, 2)], [walls, START]), 1e-4, work="quick")
    assert not solution.solved
    assert "ill-posed" in solution.message
