"""The search for the cheapest row that is decided otherwise: rows from above, proofs under a budget from below."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.seeds import numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, charge
from edgewise.verifying.claims.claims import decision_task, not_decided_task
from edgewise.verifying.claims.tasks import Task
from edgewise.verifying.config import DEFAULT, ProverConfig
from edgewise.verifying.domain.change_cost import ChangeCosts
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, drawn, place
from edgewise.verifying.domain.possible_rows import Possible
from edgewise.verifying.results.witness import Case, GoalEvaluator, case
from edgewise.verifying.search.answers import Tell
from edgewise.verifying.search.prove import Outcome, Prepared, decided

# Units of work of a look at some rows, and for each of their numbers.
_LOOK, _NUMBER = 1e-4, 1e-7


@dataclass(eq=False)
class Cheapest:
    """The search for the cheapest row that is decided as wanted.

    Parameters
    ----------
    columns : Columns
    evaluator : GoalEvaluator
    space : ChangeCosts
        The rows that may be reached.
    x : array of shape (inputs,)
        The row in question.
    now, wanted : int
        The class that it is decided as, and the one that is wanted.
    meter : Meter
        The running meter, which limits the work.
    tell : callable
    config : ProverConfig

    Attributes
    ----------
    best, cost
        The cheapest row so far, and what it costs.
    lower : float
        Proved: no row that is decided as wanted costs less.
    evidence : (Outcome, Task) or None
        Of that.
    failures : int
        Proofs that failed since one did not.
    """

    columns: Columns
    evaluator: GoalEvaluator
    space: ChangeCosts
    x: Floats
    now: int
    wanted: int
    meter: Meter
    tell: Tell
    config: ProverConfig = DEFAULT
    best: Floats | None = None
    cost: float = math.inf
    lower: float = 0.0
    evidence: tuple[Outcome, Task] | None = None
    failures: int = 0

    def run(self, models: Prepared, gap: float, starts: Floats | None, seed: int) -> StopReason:
        """Close in on the least cost from both sides."""
        config = self.config
        self.first(starts, numpy_generator(seed))
        while self.best is None or self.cost - self.lower > gap * self.cost:
            left = self.meter.left
            if left <= 0:
                return StopReason.WORK_SPENT
            # First the claim that would end the search, with a third of the work; then half-way.
            limit, most = self.space.most(), left
            if self.best is not None:
                limit, most = self.cost - config.change_aim * gap * self.cost, left
                if left > config.change_least_work:
                    most = left / config.change_turns
                if self.failures:
                    limit = max(self.lower, limit - (limit - self.lower) * (1 - 0.5**self.failures))
            outcome, task = self.attempt(models, limit, most, seed)
            if outcome.status == "proved":
                self.lower, self.evidence = limit, (outcome, task)
                self.failures = max(0, self.failures - 1)
                if self.best is None:
                    self.lower = math.inf
                    break
                continue
            if not outcome.stop_reason.repeatable:
                return outcome.stop_reason
            row = outcome.witness
            if row is not None and self.other(row[None])[0]:
                self.failures = 0 if self.take(row) else self.failures + 1
                continue
            self.failures += 1
            if self.best is None or self.failures > config.change_failures:
                return outcome.stop_reason
        return StopReason.DECIDED

    def take(self, row: Floats) -> bool:
        """Bring a row that is decided as wanted nearer, and keep it if it is the cheapest; whether it is."""
        better, price = self.nearer(row)
        if self.best is not None and price >= self.cost * (1 - 1e-9):
            return False
        self.best, self.cost = better, price
        return True

    def other(self, rows: Floats) -> NDArray[np.bool_]:
        """Which rows are decided as wanted, in float64 and by the network as it is."""
        charge(_LOOK + _NUMBER * rows.size)
        view, exact = self.columns.view, self.evaluator.outputs(0, rows)
        found = view.decided(exact) == self.wanted
        if view.network.dtype != torch.float64:
            found &= view.decided(view.network.predict(rows)) == self.wanted
        return found

    def first(self, starts: Floats | None, rng: np.random.Generator) -> None:
        """The cheapest of some rows that are decided otherwise, brought nearer."""
        pool = drawn(self.space.domain, self.config.change_rows, rng)
        # Most of the row as it is: cheap changes touch few columns.
        keep = rng.random((len(pool), len(self.space.domain.groups))) < rng.random((len(pool), 1))
        for g, group in enumerate(self.space.domain.groups):
            if place(Domain((group,)), self.x[None])[0]:
                pool[np.flatnonzero(keep[:, g])[:, None], list(group.inputs)] = self.x[list(group.inputs)]
        if starts is not None:
            inside = starts[place(self.space.domain, starts)]
            pool = np.vstack([pool, inside])
        good = pool[self.other(pool)]
        for k in np.argsort(self.space.cost_of(good))[: self.config.change_starts]:
            self.take(good[k])

    def nearer(self, row: Floats) -> tuple[Floats, float]:
        """Undo what need not have changed, and go no further than needed with the rest."""
        best = row.copy()
        for _ in range(self.config.change_rounds):
            before = float(self.space.cost_of(best[None])[0])
            order = sorted(range(len(self.space.domain.groups)), key=lambda g: -self._share(best, g))
            for g in order:
                best = self._pulled(best, g)
            best = self._along(best)
            if float(self.space.cost_of(best[None])[0]) > before * (1 - 1e-6):
                break
        return best, float(self.space.cost_of(best[None])[0])

    def _share(self, row: Floats, g: int) -> float:
        alone = self.x.copy()
        inputs = list(self.space.domain.groups[g].inputs)
        alone[inputs] = row[inputs]
        return float(self.space.cost_of(alone[None])[0])

    def _pulled(self, row: Floats, g: int) -> Floats:
        """One column as near to the row in question as the decision allows."""
        group = self.space.domain.groups[g]
        inputs = list(group.inputs)
        if (row[inputs] == self.x[inputs]).all():
            return row
        low, high = group.cells[0][0]
        if low == high:
            trials = np.repeat(row[None], len(points := self.space.nearer(g, row)), axis=0)
            trials[:, inputs] = points
            good = self.other(trials) if len(trials) else np.zeros(0, dtype=bool)
            return trials[int(np.argmax(good))] if good.any() else row
        trial = row.copy()
        trial[inputs] = self.x[inputs]
        trial[inputs[0]] = min(max(trial[inputs[0]], low), high)
        if place(self.space.domain, trial[None])[0] and self.other(trial[None])[0]:
            return trial
        return self._line(trial, row)

    def _along(self, row: Floats) -> Floats:
        """All numbers at once towards the row in question."""
        trial = row.copy()
        for group in self.space.domain.groups:
            low, high = group.cells[0][0]
            if low < high:
                trial[group.inputs[0]] = min(max(self.x[group.inputs[0]], low), high)
        return self._line(trial, row)

    def _line(self, near: Floats, far: Floats) -> Floats:
        """The first row from `near` to `far` that is decided otherwise, of a fine comb; then by halving."""
        share = np.linspace(0.0, 1.0, self.config.change_comb)
        rows = near + share[:, None] * (far - near)
        rows[-1] = far
        good = self.other(rows)
        k = int(np.argmax(good))
        if not good[k]:
            return far
        a, b = (rows[max(k - 1, 0)], rows[k])
        for _ in range(self.config.change_halvings):
            middle = (a + b) / 2
            if self.other(middle[None])[0]:
                b = middle
            else:
                a = middle
        return b

    def _whole(self, row: Floats) -> Floats:
        """The cheapest row beside one whose whole numbers are whole, where one of these is decided as wanted; else itself.

        Columns of few whole numbers are points already; of many the next ones below and above are tried, all together.
        """
        possible, rows = Possible(self.columns, self.space.domain), row[None]
        for g, group in enumerate(self.space.domain.groups):
            i, column = group.inputs[0], possible.whole(g)
            low, high = group.cells[0][0]
            if column is None or low == high or row[i] == self.x[i] or len(rows) > self.config.change_ways:
                continue
            number = float(column.decode(row[[i]])[0])
            made = column.transformed(np.array([np.floor(number), np.ceil(number)]))
            made = made[(made >= low) & (made <= high)]
            if len(made):
                rows = np.repeat(rows, len(made), axis=0)
                rows[:, i] = np.tile(made, len(rows) // len(made))
        good = rows[place(self.space.domain, rows) & self.other(rows)]
        return good[int(np.argmin(self.space.cost_of(good)))] if len(good) else row

    def attempt(self, models: Prepared, limit: float, most: float, seed: int) -> tuple[Outcome, Task]:
        """Try to prove that no row within a budget is decided as wanted."""
        domain = self.space.within(limit)
        view = self.columns.view
        task = (
            decision_task(self.now, view, domain)
            if view.binary
            else not_decided_task(self.wanted, view, domain)
        )
        rows = np.vstack([self.x[None], *([] if self.best is None else [self.best[None]])])
        goal, own = task.parts[0].goal, Meter(most)
        found = decided(
            models, domain, goal, self.meter, own, seed=seed, rows=rows, tell=self.tell, config=self.config
        )
        return found, task

    def tidied(self, row: Floats, cost: float) -> tuple[Case, float]:
        """The row with its numbers rounded, where that changes neither the decision nor, to any extent, the cost."""

        def serves(moved: Floats) -> bool:
            fits = bool(place(self.space.domain, moved[None])[0]) and bool(self.other(moved[None])[0])
            return fits and float(self.space.cost_of(moved[None])[0]) <= cost * (1 + self.config.change_worse)

        row = self._whole(row)
        cost = float(self.space.cost_of(row[None])[0])
        raw = self.columns.raw_row(row, tidy=serves)
        again = self.columns.encode(raw, "a counterfactual")
        row = again if serves(again) else row
        return case(self.evaluator, self.columns.view, self.columns, row), float(
            self.space.cost_of(row[None])[0]
        )
