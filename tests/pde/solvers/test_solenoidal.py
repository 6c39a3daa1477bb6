"""Flows in time: velocities without divergence, the pressure read off the equations, beside closed forms."""

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import (
    Problem,
    Solution,
    SolverConfig,
    Vector,
    advect,
    box,
    coordinates,
    cos,
    div,
    dx,
    exp,
    grad,
    lap,
    on,
    sin,
    solve,
    time,
    unknown,
)
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.solvers.solenoidal import NullSpace, solenoidal

(x, y), t = coordinates("x", "y"), time()
u, v, p, c = (unknown(name, x, y, t) for name in "uvpc")
FLOW = Vector(u, v)
QUICK = SolverConfig(degree=7, loosest=1e-3)
MOVED = Vector(dx(u, t), dx(v, t))


def vortices(domain, nu, *more):
    """Taylor's vortices: on a square that repeats, or with their velocities given on the walls."""
    fall = exp(-2 * nu * t)
    wanted = [u == -cos(x) * sin(y) * fall, v == sin(x) * cos(y) * fall]
    parts = ["start"] if any(domain.periodic) else ["start", "walls"]
    return Problem(
        domain,
        [MOVED + advect(FLOW, FLOW) + grad(p) == nu * lap(FLOW), div(FLOW) == 0, *more],
        [on(domain.boundary[part], *wanted) for part in parts],
    )


def errors(solution, nu):
    at = [np.linspace(low, high, 41) for low, high in solution.problem.domain.bounds]
    a, b, s = np.meshgrid(*at, indexing="ij")
    e = np.exp(-2 * nu * s)
    exact = {
        "u": -np.cos(a) * np.sin(b) * e,
        "v": np.sin(a) * np.cos(b) * e,
        "p": -(np.cos(2 * a) + np.cos(2 * b)) / 4 * e**2,
    }
    nodes, weights = np.polynomial.legendre.leggauss(20)
    means = [
        (np.cos(low + (high - low) * (nodes + 1)) * weights).sum() / 2
        for low, high in solution.problem.domain.bounds[:2]
    ]
    exact["p"] = exact["p"] + sum(means) / 4 * e**2
    return {
        name: np.linalg.norm(solution.grid(*at, unknown=name) - values) / np.linalg.norm(values)
        for name, values in exact.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("periodic", [True, False])
def test_vortices(periodic, tmp_path):
    around = 2 * np.pi if periodic else 1.0
    domain = box({x: (0, around), y: (0, around), t: (0, 0.1)}, periodic=(x, y) if periodic else ())
    nu = 0.01 if periodic else 0.1
    solution = solve(vortices(domain, nu), 1e-4, config=QUICK)
    assert solution.solved, solution.message
    for name, error in errors(solution, nu).items():
        assert error <= 1e-4
        assert error <= 5 * solution.errors[name]
    r = np.random.default_rng(0)
    at = [r.uniform(low, high, 200) for low, high in domain.bounds]
    # Data on walls are splines, which have no divergence at corners up to their own error.
    assert np.abs(solution.evaluate(div(FLOW), *at)).max() < (1e-12 if periodic else 1e-7)
    solution.save(tmp_path / "vortices.kan")
    again = Solution.load(tmp_path / "vortices.kan")
    for name in "uvp":
        assert np.array_equal(again(*at, unknown=name), solution(*at, unknown=name))


@pytest.mark.slow
def test_what_a_flow_carries_goes_with_it():
    """The stream function is cos x cos y, so that the flow does not move what begins as that."""
    domain = box({x: (0, 1), y: (0, 1), t: (0, 0.2)})
    flow, wanted = vortices(domain, 0.1, dx(c, t) + advect(FLOW, c) == 0.05 * lap(c)), cos(x) * cos(y)
    more = [on(domain.boundary[part], c == wanted * exp(-0.1 * t)) for part in ("start", "walls")]
    solution = solve(Problem(domain, flow.equations, [*flow.conditions, *more]), 1e-3, config=QUICK)
    assert solution.solved, solution.message
    at = np.linspace(0, 1, 21)
    found = solution.grid(at, at, np.array([0.2]), unknown="c")[..., 0]
    assert np.abs(found - np.outer(np.cos(at), np.cos(at)) * np.exp(-0.1 * 0.2)).max() < 1e-5


@pytest.mark.slow
def test_a_march_goes_on_to_the_same_bits():
    domain, nu = box({x: (0, 1), y: (0, 1), t: (0, 0.2)}), 0.1
    kept = []

    def stop(progress):
        kept.append(progress.checkpoint())
        return len(kept) == 4

    solve(vortices(domain, nu), 1e-3, callbacks=stop, config=QUICK)
    whole = solve(vortices(domain, nu), 1e-3, config=QUICK)
    again = solve(vortices(domain, nu), 1e-3, resume=kept[-1], config=QUICK)
    at = np.linspace(0, 0.2, 9)
    assert all(np.array_equal(again(0.3, 0.7, at, unknown=n), whole(0.3, 0.7, at, unknown=n)) for n in "uvp")


def test_a_flow_that_only_flows_in_is_flagged():
    domain = box({x: (0, 1), y: (0, 1), t: (0, 0.1)})
    parts = domain.boundary
    still = Problem(
        domain,
        [MOVED + grad(p) == lap(FLOW), div(FLOW) == 0],
        [
            on(parts["left"], u == t * y * (1 - y), v == 0),
            on(parts["right"] | parts["top"] | parts["bottom"], u == 0, v == 0),
            on(parts["start"], u == 0, v == 0),
        ],
    )
    with pytest.raises(InputError, match=r"differs by 1\.0e\+00 of both"):
        solve(still, 1e-4)


def test_what_is_no_such_flow_is_left_as_it_is():
    domain = box({x: (0, 1), y: (0, 1), t: (0, 1)})
    start = on(domain.boundary["start"], u == 0, v == 0)
    walls = on(domain.boundary["walls"], u == 0, v == 0)
    flow = MOVED + grad(p) == lap(FLOW)
    for equations, conditions in (
        ([*flow, div(FLOW) == p], [start, walls]),
        ([*flow, dx(u, x) + 2 * dx(v, y) == 0], [start, walls]),
        ([*flow, div(FLOW) == 0], [start, walls, on(domain.boundary["left"], p == 0)]),
        ([*flow, div(FLOW) == 0], [start]),
    ):
        problem = Problem(domain, equations, conditions)
        assert solenoidal(problem, face_conditions(problem), 2) is None
    problem = Problem(domain, [*flow, 3 * div(FLOW) == 0], [start, walls])
    assert solenoidal(problem, face_conditions(problem), 2) is not None


def test_null_spaces():
    r = np.random.default_rng(0)
    matrix = r.normal(size=(7, 4)) @ r.normal(size=(4, 12))
    null = NullSpace(matrix)
    assert null.basis.shape == (12, 8)
    assert np.allclose(matrix @ null.basis, 0, atol=1e-12)
    assert np.allclose(null.basis.T @ null.basis, np.eye(8))
    right = matrix @ r.normal(size=(12, 3))
    assert np.allclose(matrix @ null.particular(right), right)


def test_ended_before_the_first_slab_velocities_are_held_and_the_pressure_is_none():
    held = solve(vortices(box({x: (0, 2), y: (0, 2), t: (0, 1)}), 0.1), 1e-6, seconds=1e-9)
    at, late = np.linspace(0, 2, 9), np.array([0.7])
    wanted = -np.outer(np.cos(at), np.sin(at))
    assert np.allclose(held.grid(at, at, late, unknown="u")[..., 0], wanted, atol=1e-5)
    assert not held.grid(at, at, late, unknown="p").any()
    assert "before the first slab" in held.message
