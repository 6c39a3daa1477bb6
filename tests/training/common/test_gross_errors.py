"""Rows that no smooth function explains, told from laws that are steep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgewise as ew
from edgewise.training.common.gross_errors import gross_errors, robust_deviation

Law = Callable[[np.ndarray], np.ndarray]
LAWS: list[tuple[int, float, float, Law]] = [
    (2, 1, 3, lambda x: 2 * x[:, 0] / x[:, 1] ** 2),
    (3, 0, 2, lambda x: x[:, 0] * x[:, 1] + x[:, 2] ** 2),
    (2, -3, 3, lambda x: np.sin(x[:, 0]) + 0.7 * x[:, 1] ** 2),
    (3, 1, 4, lambda x: x.prod(axis=1)),
    (1, 0, 3, lambda x: np.sin(5 * x[:, 0])),
]
# Most of what these do they do at one end.
STEEP: list[tuple[int, float, float, Law]] = [
    (1, 0, 1, lambda x: np.exp(5 * x[:, 0])),
    (1, 0, 1, lambda x: 1 / x[:, 0]),
    (1, 0.01, 1, lambda x: -1 / x[:, 0] ** 2),
    (1, 0, 1.55, lambda x: np.tan(x[:, 0])),
    (2, 0, 3, lambda x: np.exp(x[:, 0] * x[:, 1])),
    (2, 0, 1, lambda x: 1 / (x[:, 0] - x[:, 1])),
]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(LAWS),
    st.sampled_from([60, 200, 600]),
    st.sampled_from([0.0, 0.01]),
    st.integers(0, 10**6),
)
def test_errors_beyond_the_law_are_flagged_and_hardly_a_row_besides(law, count, noise, seed) -> None:
    columns, low, high, value = law
    rng = np.random.default_rng(seed)
    X = rng.uniform(low, high, (count, columns))
    y = value(X)
    spread = y.std()
    y = y + noise * spread * rng.standard_normal(count)
    bad = rng.choice(count, count // 20, replace=False)
    y[bad] += spread * rng.choice([-1, 1], len(bad)) * rng.uniform(20, 200, len(bad))
    flagged = gross_errors(X, y)
    # Where two lie side by side, a law of its own cannot be ruled out.
    assert flagged[bad].mean() >= 0.6
    assert flagged.sum() - flagged[bad].sum() <= 0.02 * count


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(STEEP), st.sampled_from([60, 200]), st.sampled_from([0.0, 1e-3]), st.integers(0, 10**6)
)
def test_a_steep_law_is_no_gross_error(law, count, noise, seed) -> None:
    columns, low, high, value = law
    rng = np.random.default_rng(seed)
    X = rng.uniform(low, high, (count, columns))
    y = value(X) * (1 + noise * rng.standard_normal(count))
    assert gross_errors(X, y).sum() <= 0.02 * count


@given(st.integers(0, 10**6), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3), st.permutations(range(2)))
def test_units_and_the_order_of_columns_do_not_matter(seed, scale, shift, order) -> None:
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 2, (80, 2))
    y = X[:, 0] * X[:, 1] + 0.01 * rng.standard_normal(80)
    y[[3, 40]] += [50.0, -70.0]
    expected = gross_errors(X, y)
    assert np.flatnonzero(expected).tolist() == [3, 40]
    np.testing.assert_array_equal(gross_errors(X[:, list(order)] * scale + shift, y * scale), expected)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.zeros((50, 1)), np.zeros(50)),
        (np.arange(10.0)[:, None], np.r_[np.arange(9.0), 1e9]),
        (np.zeros((50, 0)), np.arange(50.0)),
        (np.zeros((50, 2)), np.arange(50.0)),
        (np.arange(50.0)[:, None], np.arange(50.0) % 2),
    ],
)
def test_tables_that_tell_nothing_flag_nothing(X, y) -> None:
    assert not gross_errors(X, y).any()


def test_the_robust_deviation_is_that_of_normal_values() -> None:
    values = np.random.default_rng(0).normal(5, 3, 20_000)
    assert robust_deviation(values) == pytest.approx(3, rel=0.02)
    values[:2000] = 1e9
    assert robust_deviation(values) == pytest.approx(3, rel=0.2)
    assert robust_deviation(values[:0]) == 0


def test_a_network_learns_the_law_in_spite_of_gross_errors() -> None:
    rng = np.random.default_rng(4)
    X = rng.uniform(-1, 1, (300, 2))
    law = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
    y = law.copy()
    bad = np.sort(rng.choice(300, 15, replace=False))
    y[bad] += rng.choice([-1, 1], 15) * rng.uniform(20, 90, 15)
    robust, plain = (
        ew.fit(ew.KAN([2, 1], seed=0), X, y, loss=loss, seed=0) for loss in ("robust", "squared")
    )
    assert f"rows {bad[0]}, {bad[1]}" in robust.events[0]
    assert robust.events[0].startswith("15 rows set aside as gross errors")

    def error(fitted: ew.FitResult) -> float:
        return float(np.sqrt(np.mean((fitted.network.predict(X)[:, 0] - law) ** 2)))

    assert error(robust) < 1e-2 < error(plain)
    clean = [ew.fit(ew.KAN([2, 1], seed=0), X, law, loss=loss, seed=0) for loss in ("robust", "squared")]
    np.testing.assert_array_equal(*(item.network.predict(X) for item in clean))
