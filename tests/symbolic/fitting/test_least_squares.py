"""Tape and refit: values and Jacobians against sympy and differences, fits against scipy, errors against theory."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.work import Meter, running
from edgewise.forms import parse
from edgewise.symbolic import parse_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit

RNG = np.random.default_rng(0)
X = RNG.uniform(0.2, 0.9, (200, 2))
TEXTS = [
    "1.5*exp(-0.7*x) + 0.3",
    "0.4*sin(2.0*x + 1.0)/(y + 0.5)^2",
    "2.0*x^1.3*y^-0.5 - 1.0",
    "sqrt(0.3 + x*y*1.1) + log(1.5 + x) - abs(0.4 - y)*2.0",
    "tanh(2.0*x - y) * 1.5 + atan(3.0*y) - asin(0.7*x)",
    "cosh(0.5*x) + sinh(1.1*y) + tan(0.9*x) + acos(0.3*y)",
    "asinh(1.2*x) + acosh(1.5 + y) + atanh(0.8*x) + sigmoid(2.0*y) + gaussian(1.3*x)",
    "-(x - 0.3)*(-y)/(2.0*x)",
    "1/(1.0 + x^2)",
    "max(0.3*x, 1.2*y - 0.4) - 1.5*min(x - 0.51, 0.7*y)",
    "2.5*step(x - 0.5)*y + 0.4*floor(6.03*y) + mod(2.0*x + 0.1, 0.43)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_value_equals_sympy(text: str) -> None:
    tape = Tape(parse(text, ["x", "y"]).tree, ["x", "y"])
    oracle = sympy.lambdify(sympy.symbols("x y"), parse_formula(text, ["x", "y"]))
    np.testing.assert_allclose(tape.value(tape.start, X), oracle(X[:, 0], X[:, 1]), rtol=1e-12)


@pytest.mark.parametrize("text", TEXTS)
def test_jacobian_equals_differences(text: str) -> None:
    tape = Tape(parse(text, ["x", "y"]).tree, ["x", "y"])
    value, jacobian = tape.jacobian(tape.start, X)
    np.testing.assert_allclose(value, tape.value(tape.start, X))
    assert tape.size > 0
    for at in range(tape.size):
        step = np.zeros(tape.size)
        step[at] = 1e-6
        slope = (tape.value(tape.start + step, X) - tape.value(tape.start - step, X)) / 2e-6
        np.testing.assert_allclose(jacobian[:, at], slope, rtol=1e-6, atol=1e-7)


def test_only_floats_are_constants_and_each_occurrence_is_one() -> None:
    tape = Tape(parse("2*x + 1.5*y + 1.5 + pi/3", ["x", "y"]).tree, ["x", "y"])
    assert tape.start.tolist() == [1.5, 1.5]
    changed = Tape(tape.with_constants([2.5, 3.5]), ["x", "y"])
    assert changed.start.tolist() == [2.5, 3.5]


@given(
    a=st.floats(0.5, 3),
    b=st.floats(0.5, 3),
    c=st.floats(-1, 1),
    off=st.floats(-0.3, 0.3),
    noise=st.floats(0, 0.1),
)
@settings(max_examples=25, deadline=None)
def test_fit_equals_scipy(a: float, b: float, c: float, off: float, noise: float) -> None:
    y = a * np.exp(b * X[:, 0]) + c * X[:, 1] + noise * np.random.default_rng(1).standard_normal(200)
    start = [a + off, b + off, c + off]
    text = f"{start[0]!r}*exp({start[1]!r}*x) + ({start[2]!r})*y"
    fitted = refit(parse(text, ["x", "y"]).tree, ["x", "y"], X, y)
    expected = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(p[1] * X[:, 0]) + p[2] * X[:, 1] - y,
        start,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    assert fitted.rss <= 2 * expected.cost * (1 + 1e-9) + 1e-20
    if noise > 0.01:
        np.testing.assert_allclose(fitted.constants, expected.x, rtol=1e-4, atol=1e-5)


def test_exact_data_give_exact_constants() -> None:
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    fitted = refit(
        parse("1.1*exp(0.9*sin(3.0*x + 0.1) + 1.2*(y + 0.1)^2) + 0.01", ["x", "y"]).tree, ["x", "y"], X, y
    )
    np.testing.assert_allclose(fitted.constants, [1, 1, np.pi, 0, 1, 0, 0], atol=1e-8)


def test_standard_errors_are_those_of_linear_theory() -> None:
    rng = np.random.default_rng(3)
    y = 2 * X[:, 0] + 1 + 0.1 * rng.standard_normal(200)
    fitted = refit(parse("1.0*x + 0.0", ["x", "y"]).tree, ["x", "y"], X, y)
    design = np.column_stack([X[:, 0], np.ones(200)])
    covariance = np.linalg.inv(design.T @ design) * fitted.variance
    # Errors for unequal noise, which this is not, may be larger by chance, never smaller.
    ratio = fitted.standard_errors / np.sqrt(np.diag(covariance))
    assert ((ratio >= 1 - 1e-9) & (ratio < 1.3)).all()


def test_leave_one_out_equals_doing_it() -> None:
    rng = np.random.default_rng(4)
    x, y = X[:12], 2 * X[:12, 0] + 1 + 0.1 * rng.standard_normal(12)
    tree = parse("1.0*x + 0.0", ["x", "y"]).tree
    errors: list[float] = []
    for row in range(12):
        keep = np.arange(12) != row
        part = refit(tree, ["x", "y"], x[keep], y[keep])
        errors.append(float(Tape(part.tree, ["x", "y"]).value(part.constants, x[row : row + 1])[0] - y[row]))
    assert refit(tree, ["x", "y"], x, y).leave_one_out == pytest.approx(
        np.sqrt(np.mean(np.square(errors))), rel=1e-8
    )


def test_redundant_constants_are_called_undetermined() -> None:
    fitted = refit(parse("1.0*(2.0*x + 1.0) + 0.5", ["x", "y"]).tree, ["x", "y"], X, 3 * X[:, 0] + 1)
    assert fitted.rss < 1e-24
    assert np.isinf(fitted.standard_errors).all()


def test_constants_that_move_nothing_are_undetermined() -> None:
    # x is zero everywhere, so neither constant changes a value: every slope is zero.
    fitted = refit(parse("1.5*x*exp(0.5*x)", ("x",)).tree, ("x",), np.zeros((20, 1)), np.ones(20))
    assert np.isinf(fitted.standard_errors).all()


def test_weights_count() -> None:
    y = np.where(np.arange(200) < 100, 1.0, 5.0)
    weight = np.where(np.arange(200) < 100, 1.0, 0.0)
    assert refit(parse("2.0", ["x", "y"]).tree, ["x", "y"], X, y, weight).constants[0] == pytest.approx(1.0)


def test_a_formula_without_value_on_the_data_is_infinitely_bad() -> None:
    fitted = refit(parse("log(1.0*x - 2.0)", ["x", "y"]).tree, ["x", "y"], X, X[:, 0])
    assert np.isinf(fitted.rss)


def test_ten_constants_on_a_thousand_rows_take_little_work() -> None:
    rng = np.random.default_rng(0)
    table = rng.uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * table[:, 0]) + table[:, 1] ** 2)
    tree = parse("1.1*exp(0.9*sin(3.0*x + 0.1) + 1.2*(1.1*y + 0.1)^2 + 0.1) + 0.1*x + 0.01", ["x", "y"]).tree
    with running(Meter()) as meter:
        assert refit(tree, ["x", "y"], table, y).rss < 1e-20
    assert 0 < meter.spent < 0.02
