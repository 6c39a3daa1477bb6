"""Residuals that still follow a column."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.symbolic.fitting.structure_left import follows_columns

TIMES: np.ndarray = np.arange(200.0)


@pytest.mark.parametrize("period", [2.5, 3, 7, 12, 90])
def test_a_wave_is_no_noise(period: float) -> None:
    assert follows_columns(TIMES[:, None], np.sin(2 * np.pi * TIMES / period))


def test_noise_is_noise_in_most_tables() -> None:
    """Four standard deviations of a normal variable: hardly ever among a thousand columns."""
    rng = np.random.default_rng(0)
    found = [follows_columns(rng.uniform(size=(100, 4)), rng.standard_normal(100)) for _ in range(250)]
    assert sum(found) <= 1


def test_columns_without_an_order_say_nothing() -> None:
    levels = np.repeat(np.arange(10.0), 30)
    assert not follows_columns(levels[:, None], levels - 4.5)
    assert not follows_columns(TIMES[:10, None], TIMES[:10])
    assert not follows_columns(TIMES[:, None], np.zeros(200))


def test_a_product_of_waves_is_seen_by_two_columns_alone() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 6, (380, 3))
    y = np.sin(3 * X[:, 0]) * np.cos(2 * X[:, 2])
    assert not any(follows_columns(X[:, [at]], y) for at in range(3))
    assert follows_columns(X, y + 0.3 * rng.standard_normal(380))


def test_noise_beside_noise_is_hardly_ever_taken_for_structure() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        # Whole numbers lie beside each other many times over.
        levels = [np.floor(rng.uniform(0, most, 150)) for most in (5, 9)]
        X = np.column_stack([rng.uniform(size=(150, 2)), *levels])
        assert not follows_columns(X, np.square(rng.standard_normal(150)))


def test_a_wave_whose_next_row_is_a_quarter_turn_away_is_seen() -> None:
    """Its neighbours know nothing of each other."""
    wave = np.sin(np.pi * TIMES / 2) + np.random.default_rng(0).standard_normal(200)
    assert follows_columns(TIMES[:, None], wave)
    some = np.arange(200) % 5 > 0
    assert follows_columns(TIMES[some, None], wave[some])


def test_tiny_columns_are_asked_as_others_are() -> None:
    random = np.random.default_rng(0)
    X = random.uniform(1, 2, (200, 2))
    left = np.sin(20 * X[:, 0]) * np.sin(20 * X[:, 1])
    assert follows_columns(X, left)
    assert follows_columns(1e-200 * X, left)
