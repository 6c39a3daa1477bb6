"""From the rows of an encoded table to one network: the additive part, the bag that learns what it leaves, and the choice.

The additive part comes first: it is solved, not trained, and the easiest to read; functions of pairs are solved beside it.
A bag of networks learns what both leave over. In mode "auto" pairs, and the bag, stay only if rows that they
have not learned from support them. All is one network in the end; a hidden node carries the additive part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, running
from edgewise.training.additive.design import DEGREE, smoother
from edgewise.training.additive.irls import Additive, solve_additive, without_nothing
from edgewise.training.additive.shape_constraints import ShapeConstraint, constrain, solve_constrained
from edgewise.training.bag.members import Bag
from edgewise.training.bag.out_of_bag import (
    OutOfBag,
    oob_score,
    recalibration,
    shared_rows_factor,
    significantly_better,
    telling_pairs,
)
from edgewise.training.bag.run import BagRecipe, TableProblem, TableRows, make_problem, refined, train_bag
from edgewise.training.common.losses import Loss, in_units_of_y
from edgewise.training.common.records import Callback, Listeners, Record
from edgewise.training.common.results import TableFit
from edgewise.training.config import TableConfig
from edgewise.training.interactions.joint_functions import solve_jointly, suits
from edgewise.training.interactions.pair_functions import Beginning, Joined, solve_pairs
from edgewise.training.interactions.pair_nodes import pair_nodes
from edgewise.training.interactions.two_way_tables import Pair, all_pairs, strongest, two_way
from edgewise.training.tabular.assembly import Ends, to_network
from edgewise.training.tabular.output_edge import Root, bends_upwards, root_of
from edgewise.training.tabular.plan import (
    WORK_UNITS,
    first_intervals,
    intervals_of,
    joint_intervals,
    kept_monotone,
    links_of,
    monotone_inputs,
    planned,
)

# Shares of the work that the additive part and functions of pairs may take.
_ADDITIVE_SHARE, _PAIRS_SHARE = 0.3, 0.3
# Rows that are looked at, and steps on them, where a time limit ends the preparation of all.
GLANCE_ROWS, _GLANCE_STEPS = 1000, 10
# Directions of an input that a bag bends it in: at least so many, and one for each degree of freedom that its additive
# function makes use of. Where that one is smooth, others seldom are not.
_FEWEST_DIRECTIONS = 12
# Pairs that are trained where they have to be monotone, and so cannot be solved for; hidden nodes for each of them in a
# member at least and at most, and for all: the fewer pairs, the more.
_TRAINED_PAIRS, _FEWEST_PAIR_NODES, _MOST_PAIR_NODES, _ALL_PAIR_NODES = 24, 3, 6, 60
# Share of the updates after which the pairs that pay are distinguished from those that do not.
_SCOUTED_SHARE = 0.2
_ONE = {"additive": "an additive one", "pairwise": "a pairwise one", "deep": "a deep one"}


@dataclass(frozen=True, eq=False)
class TableGoal:
    """What is fitted: rows with targets in network units, how they are judged, what the network's ends are, constraints."""

    rows: TableRows
    loss: Loss
    ends: Ends
    constraints: Mapping[int, ShapeConstraint]


class TableJob:
    """One call of `fit_table`: rows, work and history; errors are told in the units of the target."""

    def __init__(
        self,
        goal: TableGoal,
        config: TableConfig,
        work: float,
        meter: Meter,
        seed: int,
        callbacks: Sequence[Callback],
    ) -> None:
        rows, loss, constraints = goal.rows, goal.loss, goal.constraints
        self.constraints, self.monotone = constraints, monotone_inputs(constraints)
        self.loss, self.ends, self.meter, self.config = loss, goal.ends, meter, config
        self.intervals = 0
        self.history: list[Record] = []
        self.listeners = Listeners(callbacks, meter, self._last)
        # Why it was broken off, and what more work could have been spent on.
        self.stopped: StopReason | None = None
        self.short = False
        self.units, self.seed = WORK_UNITS * work, seed
        self.events: list[str] = []
        # Where the root of the target is fitted instead.
        self.root: Root | None = None
        self.numbers = torch.arange(len(rows))
        d = rows.X.shape[1]
        self.rows = self._part(rows, config.design_numbers // (d * (first_intervals(d, config) + DEGREE)))
        self.intervals = intervals_of(len(self.rows), d, in_units_of_y(loss) and not constraints, config)

    def run(
        self,
        mode: str,
        interactions: str | int | None,
        curved: bool,
    ) -> TableFit:
        config = self.config
        folds = max(1, min(config.folds, config.members))
        problem = self._problem(folds)
        additive = self._additive(problem)
        if additive.stop is not None and additive.steps < _GLANCE_STEPS:
            # Functions are hardly there yet; a few rows are enough at this stage.
            problem = self._glance(folds)
            additive = self._additive(problem)
        if curved and self.stopped is None:
            problem, additive = self._rooted(problem, additive)
        problem = self._directed(problem, additive)
        smooth, rest = problem, self._rest(problem, additive)
        if self.constraints:
            problem, additive = self._constrained(problem, additive)
        tried = {"additive": oob_score(additive.outputs(problem.table), problem, self.loss)}
        self._tell("additive", tried["additive"].error, tried["additive"].error)
        bag: Bag | None = None
        joined: Joined | None = None
        finer: TableProblem | None = None
        pairs: tuple[Pair, ...] = ()
        if mode == "pairwise" and self.monotone and not self.stopped:
            pairs = self._trained_pairs(smooth, problem, rest, additive, interactions)
        elif mode != "additive" and not self.stopped:
            joined, finer = self._joined(smooth, problem, additive, interactions, mode == "pairwise")
            if joined is not None:
                tried["pairwise"], pairs = joined.out_of_bag, tuple(joined.whole.products)
                self._tell("pairwise", joined.out_of_bag.error, joined.out_of_bag.error)
        offset = additive.outputs(problem.table) if joined is None else joined.outputs
        if mode in ("auto", "deep") and not self.stopped:
            bag, tried["deep"] = self._bag("deep", problem, offset, ())
        elif pairs and joined is None and not self.stopped:
            bag, tried["pairwise"] = self._bag("pairwise", problem, offset, pairs)
        chosen, why = _chosen(
            "auto" if interactions == "auto" else mode, tried, problem, self.loss, self._shown
        )
        best = tried[chosen]
        bag = None if chosen == "additive" or (chosen == "pairwise" and joined is not None) else bag
        line = recalibration(best, problem, self.loss, self._learned(problem) if bag is None else 1.0)
        if any(one.bounded for one in self.constraints.values()):
            line = replace(line, slope=min(line.slope, 1.0))  # more would widen the ranges
        base, squares = (additive.theta, additive.bias), None
        if bag is not None:
            base = (additive.fold_theta.mean(0), additive.fold_bias.mean(0))
        if joined is not None and chosen != "additive":
            if finer is not None:
                smooth = problem = finer
            functions = joined.whole if bag is None else joined.mean
            size = smooth.table.square().mean(0).sqrt().to(torch.float64)
            squares = pair_nodes(functions, smooth.design, size, joined.negligible)
            base = (base[0] if self.constraints else functions.theta, functions.bias)
        plain = without_nothing(base[0], problem.table, problem.design.owner)
        shift, scale = self.ends.shift, self.ends.scale
        ends = replace(self.ends, shift=line(shift), scale=line.slope * scale)
        network = to_network(
            bag, problem.design, ends, coarse=problem.coarse, base=(plain, base[1]), squares=squares
        )
        answers = line(shift + scale * best.outputs)
        if self.root is not None:
            network, answers = self.root.finished(network, best)
            why = f"{why} Its answer is the square of a sum: the root of the target is what is fitted."
        return TableFit(
            network=network,
            history=tuple(self.history),
            message=why if self.stopped is None else f"{why} {self.stopped.advice}",
            stop_reason=self._ended(chosen),
            seconds=self.meter.seconds,
            mode=chosen,
            members=1 if bag is None else bag.shape.members,
            validation_error=self._shown(best),
            events=tuple(self.events),
            held=self.numbers[problem.held],
            out_of_bag=answers,
            pairs=pairs if chosen == "pairwise" else (),
            compared=tuple((name, self._shown(one)) for name, one in tried.items()),
            curve="" if self.root is None else "square",
        )

    # -- progress -------------------------------------------------------------------------------------------------

    def _counted(self) -> AbstractContextManager[object]:
        """Count what the block charges; after a stop nothing interrupts what is left to do."""
        return running(self.meter) if self.stopped is None else nullcontext()

    def _stop(self, stop: StopError | None) -> None:
        """Note what has ended the work, unless it was meant for a call around this one."""
        if stop is not None:
            self.stopped = self.meter.own(stop)

    def _ended(self, chosen: str) -> StopReason:
        if self.stopped is not None:
            return self.stopped
        if self.short:
            return StopReason.WORK_SPENT
        return StopReason.CONVERGED if chosen == "additive" else StopReason.NO_IMPROVEMENT

    def _last(self) -> Record:
        last = (
            self.history[-1] if self.history else Record("additive", 0, math.nan, None, 0.0, self.intervals)
        )
        return replace(last, seconds=self.meter.seconds, share=self._share)

    @property
    def _share(self) -> float | None:
        """Share of the work that is done, once it is planned."""
        return self.meter.share if math.isfinite(self.meter.most) else None

    def _tell(self, phase: str, train: float, held: float) -> bool:
        record = Record(
            phase,
            len(self.history) + 1,
            self._error(train),
            self._error(held),
            self.meter.seconds,
            self.intervals,
            share=self._share,
        )
        self.history.append(record)
        try:
            if self.listeners.tell(record):
                self.stopped = self.stopped or StopReason.CALLBACK
        except StopError as stop:
            self._stop(stop)
        return self.stopped is not None

    def _error(self, value: float) -> float:
        """Loss in network units as a root mean square error in units of y, or as it is."""
        if self.loss.name != "squared":
            return value * float(self.ends.scale.mean()) if in_units_of_y(self.loss) else value
        return math.sqrt(max(2 * value, 0.0) / len(self.ends.scale) * float((self.ends.scale**2).mean()))

    # -- stages ----------------------------------------------------------------------------------------------------

    def _part(self, rows: TableRows, most: int) -> TableRows:
        """The rows that are learned from: all, or a random part."""
        if len(rows) <= most:
            return rows
        random = generator(derive(self.seed, 7301))
        k = torch.randperm(len(rows), generator=random)[:most].sort().values
        self.numbers = self.numbers[k]
        self.events.append(f"Learned from a random {most:,} of the {len(rows):,} rows.")
        return TableRows(rows.X[k], rows.y[k], rows.weight[k], None if rows.group is None else rows.group[k])

    def _problem(self, folds: int) -> TableProblem:
        """Design and folds of the rows; of a few of them, where the time limit leaves no more."""
        try:
            with self._counted():
                return make_problem(self.rows, self.intervals, folds, self.seed, self.config)
        except StopError as stop:
            self._stop(stop)
            return self._glance(folds)

    def _glance(self, folds: int) -> TableProblem:
        self.rows = self._part(self.rows, GLANCE_ROWS)
        self.intervals = min(self.intervals, self.config.intervals)
        return make_problem(self.rows, self.intervals, folds, self.seed, self.config)

    def _additive(self, problem: TableProblem) -> Additive:
        rows, most = problem.rows, self.meter.spent + _ADDITIVE_SHARE * self.units
        left = iter(range(_GLANCE_STEPS))

        def late() -> bool:
            return self.meter.spent > most if self.stopped is None else next(left, None) is None

        with self._counted():
            additive = solve_additive(
                problem.table,
                problem.design.owner,
                rows.y,
                rows.weight,
                self.loss,
                problem.fold,
                late,
            )
        self.short = additive.late
        self._stop(additive.stop)
        return additive

    def _rooted(self, problem: TableProblem, additive: Additive) -> tuple[TableProblem, Additive]:
        """The problem of the root of the target and its additive part, where out-of-bag rows support it; else the same."""
        errors = self.config.curve_errors
        plain = oob_score(additive.outputs(problem.table), problem, self.loss)
        if not bends_upwards(plain, problem, errors):
            return problem, additive
        root = root_of(problem, self.ends.shift, self.ends.scale)
        found = self._additive(root.problem)
        roots = oob_score(found.outputs(problem.table), root.problem, self.loss)
        better = significantly_better(root.score(roots, self.loss), plain, problem, self.loss, errors)
        if self.stopped is not None or not better:
            return problem, additive
        self.root, self.rows = root, root.problem.rows
        self.ends = replace(self.ends, shift=root.shift, scale=root.scale)
        return root.problem, found

    def _shown(self, one: OutOfBag) -> float:
        """The error to report of out-of-bag outputs, in units of the target."""
        return self._error(one.error) if self.root is None else self.root.error(one, self.loss)

    def _directed(self, problem: TableProblem, additive: Additive) -> TableProblem:
        """The problem of bags that bend an input as finely as its additive function had reason to."""
        degrees = additive.degrees(
            problem.table, problem.design.owner, self.rows.y, self.rows.weight, self.loss
        )
        most = [max(_FEWEST_DIRECTIONS, math.ceil(float(own))) for own in degrees]
        coarse, table = smoother(problem.design, problem.table, most)
        self.directions, self.degrees = coarse.maps, float(degrees.sum())
        return replace(problem, coarse=coarse, coarse_table=table)

    def _rest(self, problem: TableProblem, additive: Additive) -> Tensor:
        """What an additive part leaves over, (n, D)."""
        outputs = problem.table.to(torch.float64) @ additive.theta + additive.bias
        return -self.loss.gradient(outputs, self.rows.y) * self.rows.weight[:, None]

    def _constrained(self, problem: TableProblem, free: Additive) -> tuple[TableProblem, Additive]:
        """The additive part under the constraints, and the problem in the coordinates that these are stated in."""
        held = constrain(problem.design, self.constraints, float(self.ends.scale[0]))
        table = held.design.rows(self.rows.X)
        rows = self.rows
        with self._counted():
            additive = solve_constrained(
                held,
                table,
                problem.design,
                free,
                rows.y,
                rows.weight,
                self.loss,
                problem.fold,
                lambda: self.stopped is not None,
            )
        self._stop(additive.stop)
        coarse, coarse_table = problem.coarse, problem.coarse_table
        self.smooth_maps = coarse.maps
        if self.monotone:
            size = coarse.breaks.shape[1] - 1 + DEGREE
            eye = torch.eye(size, dtype=torch.float64)
            maps = [eye if i in self.monotone else m for i, m in enumerate(coarse.maps)]
            coarse = replace(coarse, maps=tuple(maps))
            coarse_table = coarse.rows(rows.X)
        changed = replace(problem, design=held.design, table=table, coarse=coarse, coarse_table=coarse_table)
        return changed, additive

    def _joined(
        self,
        smooth: TableProblem,
        problem: TableProblem,
        additive: Additive,
        interactions: str | int | None,
        last: bool,
    ) -> tuple[Joined | None, TableProblem | None]:
        """Functions of pairs that are solved, and the problem that all are stated in, if it is another; inputs under
        constraints stay out of pairs.

        Solved for at once they follow rows closely and leave a bag too little to learn from: where nothing comes after.
        """
        work = _PAIRS_SHARE * self.units
        until = self.meter.spent + work
        most = interactions if isinstance(interactions, int) else None
        finer: TableProblem | None = None
        with self._counted():
            if last and not self.constraints and suits(problem, self.loss, work):
                intervals = joint_intervals(self.intervals, self.rows.X.shape[1])
                finer = refined(problem, intervals, self.seed)
                joined, stop = solve_jointly(problem, finer, additive, self.loss, most=most)
            else:
                joined, stop = solve_pairs(
                    smooth,
                    Beginning(additive, problem.table, self.degrees, bool(self.constraints)),
                    self.loss,
                    [turn.shape[1] - 1 for turn in self.directions],
                    most=most,
                    without={i for i, one in self.constraints.items() if one.alone or one.monotone},
                    late=lambda: self.meter.spent > until or self.stopped is not None,
                )
        self._stop(stop)
        return joined, finer

    def _trained_pairs(
        self,
        smooth: TableProblem,
        problem: TableProblem,
        rest: Tensor,
        additive: Additive,
        interactions: str | int | None,
    ) -> tuple[Pair, ...]:
        """Pairs for a bag: functions that have to be monotone are trained."""
        alone = {i for i, one in self.constraints.items() if one.alone}
        most = interactions if isinstance(interactions, int) else _TRAINED_PAIRS
        with self._counted():
            every = all_pairs(self.rows.X.shape[1], alone)
            gains = two_way(smooth.design, smooth.table, self.rows.X).gains(rest, every)
        pairs = tuple(strongest(gains, every)[:most])
        if interactions != "auto" or not pairs:
            return pairs
        base = additive.outputs(problem.table)
        bag, _ = self._bag("pairwise", problem, base, pairs, scouts=True)
        return telling_pairs(bag, problem, base, self.loss, pairs)

    def _bag(
        self,
        kind: str,
        problem: TableProblem,
        offset: Tensor,
        pairs: Sequence[Pair],
        scouts: bool = False,
    ) -> tuple[Bag, OutOfBag]:
        """Train the members on what outputs (folds, n, D) leave over; scouts are one a fold, and soon done."""
        config = self.config
        members, hidden = min(config.members, config.folds) if scouts else config.members, config.hidden
        if pairs:
            most = _FEWEST_PAIR_NODES if scouts else _MOST_PAIR_NODES
            hidden = len(pairs) * max(_FEWEST_PAIR_NODES, min(most, _ALL_PAIR_NODES // len(pairs)))
        links = links_of(self.constraints, self.rows.X.shape[1], pairs, hidden)
        monotone = None if links is None else kept_monotone(links, self.constraints, self.smooth_maps)
        columns = problem.coarse_table.shape[1]
        if pairs:
            columns = 2 * columns // self.rows.X.shape[1]
        recipe, short = planned(
            BagRecipe((hidden,), members, seed=self.seed),
            columns,
            len(self.rows),
            self.units,
            config,
            bool(pairs),
        )
        self.short = self.short or short
        if scouts:
            recipe = replace(recipe, steps=max(1, int(_SCOUTED_SHARE * recipe.steps)))
        whole = recipe.steps * recipe.cost
        # Where scouts go first, what is planned for those who follow is about as much as without.
        self.meter.most = self.meter.spent + (whole + whole / _SCOUTED_SHARE if scouts else whole)
        with self._counted():
            trained = train_bag(
                problem,
                recipe,
                self.loss,
                offset=offset,
                links=None if links is None else links.repeat(1, members),
                monotone=monotone,
                report=lambda step, train, held: self._tell(kind, train, held),
            )
        self._stop(trained.stop)
        return trained.bag, OutOfBag(trained.out_of_bag.to(torch.float64), trained.error)

    @staticmethod
    def _learned(problem: TableProblem) -> float:
        """The share of the rows that a solution without a fold has learned from."""
        return 1 - len(problem.held) / ((int(problem.fold.max()) + 1) * len(problem.fold))


def _chosen(
    mode: str,
    tried: Mapping[str, OutOfBag],
    problem: TableProblem,
    loss: Loss,
    shown: Callable[[OutOfBag], float],
) -> tuple[str, str]:
    """The simplest mode whose out-of-bag losses cannot be distinguished from those of richer ones, and the reason in words.

    Parameters
    ----------
    mode : str
        "auto", or what was asked for.
    tried : mapping of modes to OutOfBag, from simple to rich
    problem : TableProblem
    loss : Loss
    shown : callable
        The error to report of out-of-bag outputs.
    """
    names = list(tried)
    errors = {name: f"{shown(one):.4g}" for name, one in tried.items()}
    if len(names) == 1:
        if mode == "additive":
            return "additive", "The network is additive."
        return (
            "additive",
            f"The network is additive: no pair lowers its out-of-bag error of {errors['additive']}.",
        )
    chosen, last = names[0] if mode == "auto" else names[-1], names[-1]
    for name in names[1:] if mode == "auto" else ():
        if significantly_better(tried[name], tried[chosen], problem, loss, shared_rows_factor(problem)):
            chosen = name
    if chosen == last:
        before = names[-2]
        return (
            chosen,
            f"The network is {chosen}: its out-of-bag error is {errors[chosen]} against {errors[before]} of {_ONE[before]}.",
        )
    return (
        chosen,
        f"The network is {chosen}: out-of-bag rows do not support {_ONE[last]} ({errors[last]} against {errors[chosen]}).",
    )
