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
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.seeds import numpy_generator
from edgewise.network.fitted import fitted
from edgewise.verify.certificate import Certificate, PathLike, certificate, hash_of_file, hash_of_model
from edgewise.verify.claims import decision_task, not_decided_task
from edgewise.verify.domain import Domain
from edgewise.verify.prices import Prices, prices_of
from edgewise.verify.prove import Outcome, prepare, prove
from edgewise.verify.results import table_of
from edgewise.verify.rows import Columns, drawn, place, shown
from edgewise.verify.tasks import Task, class_of
from edgewise.verify.witness import Case, Evaluator, case

Floats = NDArray[np.float64]

_DRAWN = 4096
_ROUNDS = 60


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
    reason : str
        Why it ended.
    """

    row: Case
    found: Case | None
    changes: dict[str, tuple[Any, Any]]
    cost: float
    lower: float
    minimal: bool
    certificate: Certificate | None = field(repr=False)
    seconds: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "row": self.row.to_dict(),
            "found": None if self.found is None else self.found.to_dict(),
            "changes": {
                name: [shown(value) if not isinstance(value, (int, float, str)) else value for value in pair]
                for name, pair in self.changes.items()
            },
            "cost": self.cost if math.isfinite(self.cost) else None,
            "lower": self.lower if math.isfinite(self.lower) else None,
            "minimal": self.minimal,
            "certificate": None if self.certificate is None else self.certificate.digest,
            "seconds": round(self.seconds, 3),
            "reason": self.reason,
        }

    def __str__(self) -> str:
        decided = shown(self.row.decision)
        if self.found is None:
            certain = "Proved: no row" if self.minimal else "No row was found that"
            return f"{certain} within reach is decided otherwise than {decided} ({self.reason})."
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
        return "\n".join([*lines, *table_of((self.row, self.found))])


def minimal_counterfactual(
    model: Any,
    row: Any,
    *,
    target: Any = None,
    mutable: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    weights: Mapping[str, float] | None = None,
    domain: Mapping[str, Any] | None = None,
    gap: float = 0.01,
    seconds: float = 60.0,
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
        The columns that may change; all by default. Missing cells stay missing, and nothing becomes missing.
    fixed : iterable of str
        Columns that may not change.
    weights : mapping of str to float, optional
        Factors of the cost by column, 1 by default. A number pays its weight times the share of the width of its training
        range that it moves (on the scale on which the model reads it), a word or one of two values half its
        weight for being another.
    domain : mapping, optional
        What columns may become, as in `verify`: {"duration": (6, 24)}.
    gap : float
        It ends once the proved bound is within this share of the cost.
    seconds : float
        Time to spend.
    seed : int
    rows : table, optional
        Rows to begin the search from, such as the training data.
    callbacks : callable or sequence of callables
        Called with the engine's progress; one that returns True ends the search with what there is.
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
    >>> model = ew.KANClassifier(mode="additive", members=1, seconds=2).fit(table, [k % 40 > 20 for k in range(200)])
    >>> answer = ew.minimal_counterfactual(model, {"income": 10.0}, seconds=10)
    >>> answer.found.decision, answer.minimal
    (True, True)
    """
    started, of = time.perf_counter(), "minimal_counterfactual"
    view = fitted(model, of=of)
    if len(view.classes) < 2:
        raise InputError(
            f"The 'model' argument of {of} must be a classifier. Got a model of numbers instead."
        )
    gap = check_float(gap, "gap", low=0.0, closed=False, of=of)
    seconds = check_float(seconds, "seconds", low=0.0, closed=False, of=of)
    seed = check_int(seed, "seed", low=0, of=of)
    columns = Columns(view)
    x = columns.encode(row, of)
    evaluator = Evaluator((view.network,))
    here = case(evaluator, view, columns, x)
    now = list(view.classes).index(here.decision)
    wanted = _wanted(columns, target, now)
    space = prices_of(columns, x, mutable, fixed, weights, domain, of)
    listed: Any = (callbacks,) if callable(callbacks) else callbacks
    stopped = [False]

    def tell(progress: Any) -> bool:
        wishes = [bool(callback(progress)) for callback in listed]
        stopped[0] |= any(wishes)
        return stopped[0]

    search = _Search(columns, evaluator, space, x, now, wanted)
    starts = None if rows is None else columns.table(rows)
    best, cost = search.first(starts, numpy_generator(seed))
    until = started + seconds
    models, lower, evidence, reason = prepare(view.network), 0.0, None, ""
    limit_of_all = space.most()
    while True:
        if best is not None and (cost - lower) <= gap * cost:
            break
        left = until - time.perf_counter()
        if left <= 0 or stopped[0]:
            reason = "stopped" if stopped[0] else "the time was up"
            break
        # First the claim that would end the search, in what time a third is; then half-way.
        limit = limit_of_all if best is None else cost - 0.7 * gap * cost
        if best is not None and search.failures:
            limit = max(lower, limit - (limit - lower) * (1 - 0.5**search.failures))
        outcome, task, failed = search.attempt(
            models, limit, left / 3 if left > 0.3 else left, seed, tell, None if best is None else best
        )
        if outcome is None:
            assert failed is not None
            better, price = failed
            if best is None or price < cost * (1 - 1e-9):
                best, cost = better, price
                search.failures = 0
            else:
                search.failures += 1
        elif outcome.status == "proved":
            lower, evidence = limit, (outcome, task)
            search.failures = max(0, search.failures - 1)
            if best is None:
                lower = math.inf
                break
        else:
            search.failures += 1
            if best is None or search.failures > 12:
                reason = "the bounds did not close in time"
                break
    made = None if evidence is None else _certificate(evidence, view, file)
    spent = time.perf_counter() - started
    if best is None:
        reason = reason or "proved"
        return MinimalCounterfactual(here, None, {}, math.inf, lower, math.isinf(lower), made, spent, reason)
    other, cost = search.tidied(best, cost)
    changes = {
        name: (here.row[name], other.row[name]) for name in here.row if here.row[name] != other.row[name]
    }
    minimal = cost - lower <= 1.0001 * gap * cost
    return MinimalCounterfactual(
        here, other, changes, cost, lower, minimal, made, spent, reason or "within the gap"
    )


def _wanted(columns: Columns, target: Any, now: int) -> int:
    view = columns.view
    if target is None:
        if view.binary:
            return 1 - now
        raise InputError(
            f"The 'target' parameter of minimal_counterfactual must be the class that is wanted, for there "
            f"are {len(view.classes)}. Got None."
        )
    wanted = class_of(view, target)
    if wanted == now:
        raise InputError(
            f"The 'target' parameter of minimal_counterfactual must be another class than the row's. "
            f"Got {target!r}, which is what it is decided as."
        )
    return wanted


@dataclass(eq=False)
class _Search:
    columns: Columns
    evaluator: Evaluator
    space: Prices
    x: Floats
    now: int
    wanted: int
    failures: int = 0

    def other(self, rows: Floats) -> NDArray[np.bool_]:
        """Which rows are decided as wanted, by the float network itself."""
        y = self.evaluator.outputs(0, rows)
        if y.shape[1] == 1:
            return (y[:, 0] > 0) == bool(self.wanted)
        return y.argmax(1) == self.wanted

    def first(self, starts: Floats | None, rng: np.random.Generator) -> tuple[Floats | None, float]:
        """The cheapest of some rows that are decided otherwise, brought nearer."""
        pool = drawn(self.space.domain, _DRAWN, rng)
        # Most of the row as it is: cheap changes touch few columns.
        keep = rng.random((len(pool), len(self.space.domain.groups))) < rng.random((len(pool), 1))
        for g, group in enumerate(self.space.domain.groups):
            if place(Domain((group,)), self.x[None])[0]:
                pool[np.flatnonzero(keep[:, g])[:, None], list(group.inputs)] = self.x[list(group.inputs)]
        if starts is not None:
            inside = starts[place(self.space.domain, starts)]
            pool = np.vstack([pool, inside])
        good = pool[self.other(pool)]
        if not len(good):
            return None, math.inf
        order = np.argsort(self.space.price(good))[:8]
        found = [self.nearer(good[k]) for k in order]
        return min(found, key=lambda pair: pair[1])

    def nearer(self, row: Floats) -> tuple[Floats, float]:
        """Undo what need not have changed, and go no further than needed with the rest."""
        best = row.copy()
        for _ in range(4):
            before = float(self.space.price(best[None])[0])
            order = sorted(range(len(self.space.domain.groups)), key=lambda g: -self._share(best, g))
            for g in order:
                best = self._pulled(best, g)
            best = self._along(best)
            if float(self.space.price(best[None])[0]) > before * (1 - 1e-6):
                break
        return best, float(self.space.price(best[None])[0])

    def _share(self, row: Floats, g: int) -> float:
        alone = self.x.copy()
        inputs = list(self.space.domain.groups[g].inputs)
        alone[inputs] = row[inputs]
        return float(self.space.price(alone[None])[0])

    def _pulled(self, row: Floats, g: int) -> Floats:
        """One column as near to the row in question as the decision allows."""
        group = self.space.domain.groups[g]
        inputs = list(group.inputs)
        if (row[inputs] == self.x[inputs]).all():
            return row
        trial = row.copy()
        trial[inputs] = self.x[inputs]
        low, high = group.cells[0][0]
        if low < high:
            trial[inputs[0]] = min(max(trial[inputs[0]], low), high)
        if place(self.space.domain, trial[None])[0] and self.other(trial[None])[0]:
            return trial
        return self._line(trial, row) if low < high else row

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
        share = np.linspace(0.0, 1.0, 65)
        rows = near + share[:, None] * (far - near)
        rows[-1] = far
        good = self.other(rows)
        k = int(np.argmax(good))
        if not good[k]:
            return far
        a, b = (rows[max(k - 1, 0)], rows[k])
        for _ in range(_ROUNDS):
            middle = (a + b) / 2
            if self.other(middle[None])[0]:
                b = middle
            else:
                a = middle
        return b

    def attempt(
        self,
        models: Any,
        limit: float,
        seconds: float,
        seed: int,
        tell: Callable[[Any], bool],
        start: Floats | None,
    ) -> tuple[Outcome | None, Task | None, tuple[Floats, float] | None]:
        """Try to prove that no row within a budget is decided as wanted; else the row that is."""
        domain = self.space.within(limit)
        view = self.columns.view
        task = (
            decision_task(self.now, view, domain)
            if view.binary
            else not_decided_task(self.wanted, view, domain)
        )
        rows = np.vstack([self.x[None], *([] if start is None else [start[None]])])
        outcome = prove(
            models, domain, task.parts[0].goal, seconds=seconds, seed=seed, rows=rows, callbacks=(tell,)
        )
        if outcome.status != "proved" and outcome.witness is not None:
            row = outcome.witness
            if self.other(row[None])[0]:
                return None, None, self.nearer(row)
        return outcome, task, None

    def tidied(self, row: Floats, cost: float) -> tuple[Case, float]:
        """The row with its numbers rounded, where that changes neither the decision nor the cost to speak of."""

        def serves(moved: Floats) -> bool:
            fits = bool(place(self.space.domain, moved[None])[0]) and bool(self.other(moved[None])[0])
            return fits and float(self.space.price(moved[None])[0]) <= cost * 1.0005

        raw = self.columns.raw_row(row, tidy=serves)
        again = self.columns.encode(raw, "a counterfactual")
        row = again if serves(again) else row
        return case(self.evaluator, self.columns.view, self.columns, row), float(
            self.space.price(row[None])[0]
        )


def _certificate(
    evidence: tuple[Outcome, Task | None], view: Any, file: PathLike | None
) -> Certificate | None:
    outcome, task = evidence
    if task is None or not task.claim or outcome.evidence is None:
        return None
    mark = hash_of_model(view.held) if file is None else hash_of_file(file)
    return certificate([mark], task.claim, task.domain, [outcome.evidence])
