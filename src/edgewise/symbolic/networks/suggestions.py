"""Closed forms for the edges of a network: suggestions, and snapping edges to them. The network is never changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.histograms import histogram
from edgewise.forms import Form
from edgewise.network import KAN, EditRecord, EditResult, describe, set_symbolic
from edgewise.network.arguments import as_data, check_edge, check_net
from edgewise.symbolic.expressions.composition import Edge, living_edges
from edgewise.symbolic.univariate.closed_forms import Suggestion, fit_curve, some_forms

# Points on which an edge function is compared with the library, whatever the number of rows.
POINTS = 160


@dataclass(frozen=True)
class EdgeCurve:
    """An edge function on fixed points: in user's units on the first layer, in network units beyond.

    x = shift + scale * h takes the network's units to those of x.
    """

    x: Floats
    y: Floats
    weight: Floats
    shift: float
    scale: float

    def to_network(self, found: Suggestion) -> tuple[float, float, float, float]:
        """a, b, c, d in network units."""
        return found.a, found.b * self.scale, found.c + found.b * self.shift, found.d


def edge_curve(net: KAN, edge: Edge, values: Tensor | None) -> EdgeCurve:
    """The edge function over the range of its node's values, weighted by where they lie; over its grid without data."""
    at, source, target = edge
    layer = net.layers[at]
    if values is None:
        low, high = (float(end) for end in layer.domain[source].double())
        held = None
    else:
        held = values[:, source].detach().double().cpu().numpy()
        low, high = float(held.min()), float(held.max())
    if high <= low:
        high = low + 1e-12 + 1e-9 * abs(low)
    h = np.linspace(low, high, POINTS)
    weight = np.ones(POINTS) if held is None else _density(held, low, high)
    with torch.no_grad():
        like = layer.coef
        y = layer.edge(source, target, torch.from_numpy(h).to(like)).double().cpu().numpy()
    shift = float(net.input_shift[source]) if at == 0 else 0.0
    scale = float(net.input_scale[source]) if at == 0 else 1.0
    return EdgeCurve(h * scale + shift, y, weight, shift, scale)


def _density(values: Floats, low: float, high: float) -> Floats:
    """How much data each point stands for, in broad bins and never nothing: the form must hold everywhere."""
    counts, edges = histogram(values, low, high, 20)
    centres = (edges[:-1] + edges[1:]) / 2
    share = counts / max(counts.sum(), 1) * len(counts)
    return np.interp(np.linspace(low, high, POINTS), centres, share) + 0.1


def suggest(
    model: KAN,
    layer: int,
    source: int,
    target: int,
    X: Any = None,
    top: int = 8,
    *,
    forms: Iterable[Form] | None = None,
    accuracy: float = 1e-6,
) -> tuple[Suggestion, ...]:
    """Closed forms that an edge function could be, the simplest right one first.

    Parameters
    ----------
    model
        The network; it is not changed.
    layer, source, target
        The edge.
    X
        Data, (n, d): the range and density on which the form must fit. Without them the edge's grid is used.
    top
        How many suggestions.
    forms
        The library; by default all of `edgewise.forms.FORMS`.
    accuracy
        The relative accuracy of the edge function.

    Returns
    -------
    tuple of Suggestion
        In network units, as `set_symbolic` takes them.

    Raises
    ------
    InputError
        Where there is no such living edge, or X does not fit.

    Examples
    --------
    >>> import torch
    >>> from edgewise.network import KAN, set_symbolic
    >>> from edgewise.symbolic import suggest
    >>> model = set_symbolic(KAN([1, 1], seed=0, dtype=torch.float64), (0, 0, 0), "sin", (2.0, 3.0, 0.0, 0.5)).network
    >>> best = suggest(model, 0, 0, 0)[0]
    >>> best.form.name, round(best.a, 6), round(best.b, 6)
    ('sin', 2.0, 3.0)
    """
    check_net(model)
    edge = living_edge(model, (layer, source, target))
    library, accuracy = some_forms(forms), _accuracy(accuracy)
    top = check_int(top, "top", low=1)
    values = None if X is None else node_values(model, as_data(model, X))[layer]
    curve = edge_curve(model, edge, values)
    found = fit_curve(curve.x, curve.y, curve.weight, forms=library, accuracy=accuracy, top=top)
    return tuple(_in_network_units(point, curve) for point in found)


def _in_network_units(found: Suggestion, curve: EdgeCurve) -> Suggestion:
    a, b, c, d = curve.to_network(found)
    return replace(found, a=a, b=b, c=c, d=d)


def snap(
    model: KAN,
    X: Any,
    *,
    edges: Iterable[Edge] | None = None,
    min_r2: float = 0.0,
    forms: Iterable[Form] | None = None,
    accuracy: float = 1e-6,
) -> EditResult:
    """Replace edges by their best closed forms; `fit` and `find_formula` refit the constants.

    Parameters
    ----------
    model
        The network; it is not changed.
    X
        Data, (n, d).
    edges
        (layer, source, target) of the edges; by default all numeric ones.
    min_r2
        Leave an edge numeric where its best form explains less.
    forms
        The library; by default all of `edgewise.forms.FORMS`.
    accuracy
        The relative accuracy of the edge functions.

    Returns
    -------
    EditResult
        The new network and how far its outputs moved on X.

    Raises
    ------
    InputError
        Where an edge does not exist or X does not fit.

    Examples
    --------
    >>> import torch
    >>> from edgewise.network import KAN
    >>> from edgewise.symbolic import snap
    >>> model = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> snap(model, torch.linspace(-1, 1, 50)[:, None]).network.layers[0].kind(0, 0)
    'symbolic'
    """
    check_net(model)
    library, accuracy = some_forms(forms), _accuracy(accuracy)
    check_float(min_r2, "min_r2", low=-1e9, high=1.0)
    chosen = (
        living_edges(model, "numeric")
        if edges is None
        else [
            living_edge(model, edge, listed=True)
            for edge in as_tuple(edges, "edges", "edges (layer, source, target)")
        ]
    )
    rows = as_data(model, X)
    values = node_values(model, rows)
    current, made = model, list[str]()
    for edge in chosen:
        curve = edge_curve(model, edge, values[edge[0]])
        best = fit_curve(curve.x, curve.y, curve.weight, forms=library, accuracy=accuracy, top=1)[0]
        if best.r2 >= min_r2:
            current = set_symbolic(current, edge, form_key(best.form), curve.to_network(best)).network
            made.append(f"{edge} {best.form.name} (R2 {best.r2:.6f})")
    with torch.no_grad():
        change = float((current(rows) - model(rows)).abs().max())
    detail = ", ".join(made) if made else "no edge reached the required R2"
    return EditResult(current, EditRecord("snap", detail, change, describe(model), describe(current)))


def form_key(form: Form) -> str:
    """The text by which a network remembers a form: its name, or the formula of a user's form."""
    from edgewise.forms import FORMS

    return form.name if form.name in FORMS else form.text


def node_values(net: KAN, rows: Tensor) -> list[Tensor]:
    """Node values of every layer on data, in network units, without gradients."""
    with torch.no_grad():
        nodes = net.activations(rows)
    for layer, values in enumerate(nodes[:-1]):
        if not bool(values.isfinite().all()):
            raise InputError(
                argument="X",
                expected=f"leave the nodes of layer {layer} finite",
                got="a row where one is not",
                advice="drop such rows",
            )
    return nodes


def _accuracy(accuracy: Any) -> float:
    return check_float(accuracy, "accuracy", low=1e-15, high=1.0)


def living_edge(net: KAN, edge: Any, *, listed: bool = False) -> Edge:
    """The edge, if the network has it alive."""
    alive = living_edges(net)
    found = check_edge(net, edge, listed=listed)
    if found not in alive:
        shown = ", ".join(map(str, alive[:6])) + (", ..." if len(alive) > 6 else "")
        raise InputError(
            subject="The 'layer', 'source' and 'target'",
            expected="be those of a living edge of the network",
            got=found,
            advice=f"it has {shown}",
        )
    return found
