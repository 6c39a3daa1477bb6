"""Rows that can be and break a claim: climbed to from one that does, else sought among such rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.claims.pairs_of_rows import Pairs
from edgewise.verifying.claims.tasks import Subgoal, Task
from edgewise.verifying.config import ProverConfig
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, OutputTerm, Slope
from edgewise.verifying.domain.possible_rows import Possible
from edgewise.verifying.domain.space import make_space
from edgewise.verifying.results.witness import Breach, Case, GoalEvaluator
from edgewise.verifying.search.prove import decided, prepare

Found = tuple[Subgoal, Breach, Floats]


def possible_breaches(
    task: Task, part: Subgoal, breach: Breach, x: Floats, pool: Floats, *, meter: Meter, seed: int
) -> Iterator[Found]:
    """Rows that can be and break a goal of a task, the first of which that shows it is to be taken.

    Parameters
    ----------
    task : Task
    part : Subgoal
        The goal that is known to be broken.
    breach : Breach
        How it is.
    x : array of shape (inputs,)
        A row that breaks it.
    pool : array of shape (n, inputs)
        Rows to climb from as well.
    meter : Meter
        That of the call.
    seed : int
    """
    row = _climbed(task, breach, x, pool)
    if row is not None:
        yield part, breach, row
    if not breach.possible.unlike(breach.shown(x, possible=False, exactly=unrounded(task, breach))):
        return

    def of(each: Subgoal) -> Breach:
        return replace(breach, goal=each.goal, domain=each.domain, group=each.group)

    goals = ((each, *one) for each in _first(part, task) for one in _among_possible(of(each)))
    for each, witness in _broken(task, goals, meter, seed, breach.config):
        row = _climbed(task, of(each), witness, pool[:0])
        if row is not None:
            yield each, of(each), row


def shown_pair(
    task: Task,
    part: Subgoal,
    pairs: Pairs,
    x: Floats,
    evaluator: GoalEvaluator,
    *,
    meter: Meter,
    seed: int,
    config: ProverConfig,
) -> tuple[tuple[Case, Case] | None, tuple[str, ...]]:
    """Two rows that one of a task about two rows stands for, and what of them cannot be: rows that can, where there are."""

    def shown(each: Subgoal, row: Floats) -> tuple[tuple[Case, Case] | None, tuple[str, ...]]:
        cases = pairs.shown(row, lambda rows: evaluator.excess(each.goal, each.domain, rows))
        return cases, pairs.possible.unlike(np.array(one.inputs) for one in cases or ())

    found, unlike = shown(part, x)
    if not unlike:
        return found, ()
    goals = [
        (each, each.goal, Possible(pairs.columns, each.domain).listed(None)) for each in _first(part, task)
    ]
    for each, row in _broken(task, goals, meter, seed, config):
        other, odd = shown(each, row)
        if other is not None and not odd:
            return other, ()
    return found, unlike


def _first(part: Subgoal, task: Task) -> tuple[Subgoal, ...]:
    """The goals of a task, one before the others."""
    return (part, *(other for other in task.parts if other is not part))


def _broken(
    task: Task,
    goals: Iterable[tuple[Subgoal, Goal, Domain]],
    meter: Meter,
    seed: int,
    config: ProverConfig,
) -> Iterator[tuple[Subgoal, Floats]]:
    """Rows that break goals, each on a domain of its own, as the prover finds them with the work there is for it."""
    prepared, left = prepare(task.models), config.possible_work
    for part, goal, domain in goals:
        own = Meter(min(left, max(config.least_goal_work, left / 2)))
        found = decided(prepared, domain, goal, meter, own, seed=seed, rows=None, tell=_quiet, config=config)
        if found.status == "refuted" and found.witness is not None:
            yield part, found.witness
        left -= own.spent
        if left <= 0:
            return


def _among_possible(breach: Breach) -> Iterator[tuple[Goal, Domain]]:
    """The goal on the rows that can be; of a slope along whole numbers, a goal for each two that follow each other."""
    goal, g = breach.goal, breach.group
    column = None if g is None else breach.possible.whole(g)
    if not isinstance(goal, Slope) or g is None or column is None:
        yield goal, breach.possible.listed(g)
        return
    domain = breach.possible.listed(None)
    cells = [
        (c, cell[0][0], cell[1:]) for c, cell in enumerate(domain.groups[g].cells) if cell[0][0] == cell[0][1]
    ]
    rate = goal.bound / abs(breach.columns.scale(g)[1])
    for (first, low, flags), (second, high, others) in pairwise(cells):
        if flags != others or not low < high:
            continue
        (step,) = np.diff(column.decode(np.array([low, high])))
        terms = (
            OutputTerm(goal.output, goal.sign, goal.model, (g, second)),
            OutputTerm(goal.output, -goal.sign, goal.model, (g, first)),
        )
        yield OutputBounds((terms,), (float(rate * step),)), domain


def _climbed(task: Task, breach: Breach, x: Floats, pool: Floats) -> Floats | None:
    return breach.searched(x, pool, unrounded(task, breach))


def unrounded(task: Task, breach: Breach) -> Callable[[Floats], bool] | None:
    """An exact check whether a row breaks a goal, without rounding; None of slopes, which pairs of rows show."""
    if isinstance(breach.goal, Slope):
        return None
    goal, space = breach.goal, make_space(breach.domain, task.models[0].shape[0])
    return lambda row: exact_excess(task.models, space, goal, row) > 0


def _quiet(_: object) -> None:
    """No callback is notified: this search is no part of the reported progress."""
