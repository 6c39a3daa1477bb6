"""Screening of pairs: what acts together is found, and lends nothing to its neighbours."""

import numpy as np
import torch

from edgewise.training.bag_design import make_design
from edgewise.training.pairs import strongest_pairs


def screened(X, rest, most, without=()):
    X = torch.from_numpy(X)
    design = make_design(X, torch.ones(len(X), dtype=torch.float64), 12, 1.0, 0)
    return strongest_pairs(design, design.rows(X), torch.from_numpy(rest)[:, None], most, without)


def columns(n=3000):
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (n, 6))
    X[:, 4] = X[:, 1] + 0.1 * random.normal(size=n)  # nearly a copy
    return X, random.normal(size=n)


def test_a_strong_pair_does_not_bring_in_the_copy_of_one_of_its_two():
    X, noise = columns()
    rest = 3 * X[:, 0] * X[:, 1] + 0.5 * X[:, 2] * X[:, 3] + 0.2 * noise
    assert screened(X, rest, 2) == ((0, 1), (2, 3))


def test_only_pairs_that_exceed_chance_count_and_none_twice():
    X, noise = columns()
    some = screened(X, X[:, 0] * X[:, 5] + noise, 15)
    assert some[0] == (0, 5)
    assert len(set(some)) == len(some) < 15
    assert all(i < j for i, j in some)


def test_barred_inputs_are_in_no_pair():
    X, noise = columns()
    some = screened(X, X[:, 0] * X[:, 5] + X[:, 2] * X[:, 3] + 0.1 * noise, 6, without=(5,))
    assert some[0] == (2, 3)
    assert not any(5 in pair for pair in some)
