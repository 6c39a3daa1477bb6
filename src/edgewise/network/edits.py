"""Pure edits: each returns a new network and a record of what changed; the old network is untouched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import among, as_tuple, check_float, check_vector, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.layers import SymbolicEdge
from edgewise.layers.symbolic_edges import check_form
from edgewise.network.arguments import (
    Edge,
    as_data,
    check_edge,
    check_edges,
    check_hidden,
    check_inputs,
    check_net,
    check_numbers,
)
from edgewise.network.module import KAN
from edgewise.network.spec import KANSpec, as_names
from edgewise.network.state import LayerState, make_layer, put_together, take_apart


@dataclass(frozen=True)
class EditRecord:
    """What an edit did.

    Attributes
    ----------
    name : str
        Name of the edit.
    detail : str
        What it did, in words.
    max_change : float or None
        Largest change of any output on the data given, in the units of y; None where no data were given.
    before, after : str
        The network's shape and alive edges before and after.
    """

    name: str
    detail: str
    max_change: float | None
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class EditResult:
    """A new network and the record of how it came to be."""

    network: KAN
    record: EditRecord


def describe(model: KAN) -> str:
    """Shape and alive edges, as "[2, 5, 1], 15 edges"."""
    check_net(model)
    return f"{list(model.shape)}, {sum(int(layer.mask.sum()) for layer in model.layers)} edges"


def recorded(name: str, detail: str, before: KAN, after: KAN, X: Any = None) -> EditResult:
    """The result of an edit, its largest change measured on X where given (and where both networks can be compared)."""
    change = None
    if X is not None and before.shape[0] == after.shape[0] and before.shape[-1] == after.shape[-1]:
        x = as_data(before, X, min_rows=0)
        with torch.no_grad():
            change = float((before(x) - after(x)).abs().max()) if len(x) else 0.0
    return EditResult(after, EditRecord(name, detail, change, describe(before), describe(after)))


def mask_edges(model: KAN, edges: Iterable[Edge], X: Any = None) -> EditResult:
    """Turn edges off.

    Parameters
    ----------
    model : KAN
    edges : iterable of (layer, source, target)
        `target` counts sums (the factors of a multiplication node are sums of their own).
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        For an edge the network does not have.

    Examples
    --------
    >>> model = KAN([2, 2, 1], seed=0)
    >>> mask_edges(model, [(0, 1, 0)]).record.after
    '[2, 2, 1], 5 edges'
    """
    check_net(model)
    chosen = check_edges(model, edges)
    states = take_apart(model)
    for layer, source, target in chosen:
        states[layer].mask[source, target] = False
    return recorded("mask_edges", listed("turned off edge", chosen), model, put_together(model, states), X)


def remove_nodes(model: KAN, layer: int, nodes: Iterable[int], X: Any = None) -> EditResult:
    """Remove hidden nodes with every edge they touch; at least one node must stay.

    Parameters
    ----------
    model : KAN
    layer : int
        Layer of nodes, 1 to L - 1 (0 are the inputs, L the outputs).
    nodes : iterable of int
        Numbers of nodes: sum nodes first, then multiplication nodes.
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        For nodes that are not there, or if none would stay.

    Examples
    --------
    >>> remove_nodes(KAN([2, 5, 1], seed=0), 1, [0, 3]).network.shape
    (2, 3, 1)
    """
    check_net(model)
    layer = check_hidden(model, layer)
    gone = check_numbers(nodes, model.shape[layer], "nodes")
    keep = [k for k in range(model.shape[layer]) if k not in gone]
    if not keep:
        raise InputError(argument="nodes", expected="leave at least one node in the layer", got="all of them")
    states = take_apart(model)
    states[layer - 1] = states[layer - 1].take_nodes(keep)
    states[layer] = states[layer].take_inputs(keep)
    return recorded(
        "remove_nodes",
        listed(f"removed from layer {layer} node", gone),
        model,
        put_together(model, states),
        X,
    )


def remove_inputs(model: KAN, inputs: Iterable[int | str]) -> EditResult:
    """Remove inputs by number or name; the names and scalings of the others survive.

    Parameters
    ----------
    model : KAN
    inputs : iterable of int or str

    Raises
    ------
    InputError
        For an input that is not there, or if none would stay.

    Examples
    --------
    >>> model = KAN([3, 1], input_names=["mass", "length", "time"], seed=0)
    >>> remove_inputs(model, ["length"]).network.input_names
    ('mass', 'time')
    """
    check_net(model)
    gone = check_inputs(model, inputs)
    keep = [k for k in range(model.shape[0]) if k not in gone]
    if not keep:
        raise InputError(argument="inputs", expected="leave at least one input", got="all of them")
    states = take_apart(model)
    states[0] = states[0].take_inputs(keep)
    names = [model.input_names[k] for k in gone]
    return recorded(
        "remove_inputs", listed("removed input", names), model, put_together(model, states, inputs=keep)
    )


def order_nodes(model: KAN, layer: int, order: Sequence[int], X: Any = None) -> EditResult:
    """Rearrange the nodes of a hidden layer; no output changes.

    Parameters
    ----------
    model : KAN
    layer : int
        Layer of nodes, 1 to L - 1.
    order : sequence of int
        Every node once, in the new order; sum nodes stay before multiplication nodes.
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        If the order leaves a node out, or mixes sum nodes and multiplication nodes.

    Examples
    --------
    >>> order_nodes(KAN([2, 3, 1], seed=0), 1, [2, 0, 1]).record.detail
    'layer 1 in the order [2, 0, 1]'
    """
    check_net(model)
    layer = check_hidden(model, layer)
    count = model.shape[layer]
    if check_numbers(order, count, "order") != list(range(count)) or len(order) != count:
        raise InputError(
            argument="order", expected=f"hold every node 0 to {count - 1} once", got=short(list(order))
        )
    sums = model.spec.layers[layer - 1].nodes.sums
    if any((k < sums) != (place < sums) for place, k in enumerate(order)):
        raise InputError(
            argument="order",
            expected="put sum nodes first, and multiplication nodes behind them",
            got=f"{list(order)} with {sums} sum nodes",
        )
    order = [int(k) for k in order]
    states = take_apart(model)
    states[layer - 1] = states[layer - 1].take_nodes(order)
    states[layer] = states[layer].take_inputs(order)
    return recorded(
        "order_nodes", f"layer {layer} in the order {order}", model, put_together(model, states), X
    )


def swap_nodes(model: KAN, layer: int, first: int, second: int, X: Any = None) -> EditResult:
    """Exchange two nodes of a hidden layer (of the same kind); no output changes.

    Parameters are those of `order_nodes`, with the two nodes in the place of an order.

    Examples
    --------
    >>> swap_nodes(KAN([2, 3, 1], seed=0), 1, 0, 2).record.detail
    'layer 1 in the order [2, 1, 0]'
    """
    check_net(model)
    layer = check_hidden(model, layer)
    check_numbers([first, second], model.shape[layer], "nodes")
    order = list(range(model.shape[layer]))
    order[first], order[second] = order[second], order[first]
    made = order_nodes(model, layer, order, X)
    return replace(made, record=replace(made.record, name="swap_nodes"))


def set_symbolic(
    model: KAN, edge: Edge, form: str, affine: Sequence[float] = (1.0, 1.0, 0.0, 0.0), X: Any = None
) -> EditResult:
    """Make an edge the closed form a * f(b * x + c) + d.

    Parameters
    ----------
    model : KAN
    edge : (layer, source, target)
    form : str
        Name of a form ("sin") or a formula in x ("x*exp(-x)").
    affine : a, b, c, d
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        For an edge the network does not have, or a form that cannot be read.

    Examples
    --------
    >>> set_symbolic(KAN([1, 1], seed=0), (0, 0, 0), "sin").network(torch.tensor([[0.5]]))
    tensor([[0.4794]], grad_fn=<AddBackward0>)
    """
    check_net(model)
    layer, source, target = check_edge(model, edge)
    check_form(form)
    entries = as_tuple(affine, "affine", "four numbers a, b, c, d")
    numbers = [check_float(number, "affine") for number in entries]
    if len(numbers) != 4:
        raise InputError(argument="affine", expected="be four numbers a, b, c, d", got=len(numbers))
    states = take_apart(model)
    row = torch.tensor(numbers, dtype=torch.float64)
    states[layer] = states[layer].with_symbolic(SymbolicEdge(source, target, form), row)
    detail = f"edge {(layer, source, target)} is now {form}"
    return recorded("set_symbolic", detail, model, put_together(model, states), X)


def set_edge(model: KAN, edge: Edge, coef: Tensor, X: Any = None) -> EditResult:
    """Give an edge new coefficients and make it numeric and alive.

    Parameters
    ----------
    model : KAN
    edge : (layer, source, target)
    coef : Tensor, shape (M,)
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        For an edge the network does not have, or coefficients of another shape.

    Examples
    --------
    >>> set_edge(KAN([1, 1], seed=0), (0, 0, 0), torch.ones(8)).network(torch.tensor([[0.3]]))
    tensor([[1.]], grad_fn=<AddBackward0>)
    """
    check_net(model)
    layer, source, target = check_edge(model, edge)
    states = take_apart(model)
    wanted = (states[layer].coef.shape[1],)
    if not isinstance(coef, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
        coef = torch.from_numpy(check_vector(coef, "coef"))
    if coef.shape != wanted:
        raise InputError(argument="coef", expected=f"have shape {wanted}", got=tuple(coef.shape))
    state = states[layer].without_symbolic(source, target)
    state.coef[source, :, target] = coef.detach().to(state.coef)
    state.mask[source, target] = True
    states[layer] = state
    detail = f"edge {(layer, source, target)} has new coefficients"
    return recorded("set_edge", detail, model, put_together(model, states), X)


def rename(
    model: KAN, *, inputs: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None
) -> EditResult:
    """New names for inputs and outputs.

    Parameters
    ----------
    model : KAN
    inputs, outputs : dict of {old: new}

    Raises
    ------
    InputError
        For an old name that is not there, or names that would not be distinct.

    Examples
    --------
    >>> rename(KAN([2, 1], seed=0), inputs={"x2": "speed"}).network.input_names
    ('x1', 'speed')
    """
    check_net(model)
    new_in, new_out = (
        _renamed(model.input_names, inputs, "inputs"),
        _renamed(model.output_names, outputs, "outputs"),
    )
    made = put_together(model, take_apart(model))
    made.spec = KANSpec(
        made.spec.layers, as_names(new_in, model.shape[0], "x"), as_names(new_out, model.shape[-1], "y")
    )
    return recorded("rename", f"inputs {list(new_in)}, outputs {list(new_out)}", model, made)


def _renamed(names: tuple[str, ...], changes: Any, argument: str) -> list[str]:
    changes = {} if changes is None else changes
    if not isinstance(changes, Mapping):
        raise InputError(argument=argument, expected="be a dictionary {old: new}", got=short(changes))
    for old in changes:
        if old not in names:
            raise InputError(
                subject=f"The '{argument}' to rename",
                expected=f"be among {among(names)}",
                got=f"{short(old)}{did_you_mean(old, names)}",
            )
    return [changes.get(name, name) for name in names]


def listed(what: str, things: Sequence[object]) -> str:
    """ "removed node 1, 3", or that there was nothing to do."""
    return f"{what} {', '.join(str(thing) for thing in things)}" if things else "nothing to do"


def drop_dead(model: KAN, X: Any = None) -> EditResult:
    """Remove hidden nodes that nothing leaves or nothing enters; constants they carry move into biases. Exact.

    Inputs stay, even where no edge leaves them: the table they come from has not changed (see `remove_inputs`). A layer
    of dead nodes keeps one of them, without edges.

    Parameters
    ----------
    model : KAN
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Examples
    --------
    >>> from edgewise.network import mask_edges
    >>> model = mask_edges(KAN([2, 3, 1], seed=0), [(0, 0, 2), (0, 1, 2)]).network
    >>> drop_dead(model).record.after
    '[2, 2, 1], 6 edges'
    """
    check_net(model)
    states = take_apart(model)
    # Cutting a node off can leave nodes before and after it dead.
    while any(_cut_off(states, layer) for layer in range(1, len(states))):
        pass
    gone: list[str] = []
    for layer in range(1, len(states)):
        dead = [k for k, alive in enumerate(states[layer].mask.any(1).tolist()) if not alive]
        if len(dead) == states[layer].spec.in_features:
            dead = dead[1:]
        keep = [k for k in range(states[layer].spec.in_features) if k not in dead]
        states[layer - 1], states[layer] = states[layer - 1].take_nodes(keep), states[layer].take_inputs(keep)
        gone.extend(f"layer {layer} node {k}" for k in dead)
    return recorded("drop_dead", listed("removed", gone), model, put_together(model, states), X)


def _cut_off(states: list[LayerState], layer: int) -> bool:
    """Turn off the edges of the nodes of a layer that are constant or unused; whether there were any."""
    before, after = states[layer - 1], states[layer]
    found = False
    for node, sums in enumerate(before.spec.nodes.groups()):
        # A product with a factor that has no edge is still a function: the factor's bias scales the others.
        enters, leaves = bool(before.mask[:, list(sums)].any()), bool(after.mask[node].any())
        if enters == leaves:
            continue
        found = True
        if leaves:
            after = states[layer] = _fold_constant(before, after, node)
            after.mask[node] = False
        else:
            before.mask[:, list(sums)] = False
    return found


def _fold_constant(before: LayerState, after: LayerState, node: int) -> LayerState:
    """Move what a node without incoming edges sends on into the next biases."""
    sums = list(before.spec.nodes.groups()[node])
    value = after.coef.new_zeros(()) if before.bias is None else before.bias[sums].prod()
    with torch.no_grad():
        constant = make_layer(after).edges(value.expand(1, after.spec.in_features))[0, node]
    old = torch.zeros_like(constant) if after.bias is None else after.bias
    return replace(after, spec=replace(after.spec, bias=True), bias=old + constant)
