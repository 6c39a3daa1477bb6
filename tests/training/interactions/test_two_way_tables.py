"""Screening of pairs: what acts together is found, and lends nothing to its neighbours."""

import numpy as np
import torch

from edgewise.training.additive.design import make_design
from edgewise.training.interactions.two_way_tables import all_pairs, strongest, two_way


def screened(X, rest, most, without=()):
    X = torch.from_numpy(X)
    design = make_design(X, torch.ones(len(X), dtype=torch.float64), 12, 1.0, 0)
    pairs = all_pairs(X.shape[1], without)
    gains = two_way(design, design.rows(X), X).gains(torch.from_numpy(rest)[:, None], pairs)
    return strongest(gains, pairs)[:most]


def columns(n=3000):
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (n, 6))
    X[:, 4] = X[:, 1] + 0.1 * random.normal(size=n)  # nearly a copy
    return X, random.normal(size=n)


def test_the_strongest_pairs_come_first():
    X, noise = columns()
    rest = 3 * X[:, 0] * X[:, 5] + 0.5 * X[:, 2] * X[:, 3] + 0.2 * noise
    assert screened(X, rest, 2) == [(0, 5), (2, 3)]


def test_noise_brings_in_little():
    X, noise = columns()
    pairs = [(0, 1), (2, 3)]
    design = make_design(torch.from_numpy(X), torch.ones(len(X), dtype=torch.float64), 12, 1.0, 0)
    seen = two_way(design, design.rows(torch.from_numpy(X)), torch.from_numpy(X))
    loud = seen.gains(torch.from_numpy(0.3 * X[:, 0] * X[:, 1] + noise)[:, None], pairs)
    assert loud[0] > 5 * loud[1]


def test_a_rough_surface_counts_as_much_as_it_explains():
    X, noise = columns(20_000)
    rough = np.sign(np.sin(12 * X[:, 0]) * np.sin(12 * X[:, 5]))
    slope = X[:, 2] * X[:, 3]
    rest = rough + slope + 0.5 * noise
    assert screened(X, rest, 2) == [(0, 5), (2, 3)]


def test_words_whose_order_means_nothing_are_seen():
    random = np.random.default_rng(3)
    X = random.integers(0, 6, (4000, 8)).astype(float)
    table = random.permutation(np.repeat([-1.0, 1.0], 18)).reshape(6, 6)
    table -= table.mean(0) + table.mean(1)[:, None] - table.mean()
    rest = 0.4 * table[X[:, 2].astype(int), X[:, 5].astype(int)] + random.normal(size=len(X))
    assert screened(X, rest, 1) == [(2, 5)]


def test_barred_inputs_are_in_no_pair():
    X, noise = columns()
    some = screened(X, X[:, 0] * X[:, 5] + X[:, 2] * X[:, 3] + 0.1 * noise, 6, without=(5,))
    assert some[0] == (2, 3)
    assert not any(5 in pair for pair in some)
