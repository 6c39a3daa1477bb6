"""Merge: hidden nodes that carry the same function become one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from edgewise._core.checks import check_float, check_matrix
from edgewise.layers import KANLinear, SymbolicEdge
from edgewise.network import KAN, EditResult, refine
from edgewise.network.arguments import check_net
from edgewise.network.edits import listed, recorded
from edgewise.network.grids import laid_over
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.splines import fit_coefficients, uniform_grid
from edgewise.splines.make import default_grid, make_basis

# Where two functions cannot be added exactly, their sum is laid over a grid this many times finer, from this many points
# for each coefficient.
FINER, SAMPLES = 2, 8


def merge_equal(model: KAN, X: Any, tolerance: float = 1e-9) -> EditResult:
    """Join sum nodes of a hidden layer that are affine images of one another on the data.

    Where node k is a * node j + b to within `tolerance` of its range, the functions that leave k are added to those that
    leave j, as functions of node j, and k is removed. Nodes that are equal on equal grids are joined exactly; otherwise
    the joint function is laid over a finer grid and the record states the change.

    Parameters
    ----------
    model : KAN
    X : array, list or data frame, shape (n, inputs)
    tolerance : float
        Largest deviation from an affine relation, as a share of the node's range.

    Returns
    -------
    EditResult
        Its record names the nodes joined and states the largest change of any output on X.

    Raises
    ------
    InputError
        If X does not fit the network or the tolerance is negative.

    Examples
    --------
    >>> from edgewise.network.state import put_together, take_apart
    >>> model = KAN([2, 2, 1], seed=0, dtype=torch.float64)
    >>> twin = take_apart(model)
    >>> twin[0].coef[..., 1] = twin[0].coef[..., 0]
    >>> merge_equal(put_together(model, twin), torch.rand(50, 2)).network.shape
    (2, 1, 1)
    """
    check_net(model)
    x = torch.from_numpy(check_matrix(X, "X", columns=model.shape[0])).to(model.output_shift)
    check_float(tolerance, "tolerance", low=0.0)
    made, joined = model, list[str]()
    for at in range(1, len(model.layers)):
        while (pair := _first_equal(made, x, at, tolerance)) is not None:
            made = _joined(made, x, at, pair)
            joined.append(f"{pair.gone} into {pair.keep} of layer {at}")
    return recorded("merge_equal", listed("joined node", joined), model, made, x)


class _Pair(NamedTuple):
    """Two nodes that are equal but for scale and shift: gone = a * keep + b."""

    keep: int
    gone: int
    a: float
    b: float


def _first_equal(net: KAN, x: Tensor, at: int, tolerance: float) -> _Pair | None:
    with torch.no_grad():
        values = net.activations(x)[at][:, : net.spec.layers[at - 1].nodes.sums]
    for j in range(values.shape[1]):
        for k in range(j + 1, values.shape[1]):
            u, v = values[:, j], values[:, k]
            spread = float(v.max() - v.min())
            centred = u - u.mean()
            size = float(centred @ centred)
            if spread == 0 or size == 0:
                continue
            a = float(centred @ (v - v.mean())) / size
            b = float(v.mean()) - a * float(u.mean())
            if float((a * u + b - v).abs().max()) <= tolerance * spread:
                return _Pair(j, k, a, b)
    return None


def _joined(net: KAN, x: Tensor, at: int, pair: _Pair) -> KAN:
    """The network in which node `keep` also sends on what node `gone` did."""
    own, states = net.layers[at], take_apart(net)
    after, targets = _symbolic_joined(own, states[at], pair)
    if targets and _same_place(own, pair) and not _symbolic_among(own, pair, targets):
        after = _added(own, after, pair, targets)
    elif targets:
        laid = _laid(net, x, at, pair, targets)
        after, _ = _symbolic_joined(own, laid, pair)
    others = [k for k in range(own.in_features) if k != pair.gone]
    states[at - 1], states[at] = states[at - 1].take_nodes(others), after.take_inputs(others)
    return put_together(net, states)


def _symbolic_joined(own: KANLinear, after: LayerState, pair: _Pair) -> tuple[LayerState, list[int]]:
    """The layer with closed forms moved or added where they stay closed forms, and the targets that are left to join."""
    keep, gone, a, b = pair
    left: list[int] = []
    for target in range(own.out_features):
        here, there = own.kind(keep, target), own.kind(gone, target)
        if there == "off":
            continue
        moved = _moved_form(own, gone, target, a, b)
        if moved is None or here == "numeric":
            left.append(target)
        elif here == "off":
            after = after.with_symbolic(SymbolicEdge(keep, target, moved[0]), moved[1])
        else:
            form, affine = _form(own, keep, target)
            alike = bool((affine[1:3] - moved[1][1:3]).abs().max() <= 1e-9 * affine[1:3].abs().max())
            if form != moved[0] or not alike:
                left.append(target)
                continue
            both = torch.stack([affine[0] + moved[1][0], affine[1], affine[2], affine[3] + moved[1][3]])
            after = after.with_symbolic(SymbolicEdge(keep, target, form), both)
    return after, left


def _form(own: KANLinear, source: int, target: int) -> tuple[str, Tensor]:
    row = next(k for k, e in enumerate(own.symbolic) if (e.source, e.target) == (source, target))
    assert own.affine is not None
    return own.symbolic[row].form, own.affine[row].detach()


def _moved_form(own: KANLinear, source: int, target: int, a: float, b: float) -> tuple[str, Tensor] | None:
    """The closed form of an edge as a function of u where its source is a * u + b; None for a numeric edge."""
    if own.kind(source, target) != "symbolic":
        return None
    form, (scale, inner, shift, constant) = _form(own, source, target)
    return form, torch.stack([scale, inner * a, inner * b + shift, constant])


def _symbolic_among(own: KANLinear, pair: _Pair, targets: list[int]) -> bool:
    return any("symbolic" in (own.kind(pair.keep, target), own.kind(pair.gone, target)) for target in targets)


def _same_place(own: KANLinear, pair: _Pair) -> bool:
    """Whether the map from keep to gone takes one grid to the other: then equal coefficients are equal functions."""
    keep, gone, a, b = pair
    width = float(own.domain[gone, 1] - own.domain[gone, 0])
    near = bool((a * own.grid[keep] + b - own.grid[gone]).abs().max() <= 1e-12 * width)
    return near and (own.base is None or (abs(a - 1) <= 1e-12 and abs(b) <= 1e-12 * width))


def _added(own: KANLinear, after: LayerState, pair: _Pair, targets: list[int]) -> LayerState:
    """The layer with the coefficients of both nodes' edges added."""
    keep, gone = pair.keep, pair.gone
    coef, mask, numeric = after.coef.clone(), after.mask.clone(), own.numeric_mask()
    coef[keep][:, targets] = own.numeric_coef().detach()[[keep, gone]].sum(0)[:, targets]
    mask[keep, targets] = True
    weight = after.base_weight
    if weight is not None:
        live = weight * numeric
        weight = weight.clone()
        weight[keep, targets] = live[keep, targets] + live[gone, targets]
    return replace(after, coef=coef, mask=mask, base_weight=weight)


def _laid(net: KAN, x: Tensor, at: int, pair: _Pair, targets: list[int]) -> LayerState:
    """A layer on a finer grid, with the sums of both nodes' functions laid over it on the kept node."""
    keep, gone, a, b = pair
    own = net.layers[at]
    intervals = FINER * own.intervals
    if own.basis_name == "bspline":
        after = take_apart(refine(net, FINER, layers=[at]).network)[at]
    else:
        after = laid_over(take_apart(net)[at], own.domain.T.to(torch.float64), intervals, 1.0, 0.0)
    with torch.no_grad():
        reached = net.activations(x)[at][:, keep]
        low = torch.minimum(own.domain[keep, 0], reached.min()).to(torch.float64).reshape(1)
        high = torch.maximum(own.domain[keep, 1], reached.max()).to(torch.float64).reshape(1)
        if own.basis_name == "bspline":
            grid = uniform_grid(low, high, intervals)
        else:
            grid = default_grid(own.basis_name, low, high, intervals, own.degree)
        basis = make_basis(own.basis_name, grid, degree=own.degree, size=intervals + own.degree)
        u = low + torch.linspace(0, 1, SAMPLES * basis.size + 1, dtype=torch.float64) * (high - low)
        # The other edges of the kept node move to the new grid as they are; their base functions stay beside it.
        old = make_basis(own.basis_name, own.grid[keep, None], degree=own.degree, size=own.size)
        values = (old.values(u[:, None].to(own.coef))[:, 0] @ own.numeric_coef()[keep]).to(torch.float64)
        for o in targets:
            values[:, o] = own.edge(keep, o, u) + own.edge(gone, o, a * u + b)
        # Where a closed form has no value the smoothest continuation is taken.
        known = values.isfinite().all(1)
        laid = fit_coefficients(basis, u[known, None], values[known][:, None])[0]
    after.coef[keep], after.grid[keep], after.mask[keep, targets] = (
        laid.to(own.coef),
        grid[0].to(own.coef),
        True,
    )
    if after.base_weight is not None:
        after.base_weight[keep, targets] = 0  # the coefficients carry the base functions of both
    for o in targets:
        after = after.without_symbolic(keep, o)
    return after
