"""A network as what proofs are about: the exact piecewise polynomials that its float parameters stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.network.module import KAN
from edgewise.splines.pieces import make_pieces
from edgewise.verifying.bounds.curves import Curves

MOST_DEGREE = 3


@dataclass(frozen=True, eq=False)
class ExactLayer:
    """Edge functions (sites: the nodes below, functions: the nodes above) and biases.

    Attributes
    ----------
    curves : Curves
    bias : array of shape (O,)
    base : array of shape (O, I) or None
        Weights of silu besides.
    plain : Curves or None
        The curves without it, where `curves` hold cubics in its place (`silu.smoothed`).
    """

    curves: Curves
    bias: Floats
    base: Floats | None = None
    plain: Curves | None = None

    def forward(self, h: Floats) -> Floats:
        """Node sums, (n, I) -> (n, O)."""
        splines = self.curves if self.plain is None else self.plain
        sums = splines.values(h).sum(-2) + self.bias
        return sums if self.base is None else sums + silu(h) @ self.base.T

    def slopes(self, h: Floats) -> Floats:
        """Derivatives of the edge functions, (n, I) -> (n, I, O)."""
        found = (self.curves if self.plain is None else self.plain).derivative().values(h)
        return found if self.base is None else found + silu_slope(h)[..., None] * self.base.T

    def missing(self, h: Floats) -> Floats:
        """What edge functions are more than their curves, (n, I) -> (n, I, O)."""
        if self.base is None or self.plain is None:
            return np.zeros((*h.shape, len(self.bias)))
        return self.plain.values(h) + silu(h)[..., None] * self.base.T - self.curves.values(h)

    def beside(self, h: Floats, base: Floats) -> Floats:
        """Node sums of rows that differ from a base row in few places, (n, I) -> (n, O)."""
        sums = np.repeat(self.forward(base[None]), len(h), 0)
        row, site = np.nonzero(h != base)
        splines = self.curves if self.plain is None else self.plain
        change = splines.of_sites(h[row, site], site) - splines.of_sites(base[site], site)
        if self.base is not None:
            change += (silu(h[row, site]) - silu(base[site]))[:, None] * self.base.T[site]
        np.add.at(sums, row, change)
        return sums


@dataclass(frozen=True, eq=False)
class ExactModel:
    """A network in float64, layer by layer.

    Attributes
    ----------
    layers : tuple of ExactLayer
    shift, scale : arrays of shape (inputs,)
        h0 = (x - shift) / scale.
    out_shift, out_scale : arrays of shape (outputs,)
    arities : tuple of tuple of int
        Of the nodes of each layer that multiply the last of its sums; none where all are plain.
    """

    layers: tuple[ExactLayer, ...]
    shift: Floats
    scale: Floats
    out_shift: Floats
    out_scale: Floats
    arities: tuple[tuple[int, ...], ...] = ()

    @property
    def hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.layers) - 1

    def outputs(self, x: Floats, base: Floats | None = None) -> Floats:
        """Outputs for rows of inputs, (n, inputs) -> (n, outputs); faster for rows that differ little from a base row."""
        h = (x - self.shift) / self.scale
        first, *rest = self.layers
        h = first.forward(h) if base is None else first.beside(h, (base - self.shift) / self.scale)
        for layer in rest:
            h = layer.forward(h)
        return self.out_shift + self.out_scale * h


def exact_model(network: KAN) -> ExactModel:
    """The exact tables of a network: those of the sums before nodes that multiply, and of splines without base functions.

    `products.unfolded` and `silu.smoothed` make plain tables of such ones.

    Raises
    ------
    InputError
        If it has symbolic edges, another basis than B-splines, or a degree proofs do not take.
    """
    layers: list[ExactLayer] = []
    for layer in network.layers:
        found = None
        if layer.basis_name != "bspline":
            found = f"the basis {layer.basis_name!r}"
        elif not 1 <= layer.degree <= MOST_DEGREE:
            found = f"splines of degree {layer.degree}"
        elif bool((layer.grid.diff(dim=1) <= 0).any()):
            found = "breaks that do not rise"
        elif any(bool(layer.mask[edge.source, edge.target]) for edge in layer.symbolic):
            found = "symbolic edges"
        if found is not None:
            raise InputError(
                argument="model",
                expected="be a network of numeric B-spline edges of degree 1 to 3",
                got=f"one with {found}",
                advice="train one without, as KAN(shape) does by default",
            )
        with torch.no_grad():
            grid = layer.grid.detach().to(device="cpu", dtype=torch.float64)
            coef = layer.numeric_coef().detach().to(device="cpu", dtype=torch.float64).numpy()
            pieces = make_pieces(grid, layer.degree)
            bias = layer.bias
            constant = np.zeros(layer.out_features) if bias is None else _numbers(bias)
        basis = pieces.table.numpy()  # (I, P, k + 1, k + 1): the live B-splines of a piece, powers of u
        inputs, count, live, _ = basis.shape
        first = np.clip(np.arange(count) - 1, 0, count - 3)
        table = np.zeros((coef.shape[2], 4, inputs, count))
        for m in range(live):
            table[:, :live] += np.einsum("ipr,ipo->orip", basis[:, :, m], coef[:, first + m])
        weights = layer.base_weight
        base = None if weights is None else (_numbers(weights) * _numbers(layer.numeric_mask())).T.copy()
        layers.append(ExactLayer(Curves(grid.numpy().copy(), table), constant, base))
    scales = (network.input_shift, network.input_scale, network.output_shift, network.output_scale)
    arities = tuple(spec.nodes.products for spec in network.spec.layers)
    shift, scale, low, by = (_numbers(each) for each in scales)
    model = ExactModel(tuple(layers), shift, scale, low, by, arities if any(arities) else ())
    numbers = [x for each in layers for x in (each.curves.table, each.bias, each.base) if x is not None]
    if not all(np.isfinite(each).all() for each in numbers):
        raise InputError(
            argument="model", expected="have finite parameters", got="some that are NaN or infinite"
        )
    return model


def silu(x: Floats) -> Floats:
    """x / (1 + e^-x)."""
    return x * expit(x)


def silu_slope(x: Floats) -> Floats:
    """Its derivative."""
    return expit(x) * (1 + x * expit(-x))


def _numbers(tensor: torch.Tensor) -> Floats:
    return tensor.detach().to(device="cpu", dtype=torch.float64).numpy().copy()
