"""Terms, models and shooting against finite differences and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from edgewise.dynamics import runge_kutta
from edgewise.dynamics.candidates import functions, polynomials
from edgewise.dynamics.courses import read_courses
from edgewise.dynamics.families import families
from edgewise.dynamics.model import free
from edgewise.dynamics.pieces import cut
from edgewise.dynamics.runge_kutta import solved
from edgewise.dynamics.shooting import Shooting, ShootingPoint, fitted
from edgewise.dynamics.term_functions import FUNCTIONS
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary
from edgewise.forms.tree import Number
from edgewise.symbolic.expressions.tape import Tape

RNG = np.random.default_rng(0)
# The last is the largest in every row; of the others now one, now the other is.
Z = RNG.uniform(0.3, 1.4, (7, 3)) + np.array([0.0, 0.0, 1.2])
INNER = [term for family in families(Z, ()) for term in family.terms(family.values[2])]
LIBRARY = TermLibrary((*polynomials(3, 3), *functions(Z), *INNER))


def test_every_function_is_tried():
    # The size of a variable is looked at where its sign changes.
    assert {term.function for term in LIBRARY.terms} | {"abs"} == {"", *FUNCTIONS}


def test_roots_are_left_out_with_all_broken_powers():
    kept = [
        *functions(Z, ["sqrt"]),
        *(t for f in families(Z, ["sqrt"]) for t in f.terms(f.values[2])),
    ]
    assert all(power == round(power) for term in kept for power in term.powers)
    assert {term.function for term in LIBRARY.terms} - {term.function for term in kept} == {
        "any power",
        "root of difference",
    }


@pytest.mark.parametrize("axis", range(3))
def test_slopes_in_the_variables(axis):
    _, slopes, _ = LIBRARY.slopes(Z, LIBRARY.inner)
    step = np.zeros(3)
    step[axis] = 1e-6
    near = (LIBRARY.values(Z + step, LIBRARY.inner) - LIBRARY.values(Z - step, LIBRARY.inner)) / 2e-6
    assert np.allclose(slopes[:, :, axis], near, rtol=1e-5, atol=1e-7)


def test_slopes_in_inner_constants():
    _, _, slopes = LIBRARY.slopes(Z, LIBRARY.inner)
    # The first constant of every term, then the second, then the third.
    ranks = np.concatenate([np.arange(len(term.inner)) for term in LIBRARY.terms])
    assert ranks.max() == 2
    for rank in range(3):
        at = ranks == rank
        step = 1e-6 * at
        near = (LIBRARY.values(Z, LIBRARY.inner + step) - LIBRARY.values(Z, LIBRARY.inner - step)) / 2e-6
        assert np.allclose(slopes[:, at], near[:, LIBRARY.owners[at]], rtol=1e-4, atol=1e-6)


def test_terms_are_the_formulas_that_they_say():
    values = LIBRARY.values(Z, LIBRARY.inner)
    for at, term in enumerate(LIBRARY.terms):
        tape = Tape(term.tree(("a", "b", "c"), [Number(k) for k in term.inner]), ("a", "b", "c"))
        assert np.allclose(tape.value(tape.start, Z), values[:, at], rtol=1e-12)


def test_few_points_have_the_values_of_many():
    values = LIBRARY.values(Z, LIBRARY.inner)
    each = LIBRARY.each(LIBRARY.inner)(Z.T)
    assert np.allclose(np.column_stack([np.broadcast_to(one, len(Z)) for one in each]), values, rtol=1e-14)


@pytest.mark.parametrize("power", [0.4, 1.6])
def test_a_broken_power_is_flat_below_zero(power):
    library = TermLibrary((DynamicsTerm((0.0,), "any power", (0,), (power,)),))
    _, slopes, _ = library.slopes(np.array([[-0.1], [0.5]]), library.inner)
    np.testing.assert_allclose(slopes[:, 0, 0], [0, power * 0.5 ** (power - 1)])


def saturating():
    """x' = 2 - x y/(0.7 + x), y' = 0.3 x - y, with its solution at uneven times."""
    term = DynamicsTerm((1.0, 1.0), "hill1", (0,), (0.7,))
    model = free(
        2,
        [DynamicsTerm((0.0, 0.0)), term, DynamicsTerm((1.0, 0.0)), DynamicsTerm((0.0, 1.0))],
        [0, 0, 1, 1],
        [2, -1, 0.3, -1],
    )
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
    more = TermLibrary(tuple(polynomials(2, 1)))
    starts = y[pieces.first] + 0.01
    problem = Shooting(pieces, model, np.array([0.1, 0.2]), 0.5)
    _, table = problem.matrix(ShootingPoint(starts, model.start), more)

    def residual(step):
        at, constants = step[: starts.size].reshape(starts.shape), step[starts.size : starts.size + 5]
        factors = step[starts.size + 5 :]
        wider = free(2, [*model.terms, *more.terms, *more.terms], [0, 0, 1, 1, 0, 0, 0, 1, 1, 1], [0.0] * 10)
        numbers = np.concatenate([(model.start + constants)[:4], factors, (model.start + constants)[4:]])
        xs = solved(pieces, wider, numbers, starts + at)
        return problem._residual(xs)

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
