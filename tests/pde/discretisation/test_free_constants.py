"""Problems that determine an unknown up to a constant: its mean is zero, and sources have to balance what flows out."""

import numpy as np
import pytest

from edgewise.fields.field import Field
from edgewise.fields.space import Space
from edgewise.pde import (
    Problem,
    Vector,
    box,
    coordinates,
    cos,
    div,
    dn,
    dx,
    grad,
    lap,
    on,
    pi,
    sin,
    solve,
    unknown,
)
from edgewise.pde.discretisation.free_constants import mean


def closed(dimension):
    """Neumann's problem on the unit box, whose solution is a product of cosines."""
    axes = coordinates(*"xyz"[:dimension])
    u, domain = unknown("u", *axes), box(dict.fromkeys(axes, (0, 1)))
    wave = cos(pi * axes[0])
    for axis in axes[1:]:
        wave = wave * cos(pi * axis)
    force = -dimension * pi**2 * wave
    return Problem(domain, [lap(u) == force], on(domain.boundary["walls"], dn(u) == 0)), u, domain


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_neumann_problems_are_solved_with_mean_zero(dimension):
    problem, _, _ = closed(dimension)
    solution = solve(problem, 1e-6)
    assert solution.solved
    assert "its mean is zero" in solution.how
    r = np.random.default_rng(0)
    at = r.uniform(0, 1, (dimension, 50))
    assert np.abs(solution(*at) - np.cos(np.pi * at).prod(0)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_sources_that_nothing_takes_out_are_told(dimension):
    _, u, domain = closed(dimension)
    broken = Problem(domain, [lap(u) == 1], on(domain.boundary["walls"], dn(u) == 0))
    solution = solve(broken, 1e-6, work=0.05)
    assert not solution.solved
    assert any("balance" in warning for warning in solution.warnings)


def test_flows_through_the_boundary_may_balance_sources():
    _, u, domain = closed(2)
    solution = solve(Problem(domain, [lap(u) == 4], on(domain.boundary["walls"], dn(u) == 1)), 1e-8)
    assert solution.solved
    assert solution(0.2, 0.9) == pytest.approx(0.2**2 - 0.2 + 0.9**2 - 0.9 + 1 / 3, abs=1e-8)


def test_round_about_nothing_holds_the_constant():
    x, y = coordinates("x", "y")
    u, torus = unknown("u", x, y), box({x: (0, 1), y: (0, 1)}, periodic=(x, y))
    solution = solve(Problem(torus, [lap(u) == -8 * pi**2 * sin(2 * pi * x) * cos(2 * pi * y)]), 1e-5)
    assert solution.solved
    assert solution(0.25, 0.5) == pytest.approx(-1, abs=1e-5)


@pytest.mark.slow
def test_a_pressure_of_which_nothing_is_told():
    x, y = coordinates("x", "y")
    u, v, p = (unknown(name, x, y) for name in "uvp")
    domain = box({x: (0, 1), y: (0, 1)})
    channel = on(domain.boundary["walls"], u == y * (1 - y), v == 0)
    momentum = [lap(Vector(u, v))[n] == grad(p)[n] for n in range(2)]
    solution = solve(Problem(domain, [*momentum, div(Vector(u, v)) == 0], channel), 1e-6, work="quick")
    assert solution.solved
    assert "of 'p' open" in solution.how
    assert solution(0.1, 0.3, unknown="p") == pytest.approx(0.8, abs=1e-5)
    net = on(domain.boundary["left"], u == y * (1 - y), v == 0)
    rest = [on(domain.boundary[name], u == 0, v == 0) for name in ("right", "top", "bottom")]
    broken = solve(Problem(domain, [*momentum, div(Vector(u, v)) == 0], [net, *rest]), 1e-6, work=0.05)
    assert not broken.solved
    assert broken.warnings


def test_values_in_a_condition_hold_the_constant():
    x, y = coordinates("x", "y")
    u, domain = unknown("u", x, y), box({x: (0, 1), y: (0, 1)})
    walls = [on(domain.boundary["walls"], dn(u) + dx(u, x) + u == 2)]
    assert "mean is zero" not in solve(Problem(domain, [lap(u) == 0], walls), 1e-3, work="quick").how


@pytest.mark.parametrize("around", [False, True])
def test_means_of_splines(around):
    spaces = tuple(Space(np.linspace(-1, 2, 6), degree, around) for degree in (3, 4))
    field = Field(spaces, np.random.default_rng(1).standard_normal([space.size for space in spaces]))
    line = np.linspace(-1, 2, 1501)
    middle = (line[1:] + line[:-1]) / 2
    assert mean(field) == pytest.approx(field.grid([middle, middle]).mean(), abs=1e-5)
