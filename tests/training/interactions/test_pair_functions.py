"""Functions of pairs that are solved: found where they are, nothing where they are not, and exact as nodes of a network."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from edgewise.training import fit_table
from edgewise.training.additive.design import make_design
from edgewise.training.interactions.pair_columns import blocks
from edgewise.training.interactions.pair_functions import PairFunctions
from edgewise.training.interactions.pair_nodes import pair_nodes
from edgewise.training.tabular.assembly import to_network


def words(n: int, columns: int, levels: int, seed: int):
    return np.random.default_rng(seed).integers(0, levels, (n, columns)).astype(float)


def test_an_exclusive_or_of_two_words_among_many_is_found_where_one_row_in_fifteen_is_a_case():
    X, random = words(5000, 18, 4, 0), np.random.default_rng(1)
    same = (X[:, 3] % 2 == X[:, 17] % 2).astype(float)
    odds = -3.6 + 2.2 * same + 0.5 * (X[:, 5] == 2)
    y = (random.uniform(size=len(X)) < expit(odds)).astype(float)
    fit = fit_table(X[:3500], y[:3500], loss="logistic", interactions="auto")
    assert fit.mode == "pairwise"
    assert fit.pairs[0] == (3, 17)
    found = roc_auc_score(y[3500:], fit.network.predict(X[3500:])[:, 0])
    assert found > roc_auc_score(y[3500:], odds[3500:]) - 0.05


def test_a_pair_is_found_on_three_hundred_rows():
    random = np.random.default_rng(2)
    X = random.uniform(-1, 1, (1300, 8))
    y = X[:, 0] + np.sin(3 * X[:, 1]) + 1.5 * X[:, 2] * X[:, 6] + 0.3 * random.normal(size=len(X))
    fit = fit_table(X[:300], y[:300], interactions="auto")
    assert fit.pairs[0] == (2, 6)
    assert len(fit.pairs) < 5
    error = fit.network.predict(X[300:])[:, 0] - y[300:]
    assert np.sqrt(np.mean(error**2)) < 0.4


@pytest.mark.parametrize("seed", range(4))
def test_where_no_pair_acts_the_network_is_additive(seed: int):
    random = np.random.default_rng(seed)
    X = np.hstack([random.normal(size=(800, 5)), words(800, 5, 3, seed)])
    y = X[:, 0] ** 2 + (X[:, 6] == 1) + random.normal(size=len(X))
    assert fit_table(X, y, interactions="auto", seed=seed).pairs == ()


def test_so_many_pairs_as_were_asked_for():
    X = words(1500, 6, 3, 5)
    y = X[:, 0] * X[:, 1] - X[:, 2] * X[:, 3] + 0.1 * np.random.default_rng(0).normal(size=len(X))
    fit = fit_table(X, y, interactions=2)
    assert set(fit.pairs) == {(0, 1), (2, 3)}
    assert fit.mode == "pairwise"


def test_a_fine_map_of_two_inputs_is_followed_down_to_the_noise():
    random = np.random.default_rng(0)
    X, noise = random.uniform(-1, 1, (8000, 2)), 0.1
    places, signs = random.uniform(-1, 1, (80, 2)), random.choice([-1.0, 1.0], 80)
    bumps = np.exp(-((X[:, None] - places) ** 2).sum(2) / (2 * 0.1**2)) @ signs
    y = bumps + noise * random.normal(size=len(X))
    fit = fit_table(X[:6000], y[:6000], interactions=1)
    error = fit.network.predict(X[6000:])[:, 0] - y[6000:]
    assert np.sqrt(np.mean(error**2)) < 1.2 * noise


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=200, unique=True))
def test_products_are_in_one_block_where_both_directions_are_of_one_octave(products: list[tuple[int, int]]):
    own = blocks(torch.tensor(products)).tolist()
    octaves = [(m.bit_length(), k.bit_length()) for m, k in products]
    assert own == [list(dict.fromkeys(octaves)).index(octave) for octave in octaves]
    half = products[: max(1, len(products) // 2)]
    assert blocks(torch.tensor(half)).tolist() == own[: len(half)]


def test_nodes_of_a_network_say_what_the_products_say():
    random = torch.Generator().manual_seed(0)
    X = torch.rand(400, 3, generator=random, dtype=torch.float64)
    design = make_design(X, torch.ones(len(X), dtype=torch.float64), 6, 1.0, 0)
    table = design.rows(X).to(torch.float64)
    start = design.maps[0].shape[1]
    places = torch.cartesian_prod(torch.arange(1, 4), start + torch.arange(1, 5))
    theta = torch.randn(len(places), 2, generator=random, dtype=torch.float64)
    bias = torch.tensor([0.5, -1.0], dtype=torch.float64)
    single = torch.randn(table.shape[1], 2, generator=random, dtype=torch.float64)
    functions = PairFunctions(single, bias, {(0, 1): (places, theta)})
    want = table @ single + bias + (table[:, places[:, 0]] * table[:, places[:, 1]]) @ theta
    net = to_network(
        None,
        design,
        base=(single, bias),
        squares=pair_nodes(functions, design, table.square().mean(0).sqrt()),
        names=None,
        outputs=None,
        shift=torch.zeros(2, dtype=torch.float64),
        scale=torch.ones(2, dtype=torch.float64),
    )
    assert float((net(X) - want).detach().abs().max()) < 3e-3 * float(want.std())


def test_same_rows_same_bits():
    X = words(900, 5, 4, 7)
    y = (X[:, 0] == X[:, 1]) + 0.2 * np.random.default_rng(0).normal(size=len(X))
    one, other = (fit_table(X, y, interactions="auto") for _ in range(2))
    assert one.pairs == other.pairs == ((0, 1),)
    assert torch.equal(one.network(torch.from_numpy(X)), other.network(torch.from_numpy(X)))
