"""The parameter vector and the evaluator: outputs and exact Jacobians of every kind of network."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgewise.network import KAN, mask_edges, set_symbolic
from edgewise.training import CrossEntropy, Squared
from edgewise.training.second_order import jacobian
from edgewise.training.second_order.jacobian import Evaluator
from edgewise.training.second_order.objective import DataObjective
from edgewise.training.second_order.parameters import make_slots, pack, write

from ...network.builders import inputs_of, networks, state_bytes


def numeric_jacobian(net: KAN, x: Tensor, theta: Tensor) -> Tensor:
    """Jacobian of the network's outputs in the vector, by autograd through the modules themselves."""
    slots = make_slots(net)

    def outputs(vector: Tensor) -> Tensor:
        values = dict(net.named_parameters())
        for k, (layer, slot) in enumerate(zip(net.layers, slots.layers, strict=True)):
            edges = vector[slot.coef].reshape(-1, slot.size)
            coef = torch.zeros_like(layer.coef).index_put(
                (slot.sources[:, None], torch.arange(slot.size), slot.targets[:, None]), edges
            )
            values[f"layers.{k}.coef"] = coef
            if layer.base_weight is not None:
                values[f"layers.{k}.base_weight"] = torch.zeros_like(layer.base_weight).index_put(
                    (slot.sources, slot.targets), vector[slot.base]
                )
            if layer.bias is not None:
                values[f"layers.{k}.bias"] = vector[slot.bias]
            if layer.affine is not None:
                values[f"layers.{k}.affine"] = vector[slot.affine].reshape(-1, 4)
        y = torch.func.functional_call(net, values, (x,))
        return (y - net.output_shift) / net.output_scale

    return torch.autograd.functional.jacobian(outputs, theta)


@given(net=networks(), seed=st.integers(0, 100))
def test_the_vector_holds_every_number_that_acts(net: KAN, seed: int) -> None:
    slots, x = make_slots(net), inputs_of(net)
    theta = pack(net, slots)
    assert len(theta) == slots.total
    made = copy.deepcopy(net)
    write(made, slots, theta)
    with torch.no_grad():
        assert torch.equal(made(x), net(x))
    other = torch.randn(len(theta), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    write(made, slots, other)
    assert torch.equal(pack(made, slots), other)


@pytest.mark.slow
@settings(max_examples=40)
@given(net=networks(), chunk=st.sampled_from([1, 200, 1 << 23]))
def test_outputs_and_jacobian_are_those_of_the_network(net: KAN, chunk: int) -> None:
    x = inputs_of(net, rows=5)
    slots = make_slots(net)
    assume(slots.total > 0)
    theta = pack(net, slots)
    before = state_bytes(net)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jacobian, "JACOBIAN_CHUNK", chunk)
        evaluator = Evaluator(net, slots, x)
        outputs = evaluator.outputs(theta)
        parts = list(evaluator.jacobians(theta))
    assert state_bytes(net) == before
    with torch.no_grad():
        wanted = (net(x) - net.output_shift) / net.output_scale
    tolerance = {"rtol": 1e-8, "atol": 1e-9 * max(1.0, float(wanted.abs().max()))}
    torch.testing.assert_close(outputs, wanted, **tolerance)
    torch.testing.assert_close(torch.cat([out for _, out, _ in parts]), wanted, **tolerance)
    rows = [k for part, _, _ in parts for k in range(part.start, part.stop)]
    assert rows == list(range(5))
    if chunk == 1:
        assert len(parts) == 5
    got = torch.cat([J for _, _, J in parts])
    exact = numeric_jacobian(net, x, theta)
    torch.testing.assert_close(got, exact, rtol=1e-7, atol=1e-9 * max(1.0, float(exact.abs().max())))


def test_a_dead_closed_form_without_a_value_does_no_harm() -> None:
    """The log of a negative number is NaN, and NaN times zero is NaN too."""
    net = set_symbolic(KAN([2, 2, 1], seed=0, dtype=torch.float64), (0, 0, 1), "log").network
    net = mask_edges(net, [(0, 0, 1)]).network
    x, slots = inputs_of(net), make_slots(net)
    evaluator = Evaluator(net, slots, x)
    assert bool(evaluator.outputs(pack(net, slots)).isfinite().all())
    for _, _, J in evaluator.jacobians(pack(net, slots)):
        assert bool(J.isfinite().all())


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("chunk", [1, 1 << 23])
def test_the_normal_equations_are_those_of_the_whole_jacobian(
    outputs: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jacobian, "JACOBIAN_CHUNK", chunk)
    net = KAN([2, 2, outputs], seed=0, dtype=torch.float64)
    x, slots = inputs_of(net, rows=15), make_slots(net)
    theta = pack(net, slots)
    weight = torch.rand(15, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = weight / weight.sum()
    J = numeric_jacobian(net, x, theta)
    for loss in (Squared(), CrossEntropy()):
        y = torch.nn.functional.one_hot(torch.arange(15) % outputs, outputs).double()
        y = (torch.arange(15) % 2)[:, None].double() if outputs == 1 else y
        objective = DataObjective(Evaluator(net, slots, x), loss, y, weight)
        value, gradient, curvature = objective.normal(theta)
        with torch.no_grad():
            f = net(x)
        root = loss.root(f, y)
        root = torch.diag_embed(root) if root.ndim == 2 else root
        stacked = (root @ J) * weight.sqrt()[:, None, None]
        assert value == pytest.approx(float(loss.rows(f, y) @ weight), rel=1e-12)
        assert objective.value(theta) == pytest.approx(value, rel=1e-12)
        torch.testing.assert_close(gradient, torch.einsum("nd,n,ndp->p", loss.gradient(f, y), weight, J))
        torch.testing.assert_close(curvature, torch.einsum("ndp,ndq->pq", stacked, stacked))
