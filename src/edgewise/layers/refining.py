"""Finer grids under layers, with the same functions on them."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from edgewise._core.checks import check_int
from edgewise._core.errors import InputError
from edgewise.layers.linear import KANLinear, LayerNumbers
from edgewise.splines.bspline import BSpline
from edgewise.splines.grids import MOST_INTERVALS

Module = TypeVar("Module", bound=nn.Module)


def refined(module: Module, factor: int = 2) -> Module:
    """A copy of a module in which every interval of every spline layer is divided into equal parts; no output changes.

    Parameters
    ----------
    module : nn.Module
        Of any kind: KANLinear, KANConv2d, or one that holds such layers.
    factor : int
        Parts of each interval.

    Raises
    ------
    InputError
        If there is no layer of edges in it, or one whose basis is not the B-spline.

    Examples
    --------
    >>> layer = KANLinear(2, 3, seed=0, dtype=torch.float64)
    >>> fine, x = refined(layer, 4), torch.rand(9, 2, dtype=torch.float64)
    >>> fine.intervals, bool((fine(x) - layer(x)).abs().max() < 1e-14)
    (20, True)
    """
    factor = check_int(factor, "factor", low=1)
    if isinstance(module, KANLinear):
        return _refined(module, factor)  # type: ignore[return-value]
    made = copy.deepcopy(module)
    found = [(name, part) for name, part in made.named_modules() if isinstance(part, KANLinear)]
    if not found:
        raise InputError(
            argument="module", expected="hold a layer of edges", got=f"{type(module).__name__} with none"
        )
    for name, part in found:
        holder, _, own = name.rpartition(".")
        setattr(made.get_submodule(holder), own, _refined(part, factor))
    return made


def _refined(layer: KANLinear, factor: int) -> KANLinear:
    if layer.basis_name != "bspline":
        raise InputError(
            subject="A layer that is refined",
            expected="be of B-splines",
            got=f"one of basis {layer.basis_name!r}",
        )
    check_int(factor * layer.intervals, "intervals", high=MOST_INTERVALS)
    grid, coef = finer(layer.grid, layer.coef.detach(), layer.degree, factor)
    numbers = LayerNumbers(grid, layer.mask, coef, layer.bias, layer.base_weight, layer.affine)
    made = KANLinear.of_parts(numbers, layer.degree, base=layer.base, symbolic=layer.symbolic)
    for name, parameter in layer.named_parameters():
        getattr(made, name).requires_grad_(parameter.requires_grad)
    return made.train(layer.training)


def finer(grid: Tensor, coef: Tensor, degree: int, factor: int) -> tuple[Tensor, Tensor]:
    """Breaks (I, G * factor + 1) and coefficients (I, M', O) of the same functions, by knot insertion."""
    old = grid.to(torch.float64)
    share = torch.arange(factor, dtype=torch.float64, device=old.device) / factor
    inner = old[:, :-1, None] + old.diff(dim=1)[..., None] * share
    # Old breaks are kept to the bit: rounding them would move the ends.
    inner[..., 0] = old[:, :-1]
    fine = torch.cat([inner.flatten(1), old[:, -1:]], 1).to(grid)
    # The new breaks are rounded to the layer's precision first, so that the function is exact on those it gets.
    matrix = BSpline(old, degree).refine(fine.to(torch.float64))
    return fine, torch.einsum("inm,imo->ino", matrix, coef.to(torch.float64)).to(coef)
