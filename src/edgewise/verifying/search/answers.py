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
class BoundProgress:
    """What a callback gets while bounds close in; returning True stops the search.

    Parameters
    ----------
    upper, lower : float
        Certified bound and largest value found so far.
    leaves : int
        Leaves of the tree so far.
    seconds : float
    share : float
        Share of the work that may be done, from 0 to 1.
    """

    upper: float
    lower: float
    leaves: int
    seconds: float
    share: float


Callback = Callable[[BoundProgress], object]
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
    """The answer of `prove`.

    The goal's *excess* at a row is the least row_r(x) - bound_r of a `OutputBounds` goal, and sign * dy/dx - bound of a
    `Slope`:
    the goal holds where it is at most 0.

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
        Why it ended: "decided" where it was; "tied" and "exhausted" where more work would not decide it.
    """

    status: Status
    upper: float
    lower: float
    witness: Floats | None
    evidence: dict[str, Any] | None
    seconds: float
    leaves: int
    stop_reason: StopReason = StopReason.DECIDED


@dataclass(frozen=True, eq=False)
class Bounds:
    """The answer of `maximise`: lower <= maximum <= upper.

    Attributes
    ----------
    lower, upper : float
    argmax : array of shape (inputs,) or None
        A row where the sum is `lower`.
    evidence : dict or None
        Evidence for the goal "sum <= upper", i.e. `OutputBounds((terms,), (upper,))`.
    seconds : float
    leaves : int
    stop_reason : StopReason
        "converged" where the bounds are as close as was asked.
    """

    lower: float
    upper: float
    argmax: Floats | None
    evidence: dict[str, Any] | None
    seconds: float
    leaves: int
    stop_reason: StopReason
