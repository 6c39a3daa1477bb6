"""Flips between two rows: several columns change at will together, named numbers move a little besides.

What may differ has a second input, for the other row: the first model reads the one, the second the other. Words that change
at will have a second group with the same cells. A number that may move and its second input make one group, whose cells are
boxes along the diagonal that cover all pairs as near as asked, and a little more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.network.spec import KANSpec
from edgewise.network.state import make_layer, take_apart
from edgewise.verifying.claims.tasks import Task
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Cell, Domain, Group, place
from edgewise.verifying.domain.possible_rows import Possible, Value
from edgewise.verifying.domain.raw_values import code_of, shown
from edgewise.verifying.results.witness import Case, GoalEvaluator, case

# Boxes along a diagonal: so many for each step that a number may move, and at most.
A_STEP, MOST_BOXES = 4, 256


def two_rows(
    features: Sequence[str], others: Sequence[tuple[str, float]], columns: Columns, start: Task
) -> tuple[Task, list[dict[str, Any]]]:
    """A task about two rows, without its goals, and the moves that certificates write.

    Parameters
    ----------
    features : sequence of str
        Columns that change at will from one row to the other.
    others : sequence of (str, float)
        Columns that move a little besides, and how far.
    columns : Columns
    start : Task
        With the domain of one row.
    """
    groups, network = list(start.domain.groups), columns.view.network
    copies, moves = list[tuple[int, int]](), list[dict[str, Any]]()

    def copied(i: int, within: float | None) -> int:
        copy = network.shape[0] + len(copies)
        copies.append((i, copy))
        moves.append({"input": i, "copy": copy, "within": within})
        return copy

    for name in features:
        group = groups[columns.group(name)]
        _check_feature(group)
        inputs = tuple(copied(i, None) for i in group.inputs)
        groups.append(replace(group, name=f"{group.name} of the other row", inputs=inputs))
    for name, size in others:
        g = columns.group(name)
        _check_other(columns, g, name, features)
        cells, labels, within = _beside(columns, g, groups[g], size)
        copy = copied(groups[g].inputs[0], within)
        groups[g] = Group(name, (*groups[g].inputs, copy), cells, labels)
    networks = tuple(_reading(network, copies, second) for second in (False, True))
    domain = Domain(tuple(groups))
    return replace(start, domain=domain, models=networks, copies=tuple(copies)), moves


def padded(rows: Floats, copies: Sequence[tuple[int, int]]) -> Floats:
    """Rows beside themselves: the second inputs of numbers that may move as the first ones."""
    return np.column_stack([rows, *(rows[:, i] for i, _ in copies)])


def _check_other(columns: Columns, g: int, name: str, features: Sequence[str]) -> None:
    if name in features:
        raise InputError(
            subject="A column of never_flips",
            expected="either change at will or move a little",
            got=f"{short(name, 40)} for both",
            advice="name it once",
        )
    if not columns.is_numbers(g):
        raise InputError(
            subject="The columns that may move a little",
            expected="hold numbers of more than two values",
            got=short(name, 40),
            advice=f"name it among those that change at will, as in never_flips({', '.join((*features, name))})",
        )


def _check_feature(group: Group) -> None:
    if len(group.points) < len(group.cells):
        raise InputError(
            subject="The columns that never_flips changes at will",
            expected="hold words or two values",
            got=f"{short(group.name, 40)}, which holds numbers",
            advice=f"let it move a little instead: with {group.name} within ",
        )


def _beside(
    columns: Columns, g: int, group: Group, size: float
) -> tuple[tuple[Cell, ...], tuple[str, ...], float | None]:
    """Cells of a group of numbers with the input of the other row, their labels, and how far the two may be apart.

    A box holds a stretch of the first and all of the second that is as near as asked to any of it. How far is in units of
    inputs, where that is one number.
    """
    transform, scale = columns.scale(g)
    within = None if transform == "asinh" else size / abs(scale)
    cells, labels = list[Cell](), list[str]()
    for cell, label in group.labelled:
        low, high = cell[0]
        if low == high:
            cells.append((*cell, (low, low)))
            labels.append(label)
            continue
        cuts = _cuts(columns, g, low, high, size)
        for a, b in pairwise(cuts):
            if within is None:
                near = columns.around(g, a, size)[0], columns.around(g, b, size)[1]
            else:
                more = within * (1 + 2.0**-50)
                near = math.nextafter(a - more, -math.inf), math.nextafter(b + more, math.inf)
            cells.append(((a, b), *cell[1:], (max(near[0], low), min(near[1], high))))
            labels.append(label)
    points = [k for k, cell in enumerate(cells) if cell[0][0] == cell[0][1] and len(group.inputs) == 1]
    if points and len(points) < len(cells):
        raise InputError(
            subject="A column that may move a little",
            expected="not hold a value apart",
            got=f"{short(group.name, 40)}, where a missing cell is one",
            advice=f"narrow it: where {group.name} is not missing",
        )
    codes = [label for cell, label in group.labelled if code_of(columns.encoded(g), cell) is not None]
    if codes and any(cell[0][0] < cell[0][1] for cell in cells):
        # A code may be as near to a number as asked, and is a word of its own.
        raise InputError(
            subject="A column that may move a little",
            expected="hold numbers only",
            got=f"{short(group.name, 40)}, where {', '.join(codes)} stands for a word",
            advice=f"narrow it to numbers, as in where {group.name} in [{', '.join(_training_range(columns, g))}]",
        )
    return tuple(cells), tuple(labels), within


def _training_range(columns: Columns, g: int) -> list[str]:
    column = columns.number_column(g)
    assert column is not None
    return [shown(columns.raw(g, (end, 0.0))) for end in (column.low, column.high)]


def _cuts(columns: Columns, g: int, low: float, high: float, size: float) -> list[float]:
    """Ends of stretches, even on the scale on which the network reads the column."""
    middle = (low + high) / 2
    near = columns.around(g, middle, size)
    steps = A_STEP * (high - low) / max((near[1] - near[0]) / 2, 1e-300)
    return np.linspace(low, high, min(max(math.ceil(min(steps, MOST_BOXES)), 1), MOST_BOXES) + 1).tolist()


def _reading(network: KAN, copies: Sequence[tuple[int, int]], second: bool) -> KAN:
    """The network over the inputs of both rows, reading those of the first or of the second."""
    states, kept = take_apart(network), [*range(network.shape[0]), *(i for i, _ in copies)]
    state = states[0].take_inputs(kept)
    mask = state.mask.clone()
    for i, copy in copies:
        mask[i if second else copy] = False
    names = (*network.input_names, *(f"{network.input_names[i]} of the other row" for i, _ in copies))
    layers = [make_layer(item) for item in (replace(state, mask=mask), *states[1:])]
    spec = KANSpec(
        tuple(layer.spec for layer in (replace(state, mask=mask), *states[1:])), names, network.output_names
    )
    made = KAN.from_layers(spec, layers)
    with torch.no_grad():
        for name in ("input_shift", "input_scale"):
            getattr(made, name).copy_(getattr(network, name)[kept])
        for name in ("output_shift", "output_scale"):
            getattr(made, name).copy_(getattr(network, name))
    return made


Tidy = Callable[[Floats], bool]


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs of rows that the rows of a task stand for.

    Parameters
    ----------
    task : Task
        Its rows are those of one row, and beside them the inputs of the other row that may differ.
    others : tuple of (str, float)
        Columns that may move a little, and how far.
    columns : Columns
    differ : callable
        Says of two rows whether they are decided differently.
    """

    task: Task
    others: tuple[tuple[str, float], ...]
    columns: Columns
    differ: Callable[[tuple[Case, Case]], bool]

    @cached_property
    def possible(self) -> Possible:
        """What each of the two rows can be."""
        groups = list[Group]()
        for inputs, group in zip(self.columns.inputs, self.task.domain.groups, strict=False):
            cells, labels = list[Cell](), list[str]()
            for (ends, *flags), label in group.labelled:
                kept = tuple(flags[: len(inputs) - 1])
                if cells and cells[-1][0][1] == ends[0] < ends[1] and cells[-1][1:] == kept:
                    # Boxes along a diagonal are stretches of one cell.
                    cells[-1] = ((cells[-1][0][0], ends[1]), *kept)
                    continue
                cells.append((ends, *kept))
                labels.append(label)
            groups.append(Group(group.name, inputs, tuple(cells), tuple(labels)))
        return Possible(self.columns, Domain(tuple(groups), whole=self.task.domain.whole))

    @cached_property
    def moved(self) -> list[int]:
        """Inputs that may differ."""
        return [i for i, _ in self.task.copies]

    @cached_property
    def shared(self) -> list[int]:
        """Inputs that may not."""
        return [i for i in range(self.columns.view.network.shape[0]) if i not in self.moved]

    def parted(self, rows: Floats) -> tuple[Floats, Floats]:
        """The two rows of inputs of each of the task's rows."""
        first = rows[:, : self.columns.view.network.shape[0]].copy()
        second = first.copy()
        second[:, self.moved] = rows[:, [copy for _, copy in self.task.copies]]
        return first, second

    def joined(self, first: Floats, second: Floats) -> Floats:
        """Two rows of inputs as one of the task's."""
        return np.column_stack([first, second[:, self.moved]])

    def near(self, rows: Floats) -> Floats:
        """The task's rows with second numbers that moved too far taken back."""
        out = rows.copy()
        copies = dict(self.task.copies)
        for name, size in self.others:
            g = self.columns.group(name)
            i = self.columns.inputs[g][0]
            out[:, copies[i]] = self.columns.clipped(g, out[:, i], out[:, copies[i]], size)
        return out

    def nearest(self, rows: Floats) -> Floats:
        """The same with rows that can be, next to these."""
        first, second = map(self.possible.nearest, self.parted(rows))
        for name, size in self.others:
            g = self.columns.group(name)
            i, whole = self.columns.inputs[g][0], self.possible.whole(g)
            second[:, i] = self.columns.clipped(g, first[:, i], second[:, i], size)
            if whole is not None:
                start = np.round(whole.decode(first[:, i]))
                steps = whole.decode(second[:, i]) - start
                second[:, i] = whole.transformed(start + np.trunc(steps + 1e-9 * np.sign(steps)))
        return self.joined(first, second)

    def shown(self, x: Floats, excess: Value) -> tuple[Case, Case] | None:
        """Two rows that are decided differently, from one of the task's that shows it; None where they are not.

        Rows that can be, where these or others near them show it; numbers are written with as few digits as goes.
        `excess` is by how much each of the task's rows breaks the claim.
        """
        start = self.nearest(x[None])[0]
        tries: tuple[tuple[Callable[[], Floats], Domain], ...] = (
            (lambda: start, self.possible.near),
            (lambda: self._climbed(start, excess), self.possible.near),
            (lambda: self.near(x[None])[0], self.possible.domain),
        )
        for made, domain in tries:
            first, second = (array[0] for array in self.parted(made()[None]))
            if self.differ(self._cases(first, second)):
                return self._cases(*self._tidied(first, second, domain))
        return None

    def _climbed(self, x: Floats, excess: Value) -> Floats:
        """A possible pair that breaks the claim more than one of the task's rows, which is possible."""
        first, second = (array[0] for array in self.parted(x[None]))

        def pairs(rows: Floats) -> Floats:
            others = rows.copy()
            others[:, self.moved] = second[self.moved]
            return self.nearest(self.joined(rows, others))

        top, _ = self.possible.climbed(first, lambda rows: excess(pairs(rows)), enough=np.inf)
        return pairs(top[None])[0]

    def _tidied(self, first: Floats, second: Floats, domain: Domain) -> tuple[Floats, Floats]:
        """The two rows with numbers that are short to write, where they still show it."""

        def both(row: Floats) -> tuple[Floats, Floats]:
            other = row.copy()
            other[self.moved] = second[self.moved]
            return row, other

        def of_second(row: Floats) -> Floats:
            other = first.copy()
            other[self.moved] = row[self.moved]
            return other

        row = self._written(first, lambda row: self._serve(*both(row), domain))
        if self._serve(*both(row), domain):
            first, second = both(row)
        row = of_second(
            self._written(
                second,
                lambda row: np.array_equal(row, of_second(row)) and self._serve(first, row, domain),
            )
        )
        return first, row if self._serve(first, row, domain) else second

    def _written(self, row: Floats, tidy: Tidy) -> Floats:
        return self.columns.encode(self.columns.raw_row(row, tidy=tidy))

    def _serve(self, first: Floats, second: Floats, domain: Domain) -> bool:
        """Whether two rows of a domain of one row are as near as asked, and decided differently."""
        pair = self.joined(first[None], second[None])
        near = np.array_equal(self.near(pair), pair) and place(self.task.domain, pair).all()
        inside = place(domain, np.array([first, second])).all()
        return bool(near and inside) and self.differ(self._cases(first, second))

    def _cases(self, first: Floats, second: Floats) -> tuple[Case, Case]:
        evaluator = GoalEvaluator((self.columns.view.network,))
        one, two = (case(evaluator, self.columns.view, self.columns, row) for row in (first, second))
        return one, two
