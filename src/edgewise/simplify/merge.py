"""Merge: hidden nodes that carry the same function become one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_float, check_matrix
from edgewise.network import KAN, EditResult
from edgewise.network.edits import listed, recorded
from edgewise.network.state import put_together, take_apart
from edgewise.splines import fit_coefficients, uniform_grid
from edgewise.splines.make import default_grid, make_basis

# A merged edge is laid over a grid this many times finer than the finer of the two, so that the sum keeps every bend.
FINER = 2


def merge_equal(net: KAN, X: Any, tolerance: float = 1e-9) -> EditResult:
    """Join sum nodes of a hidden layer that are affine images of one another on the data.

    Where node k is a * node j + b to within `tolerance` of its range, the functions that leave k are added to those that
    leave j, as functions of node j, and k is removed. Nodes that are equal on equal grids are joined exactly; otherwise
    the joint function is laid over a finer grid and the record states the change.

    Parameters
    ----------
    net : KAN
    X : array, list or data frame, shape (n, inputs)
    tolerance : float
        Largest deviation from an affine relation, as a share of the node's range.

    Examples
    --------
    >>> from edgewise.network.state import put_together, take_apart
    >>> net = KAN([2, 2, 1], seed=0, dtype=torch.float64)
    >>> twin = take_apart(net)
    >>> twin[0].coef[..., 1] = twin[0].coef[..., 0]
    >>> merge_equal(put_together(net, twin), torch.rand(50, 2)).network.shape
    (2, 1, 1)
    """
    x = torch.from_numpy(check_matrix(X, "X", columns=net.shape[0], of="merge_equal")).to(net.output_shift)
    check_float(tolerance, "tolerance", low=0.0, of="merge_equal")
    made, joined = net, list[str]()
    for l in range(1, len(net.layers)):
        while (pair := _first_equal(made, x, l, tolerance)) is not None:
            keep, gone, a, b = pair
            made = _joined(made, x, l, keep, gone, a, b)
            joined.append(f"{gone} into {keep} of layer {l}")
    return recorded("merge_equal", listed("joined node", joined), net, made, x)


def _first_equal(net: KAN, x: Tensor, l: int, tolerance: float) -> tuple[int, int, float, float] | None:
    with torch.no_grad():
        values = net.activations(x)[l][:, : net.spec.layers[l - 1].nodes.sums]
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
                return j, k, a, b
    return None


def _joined(net: KAN, x: Tensor, l: int, keep: int, gone: int, a: float, b: float) -> KAN:
    states = take_apart(net)
    before, after = states[l - 1], states[l]
    own = net.layers[l]
    same_grid = bool(torch.equal(own.grid[keep], own.grid[gone])) and abs(a - 1) < 1e-12 and abs(b) < 1e-12
    for target in range(own.out_features):
        kinds = own.kind(keep, target), own.kind(gone, target)
        if "symbolic" in kinds:
            after = after.without_symbolic(keep, target).without_symbolic(gone, target)
            same_grid = False
    alive = after.mask[keep] | after.mask[gone]
    mask = after.mask.clone()
    mask[keep] = alive
    if same_grid:
        live = own.numeric_coef().detach()
        coef = after.coef.clone()
        coef[keep] = live[keep] + live[gone]
        after = replace(after, coef=coef, mask=mask)
    else:
        after = _laid(net, x, l, keep, gone, a, b, replace(after, mask=mask))
    weight = after.base_weight
    if weight is not None:
        weight = weight.clone()
        weight[keep] = 0  # the laid-over coefficients carry the base functions too
        after = replace(after, base_weight=weight)
    others = [k for k in range(net.shape[l]) if k != gone]
    states[l - 1], states[l] = before.take_nodes(others), after.take_inputs(others)
    return put_together(net, states)


def _laid(net: KAN, x: Tensor, l: int, keep: int, gone: int, a: float, b: float, after: Any) -> Any:
    """The layer with the sum of both nodes' functions on the kept node, on a finer grid over the data."""
    own = net.layers[l]
    intervals = FINER * own.intervals
    with torch.no_grad():
        domain = own.domain.to(torch.float64)
        low, high = domain[:, 0], domain[:, 1]
        share = torch.linspace(0, 1, 8 * (intervals + own.degree) + 1, dtype=torch.float64)
        points = low + share[:, None] * (high - low)
        values = own.edges(points.to(own.coef))
        moved = points.clone()
        moved[:, gone] = a * points[:, keep] + b
        values[:, keep] += own.edges(moved.to(own.coef))[:, gone]
        if own.basis_name == "bspline":
            grid = uniform_grid(low, high, intervals)
        else:
            grid = default_grid(own.basis_name, low, high, intervals, own.degree)
        basis = make_basis(own.basis_name, grid, degree=own.degree, size=intervals + own.degree)
        coef = fit_coefficients(basis, points, values.to(torch.float64))
    spec = replace(after.spec, intervals=intervals)
    return replace(after, spec=spec, grid=grid.to(after.grid), coef=coef.to(after.coef))
