"""Rows that break a goal: found by drawing rows, shown in raw units beside what the model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.verify.domain import Domain
from edgewise.verify.goals import Goal, InputTerm, OutputTerm, Slope, Term
from edgewise.verify.rows import Columns, place

Floats = NDArray[np.float64]

# Excess below this share of the size of its terms may be rounding.
ROUNDING = 1e-9
# Steps tried for a slope, as shares of the room there is.
_STEPS = tuple(2.0**-k for k in range(30))


@dataclass(frozen=True)
class Case:
    """A row and what the model makes of it.

    Attributes
    ----------
    row : dict
        Raw values by column; None for a missing cell.
    outputs : dict of str to float
        The outputs by name: units of the target, log-odds or logits; of a calibrated model what its `decision_function`
        gives.
    decision : optional
        The class that is chosen, of a classifier.
    inputs : tuple of float
        The row as the network takes it.
    """

    row: dict[str, Any]
    outputs: dict[str, float]
    decision: Any = None
    inputs: tuple[float, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "row": {name: _plain(value) for name, value in self.row.items()},
            "outputs": dict(self.outputs),
            "decision": _plain(self.decision),
            "inputs": list(self.inputs),
        }


class Evaluator:
    """Networks in float64 and the excess of goals at rows; outputs at the same rows are computed once."""

    def __init__(self, models: Sequence[KAN]) -> None:
        self.models = tuple(models)
        self._double = tuple(net if net.dtype == torch.float64 else deepcopy(net).double() for net in models)

    def outputs(self, model: int, rows: Floats) -> Floats:
        """Outputs of a model, (n, outputs)."""
        return self._double[model].predict(rows)

    def excess(self, goal: Goal, domain: Domain, rows: Floats) -> Floats:
        """By how much each row breaks the goal, (n,); at most 0 where it holds."""
        if isinstance(goal, Slope):
            return goal.sign * self.slope(goal, rows) - goal.bound
        seen: dict[Any, Floats] = {}
        each = [
            sum((self._term(term, domain, rows, seen) for term in row), np.zeros(len(rows))) - bound
            for row, bound in zip(goal.rows, goal.bounds, strict=True)
        ]
        return np.min(each, axis=0)

    def slope(self, goal: Slope, rows: Floats) -> Floats:
        """Derivatives of the output in the input, (n,)."""
        x = torch.from_numpy(rows.copy()).requires_grad_()
        y = self._double[goal.model](x)[:, goal.output]
        if not y.requires_grad:  # no edge is alive
            return np.zeros(len(rows))
        (gradient,) = torch.autograd.grad(y.sum(), x)
        return gradient[:, goal.input].detach().numpy()

    def _term(self, term: Term, domain: Domain, rows: Floats, seen: dict[Any, Floats]) -> Floats:
        if isinstance(term, InputTerm):
            return term.weight * rows[:, term.input]
        key = (term.model, term.moved)
        if key not in seen:
            seen[key] = self.outputs(term.model, moved(rows, domain, term.moved))
        return term.weight * seen[key][:, term.output]

    def scale(self, rows: Floats) -> float:
        """Size of the outputs at some rows."""
        return max(1e-300, *(float(np.abs(self.outputs(m, rows)).max()) for m in range(len(self.models))))


def in_float64(net: KAN, rows: Floats) -> Floats:
    """Outputs of a network with its own numbers, computed in float64, (n, outputs)."""
    return Evaluator((net,)).outputs(0, rows)


def moved(rows: Floats, domain: Domain, to: tuple[int, int] | None) -> Floats:
    """The rows with one group moved to one of its point cells."""
    if to is None:
        return rows
    group = domain.groups[to[0]]
    out = rows.copy()
    out[:, list(group.inputs)] = [low for low, _ in group.cells[to[1]]]
    return out


def worst(evaluator: Evaluator, goal: Goal, domain: Domain, rows: Floats) -> tuple[float, Floats | None]:
    """The largest excess among rows that lie in the domain, and where."""
    rows = rows[place(domain, rows)]
    if not len(rows):
        return -np.inf, None
    found = evaluator.excess(goal, domain, rows)
    at = int(np.argmax(found))
    return float(found[at]), rows[at]


def cases(
    evaluator: Evaluator, columns: Columns, goal: Goal, domain: Domain, group: int | None, x: Floats
) -> tuple[Case, ...]:
    """The row that breaks a goal, in raw units, numbers rounded as far as it goes on to break it.

    Returns
    -------
    tuple of Case
        One row, or two that differ in one column: its two values, or two numbers that show the slope.
    """
    scale = ROUNDING * evaluator.scale(x[None])
    # Rounding may cost a tenth of what the row shows, no more.
    enough = max(scale, 0.9 * float(evaluator.excess(goal, domain, x[None])[0]))

    def tidy(row: Floats) -> bool:
        inside = bool(place(domain, row[None])[0])
        return inside and float(evaluator.excess(goal, domain, row[None])[0]) >= enough

    raw = columns.raw_row(x, tidy=tidy)
    tidied = columns.encode(raw, "a witness")
    x = tidied if tidy(tidied) else x
    if group is None:
        return (case(evaluator, columns.view, columns, x),)
    if isinstance(goal, Slope):
        ends = _steepest(evaluator, columns, goal, domain, group, x)
    else:
        steps = [term.moved for row in goal.rows for term in row if isinstance(term, OutputTerm)]
        ends = tuple(moved(x[None], domain, step)[0] for step in dict.fromkeys(steps))
    return tuple(case(evaluator, columns.view, columns, end) for end in ends)


def case(evaluator: Evaluator, view: Fitted, columns: Columns, x: Floats) -> Case:
    """A row of inputs as a case."""
    y = evaluator.outputs(0, x[None])
    decision = None
    if len(view.classes) >= 2:
        decision = view.classes[int(view.decided(y)[0])]
    return Case(
        columns.raw_row(x),
        dict(zip(names_of_outputs(view), view.answers(y)[0].tolist(), strict=True)),
        decision,
        tuple(x.tolist()),
    )


def names_of_outputs(view: Fitted) -> tuple[str, ...]:
    """What the outputs are called in results."""
    if view.binary:
        return (f"log-odds of {view.classes[1]}",)
    return tuple(str(label) for label in view.classes) if view.classes else view.network.output_names


def _steepest(
    evaluator: Evaluator, columns: Columns, goal: Slope, domain: Domain, group: int, x: Floats
) -> tuple[Floats, Floats]:
    """Two rows that differ in one number by as much as still shows a slope that is too steep."""
    i, at = goal.input, float(x[goal.input])
    cell = next(
        cell
        for cell in domain.groups[group].cells
        if all(lo <= x[k] <= hi for k, (lo, hi) in zip(domain.groups[group].inputs, cell, strict=True))
    )
    low, high = cell[0]
    near = next(
        (
            c[0]
            for c in columns.familiar(domain).groups[group].cells
            if c[0][0] <= at <= c[0][1] and c[1:] == cell[1:]
        ),
        cell[0],
    )
    low, high = near if near[0] < near[1] else (low, high)
    steps = [size * (end - at) for size in _STEPS for end in (high, low) if end != at]
    rows = np.repeat(x[None], len(steps) + 1, axis=0)
    rows[1:, i] += steps
    for k, step in enumerate(steps, 1):
        # A round number a little nearer does as well, and can be read.
        number = columns.raw_row(rows[k])[domain.groups[group].name]
        if isinstance(number, float):
            rounded = columns.encode(
                {**columns.raw_row(rows[k]), domain.groups[group].name: float(f"{number:.3g}")}, "a witness"
            )[i]
            if (
                low <= rounded <= high
                and abs(rounded - at) > 0.5 * abs(step)
                and (rounded > at) == (step > 0)
            ):
                rows[k, i] = rounded
    y = evaluator.outputs(goal.model, rows)[:, goal.output]
    run = rows[1:, i] - at
    rise = goal.sign * (y[1:] - y[0]) / run - goal.bound
    clear = rise * np.abs(run) > ROUNDING * max(1e-300, float(np.abs(y).max()))
    # The two rows are to show something: the largest change beyond what is allowed.
    best = int(np.argmax(np.where(clear, rise * np.abs(run), -np.inf)))
    pair = (rows[0], rows[best + 1])
    return pair if run[best] > 0 else pair[::-1]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
