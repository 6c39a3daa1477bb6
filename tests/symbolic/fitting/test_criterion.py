"""The criterion of a formula: a description length, so differences do not hang on units."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.symbolic.fitting.criterion import criterion

errors = st.floats(1e-6, 1e6)
sizes = st.integers(1, 60)
counts = st.integers(2, 10_000)


@given(errors, errors, sizes, sizes, counts, st.floats(1e-3, 1e3))
def test_the_unit_of_y_changes_no_choice(one, other, small, large, count, unit):
    def gap(scale):
        first = criterion(scale * one, small, count, node=3.0)
        return first - criterion(scale * other, large, count, node=3.0)

    assert gap(unit) == pytest.approx(gap(1.0), rel=1e-9, abs=1e-7 * count)


@given(sizes, counts, st.integers(0, 8))
def test_errors_below_rounding_are_alike(size, count, constants):
    two = (criterion(error, size, count, constants, node=3.0, floor=1e-9) for error in (0.0, 1e-12))
    assert len(set(two)) == 1


def test_it_is_half_the_bic_of_normal_noise():
    rng = np.random.default_rng(0)
    residual = rng.normal(size=200)
    rmse = float(np.sqrt(np.mean(residual**2)))
    likelihood = -0.5 * 200 * (math.log(2 * math.pi * rmse**2) + 1)
    bic = 4 * math.log(200) - 2 * likelihood
    constant = 0.5 * 200 * (math.log(2 * math.pi) + 1)
    assert 0.5 * bic == pytest.approx(criterion(rmse, 9, 200, 4, node=0.0) + constant)
