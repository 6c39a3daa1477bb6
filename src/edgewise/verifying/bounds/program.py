"""Goals as Lagrangian programs: sums of maxima of piecewise cubics whose weights are the multipliers.

With multipliers v (slopes `a` of hidden nodes, weights lambda of the rows, price mu of the budget) the bound of
docs/certificates.md is

    D(v) = constant . v + sum over groups of max over cells of (point part . v + sum over slots of max_x sum_c v_c f_c(x))
                        + sum over hidden nodes s of max_h (sum_c v_c f_sc(h) - a_s h),

convex in v. A `BoundsProgram` holds the functions f and states which multiplier stands before each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.verifying.bounds.curves import Curves, merge
from edgewise.verifying.bounds.exact import ExactLayer, ExactModel
from edgewise.verifying.domain.space import CellSpace


@dataclass(frozen=True, eq=False)
class Family:
    """Evaluations (units) of one model that move the same group, or the one that moves none.

    Attributes
    ----------
    model : ExactModel
    layers : tuple of ExactLayer
        Those that are followed: all, or the first few.
    group : int or None
    moved : tuple of int
        The cell (of the space) that each unit moves to; (-1,) where nothing is moved.
    number : int
        Place of the model.
    """

    model: ExactModel
    layers: tuple[ExactLayer, ...]
    group: int | None
    moved: tuple[int, ...]
    number: int = 0

    @property
    def hidden(self) -> int:
        """Hidden layers."""
        return len(self.layers) - 1


@dataclass(frozen=True)
class RowTerm:
    """`weight` times an end of a unit: of its network's output in units of y, or of a node of its last layer."""

    family: int
    unit: int
    output: int
    weight: float


@dataclass(frozen=True)
class RowSum:
    """One row: terms, weighted inputs and the bound."""

    terms: tuple[RowTerm, ...]
    inputs: tuple[tuple[int, float], ...] = ()
    bound: float = 0.0


@dataclass(frozen=True, eq=False)
class NodeBlock:
    """Hidden nodes of one layer.

    Attributes
    ----------
    curves : Curves
        What leaves the nodes.
    columns : array
        The multiplier before each function.
    own : array
        The slope of each node, which is also the node's number.
    """

    curves: Curves
    columns: Ints
    own: Ints


@dataclass(frozen=True, eq=False)
class InputBlock:
    """What leaves the inputs, by slots and cells.

    Attributes
    ----------
    curves : Curves, sites: inputs, in units of the space
    slots : Curves, sites: slots
    points, loose : array of shape (cells + 1, n)
        Sum of the functions over the inputs that a cell fixes to points, and how far it may be off; the last row pads.
    columns : array of shape (n,)
    """

    curves: Curves
    slots: Curves
    points: Floats
    loose: Floats
    columns: Ints


@dataclass(frozen=True, eq=False)
class RangeLayer:
    """How the ranges of a layer of hidden nodes follow from those below: of a first layer, or of a unit's higher one."""

    nodes: Ints
    bias: Floats
    columns: Ints | None = None
    curves: Curves | None = None
    below: Ints | None = None
    shift: Floats | None = None


@dataclass(frozen=True, eq=False)
class BoundsProgram:
    """See the top of this file.

    Attributes
    ----------
    space : CellSpace
    constant : array of shape (n,)
    inputs : InputBlock
    blocks : tuple of NodeBlock
    nodes : int
        Hidden nodes; their slopes are the first multipliers.
    rows : int
        lambda follows the slopes, and mu (where there is a budget) is the last.
    budget : bool
    layers : tuple of RangeLayer
    names : tuple of (family, unit, layer, node)
        Of each hidden node, as certificates write it.
    families : tuple of Family
    sums : tuple of RowSum
    """

    space: CellSpace
    constant: Floats
    inputs: InputBlock
    blocks: tuple[NodeBlock, ...]
    nodes: int
    rows: int
    budget: bool
    layers: tuple[RangeLayer, ...]
    names: tuple[tuple[int, int, int, int], ...]
    families: tuple[Family, ...]
    sums: tuple[RowSum, ...]

    @property
    def size(self) -> int:
        """Number of multipliers."""
        return self.nodes + self.rows + int(self.budget)


def make_program(
    space: CellSpace,
    families: tuple[Family, ...],
    sums: tuple[RowSum, ...],
    *,
    ends: bool = True,
) -> BoundsProgram:
    """The program of some rows.

    Parameters
    ----------
    ends : bool
        Whether terms are outputs in units of y; otherwise of the last layer's sums (of a first layer those
        shared by
        the family), as lemmas do.
    """
    names: list[tuple[int, int, int, int]] = []
    place: dict[tuple[int, int, int], Ints] = {}
    for f, family in enumerate(families):
        for unit in range(len(family.moved)):
            for layer, item in enumerate(family.layers[:-1], start=1):
                if layer == 1 and unit:
                    place[f, unit, 1] = place[f, 0, 1]
                    continue
                count = len(item.bias)
                place[f, unit, layer] = len(names) + np.arange(count)
                names += [(f, unit, layer, k) for k in range(count)]
    nodes, rows = len(names), len(sums)
    budget = space.domain.budget is not None
    lam = nodes + np.arange(rows)
    constant = np.zeros(nodes + rows + int(budget))
    blocks: list[NodeBlock] = []
    layers: list[RangeLayer] = []
    parts: list[Curves] = []
    columns: list[Ints] = []
    for f, family in enumerate(families):
        own = [_weights(sums, f, unit, family, ends) for unit in range(len(family.moved))]
        curves, shifts = _first(space, family), _shifts(space, family)
        last = family.layers[-1].bias
        for unit, weights in enumerate(own):
            moved = ends and not family.hidden
            constant[lam] += weights @ (last + (shifts[unit] if moved else 0.0))
            if ends:
                constant[lam] += _offsets(sums, f, unit, family)
        if not family.hidden:
            parts.append(curves.mixed(np.sum(own, axis=0)))
            columns.append(lam)
            continue
        first = place[f, 0, 1]
        parts.append(curves)
        columns.append(first)
        constant[first] += family.layers[0].bias
        layers.append(RangeLayer(first, family.layers[0].bias, columns=first))
        _add_first(blocks, family, own, shifts, place, lam, f)
        for unit in range(len(family.moved)):
            for layer in range(2, family.hidden + 1):
                at, below = place[f, unit, layer], place[f, unit, layer - 1]
                constant[at] += family.layers[layer - 1].bias
                shift = shifts[unit] if layer == 2 else None
                layer_curves = family.layers[layer - 1]
                layers.append(
                    RangeLayer(at, layer_curves.bias, curves=layer_curves.curves, below=below, shift=shift)
                )
                following = family.layers[layer].curves
                if layer == family.hidden:
                    blocks.append(NodeBlock(following.mixed(own[unit]), lam, at))
                else:
                    blocks.append(NodeBlock(following, place[f, unit, layer + 1], at))
    constant[lam] -= [total.bound for total in sums]
    if any(total.inputs for total in sums):
        weights = np.zeros((rows, space.inputs))
        for r, total in enumerate(sums):
            for i, weight in total.inputs:
                weights[r, i] += weight
        # What lies between zero and the units is a constant, rounded once: it may be large, and cancel.
        constant[lam] += [
            float(
                sum((Fraction(w) * Fraction(c) for w, c in zip(row, space.shift, strict=True)), Fraction(0))
            )
            for row in weights
        ]
        parts.append(_lines(weights * space.scale))
        columns.append(lam)
    if space.domain.budget is not None:
        constant[-1] = space.domain.budget.limit
        parts.append(_costs(space))
        columns.append(np.array([nodes + rows]))
    inputs = _input_block(space, parts, columns)
    return BoundsProgram(
        space,
        constant,
        inputs,
        tuple(blocks),
        nodes,
        rows,
        budget,
        tuple(layers),
        tuple(names),
        families,
        sums,
    )


def _add_first(
    blocks: list[NodeBlock],
    family: Family,
    own: list[Floats],
    shifts: Floats,
    place: dict[tuple[int, int, int], Ints],
    lam: Ints,
    f: int,
) -> None:
    """What leaves the shared nodes of the first hidden layer."""
    following, units = family.layers[1].curves, range(len(family.moved))
    if family.hidden > 1:
        curves = merge([following] * len(units), shifts=[shifts[u] for u in units])
        blocks.append(NodeBlock(curves, np.concatenate([place[f, u, 2] for u in units]), place[f, 0, 1]))
        return
    # One function a row: those of the units are added.
    curves = merge([following.mixed(own[u]) for u in units], shifts=[shifts[u] for u in units])
    index = np.tile(np.arange(len(lam)), len(units))
    blocks.append(NodeBlock(curves.summed(index, len(lam)), lam, place[f, 0, 1]))


def _weights(sums: tuple[RowSum, ...], f: int, unit: int, family: Family, ends: bool) -> Floats:
    """Weights of the sums of a unit's last layer in each row, (rows, nodes of the last layer)."""
    weights = np.zeros((len(sums), len(family.layers[-1].bias)))
    for r, total in enumerate(sums):
        for term in total.terms:
            if (term.family, term.unit) == (f, unit):
                scale = family.model.out_scale[term.output] if ends else 1.0
                weights[r, term.output] += term.weight * scale
    return weights


def _offsets(sums: tuple[RowSum, ...], f: int, unit: int, family: Family) -> Floats:
    """What the shifts of the outputs add to each row."""
    return np.array(
        [
            sum(
                term.weight * family.model.out_shift[term.output]
                for term in total.terms
                if (term.family, term.unit) == (f, unit)
            )
            for total in sums
        ]
    )


def unit_curves(model: ExactModel, space: CellSpace) -> Curves:
    """First edge functions as functions of the inputs in units of the space: their own, or rounded once."""
    curves = model.layers[0].curves
    breaks, bends = curves.breaks.copy(), curves.corners.copy()
    for i in np.nonzero((model.shift != space.shift) | (model.scale != space.scale))[0]:
        shift, scale = Fraction(float(model.shift[i])), Fraction(float(model.scale[i]))
        origin, unit = Fraction(float(space.shift[i])), Fraction(float(space.scale[i]))
        for item in (breaks, bends):
            item[i] = [float((shift + scale * Fraction(float(b)) - origin) / unit) for b in item[i]]
    return replace(curves, breaks=breaks, bends=None if curves.bends is None else bends)


def _first(space: CellSpace, family: Family) -> Curves:
    """First edge functions without those of the moved group."""
    curves = unit_curves(family.model, space)
    if family.group is None:
        return curves
    return curves.weighted(space.input_group != family.group)


def _shifts(space: CellSpace, family: Family) -> Floats:
    """d_uk, (units, nodes of the first layer)."""
    count = len(family.layers[0].bias)
    if family.group is None:
        return np.zeros((1, count))
    mine = space.input_group == family.group
    return (moved_values(family.model, space, list(family.moved)) * mine[:, None]).sum(1)


def moved_values(model: ExactModel, space: CellSpace, cells: list[int]) -> Floats:
    """First edge functions at the centres of cells, (cells, inputs, nodes)."""
    x = space.centre[cells]
    values = unit_curves(model, space).values(space.to_units(x))
    return values + model.layers[0].missing((x - model.shift) / model.scale)


def _lines(weights: Floats) -> Curves:
    """The functions weight * t of the inputs in units t, (n, inputs) weights."""
    inputs = weights.shape[1]
    table = np.zeros((len(weights), 4, inputs, 3))
    bare = Curves(np.zeros((inputs, 2)), table)  # two breaks at 0: three pieces of local coordinate x
    table[:, 1] = weights[..., None] * bare.width
    table[:, 1, :, 1] = 0.0
    return bare


def _costs(space: CellSpace) -> Curves:
    """Minus the cost of each input, one function."""
    at, rate = np.zeros(space.inputs), np.zeros(space.inputs)
    budget = space.domain.budget
    assert budget is not None
    for cost in budget.costs:
        at[cost.input], rate[cost.input] = cost.at, rate[cost.input] + cost.rate
    at, rate = space.to_units(at), rate * space.scale
    table = np.zeros((1, 4, space.inputs, 3))
    table[0, 1, :, 0], table[0, 1, :, 2] = rate, -rate
    return Curves(np.stack([at, at], 1), table)


def _input_block(space: CellSpace, parts: list[Curves], columns: list[Ints]) -> InputBlock:
    curves = merge(parts) if parts else Curves(np.zeros((space.inputs, 2)), np.zeros((0, 4, space.inputs, 3)))
    where = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    # Functions of one multiplier are added.
    kept, index = np.unique(where, return_inverse=True)
    if len(kept) < len(where) or (kept != where).any():
        curves, where = curves.summed(index, len(kept)), kept
    points = np.zeros((space.cells + 1, len(where)))
    points[:-1] = (curves.values(space.to_units(space.centre)) * space.points()[..., None]).sum(1)
    budget = space.domain.budget
    if budget is not None:
        for cost in budget.cells:
            cell = space.first[cost.group] + cost.cell
            points[cell, int(np.argmax(where))] -= cost.cost
    loose = np.zeros_like(points)
    loose[:-1] = space.points() @ curves.loose.T
    return InputBlock(curves, curves.sites(space.slot_input), points, loose, where)
