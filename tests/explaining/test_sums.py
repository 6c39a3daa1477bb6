"""Contributions sum to the difference, whatever the network; paths and Shapley values against slow oracles."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from edgewise import Nodes
from edgewise.explaining.contributions import shapley_values
from edgewise.explaining.paths import Paths
from edgewise.explaining.terms import double, terms_of, values_of
from tests.explaining.models import product_net, random_net

SHAPES = [
    [3, 1],
    [3, 2],
    [3, 4, 1],
    [4, 3, 2],
    [3, 3, 3, 1],
    [3, Nodes(2, (2,)), 1],
    [3, Nodes(1, (2, 3)), Nodes(1, (2,)), 2],
]


def rows_of(net, n, seed):
    return np.random.default_rng(seed).normal(0, 1.5, (n, net.shape[0]))


@given(
    shape=st.sampled_from(SHAPES),
    seed=st.integers(0, 10_000),
    dead=st.sampled_from([0.0, 0.4]),
    degree=st.integers(1, 4),
)
def test_path_contributions_sum_to_the_difference(shape, seed, dead, degree):
    net = random_net(shape, seed, dead=dead, degree=degree)
    X, background = rows_of(net, 4, seed), rows_of(net, 7, seed + 1)
    background[0] = X[0]  # no difference at all
    background[1] = X[1] + 1e-12  # one that rounding eats
    weights = np.random.default_rng(seed).normal(size=net.shape[-1])
    paths = Paths(net, np.arange(net.shape[0]), weights)
    found = paths.effects(paths.trace(X), paths.trace(background), nodes=True)
    gap = net.predict(X) @ weights - (net.predict(background) @ weights).mean()
    size = 1 + np.abs(net.predict(np.concatenate([X, background]))).max()
    np.testing.assert_allclose(found.columns.sum(1), gap, atol=1e-9 * size)
    for table in found.nodes:
        # What passes each layer is the whole, column by column.
        np.testing.assert_allclose(table.sum(2), found.columns, atol=1e-8 * size)
    quick = paths.effects(paths.trace(X), paths.trace(background)).columns
    np.testing.assert_allclose(quick, found.columns, atol=1e-9 * size)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_the_path_rule_is_the_integral_along_the_line_of_sums(seed):
    net = random_net([2, 3, 1], seed)
    x, b = rows_of(net, 2, seed)
    paths = Paths(net, np.arange(2), np.ones(1))
    found = paths.effects(paths.trace(x[None]), paths.trace(b[None])).columns[0]
    h = (torch.tensor(np.stack([x, b])) - net.input_shift) / net.input_scale
    brought = net.layers[0].edges(h).detach().numpy()  # (2, inputs, sums)
    start, step = brought[1].sum(0), brought[0] - brought[1]
    bias = net.layers[0].bias.detach().numpy()
    t = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    for k in range(2):
        total = 0.0
        for j in range(3):
            slopes = net.layers[1].edge(j, 0, bias[j] + start[j] + t * step[:, j].sum(), 1).detach()
            total += step[k, j] * trapezoid(slopes.numpy(), t.numpy())
        assert found[k] == pytest.approx(total * float(net.output_scale), abs=1e-5)


@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 10_000), dead=st.sampled_from([0.0, 0.3, 0.6]))
def test_terms_are_the_network(shape, seed, dead):
    net = random_net(shape, seed, dead=dead)
    owner = [0, 1, 1, 2][: net.shape[0]]
    terms = terms_of(net, owner)
    X = rows_of(net, 9, seed)
    np.testing.assert_allclose(
        terms.values(X), net.predict(X), atol=1e-10 * (1 + np.abs(net.predict(X)).max())
    )
    assert len({term.columns for term in terms.terms}) == len(terms.terms)
    for term in terms.terms:
        # A term does not move with columns that are not its own.
        other = X.copy()
        strange = [k for k in range(net.shape[0]) if owner[k] not in term.columns]
        other[:, strange] += 1.0
        np.testing.assert_array_equal(term.values(other), term.values(X))


def test_nodes_that_only_add_are_split():
    net = product_net([(0, 1)], 3)
    assert [term.columns for term in terms_of(net, [0, 1, 2]).terms] == [(0, 1)]
    # One hidden node with straight edges onward: nothing acts together, whatever its own edges are.
    deep = random_net([3, 1, 1], 4)
    with torch.no_grad():
        from edgewise.splines import BSpline

        last = deep.layers[1]
        last.coef[0, :, 0] = 2.5 * BSpline(last.grid, last.degree).greville()[0] - 0.7
    terms = terms_of(deep, [0, 1, 2])
    assert terms.additive
    X = rows_of(deep, 20, 0)
    np.testing.assert_allclose(terms.values(X), deep.predict(X), atol=1e-12)


def brute_shapley(net, owner, x, background):
    """By all orders in which columns may come in."""
    count = max(owner) + 1
    out = np.zeros(count)
    for order in itertools.permutations(range(count)):
        rows = background.copy()
        before = net.predict(rows)[:, 0].mean()
        for column in order:
            for k, own in enumerate(owner):
                if own == column:
                    rows[:, k] = x[k]
            after = net.predict(rows)[:, 0].mean()
            out[column] += after - before
            before = after
    return out / math.factorial(count)


@given(
    shape=st.sampled_from([[4, 1], [4, 3, 1], [4, 2, 2, 1], [4, Nodes(1, (2,)), 1]]),
    seed=st.integers(0, 1000),
    dead=st.sampled_from([0.0, 0.4]),
)
def test_shapley_values_are_those_of_all_orders(shape, seed, dead):
    net = random_net(shape, seed, dead=dead)
    owner = [0, 1, 1, 2]
    x, background = rows_of(net, 1, seed)[0], rows_of(net, 5, seed + 1)
    found = shapley_values(terms_of(net, owner), np.array(owner), x, background)[:, 0]
    np.testing.assert_allclose(found, brute_shapley(net, owner, x, background), atol=1e-9)


@given(seed=st.integers(0, 1000))
def test_all_methods_agree_where_the_network_is_additive(seed):
    net = random_net([4, 1], seed)
    owner = np.arange(4)
    x, background = rows_of(net, 1, seed)[0], rows_of(net, 6, seed + 1)
    paths = Paths(net, owner, np.ones(1))
    found = paths.effects(paths.trace(x[None]), paths.trace(background)).columns[0]
    for k in range(4):
        # Each contribution is a difference of the network's own outputs.
        other = np.repeat(x[None], 6, axis=0)
        other[:, k] = background[:, k]
        assert found[k] == pytest.approx(
            float(net.predict(x[None])[0, 0] - net.predict(other).mean()), abs=1e-10
        )
    shapley = shapley_values(terms_of(net, owner.tolist()), owner, x, background)[:, 0]
    np.testing.assert_allclose(shapley, found, atol=1e-10)


def test_a_single_precision_network_is_explained_by_its_exact_numbers():
    net = random_net([3, 4, 1], 5, dtype=torch.float32)
    exact = double(net)
    X = rows_of(net, 10, 1)
    assert exact.dtype == torch.float64
    np.testing.assert_allclose(values_of(exact, X), net.predict(X), atol=1e-4)
    assert torch.equal(exact.layers[0].coef, net.layers[0].coef.double())
