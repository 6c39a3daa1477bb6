"""Sums of products of powers chosen together by exchange."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from edgewise.data import EXAMPLES, load_example
from edgewise.symbolic.expressions.border import as_sympy
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.subset_exchange import sums_by_exchange

RNG = np.random.default_rng(0)


def offered(X: np.ndarray, y: np.ndarray, names: tuple[str, ...]) -> list[tuple[float, sympy.Expr]]:
    rows = SplitRows.split(names, X, y, 0.2, 0)
    fits = [fit_expression(to_sympy(tree, names), rows) for tree in sums_by_exchange(rows)]
    return sorted(((fit.held, as_sympy(fit.expression)) for fit in fits), key=lambda pair: pair[0])


@pytest.mark.slow
def test_terms_that_resemble_each_other_are_found_together() -> None:
    X = RNG.uniform(1, 8, (400, 2))
    a, b = X.T
    y = 15 * a - 17 * a ** (2 / 3) + 0.7 * b**2 / a ** (1 / 3) - 20 * (a - b) ** 2 / a
    error, _ = offered(X, y, ("a", "b"))[0]
    assert error < 1e-8 * y.std()


@pytest.mark.slow
def test_the_same_rows_give_the_same_sums_and_stay_untouched() -> None:
    X = RNG.uniform(1, 3, (80, 2))
    y = X[:, 0] ** 2 / X[:, 1] + 0.1 * RNG.standard_normal(80)
    before = X.copy(), y.copy()
    first, second = offered(X, y, ("a", "b")), offered(X, y, ("a", "b"))
    assert [str(e) for _, e in first] == [str(e) for _, e in second]
    assert np.array_equal(before[0], X)
    assert np.array_equal(before[1], y)


@pytest.mark.parametrize("columns", [7, 20])
def test_wide_tables_are_left_to_the_networks(columns: int) -> None:
    X = RNG.uniform(1, 2, (50, columns))
    assert offered(X, X[:, 0], tuple(f"x{k}" for k in range(columns))) == []


def test_signs_of_columns_bound_the_powers() -> None:
    X = RNG.uniform(-1, 1, (100, 2))
    for error, _ in offered(X, X[:, 0] ** 2 + X[:, 1], ("a", "b")):
        assert np.isfinite(error)


@pytest.mark.slow
def test_the_binding_energies_give_the_terms_of_bethe_and_weizsaecker() -> None:
    example, table = EXAMPLES["nuclear_binding"], load_example("nuclear_binding")
    X, y, names = table.features(example.target, example.columns)
    A, Z, N = sympy.symbols("A Z N")
    found = [
        expression
        for error, expression in offered(X, y, tuple(names))
        if error < 3.5
        and expression.has(A ** sympy.Rational(2, 3))
        and (expression.has(Z - N) or expression.has(N - Z))
    ]
    assert found
