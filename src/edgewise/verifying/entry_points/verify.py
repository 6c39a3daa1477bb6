"""verify: a property and a model in; Proved, Refuted or Undecided out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_int
from edgewise._core.seeds import numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, running
from edgewise.network.fitted import fitted
from edgewise.verifying.claims.formula_within import FormulaWithin
from edgewise.verifying.claims.property import Property, task_of
from edgewise.verifying.claims.tasks import Subgoal, Task
from edgewise.verifying.claims.two_rows import padded
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import Condition
from edgewise.verifying.domain.domain import drawn, place
from edgewise.verifying.domain.goals import Slope
from edgewise.verifying.entry_points.formula import formula_outcome
from edgewise.verifying.entry_points.formula_model import formula_model_outcome
from edgewise.verifying.entry_points.refutation import OpenClaim, flip, refutation, shown_row
from edgewise.verifying.entry_points.statement import (
    domain_text,
    left_out_sentence,
    ranged,
    statement_of,
    two_valued,
)
from edgewise.verifying.entry_points.vacuous import vacuous
from edgewise.verifying.results.certificate import PathLike, certificate, file_of, hash_of, rechecked
from edgewise.verifying.results.verdicts import ProofResult, Proved, Refuted, Undecided, ended_by
from edgewise.verifying.results.witness import worst
from edgewise.verifying.search.answers import Callback, Outcome, Step, teller
from edgewise.verifying.search.prove import LEAST_GOAL_WORK, Question, meter_of, prepare

# Units of work of a look at a number of a drawn row.
_NUMBER = 1e-7
# Of a property of several goals, each first gets the work divided by this: most are settled, and a false one is found before
# a hard one has taken everything.
_FIRST_TURNS = 10.0
# Rows drawn before any proof is tried: most false claims fall here.
_DRAWN_ROWS = 2048


@own_settings
def verify(
    model: Any,
    property: str | Property,  # noqa: A002
    *,
    where: str | Mapping[str, Any] | Sequence[Condition] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    rows: Any = None,
    callbacks: Callback | Sequence[Callback] = (),
    file: PathLike | None = None,
) -> ProofResult:
    """Prove a property of a model for every row of a domain, or find a row that breaks it.

    Parameters
    ----------
    model : KAN, KANRegressor, KANClassifier or FormulaRegressor
        Of a formula ranges and directions are proved, where its columns lie in the ranges of the fit or of `where`.
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
    statement = statement_of(property, where)
    if "formula_" in getattr(model, "__dict__", {}):
        return formula_model_outcome(model, statement, work, seconds)
    view = fitted(model)
    meter = meter_of(work, seconds)
    seed = check_int(seed, "seed", low=0)
    tell = teller(callbacks)
    columns = Columns(view)
    statement = ranged(statement, columns)
    columns = Columns(view, statement.conditions)
    asked_of = statement.property
    notes = [two_valued(columns)]
    if isinstance(asked_of, FormulaWithin):
        domain_words = domain_text(columns, statement)
        with one_thread(), running(meter):
            found = formula_outcome(
                asked_of, columns, statement.conditions, domain_words, meter=meter, rows=rows, tell=tell
            )
        return replace(found, remarks=tuple(filter(None, notes)))
    task = task_of(asked_of, columns, statement.conditions, rows)
    apart = asked_of.left_out(columns, columns.domain(statement.conditions), task)
    domain_words = domain_text(columns, statement, apart)
    notes.append(left_out_sentence(asked_of, columns, apart))
    claim = OpenClaim(task, columns, asked_of, domain_words, meter, tell, seed)
    starts = None if rows is None else padded(columns.table(rows), task.copies)
    others = [other.held for other in task.views[1:]]
    with one_thread(), running(meter):
        try:
            found = _search(claim, starts, numpy_generator(seed))
            found = _prove(claim, starts) if found is None else found
            if isinstance(found, list):
                found = _certified(claim, found, [file_of(view.held, file), *map(file_of, others)])
        except (StopError, KeyboardInterrupt) as stop:
            found = claim.undecided(meter.own(stop))
        if isinstance(found, Proved):
            found = replace(found, vacuous=_vacuous(claim))
    return replace(found, remarks=tuple(filter(None, notes)))


def _vacuous(claim: OpenClaim) -> str:
    """Why what was proved could not have failed; what ends the look at it leaves the proof as it is."""
    try:
        return vacuous(claim.property, claim.columns, claim.task, claim.meter)
    except (StopError, KeyboardInterrupt) as stop:
        claim.meter.own(stop)
    return ""


def _search(claim: OpenClaim, starts: Floats | None, rng: np.random.Generator) -> Refuted | None:
    """Try the property on rows drawn from the domain and on those given: first on rows that can be."""
    if claim.task.copies:
        return _search_pairs(claim, starts, rng)
    pools = dict[int, Floats]()
    given = np.zeros((0, claim.task.models[0].shape[0])) if starts is None else starts
    best: tuple[float, Floats, Subgoal] | None = None
    for part in claim.task.parts:
        breach = claim.breach(part)
        key = id(part.domain)  # the goals of one property share a domain or two
        if key not in pools:
            drawn_rows = breach.possible.nearest(drawn(breach.possible.near, _DRAWN_ROWS, rng))
            pools[key] = np.vstack([given[place(part.domain, given)], drawn_rows])
        charge(_NUMBER * pools[key].size)
        row = breach.broken(pools[key])
        if row is not None:
            excess = float(breach.value(row[None])[0])
            if best is None or excess > best[0]:
                best = excess, row, part
    if best is not None:
        found = shown_row(claim, best[2], best[1], best[0], possible=True)
        if isinstance(found, Refuted):
            return found
    worse: tuple[float, Floats, Subgoal] | None = None
    wide = dict[int, Floats]()
    for part in claim.task.parts:
        if id(part.domain) not in wide:
            wide[id(part.domain)] = drawn(part.domain, _DRAWN_ROWS, rng)
        charge(_NUMBER * wide[id(part.domain)].size)
        excess, x = worst(claim.evaluator, part.goal, part.domain, wide[id(part.domain)])
        if x is not None and (worse is None or excess > worse[0]):
            worse = excess, x, part
    if worse is not None and claim.clear(worse[0], worse[1]):
        found = refutation(claim, worse[2], worse[1], worse[0], pools[id(worse[2].domain)])
        return found if isinstance(found, Refuted) else None
    return None


def _search_pairs(claim: OpenClaim, starts: Floats | None, rng: np.random.Generator) -> Refuted | None:
    """Try the property on pairs of rows, within the training range first."""
    for part in claim.task.parts:
        for can_be in (True, False):
            domain = claim.columns.familiar(part.domain) if can_be else part.domain
            pool = drawn(domain, _DRAWN_ROWS, rng)
            pool = pool if starts is None else np.vstack([starts, pool])
            charge(_NUMBER * pool.size)
            pool = claim.pairs.nearest(pool) if can_be else claim.pairs.near(pool)
            excess, x = worst(claim.evaluator, part.goal, part.domain, pool)
            if x is not None and claim.clear(excess, x):
                found = flip(claim, part, x, excess)
                return found if isinstance(found, Refuted) else None
    return None


def _prove(claim: OpenClaim, starts: Floats | None) -> ProofResult | list[Outcome]:
    """Prove the goals one after the other; the first that fails ends the work."""
    task, meter, outcomes = claim.task, claim.meter, claim.outcomes
    models, goals = prepare(task.models), len(task.parts)
    brief = meter.left / _FIRST_TURNS
    # A first, brief turn for each: most are settled, and a false one is found. What is left shares the work that is left.
    turns = [(k, True) for k in range(goals if goals > 1 else 0)] + [(k, False) for k in range(goals)]
    for k, first in turns:
        part = task.parts[k]
        if claim.proved(k):
            continue
        if meter.left <= 0:
            break
        if (evidence := _trivial_evidence(part, task)) is not None:
            outcomes[k] = Outcome("proved", 0.0, 0.0, None, evidence, 0.0, 1)
            continue
        waiting = sum(j >= k and not claim.proved(j) for j in range(goals))

        def passed_on(step: Step, k: int = k) -> None:
            whole = {"seconds": meter.seconds, "share": meter.share}
            claim.tell(replace(step, goal=k + 1, goals=goals, **whole))

        inside = None if starts is None else starts[place(part.domain, starts)]
        rows = inside if inside is not None and len(inside) else None
        most = Meter(max(LEAST_GOAL_WORK, min(brief, meter.left) if first else meter.left / waiting))
        question = Question(models, part.domain, part.goal, most, seed=claim.seed, rows=rows, tell=passed_on)
        outcomes[k] = outcome = question.decided(meter)
        if outcome.status == "refuted" and outcome.witness is not None:
            return refutation(claim, part, outcome.witness, outcome.lower)
        if outcome.stop_reason not in (StopReason.DECIDED, StopReason.WORK_SPENT):
            # From outside, or more work would change nothing.
            return claim.undecided(outcome.stop_reason)
    if all(map(claim.proved, range(goals))):
        return [outcomes[k] for k in range(goals)]
    return claim.undecided(StopReason.WORK_SPENT)


def _trivial_evidence(part: Subgoal, task: Task) -> dict[str, Any] | None:
    """Evidence where the group that is moved has no edge alive: the rows of the goal then add up to nothing.

    It is a tie, which a search in floats cannot decide.
    """
    net, rows = task.models[0], part.goal
    if part.focus != "pair" or part.group is None or task.copies or isinstance(rows, Slope):
        return None
    inputs = list(part.domain.groups[part.group].inputs)
    if bool(net.layers[0].mask[inputs].any()):
        return None
    # The first two rows, or the one, are the same sum with either sign; others are not needed.
    shares = [float(r < 2) for r in range(len(rows.rows))]
    return {"lemmas": [], "tree": [{"lambda": shares, "slopes": [], "mu": 0.0}]}


def _certified(claim: OpenClaim, found: list[Outcome], files: list[bytes]) -> Proved | Undecided:
    """Proved where the checker accepts the certificate: no answer rests on the prover's floating point alone."""
    task = claim.task
    evidence = [cast(dict[str, Any], outcome.evidence) for outcome in found]
    made = certificate(list(map(hash_of, files)), task.claim, task.domain, evidence)
    try:
        refused = rechecked(made, files, claim.meter)
    except StopError as stop:
        ended = claim.meter.own(stop)
        return claim.open(f"a proof was found, but {ended_by(ended)} before it was checked", ended)
    if refused is not None:
        reason = f"a proof was found, but the checker does not bear it out ({refused.rstrip('.')})"
        return claim.open(reason, StopReason.TIED)
    calibrated = claim.columns.view.calibration is not None
    margin = 0.0 if calibrated else max(0.0, -max(outcome.upper for outcome in found))
    leaves = sum(outcome.leaves for outcome in found)
    return Proved(str(claim.property), claim.domain, made, margin, claim.meter.seconds, leaves)
