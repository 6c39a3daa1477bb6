"""Rows that break a goal: found by drawing rows, shown in raw units beside the model's answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Cell, Domain, place
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputTerm, Slope, Term
from edgewise.verifying.domain.possible_rows import Possible

# An excess counts as one beyond this share of the numbers it is the difference of; smaller ones are evaluated as fractions.
# About 1e7 times what float64 rounds by.
ROUNDING = 1e-9
# Rows, the steepest of those drawn, along which pairs are tried that show a slope.
_SLOPE_ROWS = 16
# Rows next to one that breaks a goal from which rows that can be are climbed to.
_SHOWN_STARTS = 4
# Share of what may be rounding which is still more than floats are off by.
_TOLD = 1e-3
# What writing a number may move it by, as a share of it.
_WRITTEN = 16 * np.finfo(np.float64).eps
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


class GoalEvaluator:
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
        measured = [
            sum((self._term(term, domain, rows, seen) for term in row), np.zeros(len(rows))) - bound
            for row, bound in zip(goal.rows, goal.bounds, strict=True)
        ]
        return np.min(measured, axis=0)

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
    return GoalEvaluator((net,)).outputs(0, rows)


def moved(rows: Floats, domain: Domain, to: tuple[int, int] | None) -> Floats:
    """The rows with one group moved to one of its point cells."""
    if to is None:
        return rows
    group = domain.groups[to[0]]
    out = rows.copy()
    out[:, list(group.inputs)] = [low for low, _ in group.cells[to[1]]]
    return out


def worst(evaluator: GoalEvaluator, goal: Goal, domain: Domain, rows: Floats) -> tuple[float, Floats | None]:
    """The largest excess among rows that lie in the domain, and where."""
    rows = rows[place(domain, rows)]
    if not len(rows):
        return -np.inf, None
    found = evaluator.excess(goal, domain, rows)
    at = int(np.argmax(found))
    return float(found[at]), rows[at]


@dataclass(frozen=True, eq=False)
class Breach:
    """How a goal is broken: what rows show of it, and the rows that show it best.

    Parameters
    ----------
    evaluator : GoalEvaluator
    columns : Columns
    goal : Goal
    domain : Domain
    group : int or None
        The group that is moved, or along which a slope runs.
    """

    evaluator: GoalEvaluator
    columns: Columns
    goal: Goal
    domain: Domain
    group: int | None

    @cached_property
    def possible(self) -> Possible:
        """The rows of the domain that can be."""
        return Possible(self.columns, self.domain)

    def value(self, rows: Floats) -> Floats:
        """By how much each row breaks the goal, (n,): of a slope, the best pair of possible numbers in its column."""
        if isinstance(self.goal, Slope):
            return np.array([self._pair(x, self._along(x))[0] for x in rows])
        return self.evaluator.excess(self.goal, self.domain, rows)

    def clear(self, rows: Floats) -> float:
        """What may be rounding, at some rows."""
        return ROUNDING * self.evaluator.scale(rows)

    def broken(self, pool: Floats) -> Floats | None:
        """The possible row of a pool that breaks the goal most; None where none does."""
        if not len(pool):
            return None
        if isinstance(self.goal, Slope):
            # The steepest rows of the pool: only along these are pairs tried.
            steep = self.evaluator.excess(self.goal, self.domain, pool)
            pool = pool[np.argsort(-steep)[:_SLOPE_ROWS]]
        found = self.value(pool)
        k = int(np.argmax(found))
        return pool[k] if found[k] > self.clear(pool[k][None]) else None

    def searched(
        self, x: Floats, pool: Floats, exactly: Callable[[Floats], bool] | None = None
    ) -> Floats | None:
        """A possible row that breaks the goal, climbed to from rows next to one that does; None where none is found.

        `exactly` decides without rounding whether a row breaks the goal.
        """
        starts = self.possible.nearest(np.vstack([x[None], pool]))
        excess = self.evaluator.excess(self.goal, self.domain, starts)
        order = [0, *(k for k in np.argsort(-excess)[:_SHOWN_STARTS] if k)]
        own = float(self.value(x[None])[0])
        for k in order:
            start, without = starts[k], None
            if isinstance(self.goal, Slope):
                # Where the slope is steepest two numbers beside each other show it, unless these must be whole.
                start, without = self.possible.climbed(start, self._steepness, enough=np.inf)[0], self.group
            row, best = self.possible.climbed(
                start, self.value, enough=2 * self.clear(start[None]), without=without
            )
            clear = self.clear(row[None])
            # Where the row at hand breaks the goal by hardly anything, hardly anything will do.
            if best > (clear if own >= clear else _TOLD * clear):
                return row
            if own < clear and exactly is not None and exactly(row):
                return row
        return None

    def _steepness(self, rows: Floats) -> Floats:
        return self.evaluator.excess(self.goal, self.domain, rows)

    def shown(
        self, x: Floats, *, possible: bool, exactly: Callable[[Floats], bool] | None = None
    ) -> tuple[Floats, ...]:
        """The row, or the two rows, that show it: numbers written with as few digits as goes; none where they would not.

        Parameters
        ----------
        x : array of shape (inputs,)
        possible : bool
            Whether it is a row that can be.
        exactly : callable, optional
            Says of a row whether it breaks the goal without any rounding.

        Returns
        -------
        tuple of array of shape (inputs,)
            One row, or two that differ in one column: its two values, or two numbers that show the slope.
        """
        domain = self.possible.near if possible else self.domain
        inside = self.possible.within(x[None])[0]
        if not possible and not np.array_equal(inside, x):
            # The cells of a transformed column reach a few floats beyond the numbers asked for.
            excess = float(self.value(inside[None])[0])
            if excess <= self.clear(inside[None]) and (exactly is None or not exactly(inside)):
                return ()
            x, domain = inside, self.possible.asked
        # Rounding may cost a tenth of what the row shows, no more.
        enough = max(self.clear(x[None]), 0.9 * float(self.value(x[None])[0]))

        def tidy(row: Floats) -> bool:
            return bool(place(domain, row[None])[0]) and float(self.value(row[None])[0]) >= enough

        raw = self.columns.raw_row(x, tidy=tidy)
        tidied = self.columns.encode(raw)
        x = tidied if tidy(tidied) else x
        if isinstance(self.goal, Slope):
            return self._ends(x, possible)
        if self.group is None:
            return (x,)
        steps = [term.moved for row in self.goal.rows for term in row if isinstance(term, OutputTerm)]
        return tuple(moved(x[None], self.domain, step)[0] for step in dict.fromkeys(steps))

    def _ends(self, x: Floats, possible: bool) -> tuple[Floats, ...]:
        """Two rows along the column of a slope, of possible numbers or, where these do not show it, of any."""
        trials = [self._along(x)] if possible else [self._along(x), self._about(x)]
        found = max((self._pair(x, values) for values in trials), key=lambda pair: pair[0])
        clear = self.clear(np.array(found[1:]))
        return found[1:] if found[0] > (_TOLD * clear if possible else clear) else ()

    def _cell(self, x: Floats, domain: Domain) -> Cell:
        assert self.group is not None
        group = domain.groups[self.group]
        flags = group.inputs[1:]
        return next(
            cell
            for cell in group.cells
            if cell[0][0] < cell[0][1]
            and all(low <= x[i] <= high for i, (low, high) in zip(flags, cell[1:], strict=True))
        )

    def _along(self, x: Floats) -> Floats:
        """Possible numbers in the column of a slope: some of them all, and those beside the row's own."""
        assert self.group is not None
        assert isinstance(self.goal, Slope)
        cell = self._cell(x, self.possible.near)[0]
        beside = self.possible.steps(self.group, float(x[self.goal.input]), cell)
        return np.unique(np.concatenate([self.possible.values(self.group, cell), beside]))

    def _about(self, x: Floats) -> Floats:
        """Numbers around that of a row, from near ones to the ends of its range."""
        assert isinstance(self.goal, Slope)
        at, (low, high) = float(x[self.goal.input]), self._cell(x, self.domain)[0]
        steps = [at + share * (end - at) for share in _STEPS for end in (low, high)]
        return np.unique(np.array([at, *steps]))

    def _pair(self, x: Floats, values: Floats) -> tuple[float, Floats, Floats]:
        """Of two of some numbers in the column of a slope, the rise beyond what is allowed that is largest, and the rows."""
        goal = self.goal
        assert isinstance(goal, Slope)
        assert self.group is not None
        rows = np.repeat(x[None], len(values), axis=0)
        rows[:, goal.input] = values
        # The bound is about the column's own units, which a transform stretches.
        column = self.columns.number_column(self.group)
        raw = values if column is None else column.decode(values)
        allowed = goal.bound / abs(self.columns.scale(self.group)[1]) * raw
        view = self.columns.view
        if view.calibration is not None and view.calibration.line is not None:
            allowed = view.calibration.line.slope * allowed
        f = goal.sign * view.answers(self.evaluator.outputs(goal.model, rows))[:, goal.output] - allowed
        # A large enough rise from the least value so far is what the two rows are to show.
        least = np.minimum.accumulate(f)
        k = int(np.argmax(f - least))
        j = int(np.argmin(f[: k + 1]))
        # Numbers are rounded where they are written: of two beside each other that is not to be distinguished from a slope.
        risen, apart = abs(f[k] - f[j]) + abs(allowed[k] - allowed[j]), abs(raw[k] - raw[j])
        rounded = _WRITTEN * max(abs(raw[j]), abs(raw[k])) * risen / apart if apart > 0 else np.inf
        return float(f[k] - f[j] - rounded) if j < k else 0.0, rows[j], rows[k]


def case(evaluator: GoalEvaluator, view: Fitted, columns: Columns, x: Floats) -> Case:
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


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
