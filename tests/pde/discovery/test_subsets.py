"""The best few columns against all subsets, and gains against fits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgewise.pde.discovery.subsets import best_pair, best_subsets, best_triple, exchanged_pairs, normal

RNG = np.random.default_rng(0)
COLUMNS = RNG.normal(size=(60, 12)) @ RNG.normal(size=(12, 12))
LEFT = COLUMNS[:, [1, 5, 7]] @ [1.0, 2.0, -1.0] + 0.1 * RNG.normal(size=60)
NORMAL = normal(COLUMNS, LEFT)


def left_by(subset) -> float:
    """What least squares leave."""
    chosen = COLUMNS[:, list(subset)]
    return float(np.square(LEFT - chosen @ np.linalg.lstsq(chosen, LEFT, rcond=None)[0]).sum())


def test_the_best_pair_is_that_of_all_pairs():
    assert best_pair(NORMAL) == min(itertools.combinations(range(12), 2), key=left_by)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_triple_is_that_of_all_triples(seed):
    rng = np.random.default_rng(seed)
    columns, left = rng.normal(size=(30, 9)), rng.normal(size=30)
    columns[:, 1] = columns[:, 0] + 0.01 * columns[:, 1]
    of = normal(columns, left)
    assert best_triple(of) == min(itertools.combinations(range(9), 3), key=of.rest)
    assert best_subsets(of, 5, triples=True)[3] == best_triple(of)


def test_no_triple_has_two_columns_that_are_one():
    same = normal(np.column_stack([COLUMNS[:, [1, 5, 7]], COLUMNS[:, 1], COLUMNS[:, 5] * 2]), LEFT)
    assert {at % 3 for at in best_triple(same)} == {0, 1, 2}


@pytest.mark.parametrize("subset", [(2,), (0, 3), (0, 3, 5, 9)])
def test_gains_are_what_fits_gain(subset):
    gains = NORMAL.gains(subset)
    for column in set(range(12)) - set(subset):
        assert np.isclose(gains[column], left_by(subset) - left_by((*subset, column)))
    for out, after in zip(subset, NORMAL.gains_without(subset), strict=True):
        others = tuple(each for each in subset if each != out)
        assert np.allclose(after, NORMAL.gains(others))


def test_subsets_of_a_law_hold_its_terms():
    found = best_subsets(NORMAL, 5)
    assert found[3] == (1, 5, 7)
    assert [len(each) for each in found] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("fixed", [(), (2,), (0, 3, 5)])
def test_beside_fixed_columns_others_leave_what_all_leave(fixed):
    columns = [at for at in range(12) if at not in fixed]
    beside = NORMAL.beside(fixed, columns)
    assert np.isclose(beside.rest(()), left_by(fixed))
    for subset in itertools.combinations(range(len(columns)), 2):
        assert np.isclose(beside.rest(subset), left_by((*fixed, *(columns[at] for at in subset))))
    assert np.allclose(beside.gains((1,)), [NORMAL.gains((*fixed, columns[1]))[at] for at in columns])


def test_what_fixed_columns_explain_gains_nothing_beside_them():
    same = np.column_stack([COLUMNS, 2 * COLUMNS[:, 0]])
    beside = normal(same, LEFT).beside((0,), (1, 12))
    assert beside.gains(())[1] == 0


def test_pairs_are_exchanged_where_single_columns_are_not():
    """Two columns of which neither helps without the other, behind one that resembles their sum."""
    random = np.random.default_rng(3)
    a, noise, third = random.normal(size=(3, 200))
    b = -a + 0.05 * random.normal(size=200)
    left = a + b + 0.3 * third
    near = left + 0.02 * noise
    of = normal(np.column_stack([a, b, near, third, *random.normal(size=(4, 200))]), left)
    start = (2, 4, 5)
    found = exchanged_pairs(of, start)
    best = min(itertools.combinations(range(8), 3), key=of.rest)
    assert set(found) == {0, 1, 3} == set(best)
    assert of.rest(found) < of.rest(start)


@pytest.mark.parametrize("seed", range(6))
def test_exchanges_of_pairs_keep_to_columns_that_are_independent(seed):
    """Beside the last column nothing is left of the second, and the third adds nothing to what the others leave."""
    a, b, c = np.random.default_rng(seed).normal(size=(3, 20))
    b = b - np.column_stack([a, c]) @ np.linalg.lstsq(np.column_stack([a, c]), b, rcond=None)[0]
    of = normal(np.column_stack([a, 2 * c, b, c]), a + c)
    assert exchanged_pairs(of, (0, 2, 3)) == (0, 2, 3)
