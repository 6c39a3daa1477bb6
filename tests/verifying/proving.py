"""One goal decided, or one sum maximised, without the words, files and certificates of `verify`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewise._core.threads import one_thread
from edgewise.network.module import KAN
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, Term
from edgewise.verifying.search.answers import Outcome, teller
from edgewise.verifying.search.prove import Prepared, Question, meter_of, prepare

Models = KAN | Sequence[KAN] | Prepared


def prove(
    models: Models,
    domain: Domain,
    goal: Goal,
    *,
    work: Any = "normal",
    seconds: float | None = None,
    **how: Any,
) -> Outcome:
    """Whether the goal holds at every row of the domain; `how` may give seed, rows and callbacks."""
    meter, tell = meter_of(work, seconds), teller(how.pop("callbacks", ()))
    with one_thread():
        return Question(prepare(models), domain, goal, meter, tell=tell, **how).decided(meter)


def maximise(
    models: Models,
    domain: Domain,
    terms: Sequence[Term],
    *,
    gap: float = 0.01,
    work: Any = "normal",
    **how: Any,
) -> Outcome:
    """The certified maximum of a sum of terms; `how` may give seconds, seed, rows and callbacks."""
    meter, tell = meter_of(work, how.pop("seconds", None)), teller(how.pop("callbacks", ()))
    goal = OutputBounds((tuple(terms),), (0.0,))
    with one_thread():
        return Question(prepare(models), domain, goal, meter, tell=tell, **how).maximised(meter, gap)
