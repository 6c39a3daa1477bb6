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
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.data import Encoding
from edgewise.data.encoding_columns import REACH, EncodedColumn, LevelColumn, NumberColumn
from edgewise.forms import form_from_text
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Variable, apply
from edgewise.layers import KANLinear
from edgewise.network import KAN
from edgewise.network.calibration import Calibration
from edgewise.network.fitted import fitted
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import extended_knots
from edgewise.symbolic import Formula


@dataclass(frozen=True)
class NumberInput:
    """A column of numbers, truth values or dates.

    The value is x, (x - centre) / scale or asinh((x - centre) / scale), kept inside [low, high]; a missing cell becomes
    `fill`. Where `flagged`, a second input states whether the cell is missing. Each of `codes`, raw numbers that stand for
    words, becomes `fill` as well, and has an input that marks where it is. `first` and `last` are the training range in
    the column's own units.
    """

    name: str
    kind: str
    transform: str
    centre: float
    scale: float
    low: float
    high: float
    fill: float
    flagged: bool
    first: float
    last: float
    codes: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return 1 + self.flagged + len(self.codes)


@dataclass(frozen=True)
class LevelInput:
    """A column of words: the code of each, of words that are not listed and of missing cells."""

    name: str
    levels: tuple[str, ...]
    unseen: int
    missing: int

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return 1


@dataclass(frozen=True)
class Unused:
    """A column that the network does not read."""

    name: str

    @property
    def width(self) -> int:
        """Inputs that it becomes."""
        return 0


Column = NumberInput | LevelInput | Unused


def columns_of(encoding: Encoding) -> tuple[Column, ...]:
    """The raw columns of an encoding, in order."""
    return tuple(_column(column) for column in encoding.columns)


def _column(column: EncodedColumn) -> Column:
    if isinstance(column, NumberColumn):
        reach = 0.0 if column.two_valued else REACH * (column.high - column.low)
        first, last = sorted(column.decode(np.array([column.low, column.high])).tolist())
        return NumberInput(
            column.name,
            column.kind,
            column.transform,
            float(column.centre),
            float(column.scale),
            float(column.low - reach),
            float(column.high + reach),
            float(column.fill),
            bool(column.flagged),
            first,
            last,
            tuple(float(code) for code in column.codes),
        )
    if isinstance(column, LevelColumn):
        return LevelInput(column.name, column.levels, int(column.unseen), int(column.missing))
    return Unused(column.name)


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
    def factors(self) -> list[range]:
        """The sums that are multiplied in each of the nodes behind those that are sums."""
        ends = np.cumsum([self.sums, *self.products]).tolist()
        return [range(start, end) for start, end in pairwise(ends)]


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


_X = Variable("x")
# Written otherwise than a reader would: the plain text of these forms loses digits or overflows for some x.
_STABLE: dict[str, Node] = {
    "planck": _X / apply("expm1", _X),
    "sigmoid": apply("sigmoid", _X),
}


def form_tree(form: str) -> Node:
    """The tree of a form of `edgewise.forms` in the variable x; it may use `expm1` beside the functions of formulas."""
    named = form_from_text(form)
    return _STABLE.get(named.name) or read(named.text, ("x",))


def program_of(model: Any, units: Mapping[str, str] | None = None, *, maps: bool = False) -> Program:
    """The program of a network, a formula or a fitted estimator; `maps` states whether the caller can calibrate."""
    checked = _check_units(units)
    if isinstance(model, KAN):
        inputs, body = network_program(model)
        return Program(_described(model), inputs, model.output_names, body, units=checked)
    if isinstance(model, Formula):
        inputs = tuple(ProgramInput(name) for name in model.names)
        origin = f"the formula {short(model.text)}"
        return Program(origin, inputs, (_output(model.names),), Formulas((model.tree,)), units=checked)
    calibration = getattr(model, "calibration_", None)
    if calibration is not None and not maps:
        raise InputError(
            argument="model",
            expected="not be calibrated, for programs do not hold the maps",
            got=short(model),
            advice="export the model behind it, its .model, which answers otherwise",
        )
    view = fitted(model, others="a Formula")
    if isinstance(view.held, KAN) or view.encoding is None:
        return program_of(view.network, units)
    inputs, body = network_program(view.network)
    return Program(
        f"a {type(view.held).__name__}: {_described(view.network)}",
        inputs,
        view.network.output_names,
        body,
        columns_of(view.encoding),
        tuple(_label(class_name) for class_name in view.classes) or None,
        bool(getattr(view.held, "_single", False)),
        checked,
        view.calibration,
    )


def _described(net: KAN) -> str:
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    return f"a KAN {list(net.shape)} of {plural(edges, 'edge')}"


def _output(columns: tuple[str, ...]) -> str:
    """A name for what a formula gives that no column has."""
    name = "y"
    while name in columns:
        name += "'"
    return name


def _label(value: Any) -> Label:
    if type(value) not in (str, int, float, bool):
        raise InputError(
            subject="The classes of the 'model'",
            expected="be strings, numbers or truth values",
            got=short(value),
            advice="convert them before the fit",
        )
    return cast(Label, value)


def _check_units(units: object) -> dict[str, str]:
    if units is None:
        return {}
    given = cast("Mapping[Any, Any]", units) if isinstance(units, Mapping) else None
    if given is None or not all(type(item) is str for pair in given.items() for item in pair):
        raise InputError(
            argument="units",
            expected="be a dictionary of names and their units, as in {'mass': 'kg'}",
            got=short(units),
        )
    return dict(given)
