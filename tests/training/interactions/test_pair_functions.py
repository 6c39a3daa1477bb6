"""Functions of pairs that are solved: found where they are, nothing where they are not, and exact as nodes of a network."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from edgewise.training import TableConfig, fit_table
from edgewise.training.additive.design import make_design
from edgewise.training.interactions import pair_functions
from edgewise.training.interactions.pair_columns import blocks
from edgewise.training.interactions.pair_functions import PairFunctions, precision
from edgewise.training.interactions.pair_nodes import pair_nodes
from edgewise.training.tabular.assembly import Ends, to_network


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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_where_no_pair_acts_the_network_is_additive(seed: int):
    random = np.random.default_rng(seed)
    X = np.hstack([random.normal(size=(500, 4)), words(500, 4, 3, seed)])
    y = X[:, 0] ** 2 + (X[:, 5] == 1) + random.normal(size=len(X))
    assert fit_table(X, y, interactions="auto", seed=seed).pairs == ()


def test_a_wave_of_one_input_that_a_pair_had_drowned_is_learned_once_the_pair_is():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (1400, 3))
    wave = 0.5 * np.sin(16 * X[:, 2])
    y = 8 * X[:, 0] * X[:, 1] + wave + 0.1 * random.normal(size=len(X))
    fit = fit_table(X[:400], y[:400], interactions=1)
    rest = fit.network.predict(X[400:])[:, 0] - (8 * X[:, 0] * X[:, 1] + wave)[400:]
    assert np.sqrt(np.mean(rest**2)) < 0.5 * wave.std()


@pytest.mark.slow
def test_so_many_pairs_as_were_asked_for():
    X = words(1500, 6, 3, 5)
    y = X[:, 0] * X[:, 1] - X[:, 2] * X[:, 3] + 0.1 * np.random.default_rng(0).normal(size=len(X))
    fit = fit_table(X, y, interactions=2)
    assert set(fit.pairs) == {(0, 1), (2, 3)}
    assert fit.mode == "pairwise"


@pytest.mark.slow
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
    own, level = (part.tolist() for part in blocks(torch.tensor(products)))
    octaves = [(m.bit_length(), k.bit_length()) for m, k in products]
    distinct = list(dict.fromkeys(octaves))
    assert own == [distinct.index(octave) for octave in octaves]
    assert level == [m + k - 2 for m, k in distinct]
    half = products[: max(1, len(products) // 2)]
    assert blocks(torch.tensor(half))[0].tolist() == own[: len(half)]


positive = st.floats(1e-3, 1e3)


@given(st.lists(st.tuples(positive, positive, st.integers(0, 3)), min_size=1, max_size=20), positive)
def test_a_block_lies_between_what_it_says_and_what_those_as_rough_say_together(
    item: list[tuple[float, float, int]], prior: float
):
    free, size = (torch.tensor([row[k] for row in item], dtype=torch.float64) for k in (0, 1))
    level = torch.tensor([row[2] for row in item])
    alone = precision(free, size, level, 0.0)
    assert torch.equal(alone, free / size)
    together = torch.stack([free[level == own].sum() / size[level == own].sum() for own in level])
    found = precision(free, size, level, prior)
    low, high = torch.minimum(alone, together), torch.maximum(alone, together)
    assert bool(((found >= low * (1 - 1e-9)) & (found <= high * (1 + 1e-9))).all())
    assert torch.allclose(precision(free, size, level, 1e15), together, rtol=1e-6, atol=0)
    more = precision(free, size, level, 2 * prior)
    assert bool(((more - together).abs() <= (found - together).abs() + 1e-9 * together).all())


def smooth(X: np.ndarray) -> np.ndarray:
    return np.sin(3 * X[:, 0]) * X[:, 1] + X[:, 2] * X[:, 3]


def rough_in_one(X: np.ndarray) -> np.ndarray:
    return np.sin(14 * X[:, 0]) * X[:, 1] + np.sin(14 * X[:, 2]) * X[:, 3]


@pytest.mark.slow
@pytest.mark.parametrize(("law", "most"), [(smooth, 1.01), (rough_in_one, 1.0)])
def test_of_few_rows_blocks_do_no_worse_than_all_alike(
    law: Callable[[np.ndarray], np.ndarray], most: float, monkeypatch: pytest.MonkeyPatch
):
    def error() -> float:
        squares = list[float]()
        for seed in range(2):
            random = np.random.default_rng(seed)
            X = random.uniform(-1, 1, (1400, 4))
            y = law(X[:400]) + 0.2 * random.normal(size=400)
            # One after the other, as of many rows.
            config = TableConfig(joint_rows=1)
            fit = fit_table(X[:400], y, interactions="auto", seed=seed, config=config)
            squares.append(float(np.mean((fit.network.predict(X[400:])[:, 0] - law(X[400:])) ** 2)))
        return float(np.sqrt(np.mean(squares)))

    by_blocks = error()
    monkeypatch.setattr(pair_functions, "_FEW_PRIOR", 1e15)
    assert by_blocks <= most * error()


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
        Ends(None, None, torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)),
        base=(single, bias),
        squares=pair_nodes(functions, design, table.square().mean(0).sqrt()),
    )
    assert float((net(X) - want).detach().abs().max()) < 3e-3 * float(want.std())


@pytest.mark.slow
def test_same_rows_same_bits():
    X = words(900, 5, 4, 7)
    y = (X[:, 0] == X[:, 1]) + 0.2 * np.random.default_rng(0).normal(size=len(X))
    one, other = (fit_table(X, y, interactions="auto") for _ in range(2))
    assert one.pairs == other.pairs == ((0, 1),)
    assert torch.equal(one.network(torch.from_numpy(X)), other.network(torch.from_numpy(X)))
