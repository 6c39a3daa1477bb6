"""Powers of columns are taken out of y, whatever else it depends on and however far it spreads."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms.tree import render
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.power_factors import power_factors

EXPONENTS = st.sampled_from([-2.0, -1.5, -1.0, 0.5, 1.0, 2.0, 3.0])


def taken(clean, X, noise: float, seed: int = 0) -> list[str]:
    """What the first step takes out of y, as text."""
    rng = np.random.default_rng([seed, 1])
    y = clean + noise * np.sqrt(np.mean(clean**2)) * rng.standard_normal(len(clean))
    names = tuple("abcde"[: X.shape[1]])
    rows = SplitRows.split(names, X, y, 0.2, 0)
    moves = list(power_factors(rows, np.ones(len(rows.y))))
    return [render(move.factor) for move in moves if move.factor is not None]


@given(EXPONENTS, EXPONENTS, st.floats(1e-3, 0.01), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_exponents_are_read_though_most_of_y_is_below_the_noise(
    p: float, q: float, noise: float, seed: int
) -> None:
    X = np.random.default_rng(seed).uniform(1, 4, (800, 4))
    a, b, c, d = X.T
    both = taken(a**p * b**q * (c + d), X, noise, seed)[0]
    one = taken(a**p * (c + d), X[:, [0, 2, 3]], noise, seed)[0]
    assert both.startswith(one) or one in both
    assert "c" not in both
    assert "d" not in both


def test_columns_that_enter_otherwise_stay() -> None:
    X = np.random.default_rng(2).uniform(1, 4, (800, 3))
    a, b, c = X.T
    assert taken(np.exp(a / b) + c, X, 0.001) == []


def test_y_may_be_negative() -> None:
    X = np.random.default_rng(2).uniform(1, 3, (800, 3))
    a, b, c = X.T
    assert taken(-(a**4) * (b + c**2), X, 0.01)[0] == "a^4"
