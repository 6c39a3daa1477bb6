"""Steps that bear noise: what they reduce, what they leave alone, and the formulas at their end."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from edgewise.symbolic import Constant, Formula, find_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.description_length import challenged, description
from edgewise.symbolic.structure.chebyshev_surrogate import landscape
from edgewise.symbolic.structure.cross_validated_reduction import reductions
from edgewise.symbolic.structure.forward_selection import select, weighted_targets
from edgewise.symbolic.structure.quotients import quotients


def noisy_table(law, columns: int, noise: float, *, low: float = 1.0, high: float = 5.0, n: int = 500):
    rng = np.random.default_rng(3)
    X = rng.uniform(low, high, (n, columns))
    y = law(*X.T)
    return X, y + noise * np.sqrt(np.mean(y**2)) * rng.standard_normal(n)


def reached(X, y):
    rows = SplitRows.split(tuple(f"x{k + 1}" for k in range(X.shape[1])), X, y, 0.2, 0)
    with np.errstate(all="ignore"):
        return reductions(rows, until=math.inf)


@pytest.mark.slow
def test_gravity_comes_down_to_one_number() -> None:
    X, _ = noisy_table(lambda *columns: columns[0], 4, 0.0, n=600)
    X[:, 3] += 6
    clean = X[:, 0] * X[:, 1] / (X[:, 2] - X[:, 3]) ** 2
    sigma = 0.02 * np.sqrt(np.mean(clean**2))
    states = reached(X, clean + sigma * np.random.default_rng(4).standard_normal(len(X)))
    assert len(states[0].state.rows.names) == 1
    # Nothing but the noise is left.
    assert 0.9 * sigma < states[0].error * clean.std() < 1.1 * sigma


def test_columns_that_do_not_go_together_are_left_alone() -> None:
    X, y = noisy_table(lambda a, b: np.sin(a * b / 3) + a * a / 9, 2, 0.01)
    assert all(len(one.state.rows.names) == 2 for one in reached(X, y))


def test_errors_are_in_the_units_of_y_whatever_the_target() -> None:
    X, y = noisy_table(lambda a, b, c: a**3 * np.exp(-b / c), 3, 0.02)
    sigma = 0.02 * np.sqrt(np.mean(y**2))
    for one in reached(X, y):
        assert 0.8 * sigma < one.error * y.std() < 3 * sigma


@pytest.mark.slow
def test_a_law_is_found_under_noise() -> None:
    X, _ = noisy_table(lambda *columns: columns[0], 3, 0.0, n=600)
    X[:, 2] += 5
    clean = X[:, 0] * X[:, 1] / np.sqrt(1 - X[:, 1] ** 2 / X[:, 2] ** 2)
    found = find_formula(
        X, clean + 0.01 * clean.std() * np.random.default_rng(5).standard_normal(len(X)), work=0.15
    )
    assert np.sqrt(np.mean((found.best.predict(X) - clean) ** 2)) < 0.004 * clean.std()


@pytest.mark.slow
def test_all_rows_decide_between_formulas_that_held_out_rows_cannot_tell_apart() -> None:
    X, y = noisy_table(lambda a, b: a * b, 2, 0.01)
    rows = SplitRows.split(("x1", "x2"), X, y, 0.2, 0)
    found = find_formula(X, y, work=0.05)
    law = found.best
    assert law.text == "x1*x2"
    longer = max(found.front, key=lambda formula: formula.complexity)
    assert description(law, rows) <= description(longer, rows)
    assert challenged(law, found.front, rows) is law


def test_a_constant_more_is_taken_where_all_rows_say_so_clearly() -> None:
    """Twice what a formula of as many constants must gain, beside its price: not where the rows hardly differ."""
    x = sympy.Symbol("x1")
    X, clean = noisy_table(lambda a: np.exp(-0.9 * a), 1, 0.0, n=1000)
    noise = np.random.default_rng(3).standard_normal(len(X))
    for off, expected in ((4.0, "short"), (0.05, "law")):
        rows = SplitRows.split(("x1",), X, clean + off * clean.std() * noise, 0.2, 0)
        law = Formula(1.0 * sympy.exp(-0.9 * x), ["x1"], constants=(Constant(1.0, 0.1), Constant(-0.9, 0.1)))
        scaled = Formula(
            float(np.exp(0.1 * X.mean())) * sympy.exp(-x), ["x1"], constants=(Constant(1.0, 0.1),)
        )
        gain = description(scaled, rows) - description(law, rows)
        assert (gain > 8) == (expected == "law")
        assert challenged(scaled, [law], rows) is (law if expected == "law" else scaled)


@pytest.mark.slow
def test_quotients_are_not_pulled_towards_zero_by_noise() -> None:
    X, clean = noisy_table(lambda a, b: (a + b) / (1 + 2 * a * b), 2, 0.0)
    y = clean + 0.03 * clean.std() * np.random.default_rng(7).standard_normal(len(clean))
    rows = SplitRows.split(("a", "b"), X, y, 0.2, 0)
    smooth = landscape(rows.X, rows.y).value(rows.X)
    errors = []
    for tree in quotients(rows, smooth, weight=np.ones(len(rows.y))):
        tape = Tape(tree, rows.names)
        truth = (rows.X_held.sum(axis=1)) / (1 + 2 * rows.X_held.prod(axis=1))
        errors.append(float(np.sqrt(np.mean((tape.value(tape.start, rows.X_held) - truth) ** 2))))
    assert min(errors) < 0.01 * clean.std()


@pytest.mark.slow
def test_what_the_rows_cannot_tell_apart_is_told_though_it_is_not_on_the_front() -> None:
    rng = np.random.default_rng(0)
    speed = np.sort(rng.uniform(5, 25, 45))
    distance = 1.2 * speed + 0.09 * speed**2 + 8 * rng.standard_normal(45)
    found = find_formula(speed[:, None], distance, names=["v"], work=0.003)
    fronts = {formula.sympy for formula in found.front}
    beside = [alternative for alternative in found.alternatives() if alternative.formula.sympy not in fronts]
    assert beside
    assert all(item.p_value >= 0.05 for item in beside)
    assert len(found.alternatives()) <= 12


@pytest.mark.slow
def test_a_function_of_y_may_be_the_quotient() -> None:
    X, clean = noisy_table(
        lambda a, b: np.arccos((np.cos(a) - b) / (1 - b * np.cos(a))), 2, 0.0, low=0.1, high=0.9
    )
    y = clean + 0.003 * clean.std() * np.random.default_rng(7).standard_normal(len(clean))
    rows = SplitRows.split(("a", "b"), X, y, 0.2, 0)
    model = landscape(rows.X, rows.y)
    assert model is not None
    found = quotients(rows, model.value(rows.X), weight=np.ones(len(rows.y)))
    tapes = [Tape(tree, rows.names) for tree in found]
    errors = [np.sqrt(np.mean((tape.value(tape.start, X) - clean) ** 2)) for tape in tapes]
    assert min(errors) < 0.001 * clean.std()


def test_noise_about_zero_takes_no_function_of_y_away() -> None:
    _, clean = noisy_table(lambda a, b: (a * b) ** 2 / 4, 2, 0.0, low=0.05, high=2.0)
    y = clean + 0.02 * clean.std() * np.random.default_rng(7).standard_normal(len(clean))
    assert (y < 0).any()
    sign, targets = weighted_targets(y, np.ones(len(y)))
    assert sign == 1
    (weight,) = [counts for item, counts in targets if item.outer.tree == "s*u^2"]
    assert (weight[y <= 0] == 0).all()
    assert (weight[y > 0] > 0).all()


@given(st.integers(0, 10_000))
def test_two_terms_are_the_best_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Terms that resemble each other.
    table = rng.standard_normal((40, 3)) @ rng.standard_normal((3, 8)) + 0.3 * rng.standard_normal((40, 8))
    unit, y = table / np.linalg.norm(table, axis=0), rng.standard_normal(40)
    chosen, _ = select(unit.T @ unit, unit.T @ y, float(y @ y), 40, 2)
    if len(chosen) == 2:
        left = [
            np.linalg.lstsq(unit[:, pair], y, rcond=None)[1][0]
            for pair in map(list, combinations(range(8), 2))
        ]
        own = np.linalg.lstsq(unit[:, chosen], y, rcond=None)[1][0]
        assert own <= min(left) * (1 + 1e-9)
