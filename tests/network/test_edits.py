"""Edits: what each does, what it refuses, and that the old network is never touched."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from edgewise import InputError
from edgewise.network import (
    KAN,
    EditResult,
    Nodes,
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
    scale_to_data,
    set_edge,
    set_numeric,
    set_symbolic,
    swap_nodes,
)

from .builders import inputs_of, state_bytes

DOUBLE = torch.float64


def network() -> KAN:
    net = KAN(
        [3, Nodes(2, (2, 3)), Nodes(2, (2,)), 2],
        input_names=["a", "b", "c"],
        output_names=["u", "v"],
        seed=0,
        dtype=DOUBLE,
    )
    net = set_symbolic(net, (0, 1, 2), "sin", (0.5, 2.0, 0.1, 0.0)).network
    net = set_symbolic(net, (1, 2, 1), "tanh").network
    net.input_shift.copy_(torch.tensor([1.0, 2.0, 3.0]))
    net.output_scale.copy_(torch.tensor([4.0, 5.0]))
    return net


EDITS: dict[str, Callable[[KAN], EditResult]] = {
    "mask_edges": lambda net: mask_edges(net, [(0, 0, 0), (1, 2, 1)]),
    "remove_nodes": lambda net: remove_nodes(net, 1, [0, 2]),
    "remove_inputs": lambda net: remove_inputs(net, ["b"]),
    "order_nodes": lambda net: order_nodes(net, 1, [1, 0, 3, 2]),
    "swap_nodes": lambda net: swap_nodes(net, 1, 2, 3),
    "set_symbolic": lambda net: set_symbolic(net, (2, 0, 0), "x*exp(-x)"),
    "set_numeric": lambda net: set_numeric(net, (0, 1, 2)),
    "set_edge": lambda net: set_edge(net, (0, 1, 2), torch.ones(8)),
    "rename": lambda net: rename(net, inputs={"a": "b", "b": "a"}, outputs={"u": "w"}),
    "drop_dead": lambda net: drop_dead(mask_edges(net, [(0, i, 0) for i in range(3)]).network),
    "refine": lambda net: refine(net, 2),
    "regrid": lambda net: regrid(net, inputs_of(net), intervals=4),
    "scale_to_data": lambda net: scale_to_data(net, inputs_of(net), inputs_of(net)[:, :2]),
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_leaves_the_old_network_and_shares_nothing_with_it(name: str) -> None:
    net = network()
    before, spec, random = state_bytes(net), net.spec, torch.get_rng_state()
    result = EDITS[name](net)
    assert torch.equal(torch.get_rng_state(), random)
    with torch.no_grad():
        for tensor in result.network.state_dict().values():
            tensor.fill_(1)
    assert state_bytes(net) == before
    assert net.spec == spec
    assert result.record.name == name
    assert result.record.detail
    assert "edges" in result.record.before
    assert "edges" in result.record.after


@pytest.mark.parametrize("name", EDITS)
def test_every_edited_network_is_saved_and_loaded_whole(name: str) -> None:
    made = EDITS[name](network()).network
    save(made, "edited.kan")
    again = load("edited.kan")
    assert again.spec == made.spec
    assert state_bytes(again) == state_bytes(made)


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_keeps_the_mode_and_the_dtype(name: str) -> None:
    made = EDITS[name](network().eval()).network
    assert not made.training
    assert made.dtype == DOUBLE


REFUSED: dict[str, tuple[Callable[[KAN], Any], str]] = {
    "edge of two": (lambda n: mask_edges(n, [(0, 0)]), "three ints"),
    "edge number": (lambda n: mask_edges(n, [7]), "three ints"),
    "edges number": (lambda n: mask_edges(n, 7), "'edges' argument must be a list of edges"),
    "one edge as edges": (lambda n: mask_edges(n, (0, 0, 0)), "three ints"),
    "edge layer": (
        lambda n: mask_edges(n, [(3, 0, 0)]),
        r"'layer' argument .* \[0, 2\]. Got 3",
    ),
    "edge source": (
        lambda n: mask_edges(n, [(0, 3, 0)]),
        r"'source' argument .* \[0, 2\]. Got 3",
    ),
    "edge target": (
        lambda n: mask_edges(n, [(0, 0, -1)]),
        r"'target' argument .* \[0, 6\]. Got -1",
    ),
    "edge float": (lambda n: mask_edges(n, [(0, 0.0, 0)]), "'source'"),
    "data width": (
        lambda n: mask_edges(n, [], torch.zeros(4, 2)),
        "'X' argument must have 3 columns. Got 2",
    ),
    "data nan": (lambda n: mask_edges(n, [], torch.full((4, 3), torch.nan)), "finite"),
    "node layer 0": (lambda n: remove_nodes(n, 0, [0]), r"'layer' argument .* \[1, 2\]"),
    "node layer L": (lambda n: remove_nodes(n, 3, [0]), r"'layer' argument .* \[1, 2\]"),
    "node text": (lambda n: remove_nodes(n, 1, "0"), "'nodes' argument must be a list"),
    "node number": (lambda n: remove_nodes(n, 1, 0), "'nodes' argument must be a list"),
    "node beyond": (lambda n: remove_nodes(n, 1, [4]), r"'nodes' .* \[0, 3\]. Got 4"),
    "all nodes": (lambda n: remove_nodes(n, 2, range(3)), "leave at least one node"),
    "no hidden": (lambda n: remove_nodes(KAN([1, 1]), 1, [0]), "have hidden nodes"),
    "input name": (lambda n: remove_inputs(n, ["d"]), "among 'a', 'b', 'c'. Got 'd'"),
    "input text": (lambda n: remove_inputs(n, "a"), "list of names"),
    "input number": (lambda n: remove_inputs(n, [3]), r"'inputs' .* \[0, 2\]. Got 3"),
    "input true": (lambda n: remove_inputs(n, [True]), "'inputs'"),
    "all inputs": (lambda n: remove_inputs(n, ["a", 1, "c"]), "leave at least one input"),
    "order short": (lambda n: order_nodes(n, 1, [0, 1]), "every node 0 to 3 once"),
    "order twice": (lambda n: order_nodes(n, 1, [0, 1, 2, 3, 3]), "every node 0 to 3 once"),
    "order mixed": (lambda n: order_nodes(n, 1, [2, 1, 0, 3]), "sum nodes first"),
    "order text": (lambda n: order_nodes(n, 1, ["0", 1, 2, 3]), "'order'"),
    "swap mixed": (lambda n: swap_nodes(n, 1, 0, 2), "sum nodes first"),
    "swap beyond": (lambda n: swap_nodes(n, 1, 0, 9), r"\[0, 3\]. Got 9"),
    "swap outputs": (lambda n: swap_nodes(n, 3, 0, 1), "'layer' argument"),
    "form": (lambda n: set_symbolic(n, (0, 0, 0), "sine"), "no column"),
    "form of y": (lambda n: set_symbolic(n, (0, 0, 0), "y + x"), "no column"),
    "form without x": (lambda n: set_symbolic(n, (0, 0, 0), "2"), "uses x"),
    "form code": (lambda n: set_symbolic(n, (0, 0, 0), "__import__('os')"), "formula"),
    "form none": (lambda n: set_symbolic(n, (0, 0, 0), None), "'form' argument"),
    "affine three": (lambda n: set_symbolic(n, (0, 0, 0), "sin", (1, 2, 3)), "four numbers"),
    "affine nan": (lambda n: set_symbolic(n, (0, 0, 0), "sin", (1, 2, 3, math.nan)), "'affine' .* finite"),
    "affine text": (lambda n: set_symbolic(n, (0, 0, 0), "sin", ("a", 2, 3, 4)), "'affine'"),
    "coefficients": (
        lambda n: set_edge(n, (0, 0, 0), torch.ones(9)),
        r"'coef' argument must have shape \(8,\). Got \(9,\)",
    ),
    "rename": (lambda n: rename(n, inputs={"d": "e"}), "'inputs' to rename must be among .* Got 'd'"),
    "rename output as input": (lambda n: rename(n, inputs={"u": "e"}), "'inputs' to rename must be among"),
    "rename twice": (lambda n: rename(n, inputs={"a": "b"}), "distinct"),
    "rename empty": (lambda n: rename(n, outputs={"u": ""}), "non-empty"),
    "rename list": (lambda n: rename(n, inputs=["a"]), "dictionary"),
    "factor": (lambda n: refine(n, 0), "'factor' argument"),
    "factor half": (lambda n: refine(n, 1.5), "'factor' argument"),
    "refine layer": (lambda n: refine(n, 2, [3]), r"'layers' argument .* \[0, 2\]"),
    "refine basis": (lambda n: refine(KAN([1, 1], basis="rbf"), 2), "be of B-splines. Got the basis 'rbf'"),
    "regrid width": (lambda n: regrid(n, torch.zeros(4, 2)), "'X' argument must have 3 columns"),
    "regrid empty": (lambda n: regrid(n, torch.zeros(0, 3)), "at least 1 row"),
    "regrid none": (lambda n: regrid(n, None), "'X'"),
    "regrid intervals": (lambda n: regrid(n, torch.zeros(4, 3), 0), "'intervals'"),
    "regrid blend": (lambda n: regrid(n, torch.zeros(4, 3), blend=1.5), "'blend'"),
    "regrid margin": (lambda n: regrid(n, torch.zeros(4, 3), margin=-0.1), "'margin'"),
    "regrid layers": (lambda n: regrid(n, torch.zeros(4, 3), layers=2), "'layers'"),
    "scale width": (lambda n: scale_to_data(n, torch.zeros(4, 2)), "'X' argument"),
    "scale y width": (lambda n: scale_to_data(n, torch.zeros(4, 3), torch.zeros(4, 1)), "'y' .* 2 columns"),
    "scale y vector": (lambda n: scale_to_data(n, torch.zeros(4, 3), torch.zeros(4)), "'y'"),
    "scale y rows": (lambda n: scale_to_data(n, torch.zeros(4, 3), torch.zeros(5, 2)), "'y' .* 4 rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_argument(case: str) -> None:
    act, message = REFUSED[case]
    net = network()
    before = state_bytes(net)
    with pytest.raises(InputError, match=message):
        act(net)
    assert state_bytes(net) == before


# ---- what the edits do


def test_masked_edges_are_gone_from_the_sums() -> None:
    net = network()
    x = inputs_of(net)
    result = mask_edges(net, [(0, 0, 0), (0, 1, 2)], x)
    layer, made = net.layers[0], result.network.layers[0]
    with torch.no_grad():
        h = net.activations(x)[0]
        wanted = layer(h).clone()
        wanted[:, 0] -= layer.edge(0, 0, h[:, 0])
        wanted[:, 2] -= layer.edge(1, 2, h[:, 1])
        torch.testing.assert_close(made(h), wanted, rtol=1e-12, atol=1e-12)
        assert result.record.max_change == float((net(x) - result.network(x)).abs().max())
    assert result.record.detail == "turned off edge (0, 0, 0), (0, 1, 2)"


def test_removing_a_node_is_masking_its_edges_and_its_factors() -> None:
    net = network()
    x = inputs_of(net)
    # Node 2 of layer 1 multiplies the sums 2 and 3; without its outgoing edges it does not matter.
    masked = mask_edges(net, [(1, 2, o) for o in range(4)]).network
    removed = remove_nodes(net, 1, [2]).network
    assert removed.shape == (3, 3, 3, 2)
    assert removed.spec.layers[0].nodes == Nodes(2, (3,))
    torch.testing.assert_close(removed(x), masked(x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("which", [["b"], [1], ["b", 1]])
def test_removing_an_input_drops_its_edges_and_keeps_the_others_names(which: list[Any]) -> None:
    net = network()
    x = inputs_of(net)
    removed = remove_inputs(net, which).network
    masked = mask_edges(net, [(0, 1, o) for o in range(7)]).network
    assert removed.input_names == ("a", "c")
    assert removed.input_shift.tolist() == [1.0, 3.0]
    torch.testing.assert_close(removed(x[:, [0, 2]]), masked(x), rtol=1e-13, atol=1e-13)
    again = remove_inputs(removed, ["a"]).network
    assert again.input_names == ("c",)
    save(again, "c.kan")
    assert load("c.kan").input_names == ("c",)
    assert torch.equal(load("c.kan")(x[:, [2]]), again(x[:, [2]]))


def test_symbolic_numeric_and_back() -> None:
    net = KAN([1, 1], intervals=40, grid=(0.5, 4.0), base="silu", seed=0, dtype=DOUBLE)
    x = torch.linspace(0.5, 4.0, 50, dtype=DOUBLE)[:, None]
    sym = set_symbolic(net, (0, 0, 0), "log", (2.0, 3.0, 0.0, 1.0), x)
    torch.testing.assert_close(sym.network(x), 2 * torch.log(3 * x) + 1)
    assert sym.network.layers[0].kind(0, 0) == "symbolic"
    back = set_numeric(sym.network, (0, 0, 0), x)
    assert back.network.layers[0].kind(0, 0) == "numeric"
    assert back.network.layers[0].affine is None
    assert back.record.max_change is not None
    assert back.record.max_change < 1e-4
    assert set_numeric(net, (0, 0, 0), x).record.max_change == 0.0
    # Another form in the place of the first one, not beside it.
    again = set_symbolic(sym.network, (0, 0, 0), "sin").network
    assert [edge.form for edge in again.layers[0].symbolic] == ["sin"]
    torch.testing.assert_close(again(x), torch.sin(x))


def test_set_numeric_where_the_form_has_no_value() -> None:
    """log on [-1, 1]: fitted where it is a number, finite everywhere."""
    net = set_symbolic(KAN([1, 1], intervals=10, dtype=DOUBLE), (0, 0, 0), "log").network
    made = set_numeric(net, (0, 0, 0)).network
    x = torch.linspace(-2, 2, 41, dtype=DOUBLE)[:, None]
    assert made(x).isfinite().all()
    nothing = set_symbolic(KAN([1, 1], dtype=DOUBLE), (0, 0, 0), "log", (1.0, 1.0, -5.0, 0.0)).network
    assert set_numeric(nothing, (0, 0, 0)).network(x).isfinite().all()


def test_set_edge_revives_and_replaces() -> None:
    net = mask_edges(network(), [(0, 1, 2)]).network
    coef = torch.linspace(-1, 1, 8)
    made = set_edge(net, (0, 1, 2), coef).network.layers[0]
    assert made.kind(1, 2) == "numeric"
    assert torch.equal(made.coef[1, :, 2], coef.double())
    assert torch.equal(set_edge(net, (0, 1, 2), coef.tolist()).network.layers[0].coef, made.coef)  # type: ignore[arg-type]
    for wrong in (2**63, None, "x", [1.0, "a"]):
        with pytest.raises(InputError, match="'coef' argument"):
            set_edge(net, (0, 1, 2), wrong)  # type: ignore[arg-type]


def test_renaming_changes_names_only() -> None:
    net = network()
    made = rename(net, inputs={"a": "b", "b": "a"}, outputs={"v": "power"}).network
    assert made.input_names == ("b", "a", "c")
    assert made.output_names == ("u", "power")
    assert state_bytes(made) == state_bytes(net)


# ---- dead nodes


def test_dead_nodes_go_and_their_constants_stay() -> None:
    net = network()
    with torch.no_grad():
        for layer in net.layers:
            assert layer.bias is not None
            layer.bias.copy_(torch.linspace(-1, 1, layer.out_features))
    x = inputs_of(net)
    # Node 0 of layer 1: nothing enters. Node 3 (three factors): nothing enters. Node 1 of layer 2: nothing leaves.
    edges = [(0, i, o) for i in range(3) for o in (0, 4, 5, 6)] + [(2, 1, o) for o in range(2)]
    net = mask_edges(net, edges).network
    result = drop_dead(net, x)
    assert result.network.shape == (3, 2, 2, 2)
    assert all(layer.mask.any(1).all() for layer in result.network.layers[1:])
    assert result.record.detail == "removed layer 1 node 0, layer 1 node 3, layer 2 node 1"
    assert result.record.max_change is not None
    assert result.record.max_change < 1e-13


def test_a_product_with_one_factor_without_edges_stays() -> None:
    net = mask_edges(network(), [(0, i, 2) for i in range(3)]).network
    result = drop_dead(net, inputs_of(net))
    assert result.network.shape == net.shape
    assert result.record.detail == "nothing to do"


@pytest.mark.parametrize("bias", [True, False])
def test_dead_nodes_in_a_chain_and_networks_that_are_constant(bias: bool) -> None:
    net = KAN([2, 3, 3, 1], bias=bias, base="silu", seed=0, dtype=DOUBLE)
    with torch.no_grad():
        for layer in net.layers:
            if layer.bias is not None:
                layer.bias.add_(0.3)
    # Node 1 of layer 2 only hears of node 2 of layer 1, which hears of nothing: both go.
    chain = mask_edges(net, [(0, 0, 2), (0, 1, 2), (1, 0, 1), (1, 1, 1)]).network
    x = inputs_of(net)
    result = drop_dead(chain, x)
    assert result.network.shape == (2, 2, 2, 1)
    assert result.record.max_change is not None
    assert result.record.max_change < 1e-13
    constant = mask_edges(net, [(0, i, o) for i in range(2) for o in range(3)]).network
    result = drop_dead(constant, x)
    assert result.network.shape == (2, 1, 1, 1)
    assert result.record.max_change is not None
    assert result.record.max_change < 1e-13


def test_dead_nodes_of_closed_forms() -> None:
    """The constant a dead node sends on passes through the form of its outgoing edge."""
    net = KAN([1, 2, 1], seed=0, dtype=DOUBLE)
    net = set_symbolic(net, (1, 1, 0), "sin", (2.0, 1.5, 0.1, 0.7)).network
    net = mask_edges(net, [(0, 0, 1)]).network
    with torch.no_grad():
        assert net.layers[0].bias is not None
        net.layers[0].bias.copy_(torch.tensor([0.1, 0.4], dtype=DOUBLE))
    made = drop_dead(net, inputs_of(net))
    assert made.record.max_change is not None
    assert made.record.max_change < 1e-14
    assert made.network.layers[1].bias is not None
    assert net.layers[1].bias is not None
    constant = 2.0 * math.sin(1.5 * 0.4 + 0.1) + 0.7
    assert (made.network.layers[1].bias - net.layers[1].bias).item() == pytest.approx(constant, rel=1e-14)
