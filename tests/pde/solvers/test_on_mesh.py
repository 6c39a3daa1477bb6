"""Problems on shapes against closed forms: the error reached, the error told, and what is wrong with problems."""

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import (
    Problem,
    Vector,
    atan2,
    box,
    coordinates,
    cos,
    disk,
    div,
    dn,
    dx,
    exp,
    grad,
    lap,
    on,
    pi,
    polygon,
    sin,
    solve,
    sqrt,
    unknown,
)

x, y = coordinates("x", "y")
u = unknown("u", x, y)
DISK = disk((x, y))
FLOOR = polygon((x, y), [(0, 0), (3, 0), (3, 2), (1.5, 3), (0, 2)]) - disk((x, y), (1, 1), 0.3, name="pipe")
ELL = box({x: (-1, 1), y: (-1, 1)}) - box({x: (0, 1), y: (0, 1)})


def error(solution, exact, unknown=None):
    at = [np.linspace(low, high, 101) for low, high in solution.problem.domain.bounds]
    found = solution.grid(*at, unknown=unknown)
    wanted = exact(*np.meshgrid(*at, indexing="ij"))
    inside = ~np.isnan(found)
    return np.linalg.norm((found - wanted)[inside]) / np.linalg.norm(wanted[inside])


def flux(wanted, center, radius):
    """The derivative of a function out of a disk that is a hole."""
    return -(dx(wanted, x) * (x - center[0]) + dx(wanted, y) * (y - center[1])) / radius


def holds(solution, exact, unknown=None):
    true = error(solution, exact, unknown)
    assert solution.solved, solution.message
    assert true <= solution.tolerance
    assert true / 3 <= solution.error <= max(5 * true, 1e-13)


@pytest.mark.slow
def test_a_disk():
    wanted = (1 - x**2 - y**2) * exp(x) * sin(2 * y)
    problem = Problem(
        DISK, [-lap(u) == -dx(wanted, x, 2) - dx(wanted, y, 2)], on(DISK.boundary["rim"], u == 0)
    )
    solution = solve(problem, 1e-9)

    def exact(x, y):
        return (1 - x**2 - y**2) * np.exp(x) * np.sin(2 * y)

    holds(solution, exact)
    assert solution.road == "mesh"
    a, b = 0.3, -0.4
    assert abs(solution(a, b) - exact(a, b)) < 1e-9
    step = 1e-5
    slope = (exact(a + step, b) - exact(a - step, b)) / (2 * step)
    assert abs(solution(a, b, derivative={x: 1}) - slope) < 1e-7
    assert max(solution.residual(200).values()) < 1e-4
    assert np.isnan(solution.grid(np.array([0.99]), np.array([0.99]))).all()
    for ask in (solution, lambda *at: solution.evaluate(2 * u, *at)):
        with pytest.raises(InputError, match="outside"):
            ask(0.9, 0.9)
    for ask in (solution.network,):
        with pytest.raises(InputError, match="shapes that are no boxes"):
            ask()
    again = solve(problem, 1e-9)
    assert np.array_equal(again.pieces.fields[0].values, solution.pieces.fields[0].values)


@pytest.mark.slow
def test_conditions_of_every_kind_around_a_hole():
    wanted = sin(2 * x + 1) * cos(3 * y)
    force = dx((2 + x) * dx(wanted, x), x) + (2 + x) * dx(wanted, y, 2) + dx(wanted, y) - wanted
    problem = Problem(
        FLOOR,
        [div((2 + x) * grad(u)) + dx(u, y) - u == force],
        [
            on(FLOOR.boundary["pipe"], dn(u) + 2 * u == flux(wanted, (1, 1), 0.3) + 2 * wanted),
            on(FLOOR.boundary["edge 1"], dn(u) == -dx(wanted, y)),
            *(on(FLOOR.boundary[f"edge {n}"], u == wanted) for n in (2, 3, 4, 5)),
        ],
    )
    holds(solve(problem, 1e-8), lambda x, y: np.sin(2 * x + 1) * np.cos(3 * y))


@pytest.mark.slow
def test_a_corner_whose_derivatives_grow_without_bound():
    across, up = -(x + y) / sqrt(2), (x - y) / sqrt(2)
    wanted = (x**2 + y**2) ** (1 / 3) * sin(2 * (atan2(up, across) + 3 * pi / 4) / 3)

    def exact(x, y):
        angle = np.arctan2((x - y) / np.sqrt(2), -(x + y) / np.sqrt(2)) + 3 * np.pi / 4
        return (x**2 + y**2) ** (1 / 3) * np.sin(2 * angle / 3)

    holds(solve(Problem(ELL, [lap(u) == 0], on(ELL.boundary["walls"], u == wanted)), 1e-6), exact)


@pytest.mark.slow
def test_a_layer_that_needs_small_elements():
    eps = 0.01
    square = box({x: (0, 1), y: (0, 1)}) - disk((x, y), (0.5, 0.5), 0.2)
    wanted = (1 - exp((x - 1) / eps)) * sin(pi * y)
    force = -eps * (dx(wanted, x, 2) + dx(wanted, y, 2)) + dx(wanted, x)
    problem = Problem(square, [-eps * lap(u) + dx(u, x) == force], on(square.boundary["walls"], u == wanted))
    holds(solve(problem, 1e-5), lambda x, y: (1 - np.exp((x - 1) / eps)) * np.sin(np.pi * y))


@pytest.mark.slow
def test_torsion_of_an_ell():
    solution = solve(Problem(ELL, [-lap(u) == 1], on(ELL.boundary["walls"], u == 0)), 1e-7)
    # Its integral is the energy, known from graded finite elements of others.
    field = solution.pieces.fields[0]
    s = field.numbering.mesh.sampling(14)
    assert abs((field.jets(s)[0] * s.mass).sum() - 0.2140758026) < 1e-8


@pytest.mark.slow
def test_systems_and_mixed_derivatives():
    v = unknown("v", x, y)
    a, b = exp(x) * cos(y), sin(x) * y
    flow = Vector(u, v)
    wanted = Vector(a, b)

    def lame(f):
        one, two = f
        spread = dx(one, x) + dx(two, y)
        return [
            dx(one, x, 2) + dx(one, y, 2) + 2 * dx(spread, x),
            dx(two, x, 2) + dx(two, y, 2) + 2 * dx(spread, y),
        ]

    problem = Problem(
        DISK,
        [left == right for left, right in zip(lame(flow), lame(wanted), strict=True)],
        on(DISK.boundary["rim"], u == a, v == b),
    )
    solution = solve(problem, 1e-8)
    holds(solution, lambda x, y: np.exp(x) * np.cos(y), "u")
    holds(solution, lambda x, y: np.sin(x) * y, "v")


def test_an_equation_that_is_not_linear():
    problem = Problem(DISK, [lap(u) + exp(u) == 0], on(DISK.boundary["rim"], u == 0))
    small = 3 - 2 * np.sqrt(2)
    holds(solve(problem, 1e-8), lambda x, y: 2 * np.log((1 + small) / (1 + small * (x**2 + y**2))))


def test_a_free_constant_is_fixed_by_mean_zero():
    wanted = exp(x) * cos(y)
    problem = Problem(
        DISK, [lap(u) == 0], on(DISK.boundary["rim"], dn(u) == x * dx(wanted, x) + y * dx(wanted, y))
    )
    # exp(x) cos(y) is harmonic: its mean over the disk is its value at the center.
    solution = solve(problem, 1e-8)
    holds(solution, lambda x, y: np.exp(x) * np.cos(y) - 1)
    assert "leaves a constant of 'u' open" in solution.message


@pytest.mark.parametrize(
    ("equations", "conditions", "message"),
    [
        ([lap(u) == 1], on(DISK.boundary["rim"], dn(u) == 0), "do not balance"),
        ([lap(u) + 2.404825557695773**2 * u == 1], on(DISK.boundary["rim"], u == 0), "resonance"),
        ([lap(u) + 3 * exp(u) == 0], on(DISK.boundary["rim"], u == 0), "did not converge"),
        ([div(x * grad(u)) == 1], on(DISK.boundary["rim"], u == 0), "change their sign"),
    ],
)
def test_problems_without_an_answer_are_flagged(equations, conditions, message):
    solution = solve(Problem(DISK, equations, conditions), 1e-6)
    assert not solution.solved
    assert message in solution.message


def test_conditions_that_contradict_each_other_are_flagged():
    parts = ELL.boundary
    conditions = [on(parts["left"], u == 1), *(on(parts[n], u == 0) for n in ("right", "top", "bottom"))]
    solution = solve(Problem(ELL, [lap(u) == 0], conditions), 1e-6)
    assert not solution.solved
    assert "contradict" in solution.message


@pytest.mark.parametrize(
    ("equations", "conditions", "message"),
    [
        (
            [lap(u) == 1],
            on(FLOOR.boundary["outer"], u == 0),
            "part 'pipe' of the boundary has no condition for 'u'",
        ),
        ([lap(lap(u)) == 1], on(FLOOR.boundary["walls"], u == 0), "up to the second order"),
        ([dx(u, x) * dx(u, x, 2) == 1], on(FLOOR.boundary["walls"], u == 0), "weights without derivatives"),
        ([lap(u) == 1], on(FLOOR.boundary["walls"], u == 0, u == 1), "different values"),
        ([lap(u) == 1], on(FLOOR.boundary["walls"], u == 0, dn(u) == 0), "has too many conditions"),
        ([lap(u) == 1], on(FLOOR.boundary["walls"], u**2 == 1), "must give the value of one unknown"),
    ],
)
def test_wrong_problems_get_a_sentence(equations, conditions, message):
    with pytest.raises(InputError, match=message):
        solve(Problem(FLOOR, equations, conditions), 1e-6)
