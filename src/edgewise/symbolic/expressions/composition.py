"""A wholly symbolic network as one formula per output, in the user's columns and units.

Node values are kept as scale * tree + offset, so that input scaling, edge constants, biases and output scaling merge
into the few constants a formula needs instead of one pile at every node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from edgewise._core.checks import plural
from edgewise._core.errors import NumericEdgesError
from edgewise.forms import Form, form_from_text
from edgewise.forms.tree import Node, Number, Variable, multiplied, substitute, summed
from edgewise.network import KAN

Edge = tuple[int, int, int]
Affine = tuple[float, float, float, float]
Functions = Mapping[Edge, tuple[Form, Affine]]


@dataclass(frozen=True, slots=True)
class _ScaledTree:
    """scale * tree + offset; a constant has no tree."""

    scale: float
    tree: Node | None
    offset: float

    def times(self, scale: float, plus: float = 0.0) -> _ScaledTree:
        # What cancels to rounding error was meant to cancel: a zero shift is one constant fewer to read.
        offset = scale * self.offset + plus
        if abs(offset) <= 1e-13 * max(abs(scale * self.offset), abs(plus)):
            offset = 0.0
        return _ScaledTree(scale * self.scale, self.tree, offset)

    def node(self) -> Node:
        if self.tree is None:
            return Number(float(self.offset))
        scaled = self.tree if self.scale == 1.0 else float(self.scale) * self.tree
        return scaled if self.offset == 0.0 else scaled + float(self.offset)


def symbolic_functions(net: KAN) -> dict[Edge, tuple[Form, Affine]]:
    """The closed form and constants of every living symbolic edge."""
    found: dict[Edge, tuple[Form, Affine]] = {}
    for at, layer in enumerate(net.layers):
        for row, edge in enumerate(layer.symbolic):
            if layer.affine is not None and layer.kind(edge.source, edge.target) == "symbolic":
                a, b, c, d = (float(number) for number in layer.affine[row].detach().double())
                found[at, edge.source, edge.target] = (form_from_text(edge.form), (a, b, c, d))
    return found


def living_edges(net: KAN, kind: str | None = None) -> list[Edge]:
    """The edges that are alive, or those of one kind."""
    return [
        (at, source, target)
        for at, layer in enumerate(net.layers)
        for source, target in torch.nonzero(layer.mask).tolist()
        if kind is None or layer.kind(source, target) == kind
    ]


def compose(net: KAN, functions: Functions | None = None) -> tuple[Node, ...]:
    """One tree per output of a network, over its input names.

    Parameters
    ----------
    net
        The network.
    functions
        Closed forms for some edges, in place of what they are; by default the network's own.

    Returns
    -------
    tuple of Node

    Raises
    ------
    NumericEdgesError
        Where a living edge has no closed form.
    """
    known = {**symbolic_functions(net), **(functions or {})}
    missing = [edge for edge in living_edges(net) if edge not in known]
    if missing:
        shown = ", ".join(_named(net, edge) for edge in missing[:5])
        more = f" and {plural(len(missing) - 5, 'other')}" if len(missing) > 5 else ""
        raise NumericEdgesError(
            f"A formula needs every edge of the network to be symbolic. Got {plural(len(missing), 'numeric edge')} "
            f"instead: {shown}{more}; snap or prune them first."
        )
    values = [
        _ScaledTree(1.0, Variable(name), 0.0).times(1.0 / scale, -shift / scale)
        for name, shift, scale in zip(
            net.input_names, net.input_shift.tolist(), net.input_scale.tolist(), strict=True
        )
    ]
    for at, (spec, layer) in enumerate(zip(net.spec.layers, net.layers, strict=True)):
        biases = [0.0] * layer.out_features if layer.bias is None else layer.bias.detach().double().tolist()
        sums: list[_ScaledTree] = []
        for target in range(layer.out_features):
            edges = [known[edge] for edge in _entering(layer.in_features, known, at, target)]
            sources = [edge[1] for edge in _entering(layer.in_features, known, at, target)]
            alive = [
                _edge(form, affine, values[source])
                for (form, affine), source in zip(edges, sources, strict=True)
                if bool(layer.mask[source, target])
            ]
            sums.append(_sum(alive, float(biases[target])))
        values = [_multiply([sums[at] for at in group]) for group in spec.nodes.groups()]
    return tuple(
        value.times(scale, shift).node()
        for value, shift, scale in zip(
            values, net.output_shift.tolist(), net.output_scale.tolist(), strict=True
        )
    )


def _entering(width: int, known: Functions, layer: int, target: int) -> list[Edge]:
    return [(layer, source, target) for source in range(width) if (layer, source, target) in known]


def _edge(form: Form, affine: Affine, value: _ScaledTree) -> _ScaledTree:
    a, b, c, d = affine
    inner = value.times(b, c)
    if form.family == "linear":
        return inner.times(a, d)
    return _ScaledTree(a, substitute(form.tree(), "x", inner.node()), d)


def _sum(terms: list[_ScaledTree], bias: float) -> _ScaledTree:
    offset = bias + sum(term.offset for term in terms)
    living = [term for term in terms if term.tree is not None and term.scale != 0.0]
    if not living:
        return _ScaledTree(1.0, None, offset)
    if len(living) == 1:
        return _ScaledTree(living[0].scale, living[0].tree, offset)
    parts = [_ScaledTree(term.scale, term.tree, 0.0).node() for term in living]
    return _ScaledTree(1.0, summed(parts), offset)


def _multiply(factors: list[_ScaledTree]) -> _ScaledTree:
    if len(factors) == 1:
        return factors[0]
    scale = 1.0
    trees: list[Node] = []
    for factor in factors:
        if factor.tree is None or factor.scale == 0.0:
            scale *= factor.offset
        else:
            # Scales gather in front of the product; each factor keeps its own zero.
            scale *= factor.scale
            trees.append(_ScaledTree(1.0, factor.tree, factor.offset / factor.scale).node())
    if not trees:
        return _ScaledTree(1.0, None, scale)
    return _ScaledTree(scale, multiplied(trees), 0.0)


def _named(net: KAN, edge: Edge) -> str:
    layer, source, target = edge
    origin = repr(net.input_names[source]) if layer == 0 else f"node {source} of layer {layer}"
    return f"{edge} (from {origin} to sum {target})"
