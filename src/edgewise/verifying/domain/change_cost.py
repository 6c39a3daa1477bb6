"""What a change of a row costs: numbers by how far they move, words by being others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_float
from edgewise._core.errors import InputError
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import conditions_of
from edgewise.verifying.domain.domain import Budget, CellCost, ChangeCost, Domain, Group
from edgewise.verifying.domain.possible_rows import Possible
from edgewise.verifying.domain.raw_values import shown

# What another word costs; a number pays 1 for the whole width of its training range.
WORD = 0.5
# A column of whole numbers becomes so many points at most; of more it is an interval, and rows found are rounded.
POINTS = 150


@dataclass(frozen=True, eq=False)
class ChangeCosts:
    """The rows that may be reached, and what each costs.

    Parameters
    ----------
    domain : Domain
    costs : tuple of ChangeCost
        Of numbers that move.
    cells : tuple of CellCost
        Of words that become others.
    """

    domain: Domain
    costs: tuple[ChangeCost, ...]
    cells: tuple[CellCost, ...]

    def within(self, limit: float) -> Domain:
        """The rows that cost at most so much, without the cells and ends that alone cost more."""
        rates = {cost.input: cost for cost in self.costs}
        priced = {(cell.group, cell.cell): cell.cost for cell in self.cells}
        groups, cells = list[Group](), list[CellCost]()
        for g, group in enumerate(self.domain.groups):
            kept = list[tuple[Any, str]]()
            for c, (cell, label) in enumerate(group.labelled):
                price = priced.get((g, c), 0.0)
                cost = rates.get(group.inputs[0])
                if price > limit:
                    continue
                if cost is not None:
                    # A hair more, so that rounding leaves nothing out.
                    reach = limit / cost.rate * (1 + 1e-9)
                    low, high = max(cell[0][0], cost.at - reach), min(cell[0][1], cost.at + reach)
                    if low > high:
                        continue
                    cell = ((low, high), *cell[1:])
                if price > 0:
                    cells.append(CellCost(g, len(kept), price))
                kept.append((cell, label))
            if not kept:  # no row at all is that near
                return replace(self.domain, budget=Budget(limit, self.costs, self.cells))
            groups.append(group.of(kept))
        return Domain(tuple(groups), budget=Budget(limit, self.costs, tuple(cells)))

    def most(self) -> float:
        """More than any row costs."""
        total = 1e-6
        for cost in self.costs:
            ends = [
                cell for group in self.domain.groups if cost.input in group.inputs for cell in group.cells
            ]
            at = next(
                group.inputs.index(cost.input) for group in self.domain.groups if cost.input in group.inputs
            )
            total += cost.rate * max(abs(end - cost.at) for cell in ends for end in cell[at])
        priced: dict[int, float] = {}
        for cell in self.cells:
            priced[cell.group] = max(priced.get(cell.group, 0.0), cell.cost)
        return total + sum(priced.values())

    def cost_of(self, rows: Floats) -> Floats:
        """What rows cost, (n,)."""
        total = np.zeros(len(rows))
        for cost in self.costs:
            total += cost.rate * np.abs(rows[:, cost.input] - cost.at)
        for g, (points, costs) in self._tables.items():
            inputs = list(self.domain.groups[g].inputs)
            # Points of a group differ, so that each row is at one of them or at none.
            same = (rows[:, None, inputs] == points).all(2)
            total += np.where(same.any(1), costs[same.argmax(1)], 0.0)
        return total

    def nearer(self, g: int, row: Floats) -> Floats:
        """The points of a group that cost less than where a row is, the cheapest first, (k, inputs)."""
        group = self.domain.groups[g]
        points = np.array([[low for low, _ in cell] for cell in group.cells])
        inputs = list(group.inputs)
        costs = np.zeros(len(points))
        for cell in self.cells:
            if cell.group == g:
                costs[cell.cell] = cell.cost
        here = (points == row[inputs]).all(1)
        kept = np.flatnonzero(costs < (costs[here].max() if here.any() else np.inf))
        return points[kept[np.argsort(costs[kept], kind="stable")]]

    @cached_property
    def _tables(self) -> dict[int, tuple[Floats, Floats]]:
        """Of groups with priced cells: their points and what these cost."""
        found = dict[int, tuple[list[list[float]], list[float]]]()
        for cell in self.cells:
            points, costs = found.setdefault(cell.group, ([], []))
            points.append([low for low, _ in self.domain.groups[cell.group].cells[cell.cell]])
            costs.append(cell.cost)
        return {g: (np.array(points), np.array(costs)) for g, (points, costs) in found.items()}


def prices_of(
    columns: Columns,
    x: Floats,
    mutable: Iterable[str] | None,
    fixed: Iterable[str],
    weights: Mapping[str, float] | None,
    where: Mapping[str, Any] | None,
) -> ChangeCosts:
    """The rows that may be reached from one, and what each costs; the parameters are those of `minimal_counterfactual`."""
    conditions = () if where is None else conditions_of(where)
    allowed = columns.domain(conditions)
    # Beyond the training range only where that is asked for.
    named = {columns.group(condition.column) for condition in conditions}
    near = columns.familiar(allowed)
    possible = Possible(columns, allowed)
    names = columns.names if mutable is None else as_tuple(mutable, "mutable", "columns")
    free = {columns.group(name) for name in names} - {
        columns.group(name) for name in as_tuple(fixed, "fixed", "columns")
    }
    factors = {
        columns.group(name): check_float(weight, f"weights[{name!r}]", low=0.0, closed=False)
        for name, weight in as_mapping(weights, "weights", "columns to numbers").items()
    }
    groups, costs, cells = list[Group](), list[ChangeCost](), list[CellCost]()
    for g, wide in enumerate(allowed.groups):
        group = wide if g in named else near.groups[g]
        at = tuple(float(x[i]) for i in group.inputs)
        own = tuple((value, value) for value in at)
        weight, kept = factors.get(g, 1.0), list[tuple[Any, str]]()
        flag = at[1:]
        lost = any(there >= 0.5 for there in flag)
        if g not in free or lost:
            groups.append(group.of([(own, "")]))
            continue
        for cell, label in group.labelled:
            if not columns.lost(g, cell, label) and tuple(item[0] for item in cell[1:]) == flag:
                kept.append((cell, label))
        low, high = columns.whole.groups[g].cells[0][0]
        if g in named and low < high and all(cell[0] in ((low, low), (high, high)) for cell, _ in kept):
            raise InputError(
                argument=f"where[{columns.names[g]!r}]",
                expected=f"meet what the model tells apart, {columns.described(g)}",
                got="numbers beyond it only",
            )
        moving = [cell for cell, _ in kept if cell[0][0] < cell[0][1]]
        if moving:
            low, high = moving[0][0]
            rate = weight / max(columns.span(g), 1e-300)
            if g not in named:
                # The row itself stays within reach, also where it lies beyond the training range.
                low, high = min(low, at[0]), max(high, at[0])
            points = possible.all_whole(g, (low, high), POINTS)
            if points is not None:
                values = np.unique(np.append(points, at[0]) if low <= at[0] <= high else points).tolist()
                whole = tuple(((value, value), *moving[0][1:]) for value in values)
                groups.append(group.of((cell, "") for cell in whole))
                cells += [
                    CellCost(g, c, rate * abs(value - at[0]))
                    for c, value in enumerate(values)
                    if value != at[0]
                ]
                continue
            groups.append(group.of([(((low, high), *moving[0][1:]), "")]))
            costs.append(ChangeCost(group.inputs[0], at[0], rate))
            continue
        if all(cell != own for cell, _ in kept):
            kept.insert(0, (own, shown(columns.raw(g, at))))
        groups.append(group.of(kept))
        cells += [CellCost(g, c, WORD * weight) for c, (cell, _) in enumerate(kept) if cell != own]
    return ChangeCosts(Domain(tuple(groups)), tuple(costs), tuple(cells))
