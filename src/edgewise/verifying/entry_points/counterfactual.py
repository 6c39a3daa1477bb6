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

from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.gradients import with_gradients
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.network.fitted import fitted
from edgewise.verifying.claims.tasks import Task, class_of
from edgewise.verifying.config import ProverConfig, config_of
from edgewise.verifying.domain.change_cost import prices_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.raw_values import shown
from edgewise.verifying.entry_points.cheapest_change import Cheapest
from edgewise.verifying.language.calibrated import check_decided
from edgewise.verifying.results.certificate import (
    Certificate,
    PathLike,
    certificate,
    hash_of_file,
    hash_of_model,
)
from edgewise.verifying.results.verdicts import ended_by, table_of
from edgewise.verifying.results.witness import Case, GoalEvaluator, case
from edgewise.verifying.search.answers import teller
from edgewise.verifying.search.prove import Outcome, prepare


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
            "message": self.message,
            "stop_reason": self.stop_reason.value,
        }

    def __str__(self) -> str:
        decided = shown(self.row.decision)
        if self.found is None:
            certain = "Proved: no row" if self.minimal else "No row was found that"
            return f"{certain} within reach is decided otherwise than {decided} ({self.message})."
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
        return "\n".join([*lines, *table_of((self.row, self.found))])


@with_gradients
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
    config: ProverConfig | None = None,
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
    config : ProverConfig, optional
        Thresholds of the prover, each documented there; None for the defaults.

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
    of = "minimal_counterfactual"
    view = fitted(model)
    if len(view.classes) < 2:
        raise InputError(argument="model", expected="be a classifier", got="a model of numbers")
    check_decided(view)
    gap = check_float(gap, "gap", low=0.0, closed=False)
    settings = config_of(config)
    meter = Meter(settings.work_units * check_work(work), check_seconds(seconds))
    seed = check_int(seed, "seed", low=0)
    tell = teller(callbacks)
    columns = Columns(view)
    x = columns.encode(row, of)
    evaluator = GoalEvaluator((view.network,))
    here = case(evaluator, view, columns, x)
    now = list(view.classes).index(here.decision)
    wanted = _wanted(columns, target, now)
    space = prices_of(columns, x, mutable, fixed, weights, where, of)
    search = Cheapest(columns, evaluator, space, x, now, wanted, meter, tell, settings)
    starts = None if rows is None else columns.table(rows)
    with one_thread():
        with running(meter):
            try:
                ended = search.run(prepare(view.network), gap, starts, seed)
            except StopError as stop:
                ended = meter.own(stop)
            except KeyboardInterrupt:
                ended = StopReason.INTERRUPTED
        made = None if search.evidence is None else _certificate(search.evidence, view, file)
        if search.best is None:
            proved = math.isinf(search.lower)
            still = all(cell == group.cells[0] for group in space.domain.groups for cell in group.cells)
            still &= all(low == high for group in space.domain.groups for low, high in group.cells[0])
            known = "no column may change, so that there is the row itself only" if still else "proved"
            reason = known if proved else ended_by(ended)
            return MinimalCounterfactual(
                here, None, {}, math.inf, search.lower, proved, made, meter.seconds, reason, ended
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
        here, other, changes, cost, search.lower, minimal, made, meter.seconds, reason, ended
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
    mark = hash_of_model(view.held) if file is None else hash_of_file(file)
    return certificate([mark], task.claim, task.domain, [outcome.evidence])
