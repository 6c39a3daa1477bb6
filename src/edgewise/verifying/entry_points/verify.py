"""verify: a property and a model in; Proved, Refuted or Undecided out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int
from edgewise._core.gradients import with_gradients
from edgewise._core.seeds import numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, check_seconds, check_work, running
from edgewise.network.fitted import fitted
from edgewise.verifying.claims.claims import task_of
from edgewise.verifying.claims.pairs_of_rows import Pairs
from edgewise.verifying.claims.stated import two_valued
from edgewise.verifying.claims.tasks import Subgoal, Task
from edgewise.verifying.claims.two_rows import padded
from edgewise.verifying.config import ProverConfig, config_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import drawn, place
from edgewise.verifying.entry_points.counterexample_text import at_its_bound, goes_the_wrong_way, reason_of
from edgewise.verifying.entry_points.formula import formula_outcome
from edgewise.verifying.entry_points.possible_breach import possible_breaches, shown_pair, unrounded
from edgewise.verifying.entry_points.statement import domain_text, ranged, statement_of
from edgewise.verifying.entry_points.steps import Step
from edgewise.verifying.entry_points.trivial_evidence import trivial_evidence
from edgewise.verifying.entry_points.vacuous import vacuous
from edgewise.verifying.language import properties as asked
from edgewise.verifying.language.conditions import Condition
from edgewise.verifying.results.certificate import PathLike, certificate, file_of, hash_of, rechecked
from edgewise.verifying.results.verdicts import ProofResult, Proved, Refuted, Undecided, ended_by
from edgewise.verifying.results.witness import Breach, GoalEvaluator, case, worst
from edgewise.verifying.search.answers import Tell, teller
from edgewise.verifying.search.prove import BoundProgress, Outcome, decided, prepare

# Units of work of a look at a number of a drawn row.
_NUMBER = 1e-7


Callback = Callable[[Step], object]


@with_gradients
def verify(
    model: Any,
    property: str | asked.Property,  # noqa: A002
    *,
    where: str | Mapping[str, Any] | Sequence[Condition] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    rows: Any = None,
    callbacks: Callback | Sequence[Callback] = (),
    file: PathLike | None = None,
    config: ProverConfig | None = None,
) -> ProofResult:
    """Prove a property of a model for every row of a domain, or find a row that breaks it.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    property : str or property
        Made by `edgewise.properties`, or in the short text form: "monotone(income, increasing)",
        "never_flips(sex) where age in [18, 65]".
    where : mapping of str to what a column may hold, str or sequence of conditions, optional
        {"age": (18, 65), "job": ["skilled", "management"], "rate": None (missing)}, or the same as text, 'age in [18, 65],
        job = "skilled"'. Columns that are not named may hold anything that the model's encoding can give; inputs of a plain
        network lie in the range of its grids.
    work : "quick", "normal", "thorough" or float
        How much to do before the answer is `Undecided`: a level, or how many times the normal work, which is about a
        minute of one core.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may
        differ from run to run.
    seed : int
        Of the search for rows.
    rows : table, optional
        Rows that may break the property; the search starts from them, and `robust` may count them.
    callbacks : callable or sequence of callables
        Called with a `Step` as bounds close in, at least about once a second; one that returns True ends the work.
    file : path, optional
        The .kan file the model was read from. A certificate is about a file's bytes; without this it is the file that
        `edgewise.save` writes now.
    config : ProverConfig, optional
        Thresholds of the prover, each documented there; None for the defaults.

    Returns
    -------
    Proved, Refuted or Undecided
        `.proved` states whether it is the first. Where a truth value is asked for the first two are True and False; an
        `Undecided` is neither, and raises.

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
    view = fitted(model)
    statement = statement_of(property, where)
    settings = config_of(config)
    meter = Meter(settings.work_units * check_work(work), check_seconds(seconds))
    seed = check_int(seed, "seed", low=0)
    tell = teller(callbacks)
    columns = Columns(view)
    statement = ranged(statement, columns)
    asked_of = statement.property
    domain_words, note = domain_text(columns, statement), two_valued(columns)
    remarks = (note,) if note else ()
    if isinstance(asked_of, asked.FormulaWithin):

        def step(upper: float, lower: float, leaves: int) -> None:
            tell(Step(1, 1, upper, lower, leaves, meter.seconds, meter.share))

        with one_thread(), running(meter):
            found = formula_outcome(
                asked_of,
                columns,
                statement.conditions,
                domain_words,
                meter=meter,
                rows=rows,
                tell=step,
                config=settings,
            )
        return replace(found, remarks=remarks)
    task = task_of(asked_of, columns, statement.conditions, rows)
    claim = _OpenClaim(task, columns, asked_of, str(asked_of), domain_words, meter, tell, seed, settings)
    starts = None if rows is None else padded(columns.table(rows), task.copies)
    others = [other.held for other in task.views[1:]]
    with one_thread(), running(meter):
        try:
            found = _search(claim, starts, numpy_generator(seed))
            found = _prove(claim, starts) if found is None else found
            if isinstance(found, list):
                found = _certified(claim, found, [file_of(view.held, file), *map(file_of, others)])
        except StopError as stop:
            found = claim.undecided(meter.own(stop))
        except KeyboardInterrupt:
            found = claim.undecided(StopReason.INTERRUPTED)
        if isinstance(found, Proved):
            found = replace(found, vacuous=_vacuous(claim))
    return replace(found, remarks=remarks)


def _vacuous(claim: _OpenClaim) -> str:
    """Why what was proved could not have failed; what ends the look at it leaves the proof as it is."""
    try:
        return vacuous(claim.property, claim.columns, claim.task, claim.meter, claim.config)
    except StopError as stop:
        claim.meter.own(stop)
    except KeyboardInterrupt:
        pass
    return ""


@dataclass(frozen=True, eq=False)
class _OpenClaim:
    """What is to be proved, and what is known of its goals so far."""

    task: Task
    columns: Columns
    property: asked.Property
    text: str
    domain: str
    meter: Meter
    tell: Tell
    seed: int
    config: ProverConfig
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])

    def proved(self, k: int) -> bool:
        return k in self.outcomes and self.outcomes[k].status == "proved"

    def undecided(self, ended: StopReason) -> Undecided:
        """How far the bounds have come."""
        found, goals = self.outcomes.values(), len(self.task.parts)
        upper = max(outcome.upper for outcome in found) if len(found) == goals else np.inf
        lower = max((outcome.lower for outcome in found), default=-np.inf)
        parts = sum(map(self.proved, range(goals))), goals
        return Undecided(
            self.text,
            self.domain,
            float(lower),
            float(upper),
            self.meter.seconds,
            ended_by(ended, parts),
            ended,
        )


def _search(claim: _OpenClaim, starts: Floats | None, rng: np.random.Generator) -> Refuted | None:
    """Try the property on rows drawn from the domain and on those given: first on rows that can be."""
    evaluator, pools = GoalEvaluator(claim.task.models), dict[int, Floats]()
    if claim.task.copies:
        return _search_pairs(claim, evaluator, starts, rng)
    given = np.zeros((0, claim.task.models[0].shape[0])) if starts is None else starts
    best: tuple[float, Floats, Breach, Subgoal] | None = None
    for part in claim.task.parts:
        breach = Breach(evaluator, claim.columns, part.goal, part.domain, part.group, claim.config)
        key = id(part.domain)  # the goals of one property share a domain or two
        if key not in pools:
            drawn_rows = breach.possible.nearest(drawn(breach.possible.near, claim.config.drawn_rows, rng))
            pools[key] = np.vstack([given[place(part.domain, given)], drawn_rows])
        charge(_NUMBER * pools[key].size)
        row = breach.broken(pools[key])
        if row is not None:
            excess = float(breach.value(row[None])[0])
            if best is None or excess > best[0]:
                best = excess, row, breach, part
    if best is not None:
        found = _shown(claim, best[2], best[3], best[1], best[0], possible=True)
        if isinstance(found, Refuted):
            return found
    worse: tuple[float, Floats, Subgoal] | None = None
    wide = dict[int, Floats]()
    for part in claim.task.parts:
        if id(part.domain) not in wide:
            wide[id(part.domain)] = drawn(part.domain, claim.config.drawn_rows, rng)
        charge(_NUMBER * wide[id(part.domain)].size)
        excess, x = worst(evaluator, part.goal, part.domain, wide[id(part.domain)])
        if x is not None and (worse is None or excess > worse[0]):
            worse = excess, x, part
    if worse is not None and _clear(claim, evaluator, worse[0], worse[1]):
        found = _refuted(claim, evaluator, worse[2], worse[1], worse[0], pools[id(worse[2].domain)])
        return found if isinstance(found, Refuted) else None
    return None


def _search_pairs(
    claim: _OpenClaim, evaluator: GoalEvaluator, starts: Floats | None, rng: np.random.Generator
) -> Refuted | None:
    """Try the property on pairs of rows, within the training range first."""
    prop = cast(asked.NeverFlips, claim.property)
    pairs = Pairs(claim.task, prop, claim.columns)
    for part in claim.task.parts:
        for can_be in (True, False):
            domain = claim.columns.familiar(part.domain) if can_be else part.domain
            pool = drawn(domain, claim.config.drawn_rows, rng)
            pool = pool if starts is None else np.vstack([starts, pool])
            charge(_NUMBER * pool.size)
            pool = pairs.nearest(pool) if can_be else pairs.near(pool)
            excess, x = worst(evaluator, part.goal, part.domain, pool)
            if x is not None and _clear(claim, evaluator, excess, x):
                found = _flipped(claim, part, x, excess)
                return found if isinstance(found, Refuted) else None
    return None


def _clear(claim: _OpenClaim, evaluator: GoalEvaluator, excess: float, x: Floats) -> bool:
    return excess > claim.config.rounding * evaluator.scale(x[None])


def _prove(claim: _OpenClaim, starts: Floats | None) -> ProofResult | list[Outcome]:
    """Prove the goals one after the other; the first that fails ends the work."""
    task, meter, outcomes = claim.task, claim.meter, claim.outcomes
    models = prepare(task.models)
    evaluator, goals = GoalEvaluator(task.models), len(task.parts)
    brief = meter.left / claim.config.first_turns
    # A first, brief turn for each: most are settled, and a false one is found. What is left shares the work that is left.
    turns = [(k, True) for k in range(goals if goals > 1 else 0)] + [(k, False) for k in range(goals)]
    for k, first in turns:
        part = task.parts[k]
        if claim.proved(k):
            continue
        if meter.left <= 0:
            break
        if (evidence := trivial_evidence(part, task)) is not None:
            outcomes[k] = Outcome("proved", 0.0, 0.0, None, evidence, 0.0, 1)
            continue
        waiting = sum(j >= k and not claim.proved(j) for j in range(goals))

        def passed_on(progress: BoundProgress, k: int = k) -> None:
            bounds = progress.upper, progress.lower, progress.leaves
            claim.tell(Step(k + 1, goals, *bounds, meter.seconds, meter.share))

        inside = None if starts is None else starts[place(part.domain, starts)]
        most = max(claim.config.least_goal_work, min(brief, meter.left) if first else meter.left / waiting)
        outcomes[k] = outcome = decided(
            models,
            part.domain,
            part.goal,
            meter,
            Meter(most),
            seed=claim.seed,
            rows=inside if inside is not None and len(inside) else None,
            tell=passed_on,
            config=claim.config,
        )
        if outcome.status == "refuted" and outcome.witness is not None:
            return _refuted(claim, evaluator, part, outcome.witness, outcome.lower)
        if outcome.stop_reason not in (StopReason.DECIDED, StopReason.WORK_SPENT):
            # From outside, or more work would change nothing.
            return claim.undecided(outcome.stop_reason)
    if all(map(claim.proved, range(goals))):
        return [outcomes[k] for k in range(goals)]
    return claim.undecided(StopReason.WORK_SPENT)


def _certified(claim: _OpenClaim, found: list[Outcome], files: list[bytes]) -> Proved | Undecided:
    """Proved where the checker accepts the certificate: no answer rests on the prover's floating point alone."""
    task = claim.task
    evidence = [cast(dict[str, Any], each.evidence) for each in found]
    made = certificate(list(map(hash_of, files)), task.claim, task.domain, evidence)
    try:
        refused = rechecked(made, files, claim.meter)
    except StopError as stop:
        ended = claim.meter.own(stop)
        reason = f"a proof was found, but {ended_by(ended)} before it was checked"
        return Undecided(claim.text, claim.domain, -np.inf, np.inf, claim.meter.seconds, reason, ended)
    seconds = claim.meter.seconds
    if refused is not None:
        reason = f"a proof was found, but the checker does not bear it out ({refused.rstrip('.')})"
        return Undecided(claim.text, claim.domain, -np.inf, np.inf, seconds, reason, StopReason.TIED)
    calibrated = claim.columns.view.calibration is not None
    margin = 0.0 if calibrated else max(0.0, -max(outcome.upper for outcome in found))
    leaves = sum(outcome.leaves for outcome in found)
    return Proved(claim.text, claim.domain, made, margin, claim.meter.seconds, leaves)


def _refuted(
    claim: _OpenClaim,
    evaluator: GoalEvaluator,
    part: Subgoal,
    x: Floats,
    excess: float,
    pool: Floats | None = None,
) -> ProofResult:
    """What a row that breaks a goal comes to: better a row that can be, searched for beside it; else that one."""
    if claim.task.copies:
        return _flipped(claim, part, x, excess)
    breach = Breach(evaluator, claim.columns, part.goal, part.domain, part.group, claim.config)
    pool = np.zeros((0, len(x))) if pool is None else pool
    for other, found_by, row in possible_breaches(
        claim.task, part, breach, x, pool, meter=claim.meter, seed=claim.seed
    ):
        found = _shown(claim, found_by, other, row, float(found_by.value(row[None])[0]), possible=True)
        if isinstance(found, Refuted):
            return found
    return _shown(claim, breach, part, x, excess, possible=False)


def _shown(
    claim: _OpenClaim, breach: Breach, part: Subgoal, x: Floats, excess: float, *, possible: bool
) -> ProofResult:
    rows = breach.shown(x, possible=possible, exactly=unrounded(claim.task, breach))
    seconds = claim.meter.seconds
    found = tuple(case(breach.evaluator, claim.columns.view, claim.columns, row) for row in rows)
    falls = claim.task.claim["type"] == "monotone"
    # What is broken by less than rounding may hold as `predict` computes it: at the bound itself.
    tied = not _clear(claim, breach.evaluator, excess, x) and at_its_bound(
        claim.property, claim.columns.view, found
    )
    if not rows or tied or (falls and not claim.task.exact and not goes_the_wrong_way(part, found)):
        reason, ended = ended_by(StopReason.TIED), StopReason.TIED
        if not claim.task.exact:
            ended = StopReason.EXHAUSTED
            why = "the calibration is level there" if falls else "the model reads the column through asinh"
            reason = f"a stronger claim than what was asked failed, since {why};"
        return Undecided(claim.text, claim.domain, -np.inf, np.inf, seconds, reason, ended)
    reason = reason_of(claim.task, part, found)
    if isinstance(claim.property, asked.Linear):
        reason = f"At this row {claim.property.sum_at(float(breach.value(rows[0][None])[0]))}."
    if not _clear(claim, breach.evaluator, excess, x):
        how = "" if possible else ", as computed without rounding"
        reason += f" The bound is broken by {excess:.2g} only{how}."
    if unlike := breach.possible.unlike(rows):
        why = "It is one of the rows given" if possible else "No row that can be was found to show it"
        reason += f" {why}: {', '.join(unlike)}."
    return Refuted(claim.text, claim.domain, found, excess, reason, seconds)


def _flipped(claim: _OpenClaim, part: Subgoal, x: Floats, excess: float) -> ProofResult:
    """Two rows as near as asked that are decided differently; the boxes that were searched reach a little further."""
    prop = cast(asked.NeverFlips, claim.property)
    pairs, evaluator = Pairs(claim.task, prop, claim.columns), GoalEvaluator(claim.task.models)
    found, unlike = shown_pair(
        claim.task, part, pairs, x, evaluator, meter=claim.meter, seed=claim.seed, config=claim.config
    )
    if found is not None:
        reason = reason_of(claim.task, part, found)
        if unlike:
            reason += f" No row that can be was found to show it: {', '.join(unlike)}."
        return Refuted(claim.text, claim.domain, found, excess, reason, claim.meter.seconds)
    reason = "only rows a little further apart than asked were found to be decided differently;"
    seconds = claim.meter.seconds
    return Undecided(claim.text, claim.domain, -np.inf, np.inf, seconds, reason, StopReason.EXHAUSTED)
