"""Scores against brute force, and pruning that leaves the mean effect where it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.simplifying import edge_scores, prune

from ..network.builders import edges_of, inputs_of, networks, state_bytes

DOUBLE = torch.float64


@given(net=networks())
def test_scores_of_the_last_layer_are_what_removing_an_edge_costs(net: KAN) -> None:
    """Root mean square change of the outputs where the edge's centred value is taken out; exact beside plain sums."""
    x = inputs_of(net)
    scores = edge_scores(net, x)
    last = len(net.layers) - 1
    if net.spec.layers[last].nodes.products:
        return
    with torch.no_grad():
        values = net.layers[last].edges(net.activations(x)[last])
        spread = (values - values.mean(0)).square().mean(0).sqrt() * net.output_scale
    torch.testing.assert_close(scores.edges[last], spread, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@given(net=networks())
def test_sizes_of_edges_are_those_of_their_values(net: KAN) -> None:
    """Mean |phi| and standard deviation of every edge, numeric and symbolic."""
    x = inputs_of(net)
    scores, nodes = edge_scores(net, x), net.activations(x)
    for k, layer in enumerate(net.layers):
        with torch.no_grad():
            values = layer.edges(nodes[k])
        torch.testing.assert_close(scores.absolute[k], values.abs().mean(0), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(scores.deviation[k], values.std(0, correction=0), rtol=1e-7, atol=1e-9)


@settings(max_examples=12)
@given(net=networks(bases=("bspline",)), step=st.just(1e-4))
def test_scores_are_the_first_order_effect_on_the_outputs(net: KAN, step: float) -> None:
    """Against finite differences: every edge faded a little towards its mean, row by row."""
    x = inputs_of(net, rows=12)
    scores = edge_scores(net, x)
    nodes = net.activations(x)
    for k, i, o in edges_of(net):
        with torch.no_grad():
            values = net.layers[k].edges(nodes[k])[:, i, o]
        moved = [_outputs_with(net, x, k, o, sign * step * (values - values.mean())) for sign in (1, -1)]
        effect = ((moved[0] - moved[1]) / (2 * step)).square().sum(1).mean().sqrt()
        assert float(scores.edges[k][i, o]) == pytest.approx(float(effect), rel=1e-4, abs=1e-6)
    for k in range(1, len(net.layers)):
        for node in range(net.shape[k]):
            value = nodes[k][:, node].detach()
            moved = [
                _outputs_from(net, nodes[k].detach(), k, node, sign * step * (value - value.mean()))
                for sign in (1, -1)
            ]
            effect = ((moved[0] - moved[1]) / (2 * step)).square().sum(1).mean().sqrt()
            assert float(scores.nodes[k - 1][node]) == pytest.approx(float(effect), rel=1e-4, abs=1e-6)


def _outputs_with(net: KAN, x: torch.Tensor, k: int, o: int, change: torch.Tensor) -> torch.Tensor:
    """Outputs where a sum of a layer is changed row by row."""
    from edgewise.layers import multiply

    with torch.no_grad():
        sums = net.sums(x)[k].clone()
        sums[:, o] += change
        spec = net.spec.layers[k].nodes
        return _run_on(net, multiply(sums, spec.sums, spec.products), k + 1)


def _outputs_from(net: KAN, nodes: torch.Tensor, k: int, node: int, change: torch.Tensor) -> torch.Tensor:
    moved = nodes.clone()
    moved[:, node] += change
    return _run_on(net, moved, k)


def _run_on(net: KAN, nodes: torch.Tensor, k: int) -> torch.Tensor:
    from edgewise.layers import multiply

    with torch.no_grad():
        for spec, layer in zip(net.spec.layers[k:], net.layers[k:], strict=True):
            nodes = multiply(layer(nodes), spec.nodes.sums, spec.nodes.products)
        return net.output_shift + net.output_scale * nodes


def test_dead_edges_and_inputs_score_nothing() -> None:
    net = mask_edges(KAN([3, 2, 1], seed=0, dtype=DOUBLE), [(0, 1, 0), (0, 1, 1)]).network
    scores = edge_scores(net, inputs_of(net))
    assert scores.edges[0][1].tolist() == [0.0, 0.0]
    assert float(scores.inputs[1]) == 0.0
    torch.testing.assert_close(scores.inputs, scores.edges[0].square().sum(1).sqrt())
    assert [tuple(t.shape) for t in scores.edges] == [(3, 2), (2, 1)]
    assert [tuple(t.shape) for t in scores.nodes] == [(2,)]


def test_scores_are_in_the_units_of_y() -> None:
    net = KAN([2, 2, 1], seed=0, dtype=DOUBLE)
    x = inputs_of(net)
    plain = edge_scores(net, x)
    net.output_scale.fill_(1e3)
    torch.testing.assert_close(edge_scores(net, x).edges[0], 1e3 * plain.edges[0])


# ---- prune


@given(net=networks(masks=False), data=st.data())
def test_pruning_leaves_the_mean_of_what_it_takes(net: KAN, data: st.DataObject) -> None:
    """Every sum keeps its mean on the data, and every other edge its function."""
    x, last = inputs_of(net), len(net.layers) - 1
    sources, targets = net.layers[last].in_features, net.layers[last].out_features
    if sources < 2:
        return
    chosen = [(last, data.draw(st.integers(0, sources - 1)), o) for o in range(targets)]
    before = state_bytes(net)
    made = prune(net, x, edges=chosen).network
    assert state_bytes(net) == before
    with torch.no_grad():
        torch.testing.assert_close(made.sums(x)[-1].mean(0), net.sums(x)[-1].mean(0), rtol=1e-8, atol=1e-8)


@given(net=networks(masks=False, min_layers=2))
def test_pruning_nothing_and_dead_edges_changes_nothing(net: KAN) -> None:
    x = inputs_of(net)
    assert prune(net, x).record.max_change == 0.0
    dead = [edge for edge in edges_of(net) if edge[0] == 0 and edge[1] == 0][:1]
    if net.shape[0] < 2:
        return
    masked = mask_edges(net, dead).network
    again = prune(masked, x, edges=dead)
    with torch.no_grad():
        assert torch.equal(again.network(x), masked(x))
    assert again.record.max_change == 0.0


def test_nodes_go_with_all_their_edges_and_the_record_says_what_it_cost() -> None:
    net = KAN([2, Nodes(3, (2,)), 2], seed=0, dtype=DOUBLE, input_names=["a", "b"], output_names=["u", "v"])
    x = inputs_of(net)
    result = prune(net, x, nodes=[(1, 1), (1, 3)])
    assert result.network.spec.layers[0].nodes == Nodes(2)
    assert result.network.input_names == ("a", "b")
    assert result.network.output_names == ("u", "v")
    with torch.no_grad():
        assert result.record.max_change == float((net(x) - result.network(x)).abs().max())


def test_a_threshold_takes_just_the_edges_below_it() -> None:
    net = KAN([3, 1], seed=0, dtype=DOUBLE)
    x = inputs_of(net)
    scores = edge_scores(net, x).edges[0][:, 0]
    spread = float(torch.from_numpy(net.predict(x)).std())
    shares = (scores / spread).tolist()
    middle = sorted(shares)[1]
    for factor, left in ((0.999, 2), (1.001, 1)):
        made = prune(net, x, threshold=factor * middle).network
        assert int(made.layers[0].mask.sum()) == left
        assert [bool(m) for m in made.layers[0].mask[:, 0]] == [share >= factor * middle for share in shares]
    assert int(prune(net, x, threshold=0.0).network.layers[0].mask.sum()) == 3


def test_a_closed_form_leaves_its_mean_too() -> None:
    net = set_symbolic(KAN([2, 1], seed=0, dtype=DOUBLE), (0, 1, 0), "exp").network
    x = inputs_of(net)
    made = prune(net, x, edges=[(0, 1, 0)]).network
    assert made.layers[0].kind(1, 0) == "off"
    with torch.no_grad():
        torch.testing.assert_close(made(x).mean(), net(x).mean())


def test_what_cannot_be_pruned_is_refused() -> None:
    net = KAN([2, 2, 2], seed=0, dtype=DOUBLE, output_names=["u", "v"])
    x = inputs_of(net)
    with pytest.raises(InputError, match=r"every output one that reaches it\. Got none for 'v'"):
        prune(net, x, edges=[(1, 0, 1), (1, 1, 1)])
    # Also where an output is cut off further back.
    with pytest.raises(InputError, match="Got none for 'u', 'v'"):
        prune(net, x, edges=[(0, i, o) for i in range(2) for o in range(2)])
    with pytest.raises(InputError, match=r"must list hidden nodes \(layer, node\)"):
        prune(net, x, nodes=[(0, 0)])
    with pytest.raises(InputError, match="'source' argument"):
        prune(net, x, edges=[(0, 5, 0)])
    with pytest.raises(InputError, match="'threshold' argument"):
        prune(net, x, threshold=-1.0)
    with pytest.raises(InputError, match="'X' argument must have 2 columns"):
        prune(net, np.zeros((3, 1)))
    # An output that was a constant before may stay one.
    constant = mask_edges(net, [(1, 0, 1), (1, 1, 1)]).network
    assert int(prune(constant, x, edges=[(1, 0, 0)]).network.layers[1].mask.sum()) == 1
