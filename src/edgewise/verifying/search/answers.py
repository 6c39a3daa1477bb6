"""What a prover returns: the progress of a search, and its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from edgewise._core.arguments import as_callables
from edgewise._core.arrays import Floats
from edgewise._core.stopping import StopReason
from edgewise._core.stopping import tell as tell_all
from edgewise._core.work import StopError

Status = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True)
class Step:
    """What callbacks get while bounds close in; returning True ends the work with the bounds so far.

    Attributes
    ----------
    goal, goals : int
        Which of the goals that make up a property is being proved, from 1, and how many there are.
    upper, lower : float
        Certain bound on the excess, and the largest found.
    leaves : int
        Parts of the domain so far.
    seconds : float
    share : float
        Share of the work that may be done, from 0 to 1; most answers come before it is.
    """

    goal: int
    goals: int
    upper: float
    lower: float
    leaves: int
    seconds: float
    share: float


Callback = Callable[[Step], object]
Tell = Callable[[Any], None]


def teller(callbacks: Any) -> Tell:
    """One function that notifies all callbacks, and raises `StopError` where one asks to stop by returning True.

    Raises
    ------
    InputError
        If they are no functions.
    """
    functions = as_callables(callbacks)

    def tell(step: Any) -> None:
        if tell_all(functions, step):
            raise StopError(StopReason.CALLBACK)

    return tell


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answer to a question; of a maximum the excess is the sum itself, and the evidence that of "sum <= upper".

    The goal's *excess* at a row is the least row_r(x) - bound_r of a `OutputBounds` goal, and sign * dy/dx - bound of a
    `Slope`: the goal holds where it is at most 0.

    Attributes
    ----------
    status : "proved", "refuted" or "undecided"
    upper : float
        Certified bound of the excess over the domain (at most 0 where proved; inf where none was found).
    lower : float
        Largest excess found (positive where refuted; -inf where no row was found, as in an empty domain).
    witness : array of shape (inputs,) or None
        The row (inputs of the network) with the largest excess found; it breaks the goal where refuted.
    evidence : dict or None
        JSON-able evidence for a certificate, {"lemmas": ..., "tree": ...} as docs/certificates.md writes them; only
        where proved.
    seconds : float
    leaves : int
    stop_reason : StopReason
        Why it ended: "decided" where it was; "tied" and "exhausted" where more work would not decide it; "converged" where
        the bounds of a maximum are as close as was asked.
    """

    status: Status
    upper: float
    lower: float
    witness: Floats | None
    evidence: dict[str, Any] | None
    seconds: float
    leaves: int
    stop_reason: StopReason = StopReason.DECIDED
