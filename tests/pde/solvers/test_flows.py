"""Flows: a lid that slides, divergence by construction, nonlinear terms taken in step by step."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from edgewise.pde import (
    Problem,
    SolverConfig,
    advect,
    box,
    coordinates,
    curl,
    div,
    dn,
    dx,
    lap,
    on,
    solve,
    unknown,
)
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.solvers.newton import GridSolution, continue_to_all


def cavity(reynolds: float, jumps: bool = True):
    x, y = coordinates("x", "y")
    psi = unknown("psi", x, y)
    square = box({x: (0, 1), y: (0, 1)})
    flow, parts = curl(psi), square.boundary
    problem = Problem(
        square,
        [curl(advect(flow, flow)) == curl(lap(flow)) / reynolds],
        [
            on(parts["walls"], psi == 0),
            on(parts["top"], dn(psi) == 1),
            on(parts["left"] | parts["right"] | parts["bottom"], dn(psi) == 0),
        ],
        jumps=jumps,
    )
    return problem, flow


@pytest.mark.slow
def test_the_cavity_has_the_extrema_of_botella_and_peyret():
    problem, flow = cavity(100.0)
    solution = solve(problem, 5e-5)
    assert solution.solved
    middle = np.linspace(0, 1, 401)
    speed = solution.evaluate(flow[0], 0.5, middle)
    near = middle[speed.argmin()]
    lowest = minimize_scalar(
        lambda y: solution.evaluate(flow[0], 0.5, y), bounds=(near - 0.01, near + 0.01), method="bounded"
    )
    # Spectra 1998, doi:10.1016/S0045-7930(98)00002-4, Reynolds number 100.
    assert lowest.fun == pytest.approx(-0.2140424, abs=1e-5)
    across = solution.evaluate(flow[1], np.linspace(0, 1, 2001), 0.5)
    assert across.max() == pytest.approx(0.1795728, abs=1e-5)
    assert across.min() == pytest.approx(-0.2538030, abs=1e-5)
    assert abs(solution.evaluate(div(flow), 0.3, 0.7)) == 0


def test_a_lid_that_jumps_without_being_said_to_is_flagged():
    problem, _ = cavity(1.0, jumps=False)
    solution = solve(problem, 1e-3, config=SolverConfig(most_levels=2))
    assert "contradict" in solution.message


def test_terms_that_are_not_linear_are_taken_with_a_share():
    (x,) = coordinates("x")
    u = unknown("u", x)
    trees = [(dx(u, x, 2) + x * u + u**3 + u * dx(u, x) - 2).tree]
    whole = compile_equations(trees, [u.tree], [x.tree])
    half = whole.softened(0.5)
    r = np.random.default_rng(0)
    at, jets = [r.normal(size=5)], [r.normal(size=5) for _ in whole.jets]
    value = dict(zip((orders for _, (orders,) in whole.jets), jets, strict=True))
    rest = 0.5 * (value[0] ** 3 + value[0] * value[1])
    assert np.allclose(half.residuals(at, jets)[0], value[2] + at[0] * value[0] - 2 + rest)
    steps = [1e-6 * (np.arange(len(jets)) == n)[:, None] for n in range(len(jets))]
    for (_, n), slope in zip(half.entries, half.derivatives(at, jets), strict=True):
        up, down = (
            half.residuals(at, [j + sign * s for j, s in zip(jets, steps[n], strict=True)])[0]
            for sign in (1, -1)
        )
        assert np.allclose(slope, (up - down) / 2e-6, atol=1e-7)


@pytest.mark.parametrize(("reach", "arrives"), [(0.6, True), (0.04, False)])
def test_shares_are_as_small_as_the_reach_of_newtons_method_asks_for(reach, arrives):
    # A solution 3 s for each share s, found from starts that are near enough.
    asked = []

    def at_share(share, start):
        asked.append(share)
        near = share == 0 or abs(start[0] - 3 * share) <= reach
        return GridSolution((), np.array([3 * share]), 0.0, 1, near, 1.0)

    failed = at_share(1.0, np.zeros(1))
    found = continue_to_all(at_share, np.zeros(1), failed)
    assert found.converged == arrives
    assert found.free == pytest.approx([3 * found.share])
    assert (found.share == 1) == arrives
    assert len(asked) < 30
