"""Surfaces: what two columns do to the output together, beyond the shapes of both.

Of a network that joins just these two columns the surface is a part of it: their own term f_ab less the accumulated local
effects of f_ab along either column, which the two shapes hold already. So of a network of single columns and pairs the mean,
the shapes and the surfaces add up to the output at every row.

Where third columns join in, the surface is the accumulated local effect of second order (Apley and Zhu, 2020,
doi:10.1111/rssb.12377): on every cell of a grid the mixed difference

    f(a', b', c) - f(a, b', c) - f(a', b, c) + f(a, b, c)

averaged over the rows nearest to the cell, whose other columns c are those that go with such values, and summed up along
both columns. Then the effects along either column are taken off as before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.spatial import KDTree

from edgewise._core.arrays import Floats
from edgewise._core.plain import fields
from edgewise.explaining.columns import Column, number_text
from edgewise.explaining.interactions import Interactions
from edgewise.explaining.shapes import ALE_ROWS, Axis, absent_of, accumulated, axis_of
from edgewise.explaining.subject import ExplainedModel, Output, evenly
from edgewise.explaining.terms import Term

# Surfaces of the strongest pairs, places on an axis of numbers, and the share of the strongest pair's strength below which a
# pair is not worth a picture.
MOST, POINTS, FAINT = 6, 41, 0.05
# Cells along an axis of numbers, and rows whose mixed differences a cell averages, where third columns join in.
CELLS, NEAREST = 14, 12
# Rows whose density is estimated, and that are shown as dots; rows count as near within this share of both ranges.
DENSE_ROWS, DOTS, NEAR = 20_000, 300, 0.05
# Share of the rows whose effects the scale of a surface shows, and share that must be near a place that words name.
MOSTLY, SOME = 0.99, 0.002


@dataclass(frozen=True, eq=False)
class SurfaceAxis:
    """One column of a surface.

    Attributes
    ----------
    column : str
    kind : "number", "bool", "date" or "levels"
    x : array of shape (k,)
        Raw values (dates as days since 1970), evenly spread on the axis given by `bend`; for levels 0, 1, ...
    labels : tuple of str
        Names of the levels; empty for numbers.
    unit : str
    whole : bool
        Whether the rows hold whole numbers only.
    bend : (float, float) or None
        Centre and scale of an asinh axis on which the column is spread evenly.
    """

    column: str
    kind: str
    x: Floats
    labels: tuple[str, ...]
    unit: str = ""
    whole: bool = False
    bend: tuple[float, float] | None = None

    def even(self, values: Floats) -> Floats:
        """Raw values as places on the axis along which `x` is evenly spread."""
        if self.bend is None:
            return np.asarray(values, dtype=np.float64)
        return np.arcsinh((np.asarray(values) - self.bend[0]) / abs(self.bend[1]))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        return {**fields(self, "column", "kind", "unit"), "x": self.x.tolist(), "labels": list(self.labels)}


@dataclass(frozen=True, eq=False)
class Surface:
    """What a pair of columns adds to the output beside their two shapes.

    Attributes
    ----------
    a, b : SurfaceAxis
    exact : bool
        Whether it is a part of the network and not an average over other columns.
    z : array of shape (len(a.x), len(b.x))
        In units of the output; its mean over the rows is zero.
    near : array of shape (len(a.x), len(b.x))
        How many rows are near: within a twentieth of the range of each number, and of the same level.
    rows : array of shape (n, 2)
        Raw values of some rows, codes for levels.
    strength : float
        As in `Interactions`.
    words : str
        Where it adds and takes most, among places that some rows are near to.
    """

    a: SurfaceAxis
    b: SurfaceAxis
    exact: bool
    z: Floats
    near: Floats
    rows: Floats
    strength: float
    words: str

    @property
    def columns(self) -> tuple[str, str]:
        """The names of both columns."""
        return self.a.column, self.b.column

    @property
    def size(self) -> float:
        """An effect, up or down, that no more than one row in a hundred has a larger one near it."""
        order = np.argsort(np.abs(self.z), axis=None)
        rows = np.cumsum(self.near.reshape(-1)[order])
        size = np.abs(self.z).reshape(-1)[order]
        # Where rows are near to nothing, all places count.
        return float(size[np.searchsorted(rows, MOSTLY * rows[-1])]) if rows[-1] > 0 else float(size[-1])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        return {
            "columns": [self.a.to_dict(), self.b.to_dict()],
            "exact": self.exact,
            "z": self.z.tolist(),
            "near": self.near.astype(int).tolist(),
            "strength": self.strength,
            "words": self.words,
        }


def surfaces_of(
    subject: ExplainedModel, output: Output, interactions: Interactions, seed: int = 0
) -> tuple[Surface, ...]:
    """Surfaces of the pairs that act together most, strongest first."""
    pairs = interactions.strongest(MOST)
    least = FAINT * max((size for *_, size in pairs), default=0.0)
    names = subject.names
    return tuple(
        surface_of(subject, names.index(a), names.index(b), output, size, seed)
        for a, b, size in pairs
        if size >= least
    )


def surface_of(
    subject: ExplainedModel, i: int, j: int, output: Output, strength: float = float("nan"), seed: int = 0
) -> Surface:
    """The surface of columns i and j."""
    both = (subject.columns[i], subject.columns[j])
    axes = (axis_of(subject, i, POINTS), axis_of(subject, j, POINTS))
    joint = [term for term in subject.terms.joint if i in term.columns and j in term.columns]
    exact = all(len(term.columns) == 2 for term in joint)
    X = subject.rows.inputs
    present = ~(absent_of(both[0], X) | absent_of(both[1], X))
    X = X[present] if present.any() else X
    some = X[evenly(len(X), ALE_ROWS)]
    joined = _own(joint, output) if exact else _averaged(joint, output, both, axes, some)
    table = _on_grid(joined, both, axes, X[:1])
    none = np.zeros(len(some), dtype=bool)
    for k, (column, axis) in enumerate(zip(both, axes, strict=True)):
        curve, *_ = accumulated(some, none, column, axis.grid, joined, bool(axis.labels), seed)
        table = table - (curve[:, None] if k == 0 else curve)
    places = tuple(_places(column, axis, X) for column, axis in zip(both, axes, strict=True))
    table -= float(_interpolated((axes[0].grid, axes[1].grid), table, np.column_stack(places)).mean())
    dense = evenly(len(X), DENSE_ROWS)
    near = _near(axes[0], places[0][dense]) @ _near(axes[1], places[1][dense]).T
    dots = evenly(len(X), DOTS)
    effects = tuple(
        SurfaceAxis(column.name, column.kind, axis.raw, axis.labels, column.unit, axis.whole, axis.bend)
        for column, axis in zip(both, axes, strict=True)
    )
    rows = np.column_stack(
        [
            at[dots] if axis.labels else column.decode(at[dots])
            for column, axis, at in zip(both, axes, places, strict=True)
        ]
    )
    words = _words(both, axes, table, near, len(dense))
    return Surface(effects[0], effects[1], exact, table, near, rows, strength, words)


def _own(joint: Sequence[Term], output: Output) -> Callable[[Floats], Floats]:
    """The sum of some terms, for rows of inputs of the whole network."""
    return lambda X: output.of(np.sum([term.values(X) for term in joint], axis=0))


def _averaged(
    joint: Sequence[Term],
    output: Output,
    both: tuple[Column, Column],
    axes: tuple[Axis, Axis],
    X: Floats,
) -> Callable[[Floats], Floats]:
    """The accumulated mixed differences of some terms as a function of the two columns."""
    together = _own(joint, output)
    first_knots, second_knots = (
        axis.grid if axis.labels else np.linspace(axis.grid[0], axis.grid[-1], CELLS + 1) for axis in axes
    )
    knots = (first_knots, second_knots)
    # Cells are one step wide in both columns; distances are counted in steps.
    steps = tuple(float(knot[1] - knot[0]) if len(knot) > 1 else 1.0 for knot in knots)
    at = np.column_stack([X[:, column.inputs[0]] / step for column, step in zip(both, steps, strict=True)])
    middles = [(knot[1:] + knot[:-1]) / (2 * step) for knot, step in zip(knots, steps, strict=True)]
    cells = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    nearest = min(NEAREST, len(X))
    rows = KDTree(at).query(cells, k=nearest)[1].reshape(len(cells), nearest)
    first, second = np.divmod(np.arange(len(cells)), max(len(knots[1]) - 1, 1))
    corner = np.repeat(X[rows.reshape(-1)][None], 4, axis=0)
    for place, (up, right) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        corner[place][:, both[0].inputs[0]] = np.repeat(knots[0][first + up], nearest)
        corner[place][:, both[1].inputs[0]] = np.repeat(knots[1][second + right], nearest)
    value = together(corner.reshape(-1, X.shape[1])).reshape(4, len(cells), nearest).mean(axis=2)
    mixed = (value[0] - value[1] - value[2] + value[3]).reshape(len(knots[0]) - 1, len(knots[1]) - 1)
    table = np.zeros((len(knots[0]), len(knots[1])))
    table[1:, 1:] = mixed.cumsum(axis=0).cumsum(axis=1)
    return lambda X: _interpolated(knots, table, X[:, [both[0].inputs[0], both[1].inputs[0]]])


def _on_grid(
    joined: Callable[[Floats], Floats], both: tuple[Column, Column], axes: tuple[Axis, Axis], row: Floats
) -> Floats:
    """A function of two columns at all places of both axes; whatever else it reads it does not depend on."""
    first, second = (axis.grid for axis in axes)
    X = np.repeat(row, len(first) * len(second), axis=0)
    X[:, both[0].inputs[0]] = np.repeat(first, len(second))
    X[:, both[1].inputs[0]] = np.tile(second, len(first))
    return joined(X).reshape(len(first), len(second))


def _interpolated(knots: tuple[Floats, Floats], table: Floats, at: Floats) -> Floats:
    """Bilinear; an axis of a single place is constant."""
    for k in range(2):
        if len(knots[k]) == 1:
            return np.interp(at[:, 1 - k], knots[1 - k], table.reshape(-1))
    inside = np.column_stack([np.clip(at[:, k], knots[k][0], knots[k][-1]) for k in range(2)])
    return RegularGridInterpolator(knots, table)(inside)


def _places(column: Column, axis: Axis, X: Floats) -> Floats:
    """Where the rows are on an axis, in units of its grid."""
    own = X[:, column.inputs[0]]
    return np.clip(own.round(), 0, len(axis.grid) - 1) if axis.labels else own


def _near(axis: Axis, at: Floats) -> Floats:
    """Ones where a row is near a place, (places, rows)."""
    reach = 0.25 if axis.labels else NEAR * float(axis.grid[-1] - axis.grid[0])
    return (np.abs(axis.grid[:, None] - at) <= reach).astype(np.float64)


def _words(
    both: tuple[Column, Column], axes: tuple[Axis, Axis], table: Floats, near: Floats, rows: int
) -> str:
    """Where a surface is highest and lowest."""
    enough = min(float(near.max()), max(1.0, SOME * rows))
    shown = np.where(near >= enough, table, np.nan)
    ends = []
    for place in (int(np.nanargmax(shown)), int(np.nanargmin(shown))):
        at = np.unravel_index(place, table.shape)
        cells = [_cell(column, axis, int(k)) for column, axis, k in zip(both, axes, at, strict=True)]
        ends.append((float(table[at]), f"{cells[0]}, {cells[1]}"))
    return "; ".join(
        f"{number_text(z, 2) if z < 0 else '+' + number_text(z, 2)} at {cells}" for z, cells in ends
    )


def _cell(column: Column, axis: Axis, k: int) -> str:
    """A place on an axis in words: "age 41", "home rent"."""
    if axis.labels:
        return f"{column.name} {axis.labels[k]}"
    if column.kind in ("date", "bool"):
        return f"{column.name} {column.text(float(axis.raw[k]))}"
    value = float(axis.raw[k])
    value = float(round(value)) if axis.whole else value
    return f"{column.name} {number_text(value, 2 if abs(value) < 100 else 3)} {column.unit}".rstrip()
