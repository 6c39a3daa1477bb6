"""The least that must change for another decision, with a proof that nothing less would do.

The cost of a row is a weighted L1 distance from the one in question: each number pays by the share of its training range
that it moves, each word a fixed price for being another. Proofs under a budget ("no row that costs
at most C is decided otherwise") close in on the least cost from below, rows that are decided otherwise from above.

References
----------
S. Wachter, B. Mittelstadt and C. Russell, "Counterfactual explanations without opening the black box", 2018,
doi:10.2139/ssrn.3063289. The distance is that of J. C. Gower, 1971, doi:10.2307/2528823.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.seeds import numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, running
from edgewise.network.fitted import fitted
from edgewise.verifying.claims.calibrated import check_decided
from edgewise.verifying.claims.decides import decision_task, not_decided_task
from edgewise.verifying.claims.tasks import Task, class_of
from edgewise.verifying.domain.change_cost import ChangeCosts, prices_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, drawn, place
from edgewise.verifying.domain.possible_rows import Possible
from edgewise.verifying.domain.raw_values import shown
from edgewise.verifying.entry_points.statement import apart_sentence
from edgewise.verifying.results.certificate import Certificate, PathLike, certificate, file_of, hash_of
from edgewise.verifying.results.verdicts import ended_by, table_of
from edgewise.verifying.results.witness import Case, GoalEvaluator, case
from edgewise.verifying.search.answers import Tell, teller
from edgewise.verifying.search.prove import Outcome, Prepared, Question, meter_of, prepare

# Units of work of a look at some rows, and for each of their numbers.
_LOOK, _NUMBER = 1e-4, 1e-7
# Rows drawn, and the cheapest ones that are brought nearer, for so many rounds through all columns.
_ROWS, _STARTS, _ROUNDS = 4096, 8, 4
# Rows between two that are tried, and how often the first that is decided otherwise is closed in on.
_COMB, _HALVINGS = 65, 60
# Share of the gap below the cost at which the proof that ends the search is tried. It gets the work that is left divided by
# the turns, while more than the least work is; after so many failures in a row no more are tried.
_AIM, _TURNS, _LEAST_WORK, _MOST_FAILURES = 0.7, 3.0, 0.3, 12
# By how much of its cost a row may cost more when its numbers are rounded, and rows beside it that are tried.
_WORSE, _MOST_WAYS = 0.0005, 512


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
    best: Floats | None = None
    cost: float = math.inf
    lower: float = 0.0
    evidence: tuple[Outcome, Task] | None = None
    failures: int = 0

    def run(self, models: Prepared, gap: float, starts: Floats | None, seed: int) -> StopReason:
        """Close in on the least cost from both sides."""
        self.first(starts, numpy_generator(seed))
        while self.best is None or self.cost - self.lower > gap * self.cost:
            left = self.meter.left
            if left <= 0:
                return StopReason.WORK_SPENT
            # First the claim that would end the search, with a third of the work; then half-way.
            limit, most = self.space.most(), left
            if self.best is not None:
                limit, most = self.cost - _AIM * gap * self.cost, left
                if left > _LEAST_WORK:
                    most = left / _TURNS
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
            if self.best is None or self.failures > _MOST_FAILURES:
                return outcome.stop_reason
        return StopReason.DECIDED

    def price(self, row: Floats) -> float:
        """What a row costs."""
        return float(self.space.cost_of(row[None])[0])

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
        pool = drawn(self.space.domain, _ROWS, rng)
        # Most of the row as it is: cheap changes touch few columns.
        keep = rng.random((len(pool), len(self.space.domain.groups))) < rng.random((len(pool), 1))
        for g, group in enumerate(self.space.domain.groups):
            if place(Domain((group,)), self.x[None])[0]:
                pool[np.flatnonzero(keep[:, g])[:, None], list(group.inputs)] = self.x[list(group.inputs)]
        if starts is not None:
            inside = starts[place(self.space.domain, starts)]
            pool = np.vstack([pool, inside])
        good = pool[self.other(pool)]
        for k in np.argsort(self.space.cost_of(good))[:_STARTS]:
            self.take(good[k])

    def nearer(self, row: Floats) -> tuple[Floats, float]:
        """Undo what need not have changed, and go no further than needed with the rest."""
        best = row.copy()
        for _ in range(_ROUNDS):
            before = self.price(best)
            order = sorted(range(len(self.space.domain.groups)), key=lambda g: -self._share(best, g))
            for g in order:
                best = self._pulled(best, g)
            best = self._along(best)
            if self.price(best) > before * (1 - 1e-6):
                break
        return best, self.price(best)

    def _share(self, row: Floats, g: int) -> float:
        alone = self.x.copy()
        inputs = list(self.space.domain.groups[g].inputs)
        alone[inputs] = row[inputs]
        return self.price(alone)

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
        share = np.linspace(0.0, 1.0, _COMB)
        rows = near + share[:, None] * (far - near)
        rows[-1] = far
        good = self.other(rows)
        k = int(np.argmax(good))
        if not good[k]:
            return far
        a, b = (rows[max(k - 1, 0)], rows[k])
        for _ in range(_HALVINGS):
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
            if column is None or low == high or row[i] == self.x[i] or len(rows) > _MOST_WAYS:
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
        question = Question(models, domain, goal, own, seed=seed, rows=rows, tell=self.tell)
        return question.decided(self.meter), task

    def tidied(self, row: Floats, cost: float) -> tuple[Case, float]:
        """The row with its numbers rounded, where that changes neither the decision nor, to any extent, the cost."""

        def serves(moved: Floats) -> bool:
            fits = bool(place(self.space.domain, moved[None])[0]) and bool(self.other(moved[None])[0])
            return fits and self.price(moved) <= cost * (1 + _WORSE)

        row = self._whole(row)
        cost = self.price(row)
        raw = self.columns.raw_row(row, tidy=serves)
        again = self.columns.encode(raw)
        row = again if serves(again) else row
        return case(self.evaluator, self.columns.view, self.columns, row), self.price(row)


@dataclass(frozen=True, eq=False)
class MinimalCounterfactual:
    """The cheapest row found that is decided otherwise, and how cheap it is certain that none can be.

    Attributes
    ----------
    row : Case
        The row in question.
    found : Case or None
        The cheapest row decided otherwise; None where there is none.
    changes : dict
        Raw values of the columns that differ: {column: (before, after)}.
    cost : float
        What it costs; inf where there is none.
    lower : float
        Proved: no row that costs less is decided otherwise (inf where none is at all).
    minimal : bool
        Whether `lower` is within the gap asked for of `cost`.
    certificate : Certificate or None
        Of the decision for every row that costs at most `lower`; None where nothing was proved.
    seconds : float
    message : str
        Why it ended, in words.
    stop_reason : StopReason
        The same as data: "decided" where the least cost is known as closely as was asked.
    remarks : tuple of str
        What else is to be known of the answer, such as which cells stay as they are.
    """

    row: Case
    found: Case | None
    changes: dict[str, tuple[Any, Any]]
    cost: float
    lower: float
    minimal: bool
    certificate: Certificate | None = field(repr=False)
    seconds: float
    message: str
    stop_reason: StopReason
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **fields(self, "cost", "lower", "minimal", "message", "stop_reason", "remarks"),
            "row": self.row.to_dict(),
            "found": None if self.found is None else self.found.to_dict(),
            "changes": {
                name: [shown(value) if not isinstance(value, (int, float, str)) else value for value in pair]
                for name, pair in self.changes.items()
            },
            "certificate": None if self.certificate is None else self.certificate.digest,
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        decided = shown(self.row.decision)
        if self.found is None:
            certain = "Proved: no row" if self.minimal else "No row was found that"
            line = f"{certain} within reach is decided otherwise than {decided} ({self.message})."
            return "\n".join([line, *(f"  {remark}" for remark in self.remarks)])
        lines = [f"{shown(self.found.decision).capitalize()} instead of {decided}, with:"]
        lines += [
            f"  {name}: {shown(before)} -> {shown(after)}" for name, (before, after) in self.changes.items()
        ]
        certain = (
            f"proved: none costs less than {self.lower:.4g}"
            if self.lower > 0
            else "nothing is proved of cheaper ones"
        )
        lines.append(f"  Cost {self.cost:.4g}; {certain}.")
        if not self.stop_reason.repeatable:
            lines.append(f"  {self.stop_reason.advice}")
        lines += [f"  {remark}" for remark in self.remarks]
        return "\n".join([*lines, *table_of((self.row, self.found))])


@own_settings
def minimal_counterfactual(
    model: Any,
    row: Any,
    *,
    target: Any = None,
    mutable: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    weights: Mapping[str, float] | None = None,
    where: Mapping[str, Any] | None = None,
    gap: float = 0.01,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    rows: Any = None,
    callbacks: Callable[[Any], object] | Sequence[Callable[[Any], object]] = (),
    file: PathLike | None = None,
) -> MinimalCounterfactual:
    """The cheapest change of a row that changes the decision, with proof that no cheaper one does.

    Parameters
    ----------
    model : KANClassifier
    row : mapping of columns to values, or table of one row
    target : class, optional
        The decision wanted; of two classes the other one. Needed for more.
    mutable : iterable of str, optional
        The columns that may change; all by default. Missing cells and special codes stay, and no number becomes one.
    fixed : iterable of str
        Columns that may not change.
    weights : mapping of str to float, optional
        Factors of the cost by column, 1 by default. A number pays its weight times the share of the width of its training
        range that it moves (on the scale on which the model reads it), a word or one of two values half its
        weight for being another.
    where : mapping, optional
        What columns may become, as in `verify`: {"duration": (6, 24)}. The others keep to their training range. Columns that
        held whole numbers become whole ones: of up to 150 these are all there is, in the proof too; of more the row
        found is rounded to one that is decided as wanted.
    gap : float
        It ends once the proved bound is within this share of the cost.
    work : "quick", "normal", "thorough" or float
        How much to do: a level, or how many times the normal work, which is about a minute of one core.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may
        differ from run to run.
    seed : int
    rows : table, optional
        Rows to begin the search from, such as the training data.
    callbacks : callable or sequence of callables
        Called with the engine's `Progress`, at least about once a second; one that returns True ends the search with what
        there is.
    file : path, optional
        The .kan file the model was read from, as in `verify`.

    Returns
    -------
    MinimalCounterfactual

    Raises
    ------
    InputError
        If the model decides nothing, or the row is decided as wanted already.

    Examples
    --------
    >>> import edgewise as ew
    >>> table = {"income": [float(k % 40) for k in range(200)]}
    >>> model = ew.KANClassifier(mode="additive", members=1, random_state=0).fit(table, [k % 40 > 20 for k in range(200)])
    >>> answer = ew.minimal_counterfactual(model, {"income": 10.0})
    >>> answer.found.decision, answer.minimal
    (True, True)
    """
    view = fitted(model)
    if len(view.classes) < 2:
        raise InputError(argument="model", expected="be a classifier", got="a model of numbers")
    check_decided(view)
    gap = check_float(gap, "gap", low=0.0, closed=False)
    meter = meter_of(work, seconds)
    seed = check_int(seed, "seed", low=0)
    tell = teller(callbacks)
    columns = Columns(view)
    x = columns.encode(row)
    evaluator = GoalEvaluator((view.network,))
    here = case(evaluator, view, columns, x)
    now = list(view.classes).index(here.decision)
    wanted = _wanted(columns, target, now)
    space = prices_of(columns, x, mutable, fixed, weights, where)
    search = Cheapest(columns, evaluator, space, x, now, wanted, meter, tell)
    starts = None if rows is None else columns.table(rows)
    remarks = tuple(filter(None, [apart_sentence(columns)]))
    with one_thread():
        with running(meter):
            try:
                ended = search.run(prepare(view.network), gap, starts, seed)
            except (StopError, KeyboardInterrupt) as stop:
                ended = meter.own(stop)
        made = None if search.evidence is None else _certificate(search.evidence, view, file)
        if search.best is None:
            proved = math.isinf(search.lower)
            still = all(cell == group.cells[0] for group in space.domain.groups for cell in group.cells)
            still &= all(low == high for group in space.domain.groups for low, high in group.cells[0])
            known = "no column may change, so that there is the row itself only" if still else "proved"
            reason = known if proved else ended_by(ended)
            return MinimalCounterfactual(
                here, None, {}, math.inf, search.lower, proved, made, meter.seconds, reason, ended, remarks
            )
        other, cost = search.tidied(search.best, search.cost)
    changes = {
        name: (here.row[name], other.row[name]) for name in here.row if here.row[name] != other.row[name]
    }
    minimal = cost - search.lower <= 1.0001 * gap * cost
    reason = "within the gap" if ended == StopReason.DECIDED else ended_by(ended)
    if ended == StopReason.DECIDED and not minimal:
        reason = "within the gap until its numbers were made whole"
    return MinimalCounterfactual(
        here, other, changes, cost, search.lower, minimal, made, meter.seconds, reason, ended, remarks
    )


def _wanted(columns: Columns, target: Any, now: int) -> int:
    view = columns.view
    if target is None:
        if view.binary:
            return 1 - now
        raise InputError(
            argument="target",
            expected=f"be the class that is wanted, for there are {len(view.classes)}",
            got="None",
        )
    wanted = class_of(view, target)
    if wanted == now:
        raise InputError(
            argument="target",
            expected="be another class than the row's",
            got=f"{short(target)}, which is what it is decided as",
        )
    return wanted


def _certificate(evidence: tuple[Outcome, Task], view: Any, file: PathLike | None) -> Certificate | None:
    outcome, task = evidence
    if not task.claim or outcome.evidence is None:
        return None
    return certificate([hash_of(file_of(view.held, file))], task.claim, task.domain, [outcome.evidence])
