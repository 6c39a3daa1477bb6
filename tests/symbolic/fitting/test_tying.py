"""Two constants that the data cannot distinguish become one, and those that differ stay two."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic.expressions.border import as_sympy
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.fitting.tying import tie_constants

x, z = sympy.symbols("x z")
X = np.random.default_rng(0).uniform(0.5, 6, (600, 2))
NOISE = np.random.default_rng(1).normal(size=600)


def rows(y: np.ndarray) -> SplitRows:
    return SplitRows.split(("x", "z"), X, y, 0.2, 0)


@settings(max_examples=15, deadline=None)
@given(size=st.floats(0.3, 30), noise=st.floats(0.001, 0.02))
def test_a_sine_of_a_difference_shows(size: float, noise: float) -> None:
    table = rows(size * (np.sin(X[:, 0] - X[:, 1]) + noise * NOISE))
    loose = size * (1.02 * sympy.sin(x) * sympy.cos(z) - 0.98 * sympy.cos(x) * sympy.sin(z))
    tied = tie_constants(fit_expression(loose, table), table)
    assert tied.fit.constants.size == 1
    assert as_sympy(tied.expression).has(sympy.sin(x - z), sympy.sin(z - x))


def test_a_saturating_share_shows() -> None:
    table = rows(1.7 * X[:, 0] / (X[:, 0] + 1) + 0.003 * NOISE)
    tied = tie_constants(fit_expression(1.71 - 1.68 / (x + 1), table), table)
    assert tied.fit.constants.size == 1
    assert sympy.simplify(as_sympy(tied.expression) / (x / (x + 1))).is_number


@pytest.mark.parametrize("ratio", [1.05, -1.05])
def test_constants_that_differ_stay_two(ratio: float) -> None:
    table = rows(
        np.sin(X[:, 0]) * np.cos(X[:, 1]) + ratio * np.cos(X[:, 0]) * np.sin(X[:, 1]) + 0.003 * NOISE
    )
    loose = 1.01 * sympy.sin(x) * sympy.cos(z) + 1.04 * ratio * sympy.cos(x) * sympy.sin(z)
    fitted = fit_expression(loose, table)
    assert tie_constants(fitted, table) is fitted


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_a_square_shows(noise: float) -> None:
    y = 0.4 / (np.log(X[:, 0] + X[:, 1]) + 3.0) ** 2
    table = rows(y * (1 + noise * NOISE))
    part = sympy.log(x + z)
    loose = fit_expression(0.39 / (part**2 + 6.1 * part + 9.2), table)
    tied = tie_constants(loose, table)
    assert tied.fit.constants.size == 2 < loose.fit.constants.size
    assert tied.held <= 1.05 * loose.held + table.rounding_error


def test_what_is_no_square_stays() -> None:
    table = rows(X[:, 0] ** 2 + 2 * X[:, 0] + 1.3 + 0.001 * NOISE)
    loose = fit_expression(1.0 * x**2 + 2.0 * x + 1.3, table)
    assert tie_constants(loose, table) is loose
