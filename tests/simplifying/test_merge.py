"""Merging of nodes that carry the same function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.network.state import put_together, take_apart
from edgewise.simplifying import merge_equal
from edgewise.simplifying.canonical import _inputs_scaled, _sums_scaled

from ..network.builders import inputs_of, networks, scale_of, state_bytes

DOUBLE = torch.float64


def with_twin(net: KAN, a: float = 1.0, b: float = 0.0, own_grid: bool = False) -> KAN:
    """Node 1 of the first hidden layer is made a * node 0 + b; with its own grid it is mapped along."""
    states = take_apart(net)
    before = states[0]
    bias = torch.zeros(before.coef.shape[2], dtype=DOUBLE) if before.bias is None else before.bias.clone()
    coef, mask = before.coef.clone(), before.mask.clone()
    coef[..., 1], mask[:, 1] = a * coef[..., 0], mask[:, 0]
    bias[1] = a * bias[0] + b
    base = before.base_weight
    if base is not None:
        base = base.clone()
        base[:, 1] = a * base[:, 0]
    states[0] = replace(
        before, coef=coef, mask=mask, bias=bias, base_weight=base, spec=replace(before.spec, bias=True)
    )
    if own_grid:
        grid = states[1].grid.clone()
        grid[1] = a * grid[0] + b
        states[1] = replace(states[1], grid=grid)
    return put_together(net, states)


@pytest.mark.parametrize("basis", ["bspline", "chebyshev", "fourier", "rbf", "rational"])
@pytest.mark.parametrize("base", [None, "silu"])
def test_equal_nodes_become_one_exactly(basis: str, base: str | None) -> None:
    net = with_twin(KAN([2, 3, 2], basis=basis, base=base, seed=0, dtype=DOUBLE))
    x, beyond = inputs_of(net), inputs_of(net, seed=3)
    before = state_bytes(net)
    result = merge_equal(net, x)
    assert state_bytes(net) == before
    assert result.network.shape == (2, 2, 2)
    assert result.record.detail == "joined node 1 into 0 of layer 1"
    assert result.network.layers[1].intervals == net.layers[1].intervals
    with torch.no_grad():
        torch.testing.assert_close(result.network(beyond), net(beyond), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("basis", ["bspline", "chebyshev", "fourier", "rbf", "rational"])
def test_images_on_grids_that_are_images_are_joined_exactly(basis: str) -> None:
    net = with_twin(KAN([2, 2, 2], basis=basis, seed=0, dtype=DOUBLE), 0.37, -1.2, own_grid=True)
    result = merge_equal(net, inputs_of(net))
    assert result.network.shape == (2, 1, 2)
    beyond = inputs_of(net, seed=3)
    with torch.no_grad():
        torch.testing.assert_close(result.network(beyond), net(beyond), rtol=1e-8, atol=1e-9)
    assert result.network.layers[1].intervals == net.layers[1].intervals


@pytest.mark.parametrize("base", [None, "silu"])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.2), (-0.8, 0.1)])
def test_other_images_are_laid_over_a_finer_grid(a: float, b: float, base: str | None) -> None:
    net = with_twin(KAN([2, 3, 2], base=base, intervals=20, seed=0, dtype=DOUBLE), a, b)
    x = inputs_of(net)
    result = merge_equal(net, x)
    assert result.network.shape == (2, 2, 2)
    with torch.no_grad():
        change = (result.network(x) - net(x)).abs().max()
        assert result.record.max_change == float(change)
        assert float(change) < 2e-3 * scale_of(net(x))
        # The node that was not merged sends on just what it did.
        line = torch.linspace(-1.4, 1.4, 50, dtype=DOUBLE)
        for o in range(2):
            torch.testing.assert_close(
                result.network.layers[1].edge(1, o, line),
                net.layers[1].edge(2, o, line),
                rtol=1e-10,
                atol=1e-11,
            )


def closed(net: KAN, edges: dict[tuple[int, int, int], tuple[str, tuple[float, ...]]]) -> KAN:
    for edge, (form, affine) in edges.items():
        net = set_symbolic(net, edge, form, affine).network
    return net


def test_closed_forms_that_agree_stay_closed_forms() -> None:
    a, b = 0.5, 0.2
    net = with_twin(KAN([2, 2, 3], seed=0, dtype=DOUBLE), a, b)
    net = closed(
        net,
        {
            # The same function of node 0: sin(2 u + 0.3) = sin(4 (a u + b) + 0.3 - 4 b).
            (1, 0, 0): ("sin", (1.5, 2.0, 0.3, 0.1)),
            (1, 1, 0): ("sin", (0.7, 4.0, 0.3 - 4 * b, 0.2)),
            (1, 1, 1): ("exp", (1.0, 1.0, 0.0, 0.0)),
            (1, 0, 2): ("tanh", (2.0, 1.0, 0.0, 0.0)),
        },
    )
    net = mask_edges(net, [(1, 0, 1), (1, 1, 2)]).network
    result = merge_equal(net, inputs_of(net))
    made = result.network.layers[1]
    assert [made.kind(0, o) for o in range(3)] == ["symbolic"] * 3
    assert {edge.form for edge in made.symbolic} == {"sin", "exp", "tanh"}
    beyond = inputs_of(net, seed=3)
    with torch.no_grad():
        torch.testing.assert_close(result.network(beyond), net(beyond), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("other", ["numeric", "square"])
def test_closed_forms_that_differ_become_a_spline(other: str) -> None:
    net = with_twin(KAN([2, 2, 2], intervals=20, seed=0, dtype=DOUBLE))
    edges: dict[Any, Any] = {(1, 0, 0): ("sin", (1.0, 1.0, 0.0, 0.0))}
    if other != "numeric":
        edges[1, 1, 0] = (other, (1.0, 1.0, 0.0, 0.0))
    net = closed(net, edges)
    result = merge_equal(net, inputs_of(net))
    assert result.network.layers[1].kind(0, 0) == "numeric"
    with torch.no_grad():
        assert result.record.max_change is not None
        assert result.record.max_change < 1e-4 * scale_of(net(inputs_of(net)))


def test_forms_without_a_value_beside_the_data_do_no_harm() -> None:
    net = with_twin(KAN([1, 2, 1], intervals=10, seed=0, dtype=DOUBLE))
    low = float(net.activations(inputs_of(net))[1][:, 0].min().detach())
    # The logarithm has values on the data, but not on all of the grid.
    net = closed(net, {(1, 0, 0): ("log", (1.0, 1.0, 0.05 - low, 0.0))})
    result = merge_equal(net, inputs_of(net))
    assert result.network.shape == (1, 1, 1)
    for tensor in result.network.state_dict().values():
        assert bool(tensor.isfinite().all())


@given(net=networks(min_layers=2), seed=st.integers(0, 5))
def test_merging_never_changes_more_than_it_says_and_leaves_distinct_nodes(net: KAN, seed: int) -> None:
    x = inputs_of(net, seed=seed)
    before = state_bytes(net)
    result = merge_equal(net, x)
    assert state_bytes(net) == before
    with torch.no_grad():
        assert result.record.max_change == pytest.approx(float((net(x) - result.network(x)).abs().max()))
        assert result.record.max_change < 0.2 * scale_of(net(x))


def test_products_and_constants_are_left_alone() -> None:
    net = KAN([2, Nodes(1, (2, 2)), 1], seed=0, dtype=DOUBLE)
    states = take_apart(net)
    coef = states[0].coef.clone()
    coef[..., 3:] = coef[..., 1:3]
    net = put_together(net, [replace(states[0], coef=coef), states[1]])
    assert merge_equal(net, inputs_of(net)).network.shape == (2, 3, 1)
    dead = mask_edges(
        KAN([2, 2, 1], seed=0, dtype=DOUBLE), [(0, i, o) for i in range(2) for o in range(2)]
    ).network
    assert merge_equal(dead, inputs_of(dead)).network.shape == (2, 2, 1)


def test_the_tolerance_is_a_share_of_the_range() -> None:
    net = with_twin(KAN([2, 2, 1], seed=0, dtype=DOUBLE))
    states = take_apart(net)
    coef = states[0].coef.clone()
    coef[0, 2, 1] += 1e-4
    net = put_together(net, [replace(states[0], coef=coef), states[1]])
    x = inputs_of(net)
    assert merge_equal(net, x).network.shape == (2, 2, 1)
    assert merge_equal(net, x, tolerance=1e-2).network.shape == (2, 1, 1)
    shift, scale = torch.zeros(2, dtype=DOUBLE), torch.full((2,), 1e6, dtype=DOUBLE)
    states = take_apart(net)
    huge = put_together(net, [_sums_scaled(states[0], shift, scale), _inputs_scaled(states[1], shift, scale)])
    assert merge_equal(huge, x).network.shape == (2, 2, 1)
    with pytest.raises(InputError, match="'tolerance' argument"):
        merge_equal(net, x, tolerance=-1.0)
