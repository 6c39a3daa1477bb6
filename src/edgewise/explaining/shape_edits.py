"""Edits of one curve: what a person asks for, and what becomes of the coefficients of a spline and of its layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from scipy.optimize import isotonic_regression
from torch import Tensor

from edgewise._core.checks import check_choice, check_float, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms.reader import Reader
from edgewise.network.state import LayerState
from edgewise.splines import BSpline

# What the numbers in the brackets of an edit are, kind by kind.
_NUMBERS = {
    "constant": ("low", "high", "value"),
    "shift": ("value", "low", "high"),
    "smooth": ("value", "low", "high"),
    "increasing": ("low", "high"),
    "decreasing": ("low", "high"),
}
KINDS = (*_NUMBERS, "points")
# A local edit passes into the rest of the curve within this share of the range, in so many intervals: as many as make the
# coefficients of both sides independent for cubics.
SHOULDER, STEPS = 0.02, 3
# Far narrower than a shoulder: breaks this near to each other are one.
NEAR = 1e-6
_REFUSAL = "The edit {text} of edit_shape cannot be read"


@dataclass(frozen=True)
class ShapeEdit:
    """One edit of a curve.

    Parameters
    ----------
    kind : str
        "constant": one value from `low` to `high` (by default the mean over the rows there).
        "shift": `value` more from `low` to `high`.
        "smooth": bends less, the less the greater `value` (1 by default), from `low` to `high`.
        "increasing", "decreasing": the nearest curve that never turns from `low` to `high`.
        "points": through the given points.
    low, high : float or None
        Interval in raw units of the column; None is the end of the line.
    value : float or None
        In units of the output, about the mean of the curve over the rows.
    points : tuple of (float or str, float)
        Values of the column, or its words, and what the curve shall be there.

    Examples
    --------
    >>> read_edit("constant(20, 30)")
    ShapeEdit(kind='constant', low=20.0, high=30.0, value=None, points=())
    >>> read_edit({"rent": 0.0, "own": 0.5}).points
    (('rent', 0.0), ('own', 0.5))
    """

    kind: str
    low: float | None = None
    high: float | None = None
    value: float | None = None
    points: tuple[tuple[float | str, float], ...] = ()

    def __post_init__(self) -> None:
        check_choice(self.kind, "edit", KINDS)
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise InputError(
                argument="edit", expected="have low < high", got=f"{self.low:g} and {self.high:g}"
            )
        if self.kind == "shift" and self.value is None:
            raise InputError(
                argument="edit",
                expected="say by how much to shift, as in 'shift(-0.5, 20, 30)'",
                got="no amount",
            )
        if self.kind == "points" and not self.points:
            raise InputError(argument="edit", expected="hold points, as {25: 0.1, 40: 0.3}", got="none")

    @property
    def whole(self) -> bool:
        """Whether it is about all of the curve."""
        return self.low is None and self.high is None

    @property
    def ends(self) -> tuple[float, float]:
        """Its interval; an end that is open is infinite."""
        return -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high

    def __str__(self) -> str:
        if self.kind == "points":
            return "through " + ", ".join(f"({x}, {y:g})" for x, y in self.points)
        where = "" if self.whole else f" from {_end(self.low)} to {_end(self.high)}"
        value = "" if self.value is None else f" {self.value:g}"
        return f"{self.kind}{value}{where}"


def _end(value: float | None) -> str:
    return "the end" if value is None else f"{value:g}"


def read_edit(edit: Any) -> ShapeEdit:
    """An edit from what people write: a `ShapeEdit`, a text, or a mapping of points.

    Texts are "increasing", "increasing(20, 30)", "decreasing", "smooth", "smooth(3)", "smooth(3, 20, 30)",
    "constant(20, 30)", "constant(20, 30, 0.1)", "shift(-0.5, 20, 30)"; None stands for an open end.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(edit, ShapeEdit):
        return edit
    if isinstance(edit, Mapping):
        given = cast("Mapping[Any, Any]", edit)
        places = [x if isinstance(x, str) else check_float(x, "edit") for x in given]
        values = [check_float(y, "edit") for y in given.values()]
        return ShapeEdit("points", points=tuple(zip(places, values, strict=True)))
    what = "The 'edit' argument of edit_shape"
    reader = Reader.of(
        edit, _REFUSAL, what, instead="a text as 'constant(20, 30)', a mapping of points, or a ShapeEdit"
    )
    name = reader.name("the kind of the edit")
    if name not in _NUMBERS:
        raise InputError(
            argument="edit",
            expected=f"be one of {', '.join(_NUMBERS)}, or a mapping of points",
            got=f"{short(name)}{did_you_mean(name, _NUMBERS)}",
        )
    numbers, names = _numbers(reader), _NUMBERS[name]
    if len(numbers) > len(names):
        raise InputError(
            subject=f"The edit {name!r} of edit_shape",
            expected=f"have at most {len(names)} numbers",
            got=len(numbers),
        )
    limits = dict(zip(names, numbers, strict=False))
    return ShapeEdit(name, limits.get("low"), limits.get("high"), limits.get("value"))


def _numbers(reader: Reader) -> list[float | None]:
    """What stands in the brackets of an edit, to the end of its text."""
    found = list[float | None]()
    if reader.take("(") and not reader.take(")"):
        found.append(_number(reader))
        while reader.take(","):
            found.append(_number(reader))
        reader.need(")")
    reader.end("the end")
    return found


def _number(reader: Reader) -> float | None:
    return (
        None if reader.word("None") or reader.head.text in (",", ")") else reader.number("a number or None")
    )


@dataclass(frozen=True, eq=False)
class EditedCurve:
    """A spline to be edited: breaks (G + 1,) and coefficients (M,), x in network units and values in units of the output.

    `mass` is how many rows each coefficient has, (M,); `codes` are the places of all words, where it is a curve of words.
    """

    breaks: Tensor
    coef: Tensor
    degree: int
    mass: Tensor
    codes: tuple[float, ...] = ()

    @property
    def basis(self) -> BSpline:
        """Its B-splines."""
        return BSpline(self.breaks[None], self.degree)

    def at(self, x: Sequence[float]) -> Tensor:
        """Values of the B-splines at some places, (n, M)."""
        return self.basis.values(torch.tensor(list(x), dtype=torch.float64)[:, None])[:, 0]

    def live(self, low: float, high: float) -> Tensor:
        """Which coefficients affect the curve between two places."""
        inside = (self.breaks[1:] > low) & (self.breaks[:-1] < high)
        inside[0] |= low < float(self.breaks[0])
        inside[-1] |= high > float(self.breaks[-1])
        live = torch.zeros(len(self.coef), dtype=torch.bool)
        for shift in range(self.degree + 1):
            live[shift : shift + len(inside)] |= inside
        return live


def edited(curve: EditedCurve, edit: ShapeEdit, low: float, high: float, places: Sequence[float]) -> Tensor:
    """Coefficients after an edit; `low`, `high` and `places` (of its points) in network units."""
    act: dict[str, Callable[[], Tensor]] = {
        "constant": lambda: _constant(curve, edit.value, low, high),
        "shift": lambda: curve.coef + cast("float", edit.value) * curve.live(low, high),
        "smooth": lambda: _smooth(curve, 1.0 if edit.value is None else edit.value, low, high),
        "increasing": lambda: _monotone(curve, low, high, increasing=True),
        "decreasing": lambda: _monotone(curve, low, high, increasing=False),
        "points": lambda: _through(curve, places, [y for _, y in edit.points]),
    }
    return act[edit.kind]()


def _constant(curve: EditedCurve, value: float | None, low: float, high: float) -> Tensor:
    live = curve.live(low, high)
    if value is None:
        mass = curve.mass * live
        even = float(mass.sum()) <= 0
        value = float(curve.coef[live].mean() if even else (curve.coef * mass).sum() / mass.sum())
    return torch.where(live, value, curve.coef)


def _smooth(curve: EditedCurve, strength: float, low: float, high: float) -> Tensor:
    """Whittaker's smoother on the coefficients: strength 1 smooths what bends within about three rows of them."""
    own = curve.live(low, high).nonzero()[:, 0]
    if len(own) < 3:
        return curve.coef
    x = curve.basis.greville()[0][own]
    gap = x.diff()
    # Second divided differences, in units of the mean gap.
    rows = torch.zeros(len(own) - 2, len(own), dtype=torch.float64)
    k = torch.arange(len(own) - 2)
    rows[k, k], rows[k, k + 2] = 1 / gap[:-1], 1 / gap[1:]
    rows[k, k + 1] = -1 / gap[:-1] - 1 / gap[1:]
    rows *= gap.mean()
    weight = curve.mass[own] + 1e-3 * curve.mass.mean() + 1e-12
    weight = weight / weight.mean()
    # The ends of a part keep their values: they are the rest's too.
    weight[[0, -1]] = weight[[0, -1]] if len(own) == len(curve.coef) else 1e6
    whole = torch.diag(weight) + (2 * strength) ** 4 * rows.T @ rows
    new = curve.coef.clone()
    new[own] = torch.linalg.solve(whole, weight * curve.coef[own])
    return new


def _monotone(curve: EditedCurve, low: float, high: float, *, increasing: bool) -> Tensor:
    """Coefficients that never turn make a curve that never does, between two places as anywhere."""
    own = curve.live(low, high)
    weight = curve.mass + 1e-6 * curve.mass.mean() + 1e-12
    fitted = isotonic_regression(curve.coef[own].numpy(), weights=weight[own].numpy(), increasing=increasing)
    new = curve.coef.clone()
    new[own] = torch.from_numpy(np.asarray(fitted.x, dtype=np.float64).copy())
    return new


def _through(curve: EditedCurve, places: Sequence[float], values: Sequence[float]) -> Tensor:
    """The change of least bending that takes the curve through the points; words that are not named stay."""
    named = list(places)
    kept = [code for code in curve.codes if min(abs(code - place) for place in named) > 1e-12]
    rows = curve.at([*named, *kept])
    change = torch.tensor(list(values), dtype=torch.float64) - curve.at(named) @ curve.coef
    aim = torch.cat([change, torch.zeros(len(kept), dtype=torch.float64)])
    size = len(curve.coef)
    bend = torch.eye(size, dtype=torch.float64).diff(n=2, dim=0)
    rough = bend.T @ bend + 1e-4 * torch.eye(size, dtype=torch.float64)
    if not curve.codes:
        # Beyond the points by a tenth of the range, the curve stays as it is.
        reach = 0.1 * float(curve.breaks[-1] - curve.breaks[0])
        away = ~curve.live(min(named) - reach, max(named) + reach)
        rough = rough + 1e8 * torch.diag(away.to(torch.float64))
    half = torch.linalg.solve(rough, rows.T)
    pull = rows @ half
    scale = float(pull.diagonal().mean())
    weights = torch.linalg.solve(pull + 1e-14 * scale * torch.eye(len(aim), dtype=torch.float64), aim)
    new = curve.coef + half @ weights
    miss = float((curve.at(named) @ new - torch.tensor(list(values), dtype=torch.float64)).abs().max())
    if not math.isfinite(miss) or miss > 1e-6 * (1 + float(aim.abs().max())):
        raise InputError(
            subject="The points of edit_shape",
            expected="be far enough apart for a curve to pass through",
            got="some that are not",
        )
    return new


def edge_edited(
    state: LayerState,
    edge: tuple[int, int],
    edit: ShapeEdit,
    ends: tuple[float, float],
    places: Sequence[float],
    x: Tensor,
    factor: float,
    codes: Sequence[float] = (),
) -> LayerState:
    """The layer with the function of one edge edited; all places in network units.

    Parameters
    ----------
    state : LayerState
        Of B-splines.
    edge : (int, int)
        Source and target.
    edit : ShapeEdit
    ends : (float, float)
        Of its interval.
    places : sequence of float
        Of its points.
    x : Tensor, shape (n,)
        Where the rows are.
    factor : float
        What values of the edge are multiplied by on their way to the output.
    codes : sequence of float
        Places of all words, of a curve of words.
    """
    (source, target), (low, high) = edge, ends
    if edit.kind != "points":
        state = _refined_between(state, source, low, high)
    breaks = state.grid[source].to("cpu", torch.float64)
    coef = state.coef[source, :, target].to("cpu", torch.float64) * bool(state.mask[source, target])
    mass = BSpline(breaks[None], state.spec.degree).values(x[:, None])[:, 0].mean(0)
    mean = float(mass @ coef)
    curve = EditedCurve(breaks, (coef - mean) * factor, state.spec.degree, mass.clamp(min=0), tuple(codes))
    new = edited(curve, edit, low, high, places)
    changed, mask = state.coef.clone(), state.mask.clone()
    changed[source, :, target] = (new / factor + mean).to(changed)
    mask[source, target] = True
    return replace(state, coef=changed, mask=mask)


def _refined_between(state: LayerState, source: int, low: float, high: float) -> LayerState:
    """The layer with the breaks a local edit needs; the grids of the other inputs get as many, where they are coarsest."""
    grid = state.grid.to("cpu", torch.float64)
    fresh = _wanted_breaks(grid[source], low, high)
    if not fresh:
        return state
    rows = list[Tensor]()
    for i, row in enumerate(grid):
        breaks = fresh if i == source else _halves(row, len(fresh))
        rows.append(torch.cat([row, torch.tensor(breaks, dtype=row.dtype)]).sort().values)
    finer = torch.stack(rows)
    turn = BSpline(grid, state.spec.degree).refine(finer)
    coef = (turn @ state.coef.to("cpu", torch.float64)).to(state.coef)
    return replace(
        state, spec=replace(state.spec, intervals=finer.shape[1] - 1), grid=finer.to(state.grid), coef=coef
    )


def _halves(row: Tensor, count: int) -> list[float]:
    """Middles of the widest intervals, one after the other."""
    breaks, found = row.tolist(), list[float]()
    for _ in range(count):
        widest = max(range(len(breaks) - 1), key=lambda k: breaks[k + 1] - breaks[k])
        middle = (breaks[widest] + breaks[widest + 1]) / 2
        breaks.insert(widest + 1, middle)
        found.append(middle)
    return found


def _wanted_breaks(breaks: Tensor, low: float, high: float) -> list[float]:
    """Breaks that a local edit between two places needs besides those there are, inside the grid."""
    first, last = float(breaks[0]), float(breaks[-1])
    width = SHOULDER * (last - first)
    found = [low - width * k / STEPS for k in range(STEPS + 1)]
    found += [high + width * k / STEPS for k in range(STEPS + 1)]
    near = NEAR * (last - first)
    fresh: list[float] = []
    for place in sorted(found):
        known = [*breaks.tolist(), *fresh]
        if first + near < place < last - near and min(abs(place - other) for other in known) > near:
            fresh.append(place)
    return fresh
