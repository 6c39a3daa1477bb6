"""The catalogue of functions: what its entries say, against mpmath, torch and the tables that other rooms keep."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from edgewise.forms import parse
from edgewise.forms.functions import FUNCTIONS, Function
from edgewise.forms.tree import Variable, apply
from edgewise.verifying.bounds import enclosure

SMOOTH = [function for function in FUNCTIONS.values() if function.arity == 1 and not function.jump]
BY_FORMULA = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "gaussian": lambda x: mpmath.exp(-x * x),
    "abs": abs,
}
RNG = np.random.default_rng(0)


def named(function: Function) -> str:
    return function.name


def points(function: Function) -> Any:
    """Arguments well inside the domain."""
    return RNG.uniform(max(function.low, -3.0) + 0.05, min(function.high, 3.0) - 0.05, 50)


@pytest.mark.parametrize("function", SMOOTH, ids=named)
def test_values_and_slopes_are_those_of_mpmath(function: Function) -> None:
    oracle = BY_FORMULA.get(function.name) or getattr(mpmath, function.name)
    x = points(function)
    value = function.value(x)
    np.testing.assert_allclose(value, [float(oracle(item)) for item in x], rtol=1e-12)
    np.testing.assert_allclose(function.value(torch.from_numpy(x)).numpy(), value, rtol=1e-12)
    slopes = [float(mpmath.diff(oracle, item)) for item in x]
    np.testing.assert_allclose(function.derivatives(x, value=value)[0], slopes, rtol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=named)
def test_the_domain_is_where_it_has_values(function: Function) -> None:
    grid = np.array([-1e3, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 1e3])
    with np.errstate(all="ignore"):
        values = function.value(*[grid] * function.arity)
    assert [function.contains(x) for x in grid] == [
        math.isfinite(value)
        or (function.arity == 2 and x == 0)
        or (function.name in ("exp", "sinh", "cosh") and abs(x) > 999)
        for x, value in zip(grid, values, strict=True)
    ]


@pytest.mark.parametrize("function", SMOOTH, ids=named)
def test_inverse_parity_and_writing_hold(function: Function) -> None:
    x = points(function)
    value = function.value(x)
    if function.parity:
        np.testing.assert_array_equal(function.value(-x), function.parity * value)
    if function.written:
        np.testing.assert_allclose(parse(function.written, ("x",)).evaluate({"x": x}), value, rtol=1e-14)
    if function.inverse:
        undone = parse(function.inverse, ("x",)).evaluate({"x": value})
        np.testing.assert_allclose(function.value(undone), value, rtol=1e-9, atol=1e-12)


def test_of_nodes_they_make_nodes_and_other_rooms_know_them_all() -> None:
    x = tuple(map(Variable, "xy"))
    for name, function in FUNCTIONS.items():
        arguments = x[: function.arity]
        assert function.value(*arguments) == apply(name, *arguments)
    assert set(FUNCTIONS) == set(enclosure._FUNCTIONS)
