"""Rows with a large excess: what refutes a goal, and what a certified maximum is compared with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise._core.work import charge, spent
from edgewise.verifying.bounds.exact import ExactModel
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, Slope
from edgewise.verifying.domain.space import CellSpace, Subdomains, living

# Units of work of rows to try beside another, and for each of their numbers.
TRIES, NUMBER = 1e-4, 2e-8
# Rows are evaluated in batches of at most so many numbers, the widest layer counted for each: memory, never answers.
_NUMBERS_AT_ONCE = 1 << 21
# Rounds of a climb; values tried along an interval in one look; best single changes that are tried all at once.
_ROUNDS, _VALUES, _JOINED = 60, 17, 6
# The factor of the steps where none helps, and the step, as a share of the interval, at which a climb ends.
_SHRINK, _FINEST = 0.2, 1e-6


# The excess at rows; the second argument may be a row that they differ little from.
Reached = Callable[[Floats, Floats | None], Floats]


class Excess:
    """The excess of a goal at rows: least row_r - bound_r, or sign * slope - bound; -inf outside the budget."""

    def __init__(self, models: tuple[ExactModel, ...], space: CellSpace, goal: Goal) -> None:
        self.models, self.space, self.goal = models, space, goal

    def __call__(self, x: Floats, base: Floats | None = None) -> Floats:
        """Of rows (n, inputs), shape (n,); faster where they differ little from a base row (inputs,)."""
        widest = max(
            len(layer.bias) * layer.curves.table.shape[2] for model in self.models for layer in model.layers
        )
        most = max(1, _NUMBERS_AT_ONCE // max(widest, 1))
        if len(x) > most:
            return np.concatenate([self(x[k : k + most], base) for k in range(0, len(x), most)])
        value = (
            self._rows(x, self.goal, base)
            if isinstance(self.goal, OutputBounds)
            else self._slope(x, self.goal)
        )
        return np.where(self.costs(x) <= 0, value, -np.inf)

    def costs(self, x: Floats) -> Floats:
        """Cost beyond the budget, (n,); 0 without one."""
        budget = self.space.domain.budget
        if budget is None:
            return np.zeros(len(x))
        total = np.full(len(x), -budget.limit)
        for cost in budget.costs:
            total += cost.rate * np.abs(x[:, cost.input] - cost.at)
        for item in budget.cells:
            cell = self.space.first[item.group] + item.cell
            mine = self.space.input_group == item.group
            inside = (x[:, mine] >= self.space.low[cell, mine]) & (x[:, mine] <= self.space.high[cell, mine])
            total += item.cost * inside.all(1)
        return total

    def size(self, x: Floats) -> float:
        """Magnitude of the numbers that the excess at a row is made of."""
        if isinstance(self.goal, Slope):
            return abs(self.goal.bound) + abs(float(self(x[None])[0]))
        most = max((abs(bound) for bound in self.goal.bounds), default=0.0)
        for row in self.goal.rows:
            for term in row:
                if isinstance(term, InputTerm):
                    most += abs(term.weight * float(x[term.input]))
                else:
                    model = self.models[term.model]
                    y = abs(float(model.outputs(x[None])[0, term.output])) + abs(
                        float(model.out_shift[term.output])
                    )
                    most += abs(term.weight) * (y + abs(float(model.out_scale[term.output])))
        return most

    def _rows(self, x: Floats, goal: OutputBounds, base: Floats | None) -> Floats:
        done: dict[tuple[int, tuple[int, int] | None], Floats] = {}
        least = np.full(len(x), np.inf)
        for row, bound in zip(goal.rows, goal.bounds, strict=True):
            total = np.zeros(len(x))
            for term in row:
                if isinstance(term, InputTerm):
                    total += term.weight * x[:, term.input]
                    continue
                key = (term.model, term.moved)
                if key not in done:
                    at, beside = x, base
                    if term.moved is not None:
                        cell = self.space.first[term.moved[0]] + term.moved[1]
                        mine, centre = self.space.owns()[cell], self.space.centre[cell]
                        at = np.where(mine, centre, x)
                        beside = None if base is None else np.where(mine, centre, base)
                    done[key] = self.models[term.model].outputs(at, beside)
                total += term.weight * done[key][:, term.output]
            least = np.minimum(least, total - bound)
        return least

    def _slope(self, x: Floats, goal: Slope) -> Floats:
        model = self.models[goal.model]
        h = (x - model.shift) / model.scale
        first = model.layers[0]
        d = first.slopes(h)[:, goal.input]
        for layer in model.layers[1:]:
            h = first.forward(h)
            d = (layer.slopes(h) * d[..., None]).sum(1)
            first = layer
        return (
            goal.sign * model.out_scale[goal.output] / model.scale[goal.input] * d[:, goal.output]
            - goal.bound
        )


def into(space: CellSpace, x: Floats, part: Subdomains) -> Floats:
    """Rows moved into the domain: for each group the nearest cell."""
    moved = x.copy()
    alive = living(space, part)[0]
    for g in range(space.groups):
        mine = space.input_group == g
        cells = space.cells_of(g, alive)
        if not cells:
            continue
        near = np.stack([np.clip(x[:, mine], space.low[c, mine], space.high[c, mine]) for c in cells], 1)
        best = np.abs(near - x[:, None, mine]).sum(2).argmin(1)
        moved[:, mine] = near[np.arange(len(x)), best]
    return moved


def attack(
    excess: Excess,
    part: Subdomains,
    x: Floats,
    *,
    until: float,
    rounds: int | None = None,
    enough: float = np.inf,
    value: Reached | None = None,
) -> tuple[Floats, float]:
    """Change one group at a time for the best, in steps that become finer, until nothing helps.

    Parameters
    ----------
    x : array of shape (inputs,)
    until : float
        Count of work (`edgewise._core.work.spent`) at which to end.
    rounds : int, optional
    enough : float
        Stop at such an excess.
    value : callable, optional
        Climb this instead, and stop where the excess is enough.
    """
    climbed, space = excess if value is None else value, excess.space
    best = float(climbed(x[None], None)[0])
    reach = 1.0
    alive = living(space, part)[0]
    for _ in range(rounds or _ROUNDS):
        if spent() > until or float(excess(x[None])[0]) > enough:
            break
        tries = _neighbours(space, alive, x, reach)
        if not len(tries):
            break
        found = climbed(tries, x)
        order = np.argsort(-found)
        k = int(order[0])
        if found[k] > best + 1e-12 * (1 + abs(best)):
            # Several changes of different inputs often add up.
            joined = x.copy()
            for t in order[:_JOINED]:
                if found[t] > best:
                    change = tries[t] != x
                    if not (joined[change] != x[change]).any():
                        joined = np.where(change, tries[t], joined)
            both = float(climbed(joined[None], None)[0])
            x, best = (joined, both) if both > found[k] else (tries[k], float(found[k]))
        elif reach > _FINEST:
            reach *= _SHRINK
        else:
            break
    return x, float(excess(x[None])[0])


def _neighbours(space: CellSpace, alive: Bools, x: Floats, reach: float) -> Floats:
    """Rows that differ from x in one input, or in the cell of one group."""
    made: list[Floats] = []
    along = _VALUES
    grid = np.linspace(-1, 1, along)
    for g in range(space.groups):
        mine = np.nonzero(space.input_group == g)[0]
        for c in space.table[g]:
            if c >= space.cells or not alive[c]:
                continue
            low, high = space.low[c, mine], space.high[c, mine]
            here = bool(((x[mine] >= low) & (x[mine] <= high)).all())
            wide = np.nonzero(low < high)[0]
            if not here and reach == 1.0:
                count = along if len(wide) else 1
                rows = np.repeat(x[None], count, 0)
                rows[:, mine] = low + (high - low) * np.linspace(0, 1, count)[:, None] if count > 1 else low
                made.append(rows)
            if here:
                for w in wide:
                    i, size = mine[w], high[w] - low[w]
                    at = low[w] + size * (grid + 1) / 2 if reach == 1.0 else x[i] + reach * size * grid
                    rows = np.repeat(x[None], along, 0)
                    rows[:, i] = np.clip(at, low[w], high[w])
                    made.append(rows)
    tries = np.concatenate(made) if made else np.zeros((0, len(x)))
    charge(TRIES + NUMBER * tries.size)
    return tries
