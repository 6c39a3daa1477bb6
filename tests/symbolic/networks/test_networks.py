"""Suggesting, snapping and composing on networks, without training: nothing mutates, and formulas equal networks."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError, NumericEdgesError
from edgewise.forms import FORMS, form_from_text
from edgewise.network import KAN, Nodes, mask_edges, scale_to_data, set_symbolic
from edgewise.symbolic import formula, snap, suggest
from edgewise.symbolic.expressions.composition import compose, living_edges
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.networks.snapping import snap_network

from ..trained import spline_network

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (600, 2))
SMOOTH = [
    "identity",
    "square",
    "cube",
    "sin",
    "cos",
    "tanh",
    "arctan",
    "gaussian",
    "exp",
    "sigmoid",
    "cosh",
    "abs",
]


def symbolic_network(shape: list[object], seed: int, forms: list[str], X: np.ndarray) -> KAN:
    """Every edge a random closed form, every scaling and bias at work."""
    rng = np.random.default_rng(seed)
    net = KAN(shape, seed=seed, dtype=torch.float64, input_names=[f"column {k}" for k in range(X.shape[1])])
    net = scale_to_data(net, X, 3 + 2 * X[:, :1].repeat(net.shape[-1], 1)).network
    for at, edge in enumerate(living_edges(net)):
        a, b, c, d = rng.uniform(0.3, 1.2, 4) * rng.choice([-1, 1], 4)
        net = set_symbolic(net, edge, forms[(at + seed) % len(forms)], (a, b, c, d)).network
    with torch.no_grad():
        for layer in net.layers:
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, layer.out_features)))
    return net


SHAPES: list[list[object]] = [
    [2, 1],
    [2, 3, 1],
    [2, 2, 2],
    [2, Nodes(0, (2,)), 1],
    [2, Nodes(1, (3,)), 1],
    [2, Nodes(1, (2, 4)), 2],
    [2, Nodes(0, (2,))],
]


@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_the_formula_equals_the_network(shape: list[object], seed: int) -> None:
    net = symbolic_network(shape, seed, SMOOTH, X)
    expected = net.predict(X[:50])
    for at, tree in enumerate(compose(net)):
        tape = Tape(tree, net.input_names)
        np.testing.assert_allclose(tape.value(tape.start, X[:50]), expected[:, at], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_short_formula_equals_the_network_too(shape: list[object]) -> None:
    net = symbolic_network(shape, 3, SMOOTH, X)
    found = formula(net, X, net.predict(X))
    assert len(found) == net.shape[-1]
    for item in found:
        assert item.error == pytest.approx(0, abs=1e-9)
        assert item.network_deviation == pytest.approx(0, abs=1e-9)
        assert {symbol.name for symbol in item.sympy.free_symbols} <= set(net.input_names)


def test_products_of_any_arity_are_products() -> None:
    net = KAN([3, Nodes(0, (3,))], seed=0, dtype=torch.float64, input_names=["a", "b", "c"])
    edges = [(0, k, k) for k in range(3)]
    net = mask_edges(net, [edge for edge in living_edges(net) if edge not in edges]).network
    for edge in edges:
        net = set_symbolic(net, edge, "identity").network
    a, b, c = sympy.symbols("a b c")
    assert sympy.simplify(formula(net)[0].sympy - a * b * c) == 0


def test_a_formula_is_refused_while_edges_are_numeric() -> None:
    net = set_symbolic(KAN([2, 1], seed=0, dtype=torch.float64), (0, 0, 0), "sin").network
    with pytest.raises(NumericEdgesError, match=r"\(0, 1, 0\) \(from 'x2' to sum 0\)"):
        formula(net)
    assert formula(mask_edges(net, [(0, 1, 0)]).network)[0].text == "sin(x1)"


def test_dead_edges_and_nodes_leave_no_trace() -> None:
    net = symbolic_network([2, 2, 1], 1, ["sin"], X)
    net = mask_edges(net, [(0, 1, 0), (0, 1, 1), (0, 0, 1)]).network
    (found,) = formula(net)
    assert {symbol.name for symbol in found.sympy.free_symbols} == {"column 0"}
    np.testing.assert_allclose(found.predict(X), net.predict(X)[:, 0], rtol=1e-10, atol=1e-12)


def test_suggest_finds_the_form_and_changes_nothing() -> None:
    net = spline_network([lambda x: np.sin(np.pi * x), np.square], X, np.exp, intervals=20)
    before = copy.deepcopy(net.state_dict())
    found = [suggest(net, *edge, X)[0] for edge in [(0, 0, 0), (0, 1, 0), (1, 0, 0)]]
    assert [item.form.name for item in found] == ["sin", "square", "exp"]
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert len(suggest(net, 0, 0, 0, top=3)) == 3


def test_suggestions_are_in_network_units() -> None:
    far = RNG.uniform(3, 9, (400, 1))
    net = spline_network([np.log], far, intervals=40)
    best = suggest(net, 0, 0, 0, far)[0]
    assert best.form.name == "log"
    snapped = set_symbolic(net, (0, 0, 0), "log", (best.a, best.b, best.c, best.d)).network
    np.testing.assert_allclose(snapped.predict(far), net.predict(far), atol=1e-4)
    # In the column's own units the logarithm needs no shift.
    assert formula(snapped)[0].complexity <= 6


def test_suggest_refuses_what_is_no_living_edge() -> None:
    net = mask_edges(KAN([2, 1], seed=0), [(0, 1, 0)]).network
    with pytest.raises(InputError, match="living edge"):
        suggest(net, 0, 1, 0)
    with pytest.raises(InputError, match="columns"):
        suggest(net, 0, 0, 0, X[:, :1])


BAD_SNAPS: dict[str, tuple[dict[str, Any], str]] = {
    "layer": ({"edges": [(3, 0, 0)]}, r"'layer' argument .* Got 3"),
    "target": ({"edges": [(0, 0, 0), (0, 1, 7)]}, r"'target' argument .* Got 7"),
    "no edge": ({"edges": [(0, 1)]}, r"'edges' argument .* three ints .* Got \(0, 1\)"),
    "one edge": ({"edges": (0, 0, 0)}, r"'edges' argument .* write one edge as a list of one"),
    "dead": ({"edges": [(0, 1, 0)]}, r"must be those of a living edge .* Got \(0, 1, 0\)"),
    "columns": ({"X": X[:, :1]}, "'X' argument"),
    "forms": ({"forms": []}, "'forms' argument must hold at least one"),
    "accuracy": ({"accuracy": 7.0}, "'accuracy' argument"),
    "overflow": ({"X": [[1e300, 0.0]]}, "'X' argument must leave the nodes"),
}


@pytest.mark.parametrize("name", BAD_SNAPS)
def test_snap_speaks_of_itself_when_it_refuses(name: str) -> None:
    given, message = BAD_SNAPS[name]
    net = mask_edges(KAN([2, 1, 1], seed=0), [(0, 1, 0)]).network
    with pytest.raises(InputError, match=message):
        snap(net, **{"X": X, **given})


def test_snap_records_and_leaves_the_old_network() -> None:
    net = spline_network([np.tanh, np.square], X, intervals=20)
    result = snap(net, X)
    assert living_edges(net, "numeric") == [(0, 0, 0), (0, 1, 0)]
    assert living_edges(result.network, "symbolic") == [(0, 0, 0), (0, 1, 0)]
    change = np.abs(result.network.predict(X) - net.predict(X)).max()
    assert result.record.max_change == pytest.approx(change)
    assert change < 1e-3
    partly = snap(net, X, edges=[(0, 0, 0)]).network
    assert living_edges(partly, "numeric") == [(0, 1, 0)]
    nothing = snap(net, X, forms=[FORMS["identity"]], min_r2=0.9999)
    assert living_edges(nothing.network, "symbolic") == []


def test_user_forms_on_edges() -> None:
    bump = form_from_text("x*exp(-x^2)")
    net = spline_network([lambda x: 2 * x * np.exp(-4 * x * x)], X[:, :1], intervals=40)
    snapped = snap(net, X[:, :1], forms=[FORMS["identity"], bump])
    assert "x*exp(-x^2)" in snapped.record.detail
    assert formula(snapped.network)[0].sympy.has(sympy.exp)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_snapping_in_context_forgives_bad_edges(noise: float) -> None:
    # Edges known to a few percent only: each alone would be taken for something else.
    net = spline_network([lambda x: np.sin(np.pi * x), np.square], X, np.exp, intervals=6, noise=noise)
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    rows = SplitRows(net.input_names, X[:500], y[:500], X[500:], y[500:])
    best = snap_network(net, rows)[0]
    tape = Tape(best, rows.names)
    np.testing.assert_allclose(tape.value(tape.start, X), y, rtol=1e-6)
    assert to_sympy(best).has(sympy.sin, sympy.exp)


def test_snapping_drops_edges_nobody_misses() -> None:
    table = RNG.uniform(-1, 1, (500, 3))
    y = np.sin(np.pi * table[:, 0]) + table[:, 1] ** 2
    net = spline_network(
        [lambda x: np.sin(np.pi * x), np.square, lambda x: 0.001 * np.cos(5 * x)],
        table,
        intervals=8,
        noise=0.01,
    )
    rows = SplitRows(net.input_names, table[:400], y[:400], table[400:], y[400:])
    names = {symbol.name for symbol in to_sympy(snap_network(net, rows)[0]).free_symbols}
    assert names == {"x1", "x2"}
