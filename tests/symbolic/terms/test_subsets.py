"""Sets of terms by inner products: what they cost is what least squares leave, and exchange never makes a set worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.symbolic.terms.subsets import Subsets

ROWS, TERMS = 40, 12


def drawn(seed: int) -> Subsets:
    rng = np.random.default_rng(seed)
    columns = rng.standard_normal((ROWS, TERMS))
    columns /= np.linalg.norm(columns, axis=0)
    tangents = rng.standard_normal((ROWS, TERMS))
    tangents -= columns * (columns * tangents).sum(axis=0)
    tangents /= np.linalg.norm(tangents, axis=0)
    tangents[:, rng.random(TERMS) < 0.5] = 0.0
    return Subsets(columns, tangents, rng.standard_normal(ROWS), 0.3, 100, 1e-300, rng.uniform(1, 9, TERMS))


def cost(subsets: Subsets, chosen: list[int]) -> float:
    """By least squares on the terms and what shifts of their constants add."""
    table = np.hstack([subsets.columns[:, chosen], subsets.tangents[:, chosen]])
    table = table[:, table.any(axis=0)]
    left = subsets.target - table @ np.linalg.lstsq(table, subsets.target, rcond=None)[0]
    rss = float(left @ left) + subsets.outside
    return 0.5 * subsets.rows * float(np.log(rss / subsets.rows)) + float(subsets.price[chosen].sum())


@given(st.integers(0, 10_000), st.integers(0, 4))
def test_costs_are_those_of_least_squares(seed: int, count: int) -> None:
    subsets = drawn(seed)
    chosen = list(range(count))
    costs = subsets.costs(chosen)
    for at in range(count, TERMS):
        assert costs[at] == pytest.approx(cost(subsets, [*chosen, at]), abs=1e-6)
    assert np.isinf(costs[:count]).all()


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_beside_a_basis_costs_are_the_same_but_for_what_the_basis_costs(seed: int, count: int) -> None:
    subsets = drawn(seed)
    chosen = list(range(count))
    table = np.hstack([subsets.columns[:, chosen], subsets.tangents[:, chosen]])
    basis = np.linalg.qr(table[:, table.any(axis=0)])[0]
    beside = subsets.costs_beside(basis)[count:] + subsets.price[chosen].sum()
    np.testing.assert_allclose(beside, subsets.costs(chosen)[count:], atol=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_exchange_ends_where_no_exchange_of_a_term_helps(seed: int, count: int) -> None:
    subsets = drawn(seed)
    random = np.random.default_rng(seed)
    start = subsets.drawn(count, random, np.ones(TERMS))
    reached, chosen = subsets.exchanged(start, random)
    assert reached <= cost(subsets, start) + 1e-6
    assert reached == pytest.approx(cost(subsets, list(chosen)), abs=1e-6)
    for gone in chosen:
        rest = [at for at in chosen if at != gone]
        assert min(cost(subsets, [*rest, at]) for at in range(TERMS) if at not in rest) >= reached - 1e-5
