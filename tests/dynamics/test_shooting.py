"""Terms, models and shooting against finite differences and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from edgewise.dynamics import runge_kutta
from edgewise.dynamics.courses import read_courses
from edgewise.dynamics.model import free
from edgewise.dynamics.pieces import cut
from edgewise.dynamics.runge_kutta import solved
from edgewise.dynamics.shooting import Shooting, ShootingPoint, fitted
from tests.dynamics.made import terms

RNG = np.random.default_rng(0)
NAMES = ("x0", "x1")


def test_slopes_of_rates_are_those_of_finite_differences():
    model = free(
        2, terms(NAMES, "x0*x1/(0.7 + x0)", "sqrt(x0)", "x1*exp(-0.4*x0)"), [0, 1, 1], [2.0, 0.5, -1.5]
    )
    Z, near = RNG.uniform(0.3, 1.4, (7, 2)), 1e-6
    rates, in_states, in_constants = model.slopes(Z, model.start)
    np.testing.assert_allclose(rates, model.rates(model.start)(Z.T).T)
    for at, step in enumerate(near * np.eye(2)):
        off = (model.rates(model.start)((Z + step).T) - model.rates(model.start)((Z - step).T)).T / (2 * near)
        np.testing.assert_allclose(in_states[:, :, at], off, rtol=1e-6, atol=1e-8)
    for at, step in enumerate(near * np.eye(len(model.start))):
        off = (model.rates(model.start + step)(Z.T) - model.rates(model.start - step)(Z.T)).T / (2 * near)
        np.testing.assert_allclose(in_constants[:, :, at], off, rtol=1e-6, atol=1e-8)


def saturating():
    """x' = 2 - x y/(0.7 + x), y' = 0.3 x - y, with its solution at uneven times."""
    model = free(2, terms(NAMES, "1", "x0*x1/(0.7 + x0)", "x0", "x1"), [0, 0, 1, 1], [2, -1, 0.3, -1])
    t = np.sort(RNG.uniform(0, 8, 40))
    right = lambda _, x: [2 - x[0] * x[1] / (0.7 + x[0]), 0.3 * x[0] - x[1]]  # noqa: E731
    y = solve_ivp(right, (t[0], t[-1]), [1.0, 0.5], "DOP853", t, rtol=1e-12, atol=1e-13).y.T
    return model, read_courses(t, y, None, None, None, None), y


def test_solutions_are_those_of_scipy():
    model, courses, y = saturating()
    pieces = cut(courses, 7, 2)
    xs = solved(pieces, model, model.start, y[pieces.first])
    piece, place = pieces.seen
    assert np.allclose(xs[piece, place], y, rtol=1e-9)


@pytest.mark.parametrize(("parts", "held"), [(1, runge_kutta._HELD), (2, 1)])
def test_the_jacobian_is_that_of_finite_differences(parts, held, monkeypatch):
    monkeypatch.setattr(runge_kutta, "_HELD", held)
    model, courses, y = saturating()
    pieces = cut(courses, 7, parts)
    assert len(np.unique(pieces.length)) == 2
    more = terms(NAMES, "1", "x1", "x0*exp(-0.3*x1)")
    starts = y[pieces.first] + 0.01
    problem = Shooting(pieces, model, np.array([0.1, 0.2]), 0.5)
    _, table = problem.matrix(ShootingPoint(starts, model.start), more)
    # Of three terms and their slopes in each equation, the first two have none; that of the third is another term.
    own = [*more, *terms(NAMES, "x0*x1*exp(-0.3*x1)")]
    assert not table[:, starts.size + 5 :].reshape(-1, 2, 6)[:, :, 3:5].any()
    places = [*range(starts.size + 5), *(starts.size + 5 + at for at in (0, 1, 2, 5, 6, 7, 8, 11))]
    table = table[:, places]
    wider = free(2, [*model.terms, *own, *own], [*model.equation, *[0] * 4, *[1] * 4], [0.0] * 12)

    def residual(step):
        at, constants = step[: starts.size].reshape(starts.shape), step[starts.size : starts.size + 5]
        known = model.start + constants
        numbers = np.concatenate([known[:4], step[starts.size + 5 :], known[4:], wider.start[13:]])
        return problem._residual(solved(pieces, wider, numbers, starts + at))

    for column in range(table.shape[1]):
        step = np.zeros(table.shape[1])
        step[column] = 1e-5
        near = -(residual(step) - residual(-step)) / 2e-5
        assert np.allclose(table[:, column], near, rtol=1e-5, atol=1e-5)


@settings(max_examples=3, deadline=None)
@given(st.floats(0.7, 1.4), st.integers(5, 20))
def test_constants_come_back_from_afar(factor, intervals):
    model, courses, y = saturating()
    pieces = cut(courses, intervals, 1)
    off = free(2, model.terms, model.equation, model.start[:4] * factor)
    found = fitted(pieces, off, 1e-4 * y.std(0), y[pieces.first], tolerance=1e-8)
    assert found is not None
    assert np.allclose(found.point.constants, model.start, rtol=1e-5)


def test_where_slopes_blow_up_there_is_no_fit(monkeypatch):
    model, courses, y = saturating()
    pieces = cut(courses, 7, 1)
    whole, asked = Shooting.slopes, []

    def slopes(problem, point):
        asked.append(point)
        return whole(problem, point) if len(asked) == 1 else None

    off = free(2, model.terms, model.equation, model.start[:4] * 1.1)
    assert fitted(pieces, off, 1e-2 * y.std(0), y[pieces.first]) is not None
    monkeypatch.setattr(Shooting, "slopes", slopes)
    assert fitted(pieces, off, 1e-2 * y.std(0), y[pieces.first]) is None
    assert len(asked) == 2
