"""Edit the function of one edge of a network by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.threads import one_thread
from edgewise.explaining.local_refinement import refined_between
from edgewise.explaining.shape_edits import EditedCurve, ShapeEdit, edited, read_edit
from edgewise.network import KAN, EditResult, set_numeric
from edgewise.network.arguments import Edge, as_data, check_edge, check_net
from edgewise.network.edits import recorded
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.splines import BSpline


def edit_edge(model: KAN, edge: Edge, edit: Any, X: Any) -> EditResult:
    """Change the function of one edge by hand: flatten, shift, smooth, make it monotone, or take it through points.

    Where `edit_shape` asks for a column, this takes any edge of any layer. Edits of an interval insert breaks, so that the
    curve outside it (and a shoulder of 2 % of the range) stays as it is. An edge with a closed form becomes a spline first.

    Parameters
    ----------
    model : KAN
        With B-spline edges; it is left as it was.
    edge : (layer, source, target)
        One that is alive.
    edit : str, mapping or ShapeEdit
        As in `edit_shape`: "constant(20, 30)", "shift(-0.5, 20, 30)", "smooth", "increasing", "increasing(20, 30)",
        "decreasing", or points {25: 0.1, 40: 0.3}. Places in units of the input on the first layer and in network units
        beyond; values about the mean of the curve over the rows, in units of the output on edges that lead straight to one.
    X : array, shape (n, inputs)
        Rows that show where the curve is used.

    Returns
    -------
    EditResult

    Raises
    ------
    InputError
        If the edge is off or no spline, or the edit does not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KAN
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> flat = edit_edge(net, (0, 0, 0), "constant(-0.5, 0.5)", X).network
    >>> float(np.ptp(flat.predict([[-0.4], [0.0], [0.4]]))) < 1e-12
    True
    """
    asked = read_edit(edit)
    check_net(model)
    layer, source, target = check_edge(model, edge)
    if not bool(model.layers[layer].mask[source, target]):
        raise InputError(
            f"The 'edge' argument must be one that is alive. Got {short((layer, source, target))} instead, "
            "which is off; set_edge gives it a function."
        )
    rows = as_data(model, X, min_rows=1)
    net = set_numeric(model, (layer, source, target)).network
    with one_thread(), torch.no_grad():
        states = take_apart(net)
        states[layer] = _changed(net, states[layer], (layer, source, target), asked, rows)
        made = put_together(net, states)
    detail = f"edge {(layer, source, target)}: {asked}"
    return recorded("edit_edge", detail, model, made, X)


def _changed(net: KAN, state: LayerState, edge: Edge, edit: ShapeEdit, rows: torch.Tensor) -> LayerState:
    layer, source, target = edge
    base = state.base_weight
    if state.spec.basis != "bspline" or (base is not None and float(base[source, target]) != 0.0):
        raise InputError(argument="edge", expected="be a B-spline without a base function", got=short(edge))
    first = layer == 0
    shift, scale = (float(net.input_shift[source]), float(net.input_scale[source])) if first else (0.0, 1.0)
    values = net.activations(rows)[layer][:, source].to("cpu", torch.float64)

    def place(value: float | str) -> float:
        if isinstance(value, str):
            raise InputError(
                subject="The points of edit_edge",
                expected="be numbers, for an edge knows no words",
                got=short(value),
            )
        return (value - shift) / scale

    low = -math.inf if edit.low is None else place(edit.low)
    high = math.inf if edit.high is None else place(edit.high)
    if edit.kind != "points" and not (math.isinf(low) and math.isinf(high)):
        state = refined_between(state, source, low, high)
    breaks = state.grid[source].to("cpu", torch.float64)
    coef = state.coef[source, :, target].to("cpu", torch.float64)
    mass = BSpline(breaks[None], state.spec.degree).values(values[:, None])[:, 0].mean(0)
    mean = float(mass @ coef)
    straight = layer == len(net.layers) - 1 and target < state.spec.nodes.sums
    factor = float(net.output_scale[target]) if straight else 1.0
    curve = EditedCurve(breaks, (coef - mean) * factor, state.spec.degree, mass.clamp(min=0))
    new = edited(curve, edit, low, high, [place(point) for point, _ in edit.points])
    changed = state.coef.clone()
    changed[source, :, target] = (new / factor + mean).to(changed)
    return replace(state, coef=changed)
