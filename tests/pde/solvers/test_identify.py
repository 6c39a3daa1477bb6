"""Constants from data: against closed forms, with intervals that hold them as often as they say."""

import json

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import (
    Problem,
    SolverConfig,
    box,
    constant,
    coordinates,
    data,
    dx,
    identify,
    lap,
    on,
    pi,
    sin,
    solve,
    time,
    unknown,
)


def rod(conditions=True):
    """Heat that leaves a rod: the diffusivity is to be found."""
    (x,), t = coordinates("x"), time()
    u, k = unknown("u", x, t), constant("k", guess=0.3, bounds=(0.01, 10))
    domain = box({x: (0, 1), t: (0, 0.5)})
    parts = domain.boundary
    known = [on(parts["walls"], u == 0), on(parts["start"], u == sin(pi * x))] if conditions else []
    return x, t, u, Problem(domain, [dx(u, t) == k * dx(u, x, 2)], known)


def measured(u, x, t, seed, rows=150, sigma=0.02, told=True):
    r = np.random.default_rng(seed)
    at, when = r.uniform(0, 1, rows), r.uniform(0, 0.5, rows)
    values = np.exp(-0.1 * np.pi**2 * when) * np.sin(np.pi * at) + sigma * r.standard_normal(rows)
    return data(u, {x: at, t: when}, values, sigma=sigma if told else None)


@pytest.mark.slow
def test_intervals_hold_the_constant_about_as_often_as_they_say():
    x, t, u, problem = rod()
    found = [identify(problem, measured(u, x, t, seed)) for seed in range(8)]
    inside = sum(item["k"].low <= 0.1 <= item["k"].high for item in found)
    assert inside >= 6
    spread = np.std([item["k"].value for item in found])
    assert np.mean([item["k"].error for item in found]) == pytest.approx(spread, rel=0.8)
    assert all(0.6 < item.misfit < 1.5 for item in found)


@pytest.mark.slow
def test_noise_is_estimated_where_it_is_not_told():
    x, t, u, problem = rod()
    found = identify(problem, measured(u, x, t, 0, told=False))
    assert found.sigma[0] == pytest.approx(0.02, rel=0.2)
    assert found["k"].low <= 0.1 <= found["k"].high
    json.dumps(found.to_dict())
    again = identify(problem, measured(u, x, t, 0, told=False))
    assert again.constants == found.constants


@pytest.mark.slow
def test_conditions_need_not_be_told():
    x, t, u, problem = rod(conditions=False)
    found = identify(problem, measured(u, x, t, 1, rows=300))
    assert found["k"].low <= 0.1 <= found["k"].high
    at = np.linspace(0.1, 0.9, 9)
    assert np.allclose(found.solution(at, 0.2), np.exp(-0.02 * np.pi**2) * np.sin(np.pi * at), atol=0.03)
    # The problem with the constants found is one that can be solved.
    assert not found.solution.problem.constants


def test_fields_alone_are_assimilated():
    x, y = coordinates("x", "y")
    u = unknown("u", x, y)
    square = box({x: (0, 1), y: (0, 1)})
    r = np.random.default_rng(0)
    at = r.uniform(0, 1, (300, 2))
    values = np.exp(at[:, 0]) * np.sin(at[:, 1]) + 0.01 * r.standard_normal(300)
    field = identify(Problem(square, [lap(u) == 0]), data(u, {x: at[:, 0], y: at[:, 1]}, values, sigma=0.01))
    assert field.constants == ()
    assert field.solution(0.5, 0.5) == pytest.approx(np.exp(0.5) * np.sin(0.5), abs=0.01)


@pytest.mark.slow
def test_data_that_the_equations_do_not_explain_are_told():
    x, t, u, problem = rod()
    wrong = data(u, {x: np.full(60, 0.5), t: np.linspace(0, 0.5, 60)}, 1 + np.linspace(0, 3, 60), sigma=0.01)
    found = identify(problem, wrong, config=SolverConfig(most_levels=2))
    assert any("missed" in warning for warning in found.warnings)


def test_wrong_questions_get_a_sentence():
    x, t, u, problem = rod()
    good = measured(u, x, t, 0)
    with pytest.raises(InputError, match="identify"):
        solve(problem)
    with pytest.raises(InputError, match="Data must lie in the domain, from 0 to 1 along 'x'"):
        identify(problem, data(u, {x: [2.0], t: [0.1]}, [1.0]))
    with pytest.raises(InputError, match="must have the coordinate 't'"):
        identify(problem, data(u, {x: [0.5]}, [1.0]))
    with pytest.raises(InputError, match="one length"):
        data(u, {x: [0.5, 0.6], t: [0.1, 0.2]}, [1.0])
    with pytest.raises(InputError, match="within the bounds"):
        constant("k", guess=3, bounds=(0, 1))
    with pytest.raises(InputError, match="must hold more than 1 value"):
        identify(problem, data(u, {x: [0.5], t: [0.1]}, [1.0]))
    with pytest.raises(InputError, match="more 'seconds'"):
        identify(problem, good, seconds=1e-9)
    with pytest.raises(InputError, match="sigma"):
        data(u, {x: [0.5], t: [0.1]}, [1.0], sigma=-1)
