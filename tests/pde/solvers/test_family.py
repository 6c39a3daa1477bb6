"""One solution for many problems: between the values of a parameter that were solved for, against closed forms."""

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import Problem, box, coordinates, dx, on, parameter, pi, sin, solve, time, unknown
from edgewise.pde.results.solution import Solution


@pytest.fixture(scope="module")
def family():
    (x,), k = coordinates("x"), parameter("k")
    u = unknown("u", x, k)
    domain = box({x: (0, 1), k: (1, 4)})
    assert set(domain.boundary) == {"left", "right", "walls", "x low", "x high"}
    return solve(Problem(domain, [dx(u, x, 2) - k**2 * u == k], on(domain.boundary["walls"], u == 0)), 1e-7)


@pytest.mark.slow
def test_a_steady_family_is_right_between_its_members(family):
    x, k = np.meshgrid(np.linspace(0, 1, 41), np.linspace(1, 4, 38), indexing="ij")
    wanted = (np.cosh(k * (x - 0.5)) / np.cosh(k / 2) - 1) / k
    true = np.linalg.norm(family(x, k) - wanted) / np.linalg.norm(wanted)
    assert family.solved
    assert family.road == "family"
    assert true <= 1e-7
    assert family.error >= true / 5


def test_a_family_is_saved_with_its_parameter(family, tmp_path):
    family.save(tmp_path / "family.kan")
    again = Solution.load(tmp_path / "family.kan")
    assert again.problem.domain.coordinates[1].parameter
    assert again(0.3, 2.2) == pytest.approx(family(0.3, 2.2), rel=1e-14)


def test_a_family_goes_through_time():
    (x,), t, a = coordinates("x"), time(), parameter("a")
    u = unknown("u", x, t, a)
    rod = box({x: (0, 1), t: (0, 0.5), a: (0.1, 0.2)})
    problem = Problem(
        rod,
        [dx(u, t) == a * dx(u, x, 2)],
        [on(rod.boundary["walls"], u == 0), on(rod.boundary["start"], u == sin(pi * x))],
    )
    solution = solve(problem, 1e-5)
    assert solution.solved
    assert solution(0.5, 0.5, 0.137) == pytest.approx(np.exp(-0.137 * np.pi**2 * 0.5), rel=1e-5)


def test_nothing_is_derived_by_a_parameter():
    (x,), k = coordinates("x"), parameter("k")
    with pytest.raises(InputError, match="'k' is a parameter"):
        dx(unknown("u", x, k), k)
