"""One goal decided, or one sum maximised, without the words, files and certificates of `verify`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewise._core.threads import one_thread
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, OutputBounds, Term
from edgewise.verifying.search.answers import Outcome
from edgewise.verifying.search.prove import Prepared, Question, meter_of


def prove(prepared: Prepared, where: Domain, goal: Goal, work: float, seed: int) -> Outcome:
    """Whether the goal holds at every row."""
    meter = meter_of(work, None)
    with one_thread():
        return Question(prepared, where, goal, meter, seed=seed).decided(meter)


def maximise(
    prepared: Prepared, where: Domain, terms: Sequence[Term], gap: float, work: float, **how: Any
) -> Outcome:
    """The certified maximum of a sum of terms."""
    meter = meter_of(work, None)
    with one_thread():
        return Question(prepared, where, OutputBounds((tuple(terms),), (0.0,)), meter, **how).maximised(
            meter, gap
        )
