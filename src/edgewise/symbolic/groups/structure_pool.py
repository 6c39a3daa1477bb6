"""Structures on their way to one law for all groups: fitted group after group, the unlikely ones left behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms.tree import Apply, Node, Number, names_in, render, replaced
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.code_length import NUMBER_NATS, OPERATOR_NATS, nats
from edgewise.symbolic.fitting.structure_left import follows_columns
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.fitting.variable_projection import StartEffort
from edgewise.symbolic.groups.constants import (
    FEW_STARTS,
    NODE_NATS,
    STARTS,
    TAKEN_FORMULAS,
    TIED_STRUCTURES,
    Fit,
    Tied,
    distinct,
    exact,
    of_group,
    residuals,
    together,
)
from edgewise.symbolic.groups.outlook import foretold
from edgewise.symbolic.groups.relations import related
from edgewise.symbolic.groups.rows import FEWEST_ROWS, GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.template import Structure

# After fits to so many groups only the better half of the structures goes on.
_HALVING_GROUPS = (2, 4)
# Searches that do not shorten the description by a node, after which no more are made if nothing follows a column.
_IDLE_SEARCHES = 2
# How often the code length of a law counts: steps from law to law try very many.
_CODE_LENGTH_TIMES = 2.0

# Groups in which the constants of a structure are looked for by themselves.
_LOOKED = 3


@dataclass(eq=False)
class _Runner:
    """A structure, and what it gave in the first groups."""

    structure: Structure
    effort: StartEffort
    fits: list[Fit | None] = field(default_factory=list[Fit | None])
    dropped: bool = False


class StructurePool:
    """The structures that were found so far, and what the rows of all groups say of them.

    Groups with fewer rows than a structure has constants take no part in judging.

    Parameters
    ----------
    rows, seed
        All rows, and the seed of starts.
    until
        The count of work (see `spent`) from which on nothing is fitted that is not yet, if there is anything.

    Attributes
    ----------
    rows : GroupedRows
        Those that judge.
    few : frozenset of int
        Groups of too few rows.
    models : list of Tied
        Structures with constants of every group's own, the best first.
    tied : list of Tied
        The best of them with constants made one for all, or multiples of others, the best first.
    """

    def __init__(self, rows: GroupedRows, seed: int, until: float = math.inf) -> None:
        self._all, self._seed, self._until = rows, seed, until
        self._runners = dict[str, _Runner]()
        self._table = SplitRows.split(rows.columns, rows.X, rows.y, 0.2, seed)
        self._unchanged = 0
        self._known = dict[tuple[str, float], Tied]()
        self.rows, self.few = rows, frozenset[int]()
        self.models, self.tied = list[Tied](), list[Tied]()

    def settled_by(self, structures: Sequence[Structure], effort: StartEffort = STARTS) -> bool:
        """Take in more structures, their constants searched by `effort`; whether others would hardly change the answer."""
        for structure in structures:
            runner = _Runner(structure, effort)
            self._runners.setdefault(render(structure[0]), runner)
        most = max((len(item.structure[1]) for item in self._runners.values()), default=0)
        self._judge_by(min(FEWEST_ROWS, most))
        before = self.rank(self.tied[0]) if self.tied else math.inf
        self._race()
        finished = [
            together(item.structure, item.fits, self.rows)
            for item in self._runners.values()
            if len(item.fits) == self.rows.count
        ]
        known = [item for item in finished if item is not None and math.isfinite(item.criterion)]
        self.models = distinct(sorted(known, key=self.promised))
        tied = (self._settled(model) for model in self.models[:TIED_STRUCTURES])
        self.tied = distinct(sorted(tied, key=self.rank))
        if not self.tied:
            return False
        best = self.tied[0]
        gained = before - self.rank(best)
        self._unchanged = self._unchanged + 1 if gained < 2 * NODE_NATS else 0
        if exact(best.rss, self.rows.y):
            return True
        return self._unchanged >= _IDLE_SEARCHES and not self._follows(best)

    def rank(self, model: Tied) -> float:
        """Twice the nats that the law, its constants and what it leaves take to be written down."""
        numbers = {name: Number(value) for name, (value, _) in model.shared.items()}
        own = {name: Number(float(np.median(values))) for name, (values, _) in model.own.items()}
        tree = replaced(model.tree, {**numbers, **own, **model.plain})
        return model.criterion + self.price(tree) + self._arithmetic(model)

    def price(self, tree: Node) -> float:
        """The part of this that a formula itself takes, its constants being numbers."""
        return 2 * _CODE_LENGTH_TIMES * nats(from_tree(tree, self._all.columns), self._table)

    def _arithmetic(self, model: Tied) -> float:
        """The part that calculating with constants takes, such as 2*a + 1, which is one number once a is known."""
        if not _calculated(model.tree, self._all.columns):
            return 0.0
        names = [*self._all.columns, *model.names]
        tree = to_tree(from_tree(replaced(model.tree, model.plain), names))
        return 2 * _CODE_LENGTH_TIMES * _calculated(tree, self._all.columns) * (NUMBER_NATS + OPERATOR_NATS)

    def promised(self, model: Tied) -> float:
        """What `rank` will be about once constants are made one for all, or multiples of others."""
        return self.rank(model) - foretold(model, self.rows)

    def _settled(self, model: Tied) -> Tied:
        """With its constants made one for all, or multiples of others; what was done before is known."""
        key = render(model.tree), model.rss
        if key not in self._known:
            self._known[key] = related(tie(model, self.rows), self.rows, self.rank)
        return self._known[key]

    def _judge_by(self, most: int) -> None:
        """Only groups with rows for so many constants."""
        rows, few = with_enough(self._all, most)
        if few != self.few:
            self.rows, self.few = rows, few
            self._known.clear()
            for runner in self._runners.values():
                runner.fits, runner.dropped = [], False

    def _race(self) -> None:
        """Fit what is not fitted, group after group; after some of them only the likeliest go on."""
        turns = [*_HALVING_GROUPS, self.rows.count]
        for before, turn in zip([0, *turns], turns, strict=False):
            racing = [runner for runner in self._runners.values() if not runner.dropped]
            for at in range(before, min(turn, self.rows.count)):
                X, y = self.rows.of(at)
                for item in racing:
                    if spent() > self._until and any(map(self._is_finished, self._runners.values())):
                        return
                    if len(item.fits) == at and None not in item.fits:
                        item.fits.append(self._fitted(item, X, y))
            part = first_groups(self.rows, min(turn, self.rows.count))
            scored = [(self._partial(item, part), item) for item in racing]
            scored.sort(key=lambda pair: pair[0])
            most = max(TAKEN_FORMULAS, len(scored) // 2)
            for place, (score, item) in enumerate(scored):
                item.dropped = place >= most or not math.isfinite(score)

    def _is_finished(self, runner: _Runner) -> bool:
        """Whether it was fitted in every group."""
        return len(runner.fits) == self.rows.count and None not in runner.fits

    def _fitted(self, runner: _Runner, X: Floats, y: Floats) -> Fit | None:
        """In one more group: the constants of those before tell where to look, in the middle of three at least."""
        tree, names, values = runner.structure
        effort = runner.effort
        before = [fit[0] for fit in runner.fits if fit is not None]
        if len(before) >= _LOOKED:
            values, effort = tuple(np.median(before, axis=0).tolist()), FEW_STARTS
        return of_group((tree, names, values), self.rows.columns, X, y, self._seed, effort)

    def _partial(self, runner: _Runner, part: GroupedRows) -> float:
        model = together(runner.structure, runner.fits[: part.count], part)
        if model is None or math.isnan(model.criterion):
            return math.inf
        return self.rank(model) - foretold(model, part)

    def _follows(self, model: Tied) -> bool:
        """Whether residuals still follow a column within the groups."""
        left = residuals(model, self.rows)
        # Rows of different groups are no neighbours.
        apart = 2 * np.ptp(self.rows.X, axis=0) * self.rows.group[:, None]
        return left is None or follows_columns(self.rows.X + apart, left)


def _calculated(tree: Node, columns: Sequence[str]) -> int:
    """How many numbers and constants there are beside the first in each largest part without a column."""
    if not isinstance(tree, Apply):
        return 0
    fixed = [
        _constants_of(argument)
        for argument in tree.arguments
        if not any(n in columns for n in names_in(argument))
    ]
    if len(fixed) == len(tree.arguments):
        return _constants_of(tree) - 1
    inner = sum(_calculated(argument, columns) for argument in tree.arguments)
    # The constants of a product or a sum are one number, wherever they stand in it.
    return inner + (len(fixed) - 1 if fixed and tree.function in ("*", "+") else 0)


def _constants_of(tree: Node) -> int:
    if not isinstance(tree, Apply) or not any(True for _ in names_in(tree)):
        return 1
    return sum(map(_constants_of, tree.arguments))


def description(model: Tied) -> float:
    """The criterion, and what the structure itself takes to be written down."""
    # A measured exponent says more than a whole one.
    numbers = {name: Number(value) for name, (value, _) in model.shared.items()}
    return model.criterion + 2 * NODE_NATS * node_count(
        from_tree(replaced(model.tree, {**numbers, **model.plain}))
    )


def first_groups(rows: GroupedRows, count: int) -> GroupedRows:
    """The rows of so many groups."""
    there = rows.group < count
    return GroupedRows(rows.columns, rows.X[there], rows.y[there], rows.group[there], count)


def with_enough(rows: GroupedRows, most: int) -> tuple[GroupedRows, frozenset[int]]:
    """The groups with rows for so many constants, numbered anew, and the numbers of the others."""
    sizes = np.bincount(rows.group, minlength=rows.count)
    few = frozenset(int(at) for at in np.flatnonzero(sizes < most))
    if not few:
        return rows, few
    kept = np.array([at for at in range(rows.count) if at not in few])
    there = np.isin(rows.group, kept)
    return (
        GroupedRows(
            rows.columns, rows.X[there], rows.y[there], np.searchsorted(kept, rows.group[there]), len(kept)
        ),
        few,
    )
