"""What every writer writes from: a network or a formula as plain numbers, with nothing of torch or sympy left.

A network is written as

    h0 = (x - shift) / scale,  z = bias + sums of edge functions of h,  h' = sums and products of z,  y = shift' + scale' hL

All numeric edges of one source share their functions of the source's value v, the *features*

    B_1(t), ..., B_M(t), min(v - low, 0), max(v - high, 0), (silu(v))      with t = v kept inside [low, high],

so that an edge is one column of coefficients: the two features after the basis functions are its straight tails. Sources
that reach the same targets form a *block*, a full table of edges, so that no dead edge is ever written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.exporting.columns import Column
from edgewise.exporting.form_trees import form_tree
from edgewise.forms.tree import Node
from edgewise.layers import KANLinear
from edgewise.network import KAN
from edgewise.network.calibration import Calibration
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import extended_knots

Ints = tuple[int, ...]
Label = str | int | float | bool


@dataclass(frozen=True)
class ProgramInput:
    """One input: its name and the range it was trained on, in its own units (None where nothing is known)."""

    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class EdgeBlock:
    """Numeric edges from every one of `sources` to every one of `targets`.

    Attributes
    ----------
    grid : ndarray, shape (S, K)
        For B-splines the breaks with `degree` more knots on either side, else the table of the basis.
    domain : ndarray, shape (S, 2)
    coef : ndarray, shape (S, F, T)
        Coefficients of the features.
    """

    sources: Ints
    targets: Ints
    grid: Floats
    domain: Floats
    coef: Floats


@dataclass(frozen=True)
class FormEdge:
    """A symbolic edge a * f(b * x + c) + d."""

    source: int
    target: int
    form: str
    affine: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class ProgramLayer:
    """One layer of edges and the nodes they feed."""

    basis: str
    degree: int
    size: int
    has_base: bool
    n_inputs: int
    bias: Floats
    blocks: tuple[EdgeBlock, ...]
    forms: tuple[FormEdge, ...]
    sums: int
    products: Ints

    @property
    def n_features(self) -> int:
        """Features of every source."""
        return self.size + 2 + self.has_base

    @property
    def n_sums(self) -> int:
        """Sums that the edges feed, before multiplication."""
        return len(self.bias)

    @property
    def n_nodes(self) -> int:
        """Nodes after multiplication."""
        return self.sums + len(self.products)

    @property
    def n_edges(self) -> int:
        """Edges that are written."""
        return sum(len(b.sources) * len(b.targets) for b in self.blocks) + len(self.forms)


@dataclass(frozen=True, eq=False)
class Network:
    """The body of a network."""

    input_shift: Floats
    input_scale: Floats
    layers: tuple[ProgramLayer, ...]
    output_shift: Floats
    output_scale: Floats

    def form_trees(self) -> dict[str, Node]:
        """The closed forms of all symbolic edges as trees in x, in order of first appearance."""
        texts = dict.fromkeys(edge.form for layer in self.layers for edge in layer.forms)
        return {text: form_tree(text) for text in texts}


@dataclass(frozen=True)
class Formulas:
    """The body of a formula: one tree an output, over the names of the inputs."""

    trees: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """Everything a writer needs.

    Attributes
    ----------
    origin : str
        What it was made from, for the head comment.
    inputs : tuple of ProgramInput
        What the body reads.
    outputs : tuple of str
        What the body gives.
    body : Network or Formulas
    columns : tuple of NumberInput, LevelInput or Unused
        Where the model is an estimator: the raw columns, which become the inputs one after the other.
    classes : tuple, optional
        Labels, where the body gives their logits (one output: the logit of the second of two classes).
    flat : bool
        Whether predictions are one number a row and not a row of outputs.
    units : mapping of str to str
        Units of inputs and outputs by name, as far as given.
    calibration : Calibration, optional
        Rising maps behind the body of classes; only writers that ask for them get any.
    """

    origin: str
    inputs: tuple[ProgramInput, ...]
    outputs: tuple[str, ...]
    body: Network | Formulas
    columns: tuple[Column, ...] = ()
    classes: tuple[Label, ...] | None = None
    flat: bool = False
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    calibration: Calibration | None = None


def network_program(net: KAN) -> tuple[tuple[ProgramInput, ...], Network]:
    """Inputs and body of a network.

    Raises
    ------
    InputError
        If a number of the network is not finite.
    """
    _check_finite(net)
    ranges = _array(net.input_range())
    inputs = tuple(
        ProgramInput(name, float(low), float(high))
        for name, (low, high) in zip(net.input_names, ranges, strict=True)
    )
    scaling = (net.input_shift, net.input_scale, net.output_shift, net.output_scale)
    a, b, c, d = map(_array, scaling)
    layers = tuple(
        _layer(layer, spec.nodes.sums, spec.nodes.products)
        for spec, layer in zip(net.spec.layers, net.layers, strict=True)
    )
    return inputs, Network(a, b, layers, c, d)


def _check_finite(net: KAN) -> None:
    for name, tensor in net.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(
                subject="The 'model' to export",
                expected="hold finite numbers only",
                got=f"NaN or infinity in {name!r}",
                advice="fit it anew",
            )


def _layer(layer: KANLinear, sums: int, products: tuple[int, ...]) -> ProgramLayer:
    bias = np.zeros(layer.out_features) if layer.bias is None else _array(layer.bias)
    return ProgramLayer(
        layer.basis_name,
        layer.degree,
        layer.size,
        layer.base_weight is not None,
        layer.in_features,
        bias,
        _blocks(layer),
        _form_edges(layer),
        sums,
        products,
    )


def _form_edges(layer: KANLinear) -> tuple[FormEdge, ...]:
    if layer.affine is None:
        return ()
    affine = _array(layer.affine)
    found: list[FormEdge] = []
    for group in layer.form_groups:
        for row, source, target in zip(group.rows, group.sources, group.targets, strict=True):
            a, b, c, d = (float(value) for value in affine[row])
            found.append(FormEdge(source, target, group.form, (a, b, c, d)))
    return tuple(found)


def _blocks(layer: KANLinear) -> tuple[EdgeBlock, ...]:
    """Sources gathered by the set of targets they reach."""
    # float64 throughout: the numbers of a float32 network are taken as they are and never rounded again.
    grid = layer.grid.detach().cpu().to(torch.float64)
    basis = make_basis(layer.basis_name, grid, degree=layer.degree, size=layer.size)
    features = _feature_coefficients(layer, basis)
    alive = layer.numeric_mask().detach().cpu().numpy() != 0
    reached: dict[Ints, list[int]] = {}
    for source in range(layer.in_features):
        targets = tuple(int(t) for t in np.flatnonzero(alive[source]))
        if targets:
            reached.setdefault(targets, []).append(source)
    domain = _array(basis.domain)
    table = _array(extended_knots(grid, layer.degree) if isinstance(basis, BSpline) else grid)
    return tuple(
        EdgeBlock(
            tuple(sources),
            targets,
            table[sources],
            domain[sources],
            features[np.ix_(sources, range(features.shape[1]), targets)],
        )
        for targets, sources in reached.items()
    )


def _feature_coefficients(layer: KANLinear, basis: Basis) -> Floats:
    """Coefficients (I, F, O) of all features: basis functions, the tails' slopes, the base function."""
    coef = layer.coef.detach().cpu().to(torch.float64)
    ends = basis.values(basis.domain.T, 1)  # (2, I, M)
    slopes = torch.einsum("eim,imo->ieo", ends, coef)
    parts = [coef, slopes]
    if layer.base_weight is not None:
        parts.append(layer.base_weight.detach().cpu().to(torch.float64)[:, None, :])
    return _array(torch.cat(parts, 1))


def _array(tensor: torch.Tensor) -> Floats:
    return tensor.detach().cpu().to(torch.float64).numpy().copy()
