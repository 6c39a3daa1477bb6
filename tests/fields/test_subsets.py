"""The best few columns against all subsets, and gains against fits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgewise.fields.subsets import best_pair, best_subsets, best_triple, normal

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
        others = tuple(name for name in subset if name != out)
        assert np.allclose(after, NORMAL.gains(others))


def test_subsets_of_a_law_hold_its_terms():
    found = best_subsets(NORMAL, 5)
    assert found[3] == (1, 5, 7)
    assert [len(subset) for subset in found] == [0, 1, 2, 3, 4, 5]
