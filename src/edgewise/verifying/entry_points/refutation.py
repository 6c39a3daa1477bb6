"""What a row that breaks a goal comes to: better ones that can be, climbed to or sought; and what they show, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.claims.flips import NeverFlips
from edgewise.verifying.claims.property import Property
from edgewise.verifying.claims.tasks import Subgoal, Task
from edgewise.verifying.claims.two_rows import Pairs
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, OutputTerm, Slope
from edgewise.verifying.domain.possible_rows import Possible
from edgewise.verifying.domain.raw_values import exact, shown
from edgewise.verifying.domain.space import make_space
from edgewise.verifying.results.verdicts import ProofResult, Refuted, Undecided, ended_by
from edgewise.verifying.results.witness import ROUNDING, Breach, Case, GoalEvaluator, case
from edgewise.verifying.search.answers import Outcome, Tell
from edgewise.verifying.search.prove import LEAST_GOAL_WORK, Question, prepare

# Units of the search for a row that can be, where only one that cannot is known to break a claim.
_POSSIBLE_WORK = 1.0


@dataclass(frozen=True, eq=False)
class OpenClaim:
    """What is to be proved, and what is known of its goals so far.

    Parameters
    ----------
    task : Task
    columns : Columns
    property : Property
    domain : str
        The rows it is about, in words.
    meter : Meter
        That of the call.
    tell : callable
    seed : int

    Attributes
    ----------
    outcomes : dict of int to Outcome
        Of goals that were looked at, by their place.
    """

    task: Task
    columns: Columns
    property: Property
    domain: str
    meter: Meter
    tell: Tell
    seed: int
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])

    @cached_property
    def evaluator(self) -> GoalEvaluator:
        """The models in float64."""
        return GoalEvaluator(self.task.models)

    @cached_property
    def pairs(self) -> Pairs:
        """Of a claim about two rows: those that a row of the task stands for."""
        return cast(NeverFlips, self.property).pairs(self.task, self.columns)

    def breach(self, part: Subgoal) -> Breach:
        """How a goal is broken."""
        return Breach(self.evaluator, self.columns, part.goal, part.domain, part.group)

    def clear(self, excess: float, x: Floats) -> bool:
        """Whether an excess at a row is more than rounding."""
        return excess > ROUNDING * self.evaluator.scale(x[None])

    def proved(self, k: int) -> bool:
        """Whether a goal is proved."""
        return k in self.outcomes and self.outcomes[k].status == "proved"

    def undecided(self, ended: StopReason) -> Undecided:
        """How far the bounds have come."""
        found, goals = self.outcomes.values(), len(self.task.parts)
        upper = max(outcome.upper for outcome in found) if len(found) == goals else np.inf
        lower = max((outcome.lower for outcome in found), default=-np.inf)
        parts = sum(map(self.proved, range(goals))), goals
        return self.open(ended_by(ended, parts), ended, float(lower), float(upper))

    def open(
        self, message: str, ended: StopReason, lower: float = -np.inf, upper: float = np.inf
    ) -> Undecided:
        """The answer that there is none."""
        return Undecided(str(self.property), self.domain, lower, upper, self.meter.seconds, message, ended)

    def refuted(self, cases: tuple[Case, ...], excess: float, message: str) -> Refuted:
        """The answer that rows give."""
        return Refuted(str(self.property), self.domain, cases, excess, message, self.meter.seconds)


def refutation(
    claim: OpenClaim, part: Subgoal, x: Floats, excess: float, pool: Floats | None = None
) -> ProofResult:
    """What a row that breaks a goal comes to: better a row that can be, searched for beside it; else that one.

    Parameters
    ----------
    claim : OpenClaim
    part : Subgoal
        The goal that is known to be broken.
    x : array of shape (inputs,)
        A row that breaks it.
    excess : float
        By how much.
    pool : array of shape (n, inputs), optional
        Rows to climb from as well.
    """
    if claim.task.copies:
        return flip(claim, part, x, excess)
    none = np.zeros((0, len(x)))
    for other, row in _possible(claim, part, x, none if pool is None else pool):
        found = shown_row(claim, other, row, float(claim.breach(other).value(row[None])[0]), possible=True)
        if isinstance(found, Refuted):
            return found
    return shown_row(claim, part, x, excess, possible=False)


def shown_row(claim: OpenClaim, part: Subgoal, x: Floats, excess: float, *, possible: bool) -> ProofResult:
    """What a row that breaks a goal shows; undecided where it shows nothing."""
    breach, task = claim.breach(part), claim.task
    rows = breach.shown(x, possible=possible, exactly=_unrounded(task, breach))
    found = tuple(case(claim.evaluator, claim.columns.view, claim.columns, row) for row in rows)
    prop, clear = claim.property, claim.clear(excess, x)
    # What is broken by less than rounding may hold as `predict` computes it: at the bound itself.
    tied = not clear and prop.kept_by(found, claim.columns.view)
    if not rows or tied or not (task.exact or prop.broken_by(part.goal, found)):
        if task.exact:
            return claim.open(ended_by(StopReason.TIED), StopReason.TIED)
        failed = f"a stronger claim than what was asked failed, since {prop.stronger};"
        return claim.open(failed, StopReason.EXHAUSTED)
    reason = prop.breach_in_words(lambda: float(breach.value(rows[0][None])[0])) or _reason(task, part, found)
    if not clear:
        how = "" if possible else ", as computed without rounding"
        reason += f" The bound is broken by {excess:.2g} only{how}."
    if unlike := breach.possible.unlike(rows):
        why = "It is one of the rows asked about" if possible else "No row that can be was found to show it"
        reason += f" {why}: {', '.join(unlike)}."
    return claim.refuted(found, excess, reason)


def flip(claim: OpenClaim, part: Subgoal, x: Floats, excess: float) -> ProofResult:
    """Two rows as near as asked that are decided differently; the boxes that were searched reach a little further."""
    found, unlike = _pair(claim, part, x)
    if found is None:
        reason = "only rows a little further apart than asked were found to be decided differently;"
        return claim.open(reason, StopReason.EXHAUSTED)
    reason = _reason(claim.task, part, found)
    if unlike:
        reason += f" No row that can be was found to show it: {', '.join(unlike)}."
    return claim.refuted(found, excess, reason)


# ---- rows that can be


def _possible(claim: OpenClaim, part: Subgoal, x: Floats, pool: Floats) -> Iterator[tuple[Subgoal, Floats]]:
    """Rows that can be and break a goal of a task, the first of which that shows it is to be taken."""
    task, breach = claim.task, claim.breach(part)
    row = breach.searched(x, pool, _unrounded(task, breach))
    if row is not None:
        yield part, row
    if not breach.possible.unlike(breach.shown(x, possible=False, exactly=_unrounded(task, breach))):
        return
    goals = (
        (goal_part, goal, domain)
        for goal_part in _first(part, task)
        for goal, domain in _among_possible(claim.breach(goal_part))
    )
    for goal_part, witness in _broken(claim, goals):
        other = claim.breach(goal_part)
        row = other.searched(witness, pool[:0], _unrounded(task, other))
        if row is not None:
            yield goal_part, row


def _pair(claim: OpenClaim, part: Subgoal, x: Floats) -> tuple[tuple[Case, Case] | None, tuple[str, ...]]:
    """Two rows that one of a task about two rows stands for, and what of them cannot be: rows that can, where there are."""
    pairs = claim.pairs

    def shown_by(goal: Subgoal, row: Floats) -> tuple[tuple[Case, Case] | None, tuple[str, ...]]:
        cases = pairs.shown(row, lambda rows: claim.evaluator.excess(goal.goal, goal.domain, rows))
        return cases, pairs.possible.unlike(np.array(case.inputs) for case in cases or ())

    found, unlike = shown_by(part, x)
    if not unlike:
        return found, ()
    goals = [
        (goal, goal.goal, Possible(pairs.columns, goal.domain).listed(None))
        for goal in _first(part, claim.task)
    ]
    for goal, row in _broken(claim, goals):
        other, odd = shown_by(goal, row)
        if other is not None and not odd:
            return other, ()
    return found, unlike


def _first(part: Subgoal, task: Task) -> tuple[Subgoal, ...]:
    """The goals of a task, one before the others."""
    return (part, *(other for other in task.parts if other is not part))


def _broken(
    claim: OpenClaim, goals: Iterable[tuple[Subgoal, Goal, Domain]]
) -> Iterator[tuple[Subgoal, Floats]]:
    """Rows that break goals, each on a domain of its own, as the prover finds them with the work there is for it."""
    prepared, rest = prepare(claim.task.models), _POSSIBLE_WORK
    for part, goal, domain in goals:
        limit = Meter(min(rest, max(LEAST_GOAL_WORK, rest / 2)))
        found = Question(prepared, domain, goal, limit, seed=claim.seed, tell=_quiet).decided(claim.meter)
        if found.status == "refuted" and found.witness is not None:
            yield part, found.witness
        rest -= limit.spent
        if rest <= 0:
            return


def _quiet(_: object) -> None:
    """This search is no part of the progress that callbacks hear of."""


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


def _unrounded(task: Task, breach: Breach) -> Callable[[Floats], bool] | None:
    """An exact check whether a row breaks a goal, without rounding; None of slopes, which pairs of rows show."""
    if isinstance(breach.goal, Slope):
        return None
    goal, space = breach.goal, make_space(breach.domain, task.models[0].shape[0])
    return lambda row: exact_excess(task.models, space, goal, row) > 0


# ---- what rows show


def _reason(task: Task, part: Subgoal, found: tuple[Case, ...]) -> str:
    """What the rows show, in one sentence."""
    first = found[0]
    if len(found) == 2:
        second = found[1]
        values = ", ".join(
            f"{name} {exact(value)} instead of {exact(second.row[name])}"
            for name, value in first.row.items()
            if value != second.row[name]
        )
        if first.decision is not None and first.decision != second.decision:
            what = f"decision is {shown(first.decision)} instead of {shown(second.decision)}"
        else:
            key = max(first.outputs, key=lambda key: abs(first.outputs[key] - second.outputs[key]))
            what = f"{key} is {first.outputs[key]:.6g} instead of {second.outputs[key]:.6g}"
        return f"With {values} the {what}."
    if part.focus == "decision":
        return f"At this row the decision is {shown(first.decision)}."
    if len(task.models) == 2:
        other = GoalEvaluator(task.models).outputs(1, np.array([first.inputs]))[0]
        return f"At this row the other model gives {', '.join(f'{value:.6g}' for value in other)}."
    return f"At this row: {', '.join(f'{key} {value:.6g}' for key, value in first.outputs.items())}."
