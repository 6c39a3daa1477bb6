"""Prove a goal for every row of a domain, refute it with a row, or report how far the bounds got."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.network.module import KAN
from edgewise.verifying.bounds.exact import ExactModel, exact_model
from edgewise.verifying.config import DEFAULT, ProverConfig, config_of
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, Term
from edgewise.verifying.search.answers import BoundProgress as BoundProgress
from edgewise.verifying.search.answers import Bounds as Bounds
from edgewise.verifying.search.answers import Callback, Tell, teller
from edgewise.verifying.search.answers import Outcome as Outcome
from edgewise.verifying.search.question import Question


@dataclass(frozen=True, eq=False)
class Prepared:
    """Exact tables of models, made once and used by many calls; make it with `prepare`."""

    models: tuple[KAN, ...]
    exact: tuple[ExactModel, ...] = field(repr=False, default=())


def prepare(models: KAN | Sequence[KAN] | Prepared) -> Prepared:
    """The exact piecewise polynomials of networks that read the same inputs.

    Raises
    ------
    InputError
        If a network is not one of B-splines of degree 1 to 3, or they read different numbers of
        inputs.

    Examples
    --------
    >>> from edgewise import KAN
    >>> len(prepare(KAN([2, 3, 1], seed=0)).exact)
    1
    """
    if isinstance(models, Prepared):
        return models
    listed = (models,) if isinstance(models, KAN) else tuple(models)
    exact = tuple(exact_model(model) for model in listed)
    if not listed or len({len(each.shift) for each in exact}) != 1:
        raise InputError(
            argument="models",
            expected="be networks that read the same inputs",
            got=f"{' and '.join(str(len(each.shift)) for each in exact) or 'no'} inputs",
        )
    return Prepared(listed, exact)


def prove(
    models: KAN | Sequence[KAN] | Prepared,
    domain: Domain,
    goal: Goal,
    *,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    rows: Any = None,
    callbacks: Callback | Sequence[Callback] = (),
    config: ProverConfig | None = None,
) -> Outcome:
    """Decide whether a goal holds at every row of a domain.

    Parameters
    ----------
    models : KAN, sequence of KAN, or Prepared
        The networks that the goal's terms count; they read the same inputs.
    domain : Domain
    goal : OutputBounds or Slope
    work : "quick", "normal", "thorough" or float
        How much to do before the answer is "undecided" with the bounds so far: a level, or how many times the normal
        work, which is about a minute of one core.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts (as Ctrl-C does): what is found until then is the
        answer, and may differ from run to run.
    seed : int
        Of the search for rows.
    rows : array of shape (n, inputs), optional
        Rows to start the search from; those outside the domain are moved into it.
    callbacks : callable or sequence of callables
        Called with `BoundProgress`, about twice a second and after each step; one that returns True stops the search.
    config : ProverConfig, optional

    Raises
    ------
    InputError
        If a model cannot be certified, or domain and goal do not fit it.

    Notes
    -----
    The bound is that of docs/certificates.md: Lagrangian duality with slopes found by Newton's method on a smoothed
    dual function,
    and best-first branch and bound on hidden nodes, inputs and cells. A row that breaks the goal by less than rounding
    is evaluated without any. A tie (a maximum that equals its bound) is proved only where all functions vanish;
    elsewhere the search ends once both bounds are within rounding.

    Examples
    --------
    >>> from edgewise import KAN
    >>> from edgewise.verifying.domain.domain import Domain, Group
    >>> from edgewise.verifying.domain.goals import OutputTerm, OutputBounds
    >>> net = KAN([2, 3, 1], seed=0)
    >>> box = Domain(tuple(Group(f"x{i + 1}", (i,), (((-1.0, 1.0),),)) for i in range(2)))
    >>> prove(net, box, OutputBounds(((OutputTerm(0),),), (50.0,))).status
    'proved'
    """
    settings = config_of(config)
    meter = Meter(settings.work_units * check_work(work), check_seconds(seconds))
    tell = teller(callbacks)
    with one_thread():
        return decided(
            prepare(models), domain, goal, meter, meter, seed=seed, rows=rows, tell=tell, config=settings
        )


def maximise(
    models: KAN | Sequence[KAN] | Prepared,
    domain: Domain,
    terms: Sequence[Term],
    *,
    gap: float = 0.01,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    rows: Any = None,
    callbacks: Callback | Sequence[Callback] = (),
    config: ProverConfig | None = None,
) -> Bounds:
    """The certified maximum of a sum of terms over a domain.

    Parameters
    ----------
    gap : float
        Stop when upper - lower is at most `gap` times the range of the sum over the domain (as far as rows show it).
    models, domain, terms, work, seconds, seed, rows, callbacks, config
        As in `prove`.

    Examples
    --------
    >>> from edgewise import KAN
    >>> from edgewise.verifying.domain.domain import Domain, Group
    >>> from edgewise.verifying.domain.goals import OutputTerm
    >>> net = KAN([2, 3, 1], seed=0)
    >>> box = Domain(tuple(Group(f"x{i + 1}", (i,), (((-1.0, 1.0),),)) for i in range(2)))
    >>> bounds = maximise(net, box, [OutputTerm(0)], gap=0.001)
    >>> bounds.lower <= bounds.upper
    True
    """
    settings = config_of(config)
    meter = Meter(settings.work_units * check_work(work), check_seconds(seconds))
    tell = teller(callbacks)
    with one_thread():
        return enclosed(
            prepare(models),
            domain,
            terms,
            meter,
            meter,
            gap=gap,
            seed=seed,
            rows=rows,
            tell=tell,
            config=settings,
        )


def decided(
    prepared: Prepared,
    domain: Domain,
    goal: Goal,
    meter: Meter,
    own: Meter,
    *,
    seed: int,
    rows: Any,
    tell: Tell,
    config: ProverConfig = DEFAULT,
) -> Outcome:
    """As `prove`, within a call whose meter runs: `own` counts and limits the work of this goal."""
    question = Question(
        prepared.models, prepared.exact, domain, goal, own, seed=seed, rows=rows, tell=tell, config=config
    )
    return _answered(question, question.decide, meter)


def enclosed(
    prepared: Prepared,
    domain: Domain,
    terms: Sequence[Term],
    meter: Meter,
    own: Meter,
    *,
    gap: float = 0.01,
    seed: int = 0,
    rows: Any = None,
    tell: Tell | None = None,
    config: ProverConfig = DEFAULT,
) -> Bounds:
    """As `maximise`, within a call whose meter runs, like `decided`."""
    goal = OutputBounds((tuple(terms),), (0.0,))
    question = Question(
        prepared.models, prepared.exact, domain, goal, own, seed=seed, rows=rows, tell=tell, config=config
    )
    found = _answered(question, lambda: question.enclose(gap), meter)
    reason = StopReason.CONVERGED if found.stop_reason == StopReason.DECIDED else found.stop_reason
    return Bounds(
        found.lower, found.upper, found.witness, found.evidence, found.seconds, found.leaves, reason
    )


def _answered(question: Question, ask: Callable[[], None], meter: Meter) -> Outcome:
    """What a question comes to, whatever ends it; `meter` is that of the call, which its time limit ends."""
    if question.tell is not None:
        meter.beat = question.inform
    ended: StopReason | None = None
    with running(question.meter):
        try:
            ask()
        except StopError as stop:
            ended = meter.own(stop)
        except KeyboardInterrupt:
            ended = StopReason.INTERRUPTED
        return question.outcome(ended)
