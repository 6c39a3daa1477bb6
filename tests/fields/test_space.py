"""Splines of one coordinate: exact for polynomials, periodic where asked, conditions met by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.fields.space import EndCondition, Space, reduce


def breaks_of(seed: int, count: int) -> np.ndarray:
    r = np.random.default_rng(seed)
    return np.append(0.0, np.cumsum(r.uniform(0.3, 1.5, count)))


@given(seed=st.integers(0, 1000), degree=st.integers(2, 9), count=st.integers(1, 6), order=st.integers(0, 3))
def test_polynomials_are_reproduced_with_their_derivatives(seed, degree, count, order):
    space = Space(breaks_of(seed, count), degree)
    power = np.polynomial.Polynomial(np.random.default_rng(seed).normal(size=degree + 1)).convert(
        domain=[space.low, space.high], window=[-1, 1]
    )
    coefficients = space.interpolation @ power(space.greville)
    at = np.linspace(space.low, space.high, 23)
    wanted = power.deriv(order)(at) if order else power(at)
    found = space.design(at, order) @ coefficients
    assert np.abs(found - wanted).max() <= 1e-7 * max(1.0, np.abs(wanted).max())


@given(seed=st.integers(0, 1000), degree=st.integers(2, 7), count=st.integers(1, 6), order=st.integers(0, 2))
def test_local_values_are_those_of_the_design(seed, degree, count, order):
    for periodic in (False, True):
        space = Space(breaks_of(seed, count), degree, periodic)
        places = np.array([0.1, 0.6])
        local = space.local(places, order)
        for e in range(space.intervals):
            at = space.breaks[e] + (space.breaks[e + 1] - space.breaks[e]) * places
            whole = np.zeros((2, space.size))
            for j, number in enumerate(space.index()[e]):
                whole[:, number] += local[e, :, j]
            scale = max(1.0, np.abs(whole).max())
            assert np.abs(whole - space.design(at, order)).max() <= 1e-9 * scale


@pytest.mark.parametrize("degree", [3, 5, 8])
def test_periodic_splines_join_smoothly(degree):
    space = Space(breaks_of(3, 7), degree, periodic=True)
    ends = np.array([space.low, space.high])
    for order in range(degree):
        first, last = space.design(ends, order)
        assert np.allclose(first, last, atol=1e-7 * np.abs(first).max())


@given(
    seed=st.integers(0, 1000),
    low=st.lists(st.floats(-3, 3), min_size=1, max_size=3),
    high=st.lists(st.floats(-3, 3), min_size=1, max_size=3),
)
def test_what_is_free_meets_the_conditions_and_lifts_give_their_values(seed, low, high):
    conditions = [EndCondition(False, (*low, 1.0)), EndCondition(True, (*high, 1.0))]
    space = Space(breaks_of(seed, 4), 6)
    reduced = reduce(space, conditions)
    r = np.random.default_rng(seed)
    free = reduced.free @ r.normal(size=reduced.free.shape[1])
    scale = np.abs(reduced.rows).max() * np.abs(free).max()
    assert np.abs(reduced.rows @ free).max() <= 1e-9 * scale
    assert np.allclose(reduced.rows @ reduced.lift, np.eye(2), atol=1e-8)


def test_refinement_keeps_the_function():
    space = Space(breaks_of(1, 5), 9)
    fine = space.refined(np.array([True, False, True, True, False]))
    coefficients = np.random.default_rng(0).normal(size=space.size)
    at = np.linspace(space.low, space.high, 57)
    moved = space.insertion(fine) @ coefficients
    assert np.allclose(fine.design(at) @ moved, space.design(at) @ coefficients, atol=1e-9)
