"""Constants of evolutions on a torus, followed back to their start: closed forms, differences, and intervals."""

import numpy as np
import pytest

from edgewise import InputError, pde
from edgewise.pde.discretisation.torus import Current, Torus, start_modes
from edgewise.pde.solvers.evolution import evolution_of
from edgewise.pde.solvers.identify import _compiled, _rows
from edgewise.pde.solvers.trajectory import seen

NU, A = 0.1, 1.0


def burgers_at(x, t):
    """u = -2 nu phi_x / phi of a solution phi of the heat equation (Cole and Hopf)."""
    one, two = np.exp(-NU * np.pi**2 * t), 0.4 * np.exp(-4 * NU * np.pi**2 * t)
    phi = 2 + one * np.cos(np.pi * x) + two * np.sin(2 * np.pi * x)
    slope = -np.pi * one * np.sin(np.pi * x) + 2 * np.pi * two * np.cos(2 * np.pi * x)
    return -2 * NU * slope / phi


def burgers(start=False):
    (x,), t = pde.coordinates("x"), pde.time()
    u, ring = pde.unknown("u", x, t), pde.box({x: (-1, 1), t: (0, 1)}, periodic=x)
    a, nu = pde.constant("a", guess=0.5), pde.constant("nu", guess=0.05, bounds=(1e-3, 1))
    phi = 2 + pde.cos(pde.pi * x) + 0.4 * pde.sin(2 * pde.pi * x)
    known = [pde.on(ring.boundary["start"], u == -2 * NU * pde.dx(phi, x) / phi)] if start else []
    return x, t, u, pde.Problem(ring, [pde.dx(u, t) + a * u * pde.dx(u, x) == nu * pde.dx(u, x, 2)], known)


def measured(x, t, u, seed, rows=150, noise=0.02, told=True):
    r = np.random.default_rng(seed)
    at, when = r.uniform(-1, 1, rows), r.uniform(0, 1, rows)
    values = burgers_at(at, when)
    sigma = noise * float(values.std())
    return pde.data(
        u, {x: at, t: when}, values + sigma * r.standard_normal(rows), sigma=sigma if told else None
    )


def flow():
    """A stream function on a torus that is longer than high, with scattered velocities of no particular flow."""
    (x, y), t = pde.coordinates("x", "y"), pde.time()
    psi, torus = pde.unknown("psi", x, y, t), pde.box({x: (0, 6), t: (0, 1), y: (0, 3)}, periodic=(x, y))
    a, nu = pde.constant("a"), pde.constant("nu", guess=0.1, bounds=(1e-3, 1))
    velocity, w = pde.curl(psi), -pde.lap(psi)
    carried = velocity[0] * pde.dx(w, x) + velocity[1] * pde.dx(w, y)
    r = np.random.default_rng(0)
    at = {x: r.uniform(0, 6, 30), y: r.uniform(0, 3, 30), t: r.uniform(0, 1, 30)}
    problem = pde.Problem(torus, [pde.dx(w, t) + a * carried == nu * pde.lap(w)])
    return problem, [pde.data(part, at, r.standard_normal(30), sigma=0.1) for part in velocity]


@pytest.fixture(scope="module")
def found():
    x, t, u, problem = burgers()
    return [pde.identify(problem, measured(x, t, u, seed)) for seed in range(5)]


@pytest.mark.slow
def test_intervals_hold_constants_about_as_often_as_they_say(found):
    for name, true in (("a", A), ("nu", NU)):
        assert sum(item[name].low <= true <= item[name].high for item in found) >= 4
        scores = [(item[name].value - true) / item[name].error for item in found]
        assert 0.3 < np.sqrt(np.mean(np.square(scores))) < 2
    assert all(0.7 < item.misfit < 1.4 and not item.warnings for item in found)
    assert {item.solution.road for item in found} == {"start"}


@pytest.mark.slow
def test_the_field_is_the_one_behind_the_noise(found, tmp_path):
    # At the very start, which few data determine, more is open than in the mean.
    x, t = np.linspace(-1, 1, 41), np.linspace(0.1, 1, 10)
    wanted = burgers_at(x[:, None], t)
    errors = [np.linalg.norm(item.solution.grid(x, t) - wanted) / np.linalg.norm(wanted) for item in found]
    stated = [item.solution.error for item in found]
    assert max(errors) < 0.02
    assert 1 / 3 < np.median(np.divide(errors, stated)) < 3
    values = found[0].solution.grid(x, t)
    found[0].solution.save(tmp_path / "ring.kan")
    again = pde.Solution.load(tmp_path / "ring.kan")
    assert np.array_equal(again.grid(x, t), values)


@pytest.mark.slow
def test_noise_that_is_not_told_and_a_start_that_is():
    x, t, u, problem = burgers()
    unsure = pde.identify(problem, measured(x, t, u, 3, rows=200, told=False))
    assert unsure.sigma[0] == pytest.approx(measured(x, t, u, 3, rows=200).sigma, rel=0.25)
    x, t, u, problem = burgers(start=True)
    sure = pde.identify(problem, measured(x, t, u, 3, rows=200))
    for name, true in (("a", A), ("nu", NU)):
        assert sure[name].low <= true <= sure[name].high
        assert sure[name].error < unsure[name].error
    again = pde.identify(problem, measured(x, t, u, 3, rows=200))
    assert again.constants == sure.constants


def test_two_unknowns_that_turn_into_each_other():
    (x,), t = pde.coordinates("x"), pde.time()
    u, v = pde.unknown("u", x, t), pde.unknown("v", x, t)
    ring = pde.box({x: (0, 2 * np.pi), t: (0, 2)}, periodic=x)
    turn, spread = pde.constant("turn", guess=1.0), pde.constant("spread", guess=0.3, bounds=(0, 5))
    equations = [
        pde.dx(u, t) == -turn * v + spread * pde.dx(u, x, 2),
        pde.dx(v, t) == turn * u + spread * pde.dx(v, x, 2),
    ]
    r = np.random.default_rng(1)
    at, when = r.uniform(0, 2 * np.pi, 150), r.uniform(0, 2, 150)
    waves = [(1.0, 0), (0.7 - 0.2j, 1), (0.3j, -2)]
    h = sum(c * np.exp(1j * k * at + (1.5j - 0.1 * k**2) * when) for c, k in waves)
    noise = 0.02 * r.standard_normal((2, 150))
    places = {x: at, t: when}
    sets = [
        pde.data(u, places, h.real + noise[0], sigma=0.02),
        pde.data(v, places, h.imag + noise[1], sigma=0.02),
    ]
    found = pde.identify(pde.Problem(ring, equations), sets)
    assert found["turn"].low <= 1.5 <= found["turn"].high
    assert found["spread"].low <= 0.1 <= found["spread"].high
    assert found["turn"].error < 0.01
    assert not found.warnings


def test_changes_of_the_start_and_of_constants_are_what_differences_tell():
    problem, sets = flow()
    system, rows = _compiled(problem), [_rows(subset, problem) for subset in sets]
    evolution = evolution_of(problem.domain, system, rows)
    modes = start_modes(evolution, [0], 3)
    torus = Torus.holding(evolution.low, evolution.span, 8)
    r = np.random.default_rng(2)
    weights, constants = (
        0.3 * r.standard_normal(len(modes)) / np.maximum(modes.rings, 1) ** 2,
        np.array([0.8, 0.05]),
    )
    current = Current(evolution, torus, constants)
    whole = seen(current, modes.start(torus, weights), rows, 1.0, 20, modes.changes(torus))
    assert whole.jacobian.shape == (60, len(modes) + 2)
    for column in (0, 1, len(modes) - 1, len(modes), len(modes) + 1):
        both = []
        for sign in (1, -1):
            moved = np.concatenate([weights, constants])
            moved[column] += sign * 1e-5
            start = modes.start(torus, moved[:-2])
            both.append(seen(Current(evolution, torus, moved[-2:]), start, rows, 1.0, 20).residuals)
        slope = (both[0] - both[1]) / 2e-5
        assert np.allclose(whole.jacobian[:, column], slope, rtol=1e-4, atol=2e-4 * np.abs(slope).max())


@pytest.mark.slow
def test_eddies_that_no_convection_bends_tell_no_factor_of_it():
    problem, _ = flow()
    x, t, y = problem.domain.coordinates
    r = np.random.default_rng(3)
    at, when, up = r.uniform(0, 6, 60), r.uniform(0, 1, 60), r.uniform(0, 3, 60)
    k, m = np.pi / 3, 2 * np.pi / 3
    fall = np.exp(-0.05 * (k**2 + m**2) * when)
    psi = pde.unknown("psi", x, y, t)
    velocity = (m * np.sin(k * at) * np.cos(m * up) * fall, -k * np.cos(k * at) * np.sin(m * up) * fall)
    sets = [
        pde.data(part, {x: at, y: up, t: when}, v + 0.02 * r.standard_normal(60), sigma=0.02)
        for part, v in zip(pde.curl(psi), velocity, strict=True)
    ]
    found = pde.identify(problem, sets)
    assert found["nu"].low <= 0.05 <= found["nu"].high
    assert any("'a'" in warning for warning in found.warnings)


def test_other_problems_are_not_evolutions_and_haste_is_told():
    x, t, u, problem = burgers()
    with pytest.raises(InputError, match="more 'seconds'"):
        pde.identify(problem, measured(x, t, u, 0), seconds=1e-9)
    c = pde.constant("c")
    ring = problem.domain
    for equation in (
        c * pde.dx(u, t) == pde.dx(u, x, 2),
        pde.dx(u, t, 2) == c * pde.dx(u, x, 2),
        u * pde.dx(u, t) == c * pde.dx(u, x, 2),
        pde.dx(pde.dx(u, t), x, 2) == c * u,
    ):
        other = pde.Problem(ring, [equation])
        data = _rows(measured(x, t, u, 0), other)
        assert evolution_of(ring, _compiled(other), [data]) is None
