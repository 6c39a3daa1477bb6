"""Laws of networks that hold for every shape, basis, mask, product and closed form."""

from __future__ import annotations

import pathlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise.network import (
    KAN,
    drop_dead,
    load,
    mask_edges,
    order_nodes,
    refine,
    regrid,
    remove_inputs,
    remove_nodes,
    rename,
    save,
    set_edge,
    set_symbolic,
    swap_nodes,
)

from ..network.builders import edges_of, inputs_of, networks, scale_of, state_bytes

deep = networks(min_layers=2)


def same(first: KAN, second: KAN, x: torch.Tensor, tolerance: float = 1e-12) -> None:
    """Equal outputs up to a relative rounding."""
    with torch.no_grad():
        y, z = first(x), second(x)
    assert float((y - z).abs().max()) <= tolerance * scale_of(y)


@given(net=networks(), data=st.data())
def test_pruning_a_zero_edge_changes_nothing(net: KAN, data: st.DataObject) -> None:
    layer, i, o = data.draw(st.sampled_from(edges_of(net)))
    net = set_edge(net, (layer, i, o), torch.zeros(net.layers[layer].size)).network
    weight = net.layers[layer].base_weight
    if weight is not None:
        with torch.no_grad():
            weight[i, o] = 0.0
    same(mask_edges(net, [(layer, i, o)]).network, net, inputs_of(net), 0.0)


@given(net=deep, data=st.data())
def test_swapping_hidden_nodes_changes_nothing(net: KAN, data: st.DataObject) -> None:
    layer = data.draw(st.integers(1, len(net.layers) - 1))
    sums, total = net.spec.layers[layer - 1].nodes.sums, net.shape[layer]
    kind = range(sums) if (sums and data.draw(st.booleans())) or sums == total else range(sums, total)
    first, second = data.draw(st.sampled_from(kind)), data.draw(st.sampled_from(kind))
    swapped = swap_nodes(net, layer, first, second).network
    same(swapped, net, inputs_of(net))
    again = swap_nodes(swapped, layer, first, second).network
    assert again.spec.shape == net.spec.shape
    if not any(entry.symbolic for entry in net.spec.layers):
        assert state_bytes(again) == state_bytes(net)
    order = [*data.draw(st.permutations(range(sums))), *data.draw(st.permutations(range(sums, total)))]
    same(order_nodes(net, layer, order).network, net, inputs_of(net))


@given(net=networks(dtypes=(torch.float32, torch.float64)), data=st.data())
def test_edit_save_and_load_in_any_order_change_nothing_unasked(net: KAN, data: st.DataObject) -> None:
    """A chain of edits, reloaded after every one, gives what the chain alone gives; the first network never changes."""
    before, x = state_bytes(net), inputs_of(net)
    path = pathlib.Path("chain.kan")
    made = reloaded = net
    for _ in range(data.draw(st.integers(1, 4))):
        edge = data.draw(st.sampled_from(edges_of(made)))
        which = data.draw(st.sampled_from(["mask", "dead", "symbolic", "refine", "regrid", "rename"]))
        results = []
        for current in (made, reloaded):
            if which == "mask":
                result = mask_edges(current, [edge])
            elif which == "dead":
                result = drop_dead(current)
            elif which == "symbolic":
                result = set_symbolic(current, edge, "tanh", (0.5, 1.0, 0.1, 0.0))
            elif which == "refine" and current.spec.layers[0].basis == "bspline":
                result = refine(current)
            elif which == "regrid":
                result = regrid(current, x)
            else:
                result = rename(current, inputs={current.input_names[0]: "renamed"})
            results.append(result.network)
        made = results[0]
        save(results[1], path)
        reloaded = load(path)
        assert state_bytes(reloaded) == state_bytes(made)
        assert reloaded.spec == made.spec
    with torch.no_grad():
        assert torch.equal(reloaded(x), made(x))
    assert state_bytes(net) == before


@given(net=networks(), data=st.data())
def test_names_survive_the_removal_of_inputs_and_a_file(net: KAN, data: st.DataObject) -> None:
    count = net.shape[0]
    keep = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    gone = [net.input_names[k] for k in range(count) if k not in keep]
    by_name = remove_inputs(net, gone).network
    save(by_name, "names.kan")
    again = load("names.kan")
    assert again.input_names == tuple(net.input_names[k] for k in keep)
    assert state_bytes(again) == state_bytes(
        remove_inputs(net, [k for k in range(count) if k not in keep]).network
    )
    # The same as no edge leaving those inputs.
    masked = mask_edges(
        net, [(layer, i, o) for layer, i, o in edges_of(net) if layer == 0 and i not in keep]
    ).network
    x = inputs_of(net)
    with torch.no_grad():
        y = masked(x)
        assert float((again(x[:, keep]) - y).abs().max()) <= 1e-12 * scale_of(y)


@given(net=deep)
def test_dropping_dead_nodes_changes_nothing_and_is_finished_at_once(net: KAN) -> None:
    x = inputs_of(net)
    made = drop_dead(net, x).network
    same(made, net, x)
    assert drop_dead(made).record.detail == "nothing to do"
    for spec, layer, following in zip(made.spec.layers, made.layers, made.layers[1:], strict=False):
        enters = [bool(layer.mask[:, list(group)].any()) for group in spec.nodes.groups()]
        assert enters == following.mask.any(1).tolist()
        assert all(enters) or len(enters) == 1


@given(net=deep, data=st.data())
def test_removing_a_node_is_masking_what_leaves_it(net: KAN, data: st.DataObject) -> None:
    layer = data.draw(st.integers(1, len(net.layers) - 1))
    if net.shape[layer] == 1:
        return
    node = data.draw(st.integers(0, net.shape[layer] - 1))
    masked = mask_edges(net, [(layer, node, o) for o in range(net.layers[layer].out_features)]).network
    same(remove_nodes(net, layer, [node]).network, masked, inputs_of(net))


@given(net=networks(bases=("bspline",)), factor=st.integers(1, 4))
def test_refining_changes_nothing(net: KAN, factor: int) -> None:
    result = refine(net, factor, X=inputs_of(net))
    same(result.network, net, inputs_of(net))
    assert all(
        b.intervals == factor * a.intervals for a, b in zip(net.layers, result.network.layers, strict=True)
    )


@given(net=networks())
def test_edges_sum_to_what_the_layer_gives(net: KAN) -> None:
    with torch.no_grad():
        for layer, h in zip(net.layers, net.activations(inputs_of(net)), strict=False):
            total = layer.edges(h).sum(1) + (0.0 if layer.bias is None else layer.bias)
            y = layer(h)
            assert float((total - y).abs().max()) <= 1e-12 * scale_of(y)


@given(net=networks(masks=False), order=st.integers(1, 3))
def test_edge_derivatives_are_those_of_autograd(net: KAN, order: int) -> None:
    layer = net.layers[0]
    if layer.basis_name == "bspline" and layer.degree < order:
        return
    x = net.activations(inputs_of(net, rows=10))[0].requires_grad_()
    value: torch.Tensor = layer.edges(x).new_zeros(())
    for o in range(layer.out_features):
        value = layer(x)[:, o]
        for _ in range(order):
            (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        wanted = layer.edges(x, order)[:, :, o]
        torch.testing.assert_close(value, wanted, rtol=1e-9, atol=1e-9 * scale_of(wanted.detach()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_same_seed_same_network_to_the_bit(dtype: torch.dtype) -> None:
    nets = [KAN([3, [2, 2], 2], seed=11, dtype=dtype) for _ in range(2)]
    assert state_bytes(nets[0]) == state_bytes(nets[1])
