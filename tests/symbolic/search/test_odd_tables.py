"""Odd but legal tables and courses: whatever they hold, a search ends with an answer, and no part of it fails."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import edgewise as ew
from edgewise.symbolic import find_formula


def _column(rng: np.random.Generator, n: int) -> np.ndarray:
    """Decades, few values, constants and what is nearly one, huge and tiny numbers, grids."""
    u = rng.random(n)
    kinds = (
        lambda: u * 10 ** rng.uniform(-3, 3),
        lambda: rng.normal(size=n),
        lambda: np.round(u * rng.integers(1, 6)),
        lambda: 10 ** (8 * u - 4),
        lambda: np.full(n, rng.choice([0.0, 1.0, -3.5, 1e9])),
        lambda: 1 + 1e-12 * u,
        lambda: rng.choice([0.0, 1.0], n),
        lambda: rng.choice([-1.0, 2.0, 7.0], n),
        lambda: (u + 0.5) * 10.0 ** rng.choice([-120, -30, 30, 130]),
        lambda: 10 ** (16 * u - 8) * rng.choice([-1, 1], n),
        lambda: np.tile([0.0, 0.5, 1.0, 2.0, 3.0], n)[:n],
    )
    return np.asarray(kinds[rng.integers(len(kinds))](), dtype=np.float64)


def _table(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    n, d = int(rng.integers(5, 51)), int(rng.integers(1, 6))
    X = np.column_stack([_column(rng, n) for _ in range(d)])
    if rng.random() < 0.2:
        X[:, -1] = X[:, 0]
    if rng.random() < 0.25:  # repeated rows
        X = X[rng.integers(0, max(n // 3, 1), n)]
    a, b, c = (X[:, rng.integers(d)] for _ in range(3))
    laws = (
        lambda: a + 2 * b,
        lambda: a * b / (c - np.median(c) + 1e-4 * np.ptp(c) + 1e-300),
        lambda: np.exp(np.clip(a, -9, 9)),
        lambda: rng.normal(size=n),
        lambda: np.full(n, 2.5),
        lambda: 3 + 1e-13 * rng.normal(size=n),
        lambda: (a > np.median(a)) * 1.0,
        lambda: 1 / (a**2 - b**2),
        lambda: np.sin(3 * a) + b,
        lambda: rng.choice([1.0, 2.0, 5.0], n),
        lambda: 10 ** (8 * rng.random(n) - 4) * rng.choice([1, 1, -1], n),
    )
    with np.errstate(all="ignore"):
        y = laws[rng.integers(len(laws))]() * (1 + rng.choice([0, 1e-6, 0.01, 0.3]) * rng.normal(size=n))
        bad = ~np.isfinite(y) | (np.abs(y) > 1e130)
    y[bad] = rng.normal(size=bad.sum())
    return X, y * 1e120 if 0 < np.abs(y).max() < 1e-130 else y


def _of_formulas(rng: np.random.Generator) -> Any:
    X, y = _table(rng)
    n = len(y)
    options: dict[str, Any] = [
        {},
        {},
        {},
        {"sigma": 10 ** rng.uniform(-6, 6)},
        {"sigma": 10 ** rng.uniform(-6, 3, n)},
        {"sample_weight": 10 ** rng.uniform(-4, 4, n)},
        {"sample_weight": np.where(np.arange(n) < 6, 1.0, rng.choice([0.0, 1.0], n))},
        {"loss": "robust"},
        {"x_sigma": {"x1": 10 ** rng.uniform(-4, 1)}, "sigma": 0.1},
    ][rng.integers(9)]
    return find_formula(X, y, seed=0, **options, work=0.005)


def _of_groups(rng: np.random.Generator) -> Any:
    X, y = _table(rng)
    group, count = rng.integers(0, int(rng.integers(1, 4)), len(y)), len(y)
    times = -(-9 * 3 // int(np.bincount(group).max()))
    noisy = np.tile(y, times) * (1 + 0.01 * rng.normal(size=times * count))
    return find_formula(np.tile(X, (times, 1)), noisy, groups=np.tile(group, times), seed=0, work=0.003)


def _of_courses(rng: np.random.Generator) -> Any:
    n, d = int(rng.integers(12, 50)), int(rng.integers(1, 4))
    t = np.cumsum(rng.random(n) + 0.01)
    u = t / t[-1]
    kinds = (
        lambda: np.sin(6 * rng.uniform(0.2, 2) * u),
        lambda: np.exp(-5 * u),
        lambda: (u > 0.5) * 1.0,
        lambda: 1 + 1e-12 * rng.normal(size=n),
        lambda: 1 / (1.02 - u),
        lambda: rng.normal(size=n).cumsum(),
        lambda: np.round(3 * u),
        lambda: 10 ** (8 * u - 4),
    )
    states = np.column_stack([kinds[rng.integers(len(kinds))]() for _ in range(d)])
    noise = rng.choice([0, 1e-6, 0.02, 0.3]) * states.std(axis=0) * rng.normal(size=states.shape)
    return ew.dynamics.find_dynamics(t, (states + noise) * 10.0 ** rng.choice([0, 0, -8, 8], d), work=0.005)


KINDS = {"formulas": _of_formulas, "groups": _of_groups, "courses": _of_courses}


def _ends(kind: str, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = KINDS[kind](np.random.default_rng([seed, len(kind)]))
    assert found.message
    assert found.failures == ()


def test_a_search_over_an_odd_table_ends_with_an_answer() -> None:
    _ends("formulas", 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_searches_over_many_odd_tables_end_with_answers(kind: str) -> None:
    for seed in range(10, 25 if kind == "formulas" else 14):
        _ends(kind, seed)


def test_a_pole_over_decades_is_no_noise() -> None:
    X = 10 ** np.random.default_rng(0).uniform(-2, 2, (200, 5))
    y = X[:, 0] * X[:, 1] / (X[:, 2] * (X[:, 3] ** 2 - X[:, 4] ** 2))
    found = find_formula(X, y, seed=0, work=0.1)
    assert found.exact
    assert found.best.complexity < 20


def test_where_y_follows_columns_that_no_formula_describes_nothing_else_is_said() -> None:
    """Of noise alone no column predicts y; beside a pole this would be false, however little was found."""
    rng = np.random.default_rng(0)
    X = 10 ** rng.uniform(-1, 1, (100, 2))
    poles = find_formula(X, np.exp(X[:, 1]) / np.sin(9 * X[:, 0]), seed=0, work=1e-4)
    noise = find_formula(X[:, :1], rng.normal(size=100), seed=0, work=1e-4)
    assert noise.best.expression.numeric
    assert [note for note in noise.remarks if note.startswith("No column")]
    assert not [note for note in poles.remarks if note.startswith("No column")]
