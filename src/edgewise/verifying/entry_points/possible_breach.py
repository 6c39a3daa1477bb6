"""Rows that can be and break a claim: climbed to from one that does, else sought among such rows alone."""

from __future__ import annotations

from collections.abc import Iterator

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.claims.tasks import Subgoal, Task
from edgewise.verifying.domain.goals import Slope
from edgewise.verifying.domain.space import make_space
from edgewise.verifying.results.witness import Breach
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
    if not breach.possible.unlike(breach.shown(x, possible=False)):
        return
    config, prepared = breach.config, prepare(task.models)
    left = config.possible_work
    for each in (part, *(other for other in task.parts if other is not part)):
        one = Breach(breach.evaluator, breach.columns, each.goal, each.domain, each.group, config)
        domain = one.possible.listed(each.group)
        own = Meter(min(left, max(config.least_goal_work, left / 2)))
        outcome = decided(
            prepared, domain, each.goal, meter, own, seed=seed, rows=None, tell=_quiet, config=config
        )
        if outcome.status == "refuted" and outcome.witness is not None:
            row = _climbed(task, one, outcome.witness, pool[:0])
            if row is not None:
                yield each, one, row
        left -= own.spent
        if left <= 0:
            return


def _climbed(task: Task, breach: Breach, x: Floats, pool: Floats) -> Floats | None:
    if isinstance(breach.goal, Slope):
        return breach.searched(x, pool)
    goal, space = breach.goal, make_space(breach.domain, task.models[0].shape[0])
    return breach.searched(x, pool, lambda row: exact_excess(task.models, space, goal, row) > 0)


def _quiet(_: object) -> None:
    """Nothing is told: this is no part of the way to the answer."""
