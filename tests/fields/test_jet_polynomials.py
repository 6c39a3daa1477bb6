"""Integration by parts and its linearisation, against sympy."""

import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.fields.jet_polynomials import by_parts, derivative, monomial, response, times

X, T = sp.symbols("x t")
FIELDS = [sp.Function("u")(X, T), sp.Function("v")(X, T)]


def tree(of):
    """A polynomial as sympy writes it."""
    total = sp.Integer(0)
    for name, factor in of.items():
        part = sp.Rational(factor).limit_denominator(1000)
        for (field, (a, b)), power in name:
            part *= sp.diff(FIELDS[field], X, a, T, b) ** power
        total += part
    return total


jets = st.tuples(st.integers(0, 1), st.tuples(st.integers(0, 3), st.integers(0, 1)))
monomials = st.dictionaries(jets, st.integers(1, 2), min_size=1, max_size=3).map(monomial)


@settings(max_examples=25, deadline=None)
@given(monomials)
def test_what_is_moved_outside_is_the_same_term(item):
    parts = by_parts(item, 2)
    again = sum((sp.diff(tree(part), X, a, T, b) for (a, b), part in parts.items()), sp.Integer(0))
    assert sp.expand((again - tree({item: 1.0})).doit()) == 0


@settings(max_examples=25, deadline=None)
@given(monomials, st.tuples(st.integers(0, 2), st.integers(0, 1)))
def test_total_derivatives(item, orders):
    wanted = sp.diff(tree({item: 1.0}), X, orders[0], T, orders[1])
    assert sp.expand(tree(derivative({item: 1.0}, orders)) - wanted) == 0


@pytest.mark.parametrize(
    ("term", "highest"),
    [
        ({(0, (0, 0)): 1, (0, (1, 0)): 1}, 0),
        ({(0, (0, 0)): 2, (0, (1, 0)): 1}, 0),
        ({(0, (4, 0)): 1}, 0),
        ({(0, (0, 0)): 1, (0, (2, 0)): 1}, 1),
        ({(0, (0, 0)): 1, (0, (3, 0)): 1}, 1),
        ({(0, (0, 0)): 1, (0, (4, 0)): 1}, 2),
        ({(1, (0, 0)): 1, (0, (1, 0)): 1}, 1),
    ],
)
def test_few_derivatives_are_left_for_the_data(term, highest):
    parts = by_parts(monomial(term), 2)
    left = [sum(orders) for part in parts.values() for m in part for (_, orders), _ in m]
    assert max(left) == highest


def test_the_response_is_the_derivative_of_the_integral():
    x = np.linspace(0, 1, 2001)
    bump = sp.Symbol("s") ** 6 * (1 - sp.Symbol("s")) ** 6
    term = monomial({(0, (0,)): 2, (0, (3,)): 1})
    parts = by_parts(term, 1)
    u, change = 1 + sp.sin(3 * X), sp.cos(2 * X)

    def number(tree):
        return sp.lambdify(X, tree, "numpy")(x) * np.ones_like(x)

    def integral(eps):
        field = u + eps * change
        return np.trapezoid(number(field**2 * sp.diff(field, X, 3)) * number(bump.subs(sp.Symbol("s"), X)), x)

    slope = (integral(1e-4) - integral(-1e-4)) / 2e-4
    total = np.zeros_like(x)
    for (order,), part in response(parts, 0).items():
        values = sum(
            factor * np.prod([number(sp.diff(u, X, jet[1][0])) ** power for jet, power in name], axis=0)
            for name, factor in part.items()
        )
        total += values * number(sp.diff(bump.subs(sp.Symbol("s"), X), X, order))
    assert np.trapezoid(total * number(change), x) == pytest.approx(slope, rel=1e-5)


def test_products_do_not_hang_on_the_order():
    parts = [monomial({(f, (k,)): 1}) for f, k in itertools.product((0, 1), (0, 2))]
    assert times(parts[0], parts[3]) == times(parts[3], parts[0])
