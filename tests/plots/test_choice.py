"""Of a wide network the strongest parts are drawn, and never a node without cause."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise.network import KAN, Nodes, mask_edges
from edgewise.plots import plot_network
from edgewise.plots.choice import choose, input_order, relative


def scored(inputs, hidden, seed):
    rng = np.random.default_rng(seed)
    net = KAN([inputs, hidden, 1], seed=0, dtype=torch.float64)
    return net, [rng.uniform(0.1, 1, (inputs, hidden)), rng.uniform(0.1, 1, (hidden, 1))]


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 6), st.integers(1, 20), st.integers(0, 99))
def test_limits_hold_and_what_is_drawn_hangs_together(inputs, hidden, nodes, edges, seed):
    net, scores = scored(inputs, hidden, seed)
    choice = choose(net, scores, nodes, edges)
    assert choice.alive == hidden * (inputs + 1)
    assert all(len(pairs) <= edges for pairs in choice.edges)
    assert len({target for _, target in choice.edges[0]}) <= nodes
    assert choice.whole == (choice.shown == choice.alive)
    kept = set(np.argsort(-scores[1][:, 0], kind="stable")[:nodes].tolist())
    assert {target for _, target in choice.edges[0]} <= kept
    assert {source for source, _ in choice.edges[1]} <= kept
    if edges >= nodes:
        # Every hidden node that sends something on also receives its strongest edge.
        for node in (source for source, _ in choice.edges[1]):
            assert (int(scores[0][:, node].argmax()), node) in choice.edges[0]


def test_dead_edges_are_never_chosen_and_factors_come_together():
    net = mask_edges(KAN([2, Nodes(1, (2,)), 1], seed=0, dtype=torch.float64), [(0, 0, 0)]).network
    scores = [np.ones((2, 3)), np.array([[1.0], [5.0]])]
    whole = choose(net, scores, 9, 99)
    assert (0, 0) not in whole.edges[0]
    assert whole.whole
    # The multiplication node is the stronger one; its two sums stay, the other node goes.
    assert {target for _, target in choose(net, scores, 1, 99).edges[0]} == {1, 2}


def test_inputs_stand_beside_what_they_feed():
    pairs = ((0, 5), (1, 0), (2, 3), (3, 0))
    scores = np.zeros((4, 6))
    for k, pair in enumerate(pairs):
        scores[pair] = k + 1
    assert input_order(pairs, scores, single=False) == [3, 1, 2, 0]
    assert input_order(pairs, scores, single=True) == [3, 2, 1, 0]


def test_relative_scores():
    assert relative(np.array([-2.0, 1.0])).tolist() == [1.0, 0.5]
    assert relative(np.zeros(2)).tolist() == [1.0, 1.0]


def test_the_widest_network_still_fits_a_page():
    net = KAN([40, 120, 1], seed=0, dtype=torch.float64)
    figure = plot_network(net, np.random.default_rng(0).normal(size=(60, 40)))
    width, height = figure.get_size_inches()
    assert width < 12
    assert height < 22
