"""Edits of the grids: refine (exact) and regrid (least squares), and the scaling that a table brings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_columns, check_float, check_int, check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise.layers.refining import finer
from edgewise.layers.symbolic_edges import form_values
from edgewise.network.arguments import Edge, as_data, check_edge, check_layers, check_net
from edgewise.network.edits import EditResult, recorded
from edgewise.network.module import KAN
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.splines import BSpline, data_range, fit_coefficients, quantile_grid, uniform_grid
from edgewise.splines.basis import Basis
from edgewise.splines.grids import MOST_INTERVALS
from edgewise.splines.make import default_grid, make_basis

# Points on which an edge function is sampled, for each interval of the grid it is laid over.
SAMPLES_PER_INTERVAL = 6
# Least squares on more intervals than this takes minutes; refining, which is exact, goes further.
MOST_LAID = 1000


def refine(model: KAN, factor: int = 2, layers: Iterable[int] | None = None, X: Any = None) -> EditResult:
    """Divide every interval into `factor` equal parts by knot insertion; no output changes.

    Parameters
    ----------
    model : KAN
    factor : int
    layers : iterable of int, optional
        Which layers of edges (default: all).
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        If a layer's basis is not the B-spline.

    Examples
    --------
    >>> model = KAN([2, 2, 1], seed=0, dtype=torch.float64)
    >>> result = refine(model, 3, X=torch.rand(50, 2, dtype=torch.float64))
    >>> result.network.layers[0].intervals, result.record.max_change < 1e-12
    (15, True)
    """
    check_net(model)
    factor = check_int(factor, "factor", low=1)
    states = take_apart(model)
    for k in check_layers(model, layers):
        state = states[k]
        if state.spec.basis != "bspline":
            raise InputError(
                subject=f"Layer {k}, which is to be refined exactly,",
                expected="be of B-splines",
                got=f"the basis {state.spec.basis!r}",
                advice="use regrid",
            )
        check_int(
            factor * state.spec.intervals,
            "intervals",
            high=MOST_INTERVALS,
        )
        fine, coef = finer(state.grid, state.coef, state.spec.degree, factor)
        spec = replace(state.spec, intervals=fine.shape[1] - 1)
        states[k] = replace(state, spec=spec, grid=fine, coef=coef)
    return recorded("refine", f"each interval into {factor}", model, put_together(model, states), X)


def regrid(
    model: KAN,
    X: Any,
    intervals: int | None = None,
    layers: Iterable[int] | None = None,
    *,
    blend: float = 1.0,
    margin: float = 0.0,
) -> EditResult:
    """Lay the grids over the data that reach each node and refit the edges by least squares.

    Parameters
    ----------
    model : KAN
    X : array, shape (n, inputs)
        Data in the units of the inputs.
    intervals : int, optional
        New number of intervals (default: as many as now).
    layers : iterable of int, optional
        Which layers of edges (default: all).
    blend : float
        1 for equal intervals, 0 for intervals that hold equally many rows.
    margin : float
        Share of the data's range added at both ends.

    Returns
    -------
    EditResult
        The record states the largest change of any output on X.

    Examples
    --------
    >>> model = KAN([2, 2, 1], seed=0, dtype=torch.float64)
    >>> result = regrid(model, 0.3 * torch.rand(50, 2, dtype=torch.float64), intervals=8)
    >>> result.network.layers[0].intervals, bool(result.network.input_range().max() <= 0.3)
    (8, True)
    """
    check_net(model)
    if intervals is not None:
        intervals = check_int(intervals, "intervals", low=1, high=MOST_LAID)
    blend = check_float(blend, "blend", low=0.0, high=1.0)
    margin = check_float(margin, "margin", low=0.0)
    with torch.no_grad():
        nodes = model.activations(as_data(model, X))
    for k, values in enumerate(nodes[:-1]):
        if not bool(values.isfinite().all()):
            raise InputError(
                subject=f"The nodes of layer {k}",
                expected="be finite on every row of X",
                got="NaN or infinity",
                advice="a closed form has no value there, or a number of the network is not finite",
            )
    states = take_apart(model)
    for k in check_layers(model, layers):
        count = states[k].spec.intervals if intervals is None else intervals
        states[k] = laid_over(states[k], nodes[k].to(torch.float64), count, blend, margin)
    detail = f"grids laid over the data, intervals {intervals or 'kept'}"
    return recorded("regrid", detail, model, put_together(model, states), X)


def laid_over(state: LayerState, data: Tensor, intervals: int, blend: float, margin: float) -> LayerState:
    """The layer on a grid over `data`, its edges refitted to what they are on the old grid."""
    spec = replace(state.spec, intervals=intervals)
    low, high = data_range(data)
    pad = margin * (high - low)
    low, high = low - pad, high + pad
    if spec.basis != "bspline":
        grid = default_grid(spec.basis, low, high, intervals, spec.degree)
    elif blend >= 1.0:
        grid = uniform_grid(low, high, intervals)
    else:
        grid = quantile_grid(data, intervals, blend, low, high)
    # As for `refine`: the fit is made on the breaks that the network's precision leaves.
    grid = grid.to(state.grid)
    basis = make_basis(spec.basis, grid.to(torch.float64), degree=spec.degree, size=intervals + spec.degree)
    old_size = state.coef.shape[1]
    old = make_basis(state.spec.basis, state.grid.to(torch.float64), degree=spec.degree, size=old_size)
    x = samples(basis, max(basis.size, old_size))
    values = torch.einsum("sim,imo->sio", old.values(x), state.coef.to(torch.float64))
    return replace(state, spec=spec, grid=grid, coef=fit_coefficients(basis, x, values).to(state.coef))


def set_numeric(model: KAN, edge: Edge, X: Any = None) -> EditResult:
    """Make a symbolic edge numeric again: its coefficients are fitted to the closed form over the grid.

    Parameters
    ----------
    model : KAN
    edge : (layer, source, target)
        An edge that is numeric already stays as it is.
    X : array, shape (n, inputs), optional
        Data on which the change is measured.

    Raises
    ------
    InputError
        For an edge the network does not have.

    Examples
    --------
    >>> from edgewise.network import set_symbolic
    >>> model = set_symbolic(KAN([1, 1], intervals=20, seed=0), (0, 0, 0), "sin").network
    >>> back = set_numeric(model, (0, 0, 0), X=[[-1.0], [0.3], [1.0]])
    >>> back.network.layers[0].kind(0, 0), back.record.max_change < 1e-5
    ('numeric', True)
    """
    check_net(model)
    layer, source, target = check_edge(model, edge)
    states = take_apart(model)
    state = states[layer]
    rows = [k for k, e in enumerate(state.spec.symbolic) if (e.source, e.target) == (source, target)]
    if not rows or state.affine is None:
        return recorded("set_numeric", "nothing to do", model, put_together(model, states), X)
    size = state.coef.shape[1]
    grid = state.grid[source : source + 1].to(torch.float64)
    basis = make_basis(state.spec.basis, grid, degree=state.spec.degree, size=size)
    x = samples(basis, size)
    form = state.spec.symbolic[rows[0]].form
    values = form_values(form, state.affine[rows].to(torch.float64), x)
    # Where the form has no value (the log of a negative number) the smoothest continuation is taken.
    known = values.isfinite()[:, 0]
    made = state.without_symbolic(source, target)
    made.coef[source, :, target] = fit_coefficients(basis, x[known], values[known])[0].to(made.coef)
    if made.base_weight is not None:
        made.base_weight[source, target] = 0.0
    states[layer] = made
    detail = f"edge {(layer, source, target)} was {form} and is numeric"
    return recorded("set_numeric", detail, model, put_together(model, states), X)


def scale_to_data(model: KAN, X: Any, y: Any = None) -> EditResult:
    """Set the scalings of a network that has yet to be trained: inputs to [-1, 1], y to mean 0 and deviation 1.

    Parameters
    ----------
    model : KAN
    X : array, shape (n, inputs)
    y : array, shape (n, outputs), or (n,) for one output, optional
        Leave out to keep the output scaling (as for classes).

    Examples
    --------
    >>> scaled = scale_to_data(KAN([1, 1], seed=0), [[0.0], [10.0]], [1.0, 5.0]).network
    >>> scaled.input_shift, scaled.input_scale, scaled.output_shift, scaled.output_scale
    (tensor([5.]), tensor([5.]), tensor([3.]), tensor([2.]))
    """
    check_net(model)
    table = torch.from_numpy(check_matrix(X, "X", columns=model.shape[0]))
    made = put_together(model, take_apart(model))
    low, high = data_range(table)
    with torch.no_grad():
        # Halved first: the range of finite numbers need not be finite.
        made.input_shift.copy_(low / 2 + high / 2)
        made.input_scale.copy_(high / 2 - low / 2)
        if y is not None:
            targets = _targets(y, len(table), model.shape[-1])
            centre, spread = _moments(targets)
            # A deviation at the level of rounding means a constant target.
            flat = spread <= 1e-13 * centre.abs().clamp(min=1e-300)
            made.output_shift.copy_(centre)
            made.output_scale.copy_(torch.where(flat, torch.ones_like(spread), spread))
    return recorded("scale_to_data", "scalings set from the data", model, made)


def _moments(table: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each column, also where sums or squares would leave the range of floats."""
    # Powers of two scale exactly, so that ordinary columns get the same bits as without them.
    power = torch.frexp(table.abs().amax(0)).exponent.clamp(-1000, 1000)
    unit = torch.ldexp(table, -power)
    return torch.ldexp(unit.mean(0), power), torch.ldexp(unit.std(0, unbiased=False), power)


def _targets(y: Any, rows: int, outputs: int) -> Tensor:
    """Targets as float64 (n, outputs)."""
    if outputs == 1:
        return torch.from_numpy(check_vector(y, "y", length=rows))[:, None]
    table = check_matrix(y, "y", rows=rows)
    check_columns(table, outputs, "y")
    return torch.from_numpy(table)


def samples(basis: Basis, size: int) -> Tensor:
    """Points (S, I) over the domain, its ends among them: even ones, and for a spline some in every interval.

    Even points carry a function across gaps in the data; those of each interval see to the narrow ones.
    """
    low, high = basis.domain.unbind(1)
    share = torch.linspace(0.0, 1.0, SAMPLES_PER_INTERVAL * size + 1, dtype=low.dtype, device=low.device)
    x = low + share[:, None] * (high - low)
    if isinstance(basis, BSpline):
        inner = torch.arange(SAMPLES_PER_INTERVAL, dtype=low.dtype, device=low.device) / SAMPLES_PER_INTERVAL
        breaks = basis.breaks
        narrow = breaks[:, :-1, None] + breaks.diff(dim=1)[..., None] * inner
        x = torch.cat([x, narrow.flatten(1).T])
    return x
