"""verify: a property and a model in; Proved, Refuted or Undecided out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import numpy_generator
from edgewise.network.fitted import fitted
from edgewise.verify import properties as asked
from edgewise.verify.certificate import PathLike, certificate, hash_of_file, hash_of_model
from edgewise.verify.claims import task_of
from edgewise.verify.conditions import Condition, conditions_of
from edgewise.verify.formula import formula_outcome
from edgewise.verify.goals import Slope
from edgewise.verify.prove import Outcome, Progress, prepare, prove
from edgewise.verify.results import Proved, Refuted, Undecided, Verdict, shown
from edgewise.verify.rows import Columns, drawn, place
from edgewise.verify.tasks import Part, Task
from edgewise.verify.text import Statement, parse_conditions, parse_property
from edgewise.verify.witness import ROUNDING, Case, Evaluator, cases, worst

Floats = NDArray[np.float64]

# Rows drawn before any proof is tried: most false claims fall here.
DRAWN = 2048
# Shortest time a goal gets while others wait.
_LEAST = 0.05


@dataclass(frozen=True)
class Step:
    """What a callback of `verify` is told; returning True ends the work with the bounds so far.

    Attributes
    ----------
    goal, goals : int
        Which of the goals that make up the property is being proved, from 1, and how many there are.
    upper, lower : float
        Certain bound on the excess, and the largest found.
    leaves : int
        Parts of the domain so far.
    seconds : float
    """

    goal: int
    goals: int
    upper: float
    lower: float
    leaves: int
    seconds: float


Callback = Callable[[Step], object]


def verify(
    model: Any,
    property: str | asked.Property,  # noqa: A002
    *,
    domain: Mapping[str, Any] | None = None,
    where: str | Sequence[Condition] | None = None,
    seconds: float = 60.0,
    seed: int = 0,
    rows: Any = None,
    callbacks: Callback | Sequence[Callback] = (),
    file: PathLike | None = None,
) -> Verdict:
    """Prove a property of a model for every row of a domain, or find a row that breaks it.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    property : str or property
        Made by `edgewise.properties`, or in the short text form: "monotone(income, increasing)",
        "never_flips(sex) where age in [18, 65]".
    domain : mapping of str to what a column may hold, optional
        {"age": (18, 65), "job": ["skilled", "management"], "rate": None (missing)}. Columns that are not named may hold
        anything that the model's encoding can give; inputs of a plain network lie in the range of its grids.
    where : str or sequence of conditions, optional
        The same as text, 'age in [18, 65], job = "skilled"', or as `edgewise.verify.text.parse_conditions` reads it.
    seconds : float
        Time to spend.
    seed : int
        Of the search for rows.
    rows : table, optional
        Rows that may break the property; the search starts from them, and `robust` may count them.
    callbacks : callable or sequence of callables
        Called with a `Step` as bounds close in; one that returns True ends the work.
    file : path, optional
        The .kan file the model was read from. A certificate speaks of a file's bytes; without this it is the file that
        `edgewise.save` writes now.

    Returns
    -------
    Proved, Refuted or Undecided
        True, False and False where a truth value is asked for.

    Raises
    ------
    InputError
        If the property does not fit the model, with what to ask instead.

    Examples
    --------
    >>> import edgewise as ew
    >>> net = ew.KAN([2, 1], input_names=["mass", "length"], seed=0)
    >>> ew.verify(net, "range(-100, 100)").status
    'proved'
    """
    started = time.perf_counter()
    view = fitted(model, of="verify")
    statement = _statement(property, domain, where)
    seconds = check_float(seconds, "seconds", low=0.0, closed=False, of="verify")
    seed = check_int(seed, "seed", low=0, of="verify")
    tell = _tell(callbacks)
    columns = Columns(view)
    asked_of = statement.property
    if isinstance(asked_of, asked.FormulaWithin):
        told = _domain_text(columns, statement)
        return formula_outcome(
            asked_of, columns, statement.conditions, told, seconds=seconds, rows=rows, stop=lambda: tell(None)
        )
    task = task_of(asked_of, columns, statement.conditions, rows)
    work = _Work(
        task, columns, str(asked_of), _domain_text(columns, statement), started, started + seconds, tell
    )
    starts = None if rows is None else columns.table(rows)
    early = _search(work, starts, numpy_generator(seed))
    if early is not None:
        return early
    return _prove(
        work, starts, seed, lambda: [_hash(view.held, file), *(hash_of_model(v.held) for v in task.views[1:])]
    )


@dataclass(frozen=True, eq=False)
class _Work:
    task: Task
    columns: Columns
    text: str
    domain: str
    started: float
    until: float
    tell: Callable[[Step | None], bool]

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


def _hash(held: Any, file: PathLike | None) -> str:
    return hash_of_model(held) if file is None else hash_of_file(file)


def _statement(
    prop: Any, domain: Mapping[str, Any] | None, where: str | Sequence[Condition] | None
) -> Statement:
    if isinstance(prop, str):
        found = parse_property(prop)
    elif isinstance(prop, cast(Any, asked.Property)):
        found = Statement(cast(asked.Property, prop))
    else:
        raise InputError(
            f"The 'property' parameter of verify must be text or made by edgewise.properties. Got {short(prop)} instead."
        )
    more: list[Condition] = [
        *(() if where is None else parse_conditions(where) if isinstance(where, str) else where)
    ]
    more += () if domain is None else conditions_of(domain)
    return Statement(found.property, (*found.conditions, *more))


def _tell(callbacks: Any) -> Callable[[Step | None], bool]:
    """One function that tells all callbacks, and remembers that one asked to stop; None asks whether one did."""
    listed = (callbacks,) if callable(callbacks) else callbacks
    if not isinstance(listed, (list, tuple)) or not all(map(callable, cast("list[Any]", listed))):
        raise InputError(
            f"The 'callbacks' parameter of verify must list functions. Got {short(callbacks)} instead."
        )
    stopped = [False]

    def tell(step: Step | None) -> bool:
        if step is not None:
            # Each is told, also after one has asked to stop.
            wishes = [bool(callback(step)) for callback in cast("list[Callback]", listed)]
            stopped[0] |= any(wishes)
        return stopped[0]

    return tell


def _domain_text(columns: Columns, statement: Statement) -> str:
    """Of which rows the property speaks, in words."""
    prop, conditions = statement.property, ", ".join(map(str, statement.conditions))
    if isinstance(prop, asked.Robust):
        base = f"every row near {f'row {prop.row}' if isinstance(prop.row, int) else 'it'}"
    elif not columns.whole.whole:
        base = "every row within the range of its grids"
    else:
        base = "every row" if conditions else "every row the model can be given"
    return f"{base} where {conditions}" if conditions else base


def _search(work: _Work, starts: Floats | None, rng: np.random.Generator) -> Refuted | None:
    """Try the property on rows drawn from the domain and on those given."""
    evaluator = Evaluator(work.task.models)
    # What happens within the training range is of more interest than what happens beyond it.
    for near in (True, False):
        best: tuple[float, Floats, Part] | None = None
        pools: dict[int, Floats] = {}
        for part in work.task.parts:
            if time.perf_counter() > work.until:
                return None
            key = id(part.domain)  # the goals of one property share a domain or two
            if key not in pools:
                fresh = drawn(work.columns.familiar(part.domain) if near else part.domain, DRAWN, rng)
                pools[key] = fresh if starts is None or not len(starts) else np.vstack([starts, fresh])
            excess, x = worst(evaluator, part.goal, part.domain, pools[key])
            if x is not None and (best is None or excess > best[0]):
                best = excess, x, part
        if best is not None and _clear(evaluator, best[0], best[1]):
            found = _refuted(work, evaluator, best[2], best[1], best[0])
            return found if isinstance(found, Refuted) else None
    return None


def _clear(evaluator: Evaluator, excess: float, x: Floats) -> bool:
    return excess > ROUNDING * evaluator.scale(x[None])


def _prove(work: _Work, starts: Floats | None, seed: int, hashes: Callable[[], list[str]]) -> Verdict:
    """Prove the goals one after the other; the first that fails ends the work."""
    task = work.task
    models = prepare(task.models)
    evaluator, goals = Evaluator(task.models), len(task.parts)
    outcomes: dict[int, Outcome] = {}
    brief = (work.until - time.perf_counter()) / 10
    # A first, brief turn for each: most are settled, and a false one is found. What is left shares the time that is left.
    turns = [(k, True) for k in range(goals if goals > 1 else 0)] + [(k, False) for k in range(goals)]
    for k, first in turns:
        part, left = task.parts[k], work.until - time.perf_counter()
        if k in outcomes and outcomes[k].status == "proved":
            continue
        if left <= 0 or work.tell(None):
            break
        if (evidence := _evident(part, task)) is not None:
            outcomes[k] = Outcome("proved", 0.0, 0.0, None, evidence, 0.0, 1)
            continue
        waiting = sum(j >= k and (j not in outcomes or outcomes[j].status != "proved") for j in range(goals))

        def told(progress: Progress, k: int = k) -> bool:
            step = Step(k + 1, goals, progress.upper, progress.lower, progress.leaves, work.seconds)
            return work.tell(step)

        inside = None if starts is None else starts[place(part.domain, starts)]
        outcome = prove(
            models,
            part.domain,
            part.goal,
            seconds=max(_LEAST, min(brief, left) if first else left / waiting),
            seed=seed,
            rows=inside if inside is not None and len(inside) else None,
            callbacks=(told,),
        )
        outcomes[k] = outcome
        if outcome.status == "refuted" and outcome.witness is not None:
            return _refuted(work, evaluator, part, outcome.witness, outcome.lower)
        if outcome.reason:
            break
    done = sum(outcome.status == "proved" for outcome in outcomes.values())
    upper = max((outcome.upper for outcome in outcomes.values()), default=np.inf)
    if done == goals:
        made = certificate(hashes(), task.claim, task.domain, [_evidence(outcomes[k]) for k in range(goals)])
        leaves = sum(outcome.leaves for outcome in outcomes.values())
        return Proved(work.text, work.domain, made, max(0.0, -upper), work.seconds, leaves)
    lower = max((outcome.lower for outcome in outcomes.values()), default=-np.inf)
    tied = [outcome.reason for outcome in outcomes.values() if outcome.reason]
    reason = tied[0] if tied else "stopped" if work.tell(None) else "the time was up"
    reason += f" with {done} of {goals} parts proved" if goals > 1 else ""
    upper = upper if len(outcomes) == goals else np.inf
    return Undecided(work.text, work.domain, float(lower), float(upper), work.seconds, reason)


def _evident(part: Part, task: Task) -> dict[str, Any] | None:
    """Evidence where the group that is moved has no edge alive: the rows of the goal then add up to nothing.

    It is a tie, which a search in floats cannot decide.
    """
    net, rows = task.models[0], part.goal
    if part.focus != "pair" or part.group is None or isinstance(rows, Slope):
        return None
    inputs = list(part.domain.groups[part.group].inputs)
    if bool(net.layers[0].mask[inputs].any()):
        return None
    # The first two rows, or the one, are the same sum with either sign; others are not needed.
    shares = [float(r < 2) for r in range(len(rows.rows))]
    return {"lemmas": [], "tree": [{"lambda": shares, "slopes": [], "mu": 0.0}]}


def _evidence(outcome: Outcome) -> dict[str, Any]:
    assert outcome.evidence is not None
    return outcome.evidence


def _refuted(work: _Work, evaluator: Evaluator, part: Part, x: Floats, excess: float) -> Verdict:
    found = cases(evaluator, work.columns, part.goal, part.domain, part.group, x)
    if not work.task.exact and not _raw_slope_breaks(work, part, found):
        reason = (
            "a stronger claim than what was asked failed, since the model reads the column through asinh;"
        )
        return Undecided(work.text, work.domain, -np.inf, np.inf, work.seconds, reason)
    reason = _reason(work, part, found)
    if not _clear(evaluator, excess, x):
        reason += f" The bound is broken by {excess:.2g} only, as computed without rounding."
    return Refuted(work.text, work.domain, found, excess, reason, work.seconds)


def _raw_slope_breaks(work: _Work, part: Part, found: tuple[Case, ...]) -> bool:
    """Whether two rows show the slope asked about in the column's own units."""
    assert isinstance(part.goal, Slope)
    assert part.group is not None
    name = work.columns.names[part.group]
    first, second = found
    run = second.row[name] - first.row[name]
    output = list(first.outputs)[part.goal.output]
    bound = float(part.goal.bound) / abs(work.columns.scale(part.group)[1])
    return abs(second.outputs[output] - first.outputs[output]) > bound * abs(run)


def _reason(work: _Work, part: Part, found: tuple[Case, ...]) -> str:
    """What the rows show, in one sentence."""
    first = found[0]
    name = "" if part.group is None else work.columns.names[part.group]
    if len(found) == 2:
        second = found[1]
        values = f"{name} {shown(first.row[name])} instead of {shown(second.row[name])}"
        if first.decision is not None and first.decision != second.decision:
            return (
                f"With {values} the decision is {shown(first.decision)} instead of {shown(second.decision)}."
            )
        key = _largest_change(first, second)
        return f"With {values} the {key} is {first.outputs[key]:.6g} instead of {second.outputs[key]:.6g}."
    if part.focus == "decision":
        return f"At this row the decision is {shown(first.decision)}."
    if len(work.task.models) == 2:
        other = Evaluator(work.task.models).outputs(1, np.array([first.inputs]))[0]
        theirs = ", ".join(f"{value:.6g}" for value in other)
        return f"At this row the other model gives {theirs}."
    said = ", ".join(f"{key} {value:.6g}" for key, value in first.outputs.items())
    return f"At this row: {said}."


def _largest_change(first: Case, second: Case) -> str:
    return max(first.outputs, key=lambda key: abs(first.outputs[key] - second.outputs[key]))
