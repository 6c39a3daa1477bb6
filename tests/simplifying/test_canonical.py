"""The canonical form: exact, and the same for networks that are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.network import KAN, Nodes, order_nodes, scale_to_data
from edgewise.network.state import put_together, take_apart
from edgewise.simplifying import canonical, edge_scores
from edgewise.simplifying.canonical import _inputs_scaled, _sums_scaled

from ..network.builders import inputs_of, networks, scale_of, state_bytes

DOUBLE = torch.float64


def rescaled(net: KAN, layer: int, shift: torch.Tensor, scale: torch.Tensor) -> KAN:
    """The same function with the nodes of a hidden layer at other places of the line."""
    states = take_apart(net)
    states[layer - 1] = _sums_scaled(states[layer - 1], shift, scale)
    states[layer] = _inputs_scaled(states[layer], shift, scale)
    return put_together(net, states)


@given(net=networks())
def test_no_output_changes(net: KAN) -> None:
    x = inputs_of(net)
    before, spec = state_bytes(net), net.spec
    result = canonical(net, x)
    assert state_bytes(net) == before
    assert net.spec == spec
    beyond = inputs_of(net, seed=1)
    with torch.no_grad():
        y, wanted = result.network(beyond), net(beyond)
        # Terms much larger than their sum set the scale of the rounding.
        size = max([scale_of(wanted), *(scale_of(n) for n in net.activations(beyond))])
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-9 * size)
    assert result.record.max_change is not None
    assert result.record.max_change < 1e-9 * size
    assert result.network.input_names == net.input_names


@given(net=networks(min_layers=2))
def test_edges_are_centred_and_nodes_scaled_and_ordered(net: KAN) -> None:
    x = inputs_of(net)
    made = canonical(net, x).network
    with torch.no_grad():
        nodes = made.activations(x)
        for k, layer in enumerate(made.layers):
            edges = layer.edges(nodes[k])
            assert float(edges.mean(0).abs().max()) < 1e-9 * scale_of(edges)
    scores = edge_scores(made, x).nodes
    for k in range(1, len(made.layers)):
        n_sums = made.spec.layers[k - 1].nodes.sums
        for part in (scores[k - 1][:n_sums], scores[k - 1][n_sums:]):
            assert bool((part.diff() <= 1e-9 * scale_of(scores[k - 1])).all())
        if made.spec.layers[k].base is not None:
            continue
        low, high = nodes[k].min(0).values, nodes[k].max(0).values
        moving = high - low > 1e-9
        unit = torch.ones(int(moving[:n_sums].sum()), dtype=DOUBLE)
        torch.testing.assert_close(high[:n_sums][moving[:n_sums]], unit)
        torch.testing.assert_close(low[:n_sums][moving[:n_sums]], -unit)
        reach = torch.maximum(low.abs(), high.abs())[n_sums:]
        assert bool((((reach - 1).abs() < 1e-9) | (reach == 0)).all())


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), products=st.booleans(), degree=st.integers(1, 4))
def test_equal_networks_have_equal_canonical_forms(seed: int, products: bool, degree: int) -> None:
    """Hidden nodes permuted, shifted, rescaled and mirrored: the canonical form undoes all of it."""
    hidden = Nodes(3, (2,)) if products else 3
    net = KAN([2, hidden, 2, 1], degree=degree, seed=seed, dtype=DOUBLE)
    x = inputs_of(net)
    random = torch.Generator().manual_seed(seed)
    order = [*torch.randperm(3, generator=random).tolist(), 3][: net.shape[1]]
    other = order_nodes(net, 1, order).network
    shift, scale = torch.randn(2, len(order), generator=random, dtype=DOUBLE).unbind()
    if products:
        shift[3], scale[3] = 0.0, scale[3].abs()
    other = rescaled(other, 1, shift, scale + 0.1 * scale.sign())
    first, second = canonical(net, x).network, canonical(other, x).network
    with torch.no_grad():
        torch.testing.assert_close(other(x), net(x), rtol=1e-8, atol=1e-8)
        for k in range(3):
            points = first.activations(x)[k]
            torch.testing.assert_close(second.activations(x)[k], points, rtol=1e-6, atol=1e-7)
            size = scale_of(first.layers[k].edges(points))
            sums = slice(None) if k > 0 or not products else slice(0, 3)  # factors share their scale freely
            torch.testing.assert_close(
                second.layers[k].edges(points)[..., sums],
                first.layers[k].edges(points)[..., sums],
                rtol=1e-5,
                atol=1e-6 * size,
            )


def test_the_strongest_edge_into_a_node_rises() -> None:
    for seed in range(4):
        net = KAN([2, 3, 1], seed=seed, dtype=DOUBLE)
        x = inputs_of(net, rows=200)
        made = canonical(net, x).network
        with torch.no_grad():
            edges = made.layers[0].edges(made.activations(x)[0])
            strongest = edges.std(0).argmax(0)
            for o in range(3):
                i = int(strongest[o])
                assert (
                    float(torch.corrcoef(torch.stack([made.activations(x)[0][:, i], edges[:, i, o]]))[0, 1])
                    > 0
                )


def test_twice_is_once() -> None:
    net = KAN([2, 3, 2, 1], seed=0, dtype=DOUBLE)
    x = inputs_of(net)
    once = canonical(net, x).network
    twice = canonical(once, x).network
    for a, b in zip(once.state_dict().values(), twice.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


def test_the_wrong_width_is_refused() -> None:
    with pytest.raises(InputError, match="'X' argument must have 2 columns"):
        canonical(KAN([2, 1], seed=0), [[1.0]])


def test_lines_that_cancel_are_taken_out_of_the_edges_of_tied_inputs():
    generator = torch.Generator().manual_seed(3)
    free = torch.rand(200, 2, generator=generator, dtype=torch.float64) * 4
    x = torch.cat(
        [free, free.sum(1, keepdim=True), torch.rand(200, 1, generator=generator, dtype=torch.float64)], 1
    )
    net = scale_to_data(KAN([4, 2, 1], seed=0, dtype=torch.float64), x).network
    states = take_apart(net)
    inputs = net.activations(x)[0]
    lines = (net.layers[0].basis.greville() - inputs.mean(0)[:, None])[:, :, None]
    # The third column is the sum of the first two, also where columns are scaled.
    tie = torch.linalg.lstsq(
        inputs[:, :2] - inputs[:, :2].mean(0), inputs[:, 2] - inputs[:, 2].mean()
    ).solution
    tie = torch.cat([tie, torch.tensor([-1.0, 0.0], dtype=torch.float64)])[:, None, None]
    states[0] = replace(states[0], coef=states[0].coef + 30 * tie * lines)
    moved = put_together(net, states)
    first, second = canonical(net, x).network, canonical(moved, x).network
    torch.testing.assert_close(
        second.layers[0].edges(inputs), first.layers[0].edges(inputs), rtol=0, atol=1e-8
    )
    assert canonical(moved, x).record.max_change < 1e-9
    assert (first.layers[0].edges(inputs).abs().amax(0) < 5).all()
