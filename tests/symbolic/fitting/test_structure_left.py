"""Residuals that still follow a column."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.symbolic.fitting.structure_left import follows_a_column

TIMES = np.arange(200.0)


@pytest.mark.parametrize("period", [2.5, 3, 7, 12, 90])
def test_a_wave_is_no_noise(period: float) -> None:
    assert follows_a_column(TIMES[:, None], np.sin(2 * np.pi * TIMES / period))


def test_noise_is_noise_in_most_tables() -> None:
    """Four standard deviations of a normal variable: hardly ever among a thousand columns."""
    rng = np.random.default_rng(0)
    found = [follows_a_column(rng.uniform(size=(100, 4)), rng.standard_normal(100)) for _ in range(250)]
    assert sum(found) <= 1


def test_columns_without_an_order_say_nothing() -> None:
    levels = np.repeat(np.arange(10.0), 30)
    assert not follows_a_column(levels[:, None], levels - 4.5)
    assert not follows_a_column(TIMES[:10, None], TIMES[:10])
    assert not follows_a_column(TIMES[:, None], np.zeros(200))
