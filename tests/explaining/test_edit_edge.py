"""Edits of one edge: what they promise holds, elsewhere nothing moves, and the old network stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgewise import KAN
from edgewise._core.errors import InputError
from edgewise.edits import mask_edges, set_symbolic
from edgewise.explaining import edit_edge

X = np.random.default_rng(0).uniform(-1, 1, (200, 2))
LINE = np.linspace(-1, 1, 801)


def curve(net, edge):
    layer, source, target = edge
    x = torch.from_numpy((LINE - float(net.input_shift[source])) / float(net.input_scale[source]))
    return net.layers[layer].edge(source, target, x).detach().numpy()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["increasing", "decreasing"])
def test_monotone_where_asked_and_untouched_elsewhere(seed, way):
    net = KAN([2, 3, 1], seed=seed, dtype=torch.float64)
    edge = (0, 1, 2)
    made = edit_edge(net, edge, f"{way}(-0.4, 0.3)", X).network
    before, after = curve(net, edge), curve(made, edge)
    inside = (LINE >= -0.4) & (LINE <= 0.3)
    sign = 1 if way == "increasing" else -1
    assert (sign * np.diff(after[inside])).min() >= -1e-12
    away = (LINE < -0.5) | (LINE > 0.4)
    np.testing.assert_allclose(after[away], before[away], atol=1e-12)
    others = [(0, s, t) for s in range(2) for t in range(3) if (0, s, t) != edge]
    for other in others:
        np.testing.assert_allclose(curve(made, other), curve(net, other), atol=1e-12)
    assert torch.equal(net.layers[0].coef, KAN([2, 3, 1], seed=seed, dtype=torch.float64).layers[0].coef)


def test_points_are_met_in_units_of_the_output_about_the_mean():
    net = KAN([2, 1], seed=1, dtype=torch.float64)
    with torch.no_grad():
        net.output_scale.fill_(7.0)
    made = edit_edge(net, (0, 0, 0), {-0.5: 0.4, 0.2: -1.0}, X).network
    inner = torch.from_numpy(X[:, 0])
    mean = float(net.layers[0].edge(0, 0, inner).detach().mean())
    at = made.layers[0].edge(0, 0, torch.tensor([-0.5, 0.2], dtype=torch.float64))
    np.testing.assert_allclose(7.0 * (at.detach().numpy() - mean), [0.4, -1.0], atol=1e-6)


def test_a_closed_form_becomes_a_spline_first_and_hidden_edges_can_be_edited():
    net = set_symbolic(KAN([2, 3, 1], seed=2, dtype=torch.float64), (1, 0, 0), "sin").network
    made = edit_edge(net, (1, 0, 0), "increasing", X).network
    assert made.layers[1].kind(0, 0) == "numeric"
    line = torch.linspace(-1, 1, 100, dtype=torch.float64)
    assert float(made.layers[1].edge(0, 0, line).detach().diff().min()) >= -1e-12


def test_an_edge_that_is_off_or_a_word_is_refused():
    net = KAN([2, 1], seed=0)
    with pytest.raises(InputError, match="must be one that is alive"):
        edit_edge(mask_edges(net, [(0, 0, 0)]).network, (0, 0, 0), "smooth", X)
    with pytest.raises(InputError, match="an edge knows no words"):
        edit_edge(net, (0, 0, 0), {"own": 0.2}, X)
    with pytest.raises(InputError, match="at most 2 numbers"):
        edit_edge(net, (0, 0, 0), "increasing(1, 2, 3)", X)
