"""KAN as a module: shapes, names, scalings, predictions and their refusals."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given

from edgewise import InputError
from edgewise.network import KAN, KANSpec, LayerSpec, Nodes, mask_edges, set_symbolic

from .builders import inputs_of, networks, state_bytes

DOUBLE = torch.float64


def by_hand(net: KAN, row: list[float]) -> list[float]:
    """The network on one row, edge by edge and node by node."""
    values = [
        (v - s) / r for v, s, r in zip(row, net.input_shift.tolist(), net.input_scale.tolist(), strict=True)
    ]
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        sums = []
        for o in range(layer.out_features):
            total = 0.0 if layer.bias is None else float(layer.bias[o])
            for i, value in enumerate(values):
                total += layer.edge(i, o, torch.tensor([value], dtype=net.dtype)).item()
            sums.append(total)
        values = sums[: spec.nodes.sums]
        rest = iter(sums[spec.nodes.sums :])
        for arity in spec.nodes.products:
            product = 1.0
            for _ in range(arity):
                product *= next(rest)
            values.append(product)
    scaling = zip(values, net.output_shift.tolist(), net.output_scale.tolist(), strict=True)
    return [shift + scale * value for value, shift, scale in scaling]


@pytest.mark.slow
@given(net=networks())
def test_the_network_is_what_its_parts_say(net: KAN) -> None:
    x = inputs_of(net, rows=3)
    with torch.no_grad():
        wanted = torch.tensor([by_hand(net, row) for row in x.tolist()], dtype=DOUBLE)
        torch.testing.assert_close(net(x), wanted, rtol=1e-9, atol=1e-9)


@given(net=networks(products=True))
def test_activations_sums_and_output_belong_together(net: KAN) -> None:
    x = inputs_of(net, rows=5)
    nodes, sums = net.activations(x), net.sums(x)
    assert [h.shape[1] for h in nodes] == list(net.shape)
    assert [z.shape[1] for z in sums] == [layer.out_features for layer in net.layers]
    assert torch.equal(nodes[0], (x - net.input_shift) / net.input_scale)
    assert torch.equal(net(x), net.output_shift + net.output_scale * nodes[-1])
    for spec, z, h in zip(net.spec.layers, sums, nodes[1:], strict=True):
        assert torch.equal(z[:, : spec.nodes.sums], h[:, : spec.nodes.sums])


@pytest.mark.slow
@given(net=networks())
def test_the_spec_survives_json(net: KAN) -> None:
    again = KANSpec.from_json(json.loads(json.dumps(net.spec.to_json())))
    assert again == net.spec
    assert hash(again) == hash(net.spec)
    rebuilt = [type(layer)(*_arguments(spec)) for spec, layer in zip(again.layers, net.layers, strict=True)]
    assert [layer.in_features for layer in rebuilt] == [layer.in_features for layer in net.layers]


def _arguments(spec: LayerSpec) -> tuple[int, int]:
    return spec.in_features, spec.nodes.incoming


def test_shapes_as_people_write_them() -> None:
    assert KAN([2, 5, 1]).shape == (2, 5, 1)
    assert (
        KAN((2, Nodes(3, (2, 2)), 1)).spec == KAN([2, [3, 2], 1]).spec == KAN([2, (3, (2, 2)), [1, []]]).spec
    )
    assert KAN([np.int64(2), [np.int64(1), [np.int64(3)]], 1]).shape == (2, 2, 1)
    assert KAN([2, [0, (4,)]]).shape == (2, 1)
    json.dumps(KAN([np.int64(2), [np.int64(1), [np.int64(3)]], 1]).spec.to_json())


BAD: list[tuple[Any, dict[str, Any], str]] = [
    ([2], {}, "'shape' argument must list at least inputs and outputs"),
    ("251", {}, "'shape' argument must list"),
    (5, {}, "'shape' argument must list"),
    ([2, 0, 1], {}, r"'shape' .* must be an int in the range \[1"),
    ([2, 2.5, 1], {}, "'shape'"),
    ([2, True], {}, "'shape'"),
    ([2, [1, (1,)], 1], {}, r"'products' .* range \[2"),
    ([2, [1, ("a",)], 1], {}, "'products'"),
    ([2, [1, (2.5,)], 1], {}, "'products'"),
    ([2, [-1, 2], 1], {}, "'shape'"),
    ([2, [0, 0], 1], {}, "at least one node"),
    ([[1, 1], 2], {}, "'shape' .* number of inputs"),
    ([2, 1], {"input_names": ["a"]}, "'input_names' argument must hold 2 names. Got 1"),
    ([2, 1], {"input_names": ["a", "a"]}, "'input_names' .* distinct"),
    ([2, 1], {"input_names": "ab"}, "'input_names' .* single string"),
    ([2, 1], {"input_names": ["a", " "]}, "'input_names' .* non-empty"),
    ([2, 1], {"output_names": ["a", "b"]}, "'output_names' argument must hold 1 name. Got 2"),
    ([2, 1], {"basis": "splines"}, "'basis'"),
    ([2, 1], {"degree": 9}, "'degree'"),
    ([2, 1], {"intervals": 0}, "'intervals'"),
    ([2, 1], {"seed": "0"}, "'seed'"),
]


@pytest.mark.parametrize(("shape", "options", "message"), BAD)
def test_bad_arguments_are_refused(shape: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KAN(shape, **options)


def test_a_wrong_width_or_dtype_is_refused_by_name() -> None:
    net = KAN([2, 3, 1], input_names=["mass", "length"], seed=0)
    for x in (torch.zeros(4, 3), torch.zeros(4, 1), torch.zeros(3), torch.zeros(())):
        with pytest.raises(
            InputError, match=r"this KAN must have 2 columns \('mass', 'length'\) in its last dimension"
        ):
            net(x)
    for x in (torch.zeros(4, 2, dtype=DOUBLE), torch.zeros(4, 2, dtype=torch.int64)):
        with pytest.raises(InputError, match=r"dtype of its parameters, torch\.float32"):
            net(x)


def test_predict_takes_tables_and_refuses_what_it_cannot_know() -> None:
    net = KAN([2, 3, 2], seed=0)
    rows = [[0.1, -0.5], [0.3, 0.9]]
    wanted = net(torch.tensor(rows)).detach().double().numpy()
    frame = pd.DataFrame(rows, columns=["a", "b"])
    for table in (
        rows,
        np.array(rows),
        np.array(rows, dtype=np.float32),
        torch.tensor(rows, dtype=DOUBLE),
        frame,
    ):
        y = net.predict(table)
        assert y.dtype == np.float64
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    for table, message in (
        ([[1.0, 2.0, 3.0]], "'X' argument must have 2 columns. Got 3"),
        ([1.0, 2.0], "must be a matrix"),
        ([[1.0, float("nan")]], r"finite numbers. Got nan \(column 1, 1 such entry\) in row 0"),
        ([[float("inf"), 1.0]], "finite numbers"),
        ([["a", "b"]], "real numbers"),
        (np.zeros((0, 2)), "at least 1 row"),
        (None, "array of numbers"),
    ):
        with pytest.raises(InputError, match=message):
            net.predict(table)


def test_outside_flags_entries_beyond_the_grid() -> None:
    net = KAN([2, 1], grid=(-1.0, 1.0), seed=0, dtype=DOUBLE)
    net.input_shift.copy_(torch.tensor([10.0, 0.0]))
    net.input_scale.copy_(torch.tensor([2.0, 0.5]))
    assert net.input_range().tolist() == [[8.0, 12.0], [-0.5, 0.5]]
    x = torch.tensor([[8.0, 0.5], [7.9, 0.0], [12.1, -0.6], [10.0, 0.0]], dtype=DOUBLE)
    assert net.outside(x).tolist() == [[False, False], [True, False], [True, True], [False, False]]
    assert net.outside(x[0]).tolist() == [False, False]
    for bad in (torch.zeros(3, 1), torch.zeros(3, 3), torch.zeros(())):
        with pytest.raises(InputError, match="'x' argument must have 2 columns"):
            net.outside(bad)


def test_seeds_decide_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    same = [KAN([3, 4, 2], seed=5), KAN([3, 4, 2], seed=5)]
    other = KAN([3, 4, 2], seed=6)
    square = KAN([3, 3, 3], seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    assert state_bytes(same[0]) == state_bytes(same[1]) != state_bytes(other)
    assert not torch.equal(square.layers[0].coef, square.layers[1].coef)


def test_torch_machinery() -> None:
    net = set_symbolic(KAN([2, [2, 1], 1], seed=0, dtype=DOUBLE), (0, 0, 0), "sin").network
    x = inputs_of(net)
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(again(x), net(x))
        assert again.spec == net.spec
    assert torch.equal(net(x.reshape(4, 10, 2)).reshape(40, 1), net(x))
    torch.testing.assert_close(net.float()(x.float()).double(), net.double()(x), rtol=1e-4, atol=1e-4)
    assert not net.eval().training


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*should not be instantiated:DeprecationWarning"
)  # torch's compiler does so itself
def test_compiles_in_one_graph() -> None:
    net = set_symbolic(KAN([2, [2, 1], 1], seed=0, dtype=DOUBLE), (0, 0, 0), "sin").network
    x = inputs_of(net)
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), net(x), rtol=1e-12, atol=1e-12)


def test_parameters_are_counted_where_they_live() -> None:
    net = KAN([2, 3, 1], degree=3, intervals=5)
    assert net.n_parameters == 9 * 8 + 4
    net = mask_edges(net, [(0, 0, 0)]).network
    assert net.n_parameters == 8 * 8 + 4
    net = set_symbolic(net, (0, 1, 1), "sin").network
    assert net.n_parameters == 7 * 8 + 4 + 4
    assert mask_edges(net, [(0, 1, 1)]).network.n_parameters == 7 * 8 + 4
    assert KAN([2, 1], base="silu", bias=False).n_parameters == 2 * 9


def test_the_repr_names_shape_and_inputs() -> None:
    text = repr(KAN([2, 1], input_names=["mass", "length"]))
    assert "shape=[2, 1]" in text
    assert "mass" in text


def test_three_derivatives_reach_the_inputs() -> None:
    """As equations of physics need: of y with respect to x, against finite differences of the second derivative."""
    net = KAN([1, [2, 1], 1], degree=5, seed=0, dtype=DOUBLE)

    def derivative(x: torch.Tensor, order: int) -> torch.Tensor:
        x = x.clone().requires_grad_()
        value = net(x)
        for _ in range(order):
            (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        return value.detach()

    x, h = torch.linspace(-0.93, 0.91, 7, dtype=DOUBLE)[:, None], 1e-5
    for order in range(3):
        slope = (derivative(x + h, order) - derivative(x - h, order)) / (2 * h)
        torch.testing.assert_close(derivative(x, order + 1), slope, rtol=1e-5, atol=1e-5)
