"""Solved means solved: equations that are not met, and solutions that are not the only one, are never called so."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import (
    Problem,
    box,
    coordinates,
    disk,
    dn,
    dx,
    lap,
    on,
    pi,
    sin,
    solve,
    time,
    unknown,
)

(X,) = coordinates("x")
U, LINE = unknown("u", X), box({X: (0, 1)})
LEFT, RIGHT, WALLS = (LINE.boundary[name] for name in ("left", "right", "walls"))
A, B = coordinates("a", "b")
V, SQUARE, DISK = unknown("v", A, B), box({A: (0, 1), B: (0, 1)}), disk((A, B))
EDGE, RIM = on(SQUARE.boundary["walls"], V == 0), on(DISK.boundary["rim"], V == 0)
C = coordinates("a", "b", "c")
S, CUBE = unknown("s", *C), box(dict.fromkeys(C, (0, 1)))
T = time()
Q, CLOCK = unknown("q", T), box({T: (0, 2)})
START = CLOCK.boundary["start"]
H, ROD = unknown("h", X, T), box({X: (0, 1), T: (0, 0.5)})
STEEP = dx(V, A) ** 2 + dx(V, B) ** 2

NOT_MET = {
    "a condition too many": (LINE, [dx(U, X) == 1], [on(LEFT, U == 0), on(RIGHT, U == 3)]),
    "a slope too many": (LINE, [dx(U, X, 2) == 1], [on(WALLS, U == 0), on(RIGHT, dx(U, X) == 5)]),
    "no real value": (LINE, [U**2 == -1], []),
    "no real slope": (LINE, [dx(U, X) ** 2 == -1], [on(LEFT, U == 0)]),
    "zero is stationary": (LINE, [dx(U, X) ** 2 == 1 + X], [on(WALLS, U == 0)]),
    "no way between": (LINE, [U * dx(U, X) == 0], [on(LEFT, U == 1), on(RIGHT, U == 2)]),
    "two equations, a line": (LINE, [dx(U, X) == 1, dx(U, X, 2) == 1], [on(LEFT, U == 0)]),
    "two equations, a square": (SQUARE, [lap(V) == 0, V == A * B + 1], [EDGE]),
    "zero is stationary on a square": (SQUARE, [STEEP == 1], [EDGE]),
    "a square of a Laplacian": (SQUARE, [lap(V) ** 2 == 4], [EDGE]),
    "no real slope on a disk": (DISK, [STEEP == -1], [RIM]),
    "no real value in time": (CLOCK, [Q**2 == -1], [on(START, Q == 0)]),
}
NOT_THE_ONLY_ONE = {
    "resonance": (LINE, [dx(U, X, 2) + 9 * pi**2 * U == 0], [on(WALLS, U == 0)]),
    "resonance, pushed": (LINE, [dx(U, X, 2) + 4 * pi**2 * U == 3], [on(WALLS, U == 0)]),
    "resonance of slopes": (LINE, [dx(U, X, 2) + pi**2 * U == 0], [on(WALLS, dx(U, X) == 0)]),
    "resonance of a square": (SQUARE, [lap(V) + 13 * pi**2 * V == 0], [EDGE]),
    "resonance of a disk, not linear": (DISK, [lap(V) + 2.404825557695773**2 * V + V**3 == 0], [RIM]),
    "resonance of a cube": (CUBE, [lap(S) + 3 * pi**2 * S == 0], [on(CUBE.boundary["walls"], S == 0)]),
    "a condition missing": (LINE, [dx(U, X, 2) == -U], [on(LEFT, U == 1)]),
    "a start missing": (ROD, [dx(H, T) == dx(H, X, 2)], [on(ROD.boundary["walls"], H == 0)]),
    "a start missing, heated": (ROD, [dx(H, T) == dx(H, X, 2) + 1], [on(ROD.boundary["walls"], H == 0)]),
}


@pytest.mark.parametrize("name", [*NOT_MET, *NOT_THE_ONLY_ONE])
def test_what_is_no_solution_or_not_the_only_one_is_warned_of(name):
    solution = solve(Problem(*(NOT_MET | NOT_THE_ONLY_ONE)[name]))
    assert not solution.solved
    assert solution.warnings


@pytest.mark.parametrize(
    "problem",
    [
        Problem(LINE, [dx(U, X, 2) + 9 * U == 0], [on(WALLS, U == 1)]),
        Problem(LINE, [-1e-3 * dx(U, X, 2) + dx(U, X) == 1], [on(WALLS, U == 0)]),
        Problem(LINE, [dx(U, X, 2) == 1], [on(LEFT, U == 0), on(RIGHT, U == 3)]),
        Problem(SQUARE, [lap(V) + 20 * V == 1], [EDGE]),
        Problem(SQUARE, [lap(V) == 0], [on(SQUARE.boundary["walls"], V == 1)]),
        Problem(DISK, [lap(V) == A], [on(DISK.boundary["rim"], dn(V) == 0)]),
    ],
)
def test_what_has_one_solution_is_solved(problem):
    solution = solve(problem)
    assert solution.solved, solution.message
    assert max(solution.residual().values()) < 0.05


def test_time_alone_is_a_domain_like_any_other():
    w = unknown("w", T)
    swing = Problem(CLOCK, [dx(Q, T) == w, dx(w, T) == -Q], [on(START, Q == 1, w == 0)])
    solution = solve(swing, tolerance=1e-8)
    times = np.linspace(0, 2, 50)
    assert solution.solved
    np.testing.assert_allclose(solution(times, unknown="q"), np.cos(times), atol=3e-8)
    second = solve(Problem(CLOCK, [dx(Q, T, 2) == -Q], [on(START, Q == 1, dx(Q, T) == 0)]))
    np.testing.assert_allclose(second(times), np.cos(times), atol=3e-6)


@pytest.mark.slow
def test_a_wall_without_a_condition_ends_in_a_sentence():
    start = on(ROD.boundary["start"], sin(X) == H)
    try:
        solution = solve(Problem(ROD, [dx(H, T) == dx(H, X, 2)], [on(ROD.boundary["left"], H == 0), start]))
    except InputError:
        return
    assert not solution.solved


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_drawn_problems_are_told_apart(seed, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    drawn = importlib.import_module("posed_problems")
    for posed in drawn.problems(seed, 44):
        if posed.name == "backward heat":
            # It is warned of before it is tried, which takes long.
            continue
        try:
            solution = solve(posed.problem)
        except InputError:
            assert posed.solutions != "one"
            continue
        assert solution.solved == (posed.solutions == "one"), (posed.name, solution.message)
        if posed.truth is not None:
            assert drawn.true_error(posed, solution) <= max(4 * solution.error, 1e-13)
