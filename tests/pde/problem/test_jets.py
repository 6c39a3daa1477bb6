"""Equations as functions of jets: their derivatives agree with differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.pde import coordinates, dx, exp, sin, unknown
from edgewise.pde.problem.jets import compile_equations

x, y = coordinates("x", "y")
u, v = unknown("u", x, y), unknown("v", x, y)
FIELDS, SYMBOLS = (u.tree, v.tree), (x.tree, y.tree)


@given(seed=st.integers(0, 500))
def test_slopes_are_those_of_the_values(seed):
    equations = [u * dx(v, x, 2) + exp(u) * y == x, dx(u * v, y) + sin(dx(u, x)) == v**2]
    compiled = compile_equations([e.residual for e in equations], FIELDS, SYMBOLS)
    r = np.random.default_rng(seed)
    at, jets = list(r.normal(size=(2, 1))), list(r.normal(size=(len(compiled.jets), 1)))
    slopes = compiled.derivatives(at, jets)
    for (e, j), slope in zip(compiled.entries, slopes, strict=True):
        step = 1e-6
        up, down = list(jets), list(jets)
        up[j], down[j] = jets[j] + step, jets[j] - step
        wanted = (compiled.residuals(at, up)[e] - compiled.residuals(at, down)[e]) / (2 * step)
        assert slope == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def test_linear_equations_are_known_as_such():
    assert compile_equations([(dx(u, x, 2) + y * u == 1).residual], FIELDS, SYMBOLS).linear
    assert not compile_equations([(dx(u, x, 2) + u * u == 1).residual], FIELDS, SYMBOLS).linear


def test_derivatives_of_an_order_above_four_are_refused():
    with pytest.raises(InputError, match="up to order 4"):
        compile_equations([dx(dx(u, x, 4), y).tree], FIELDS, SYMBOLS)
