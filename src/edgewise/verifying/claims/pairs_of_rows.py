"""Pairs of rows that refute a claim about two: as near as asked, possible where possible ones show it, short to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.verifying.claims.tasks import Task, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, Group, place
from edgewise.verifying.domain.possible_rows import Possible, Value
from edgewise.verifying.domain.raw_values import Cell
from edgewise.verifying.language import properties as asked
from edgewise.verifying.results.witness import Case, GoalEvaluator, case

Tidy = Callable[[Floats], bool]

OF = "never_flips"


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs of rows that the rows of a task stand for.

    Parameters
    ----------
    task : Task
        Its rows are those of one row, and beside them the inputs of the other row that may differ.
    prop : NeverFlips
    columns : Columns
    """

    task: Task
    prop: asked.NeverFlips
    columns: Columns

    @cached_property
    def possible(self) -> Possible:
        """What each of the two rows can be."""
        groups = list[Group]()
        for inputs, group in zip(self.columns.inputs, self.task.domain.groups, strict=False):
            cells, labels = list[Cell](), list[str]()
            for (ends, *flags), label in zip(group.cells, group.labels, strict=True):
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
        for name, size in self.prop.others:
            g = self.columns.group(name, OF)
            i = self.columns.inputs[g][0]
            out[:, copies[i]] = self.columns.clipped(g, out[:, i], out[:, copies[i]], size)
        return out

    def nearest(self, rows: Floats) -> Floats:
        """The same with rows that can be, next to these."""
        first, second = map(self.possible.nearest, self.parted(rows))
        for name, size in self.prop.others:
            g = self.columns.group(name, OF)
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
            first, second = (each[0] for each in self.parted(made()[None]))
            if self.differ(self._cases(first, second)):
                return self._cases(*self._tidied(first, second, domain))
        return None

    def _climbed(self, x: Floats, excess: Value) -> Floats:
        """A possible pair that breaks the claim more than one of the task's rows, which is possible."""
        first, second = (each[0] for each in self.parted(x[None]))

        def pairs(rows: Floats) -> Floats:
            others = rows.copy()
            others[:, self.moved] = second[self.moved]
            return self.nearest(self.joined(rows, others))

        top, _ = self.possible.climbed(first, lambda rows: excess(pairs(rows)), enough=np.inf)
        return pairs(top[None])[0]

    def differ(self, pair: tuple[Case, Case]) -> bool:
        """Whether two rows are decided differently."""
        if self.prop.threshold is None:
            return pair[0].decision != pair[1].decision
        o = output_of(self.columns.view, self.prop.output)
        above = [[*each.outputs.values()][o] > self.prop.threshold for each in pair]
        return above[0] != above[1]

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
        return self.columns.encode(self.columns.raw_row(row, tidy=tidy), "a witness")

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
