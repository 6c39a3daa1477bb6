"""The structural search: smooth models, moves, exact relations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms.tree import Node, Variable, render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.chebyshev_surrogate import landscape
from edgewise.symbolic.structure.forward_selection import selected_sums
from edgewise.symbolic.structure.linear_relations import relations
from edgewise.symbolic.structure.moves import SlopeView, pairs, scalings
from edgewise.symbolic.structure.separability import factors, monomials, separations
from edgewise.symbolic.structure.state import Move, State, power, powers
from edgewise.symbolic.structure.varying_coefficients import varying


def table(
    law, columns: int = 3, rows: int = 700, noise: float = 0.0, low: float = 1.0, high: float = 3.0
) -> SplitRows:
    rng = np.random.default_rng(columns)
    X = rng.uniform(low, high, (rows, columns))
    y = law(*X.T)
    y = y + noise * y.std() * rng.standard_normal(rows)
    return SplitRows.split(tuple("abcdef"[:columns]), X, y, 0.2, 0)


def values(tree: Node, rows: SplitRows) -> np.ndarray:
    tape = Tape(tree, rows.names)
    return tape.value(tape.start, rows.X_held)


def errors(trees, rows: SplitRows) -> list[float]:
    return [float(np.abs(values(tree, rows) - rows.y_held).max()) / rows.spread for tree in trees]


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_slopes_of_a_landscape_are_those_of_its_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 2, (300, 2))
    model = landscape(X, np.exp(X[:, 0]) / X[:, 1])
    assert model is not None
    at, step = X[:20], 1e-6
    gradient = model.gradient(at)[1]
    for column in range(2):
        move = np.zeros(2)
        move[column] = step
        slope = (model.value(at + move) - model.value(at - move)) / (2 * step)
        np.testing.assert_allclose(gradient[:, column], slope, rtol=1e-5, atol=1e-7)


def test_a_landscape_knows_how_good_it_is() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (800, 3))
    y = X[:, 0] * np.log(X[:, 1]) + X[:, 2]
    clean, noisy = landscape(X, y), landscape(X, y + 0.1 * y.std() * rng.standard_normal(800))
    assert clean is not None
    assert noisy is not None
    assert clean.error < 1e-7
    assert 0.08 < noisy.error < 0.13
    assert len(noisy.powers) < len(clean.powers)


def test_too_few_rows_or_a_constant_target_have_no_landscape() -> None:
    X = np.random.default_rng(0).uniform(1, 2, (40, 3))
    assert landscape(X[:6], X[:6, 0]) is None
    assert landscape(X, np.ones(40)) is None


def test_scalings_take_a_law_to_its_dimensionless_group() -> None:
    state = State.table(table(lambda a, b, c, d: a * b**2 * np.exp(-b / (c * d)), 4))
    view = SlopeView.of(state)
    assert view is not None
    children = [child for move in scalings(view) if (child := state.after(move)) is not None]
    assert min(len(child.rows.names) for child in children if child.error < 1e-6) == 1


@pytest.mark.parametrize(
    ("law", "merged"),
    [
        (lambda a, b, c: np.exp(a - b) + c, lambda a, b: a - b),
        (lambda a, b, c: np.sin(a * b) + c, lambda a, b: a * b),
        (lambda a, b, c: np.log(a**2 + b**2) * c, lambda a, b: a**2 + b**2),
        (lambda a, b, c: np.tanh(1 / a + 1 / b) + c**2, lambda a, b: 1 / a + 1 / b),
    ],
)
def test_pairs_that_belong_together_are_merged(law, merged) -> None:
    rows = table(law)
    state = State.table(rows)
    view = SlopeView.of(state)
    assert view is not None
    wanted = merged(rows.X_held[:, 0], rows.X_held[:, 1])
    found = [values(tree, rows) for move in pairs(view) if move.exact for tree in move.features]
    # The same up to its own scale and sense.
    assert any(abs(np.corrcoef(array, wanted)[0, 1]) > 1 - 1e-12 for array in found)


def test_factors_and_terms_are_taken_out() -> None:
    rows = table(lambda a, b, c: np.cos(a) * (b + c**2))
    view = SlopeView.of(State.table(rows))
    assert view is not None
    assert any(render(move.factor) == "cos(a)" for move in factors(view) if move.factor is not None)
    rows = table(lambda a, b, c: 2 * a * b + np.exp(c) / b)
    state = State.table(rows)
    view = SlopeView.of(state)
    assert view is not None
    left = [child for move in monomials(view) if (child := state.after(move)) is not None and move.exact]
    assert any(np.allclose(child.rows.y, np.exp(rows.X[:, 2]) / rows.X[:, 1]) for child in left)
    rows = table(lambda a, b, c: np.exp(-(a**2)) * (b + 1 / c))
    state = State.table(rows)
    view = SlopeView.of(state)
    assert view is not None
    parts = [child for move in separations(state, view) if (child := state.after(move)) is not None]
    assert any(child.rows.names == ("b", "c") and child.error < 1e-6 for child in parts)


def test_a_state_lifts_formulas_back_to_the_columns() -> None:
    rows = table(lambda a, b, c: a * (b / c) ** 2)
    move = Move("merge", (powers([Variable("b"), Variable("c")], [1.0, -1.0]),), Variable("a"))
    child = State.table(rows).after(move)
    assert child is not None
    lifted = child.lift(power(Variable(child.rows.names[0]), 2.0))
    np.testing.assert_allclose(values(lifted, rows), rows.y_held, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c: (a + b) / (1 + a * c),
        lambda a, b, c: np.sqrt(a**2 + b**2 - 2 * a * b * np.cos(c)),
        lambda a, b, c: np.log(a + b * c),
        lambda a, b, c: (1 - np.cos(a * b)) / (1 - np.cos(c)),
    ],
)
def test_relations_are_exact(law) -> None:
    rows = table(law)
    assert min(errors(relations(rows), rows)) < 1e-10


def test_a_target_that_hardly_differs_from_a_large_number_has_none() -> None:
    """Integers beside 2^53: no function of them tells one row from the next."""
    rows = table(lambda a, b: 2.0**53 + 300 * a * b, columns=2)
    assert not list(relations(rows))


@pytest.mark.slow
def test_noise_has_no_exact_relations_and_pursuit_sees_through_it() -> None:
    rows = table(lambda a, b, c: a * np.sin(b) + c**2, noise=0.02)
    assert not list(relations(rows, plain=True))
    best = next(selected_sums(rows))
    truth = rows.X_held[:, 0] * np.sin(rows.X_held[:, 1]) + rows.X_held[:, 2] ** 2
    assert np.sqrt(np.mean((values(best, rows) - truth) ** 2)) < 0.01 * rows.spread


def test_weights_that_vary_are_read() -> None:
    rows = table(lambda a, b: a + np.sqrt(2 + a**2) * np.cos(b), 2)
    assert min(errors(varying(rows), rows)) < 1e-4
