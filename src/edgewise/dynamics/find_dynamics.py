"""From measured courses to the differential equations behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgewise._core.arguments import as_callables
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import as_tuple, check_int, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason, tell
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.dynamics.courses import read_courses
from edgewise.dynamics.outcome import outcome
from edgewise.dynamics.result import Dynamics
from edgewise.dynamics.search import DynamicsSearch
from edgewise.dynamics.terms import KINDS
from edgewise.symbolic.provenance import recording

# Work of "normal" at most: about a minute of one core.
_NORMAL_WORK = 60.0

_OF = "find_dynamics"


@own_settings
def find_dynamics(
    t: Any,
    states: Any,
    names: Iterable[str] | None = None,
    inputs: Any = None,
    *,
    input_names: Iterable[str] | None = None,
    groups: Any = None,
    degree: int = 3,
    exclude_functions: Iterable[str] = (),
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Iterable[Callable[[str], Any]] = (),
) -> Dynamics:
    """Find the differential equations behind measured courses in time.

    A first choice of terms comes from regression in the weak form, as in `edgewise.pde.discover`. Choices are then judged
    by solutions along the whole courses, all constants fitted at once; terms are added, dropped and exchanged while a
    criterion of likelihood and length falls. Last, constants become one, or plain numbers, where no row objects.

    Parameters
    ----------
    t : array of shape (n,)
        Times, rising within each course; evenly spaced or not. Rows with a missing cell (NaN), here or in the others, are
        left out, and the message says how many.
    states : array or data frame of shape (n, d)
        What was measured of each state, with noise or without.
    names : iterable of str, optional
        Of the states; where left out those of the data frame, or x0, x1, ...
    inputs : array or data frame of shape (n, m), optional
        What acts from outside, at the same times.
    input_names : iterable of str, optional
        Where left out those of the data frame, or u0, u1, ...
    groups : array of shape (n,), optional
        The course of each row, where there are several under one law.
    degree : int
        Highest degree of products of states; from 3 on, fourth and fifth powers of a state are looked at too.
    exclude_functions : iterable of str
        Functions that are not wanted: among sin, cos, exp, log, abs, sqrt (all broken powers), tanh (all steps), saturation
        (all that is over a sum with a constant), distance.
    work : "quick", "normal", "thorough" or float
        How long to search, in units that do not depend on the machine.
    seconds : float, optional
        Time limit; it only interrupts, and the best until then is returned.
    seed : int
        Of the random halves of the rows by which stability is judged.
    callbacks : iterable of callable
        Called about twice a second with the best equations so far; one that returns True ends the search.

    Returns
    -------
    Dynamics

    Raises
    ------
    InputError
        Where columns do not go together, times do not rise, or a course has fewer than 12 rows.

    References
    ----------
    D. A. Messenger and D. M. Bortz, "Weak SINDy", 2021, doi:10.1137/20M1343166.
    H. G. Bock, "Recent advances in parameter identification techniques for O.D.E.", 1983, doi:10.1007/978-1-4684-7324-7_7.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.dynamics import find_dynamics
    >>> t = np.linspace(0, 8, 50)
    >>> found = find_dynamics(t, 5 / (1 + 9 * np.exp(-1.2 * t)), names=["x"])
    >>> print(found)
    x' = 1.2*x - 0.24*x^2
    """
    factor, limit = check_work(work), check_seconds(seconds)
    check_int(degree, "degree", low=1, high=5)
    check_int(seed, "seed", low=0)
    unwanted = _unwanted(exclude_functions)
    listeners = as_callables(callbacks)
    courses = read_courses(t, states, names, inputs, input_names, groups)
    meter = Meter(_NORMAL_WORK * factor, limit)
    with np.errstate(all="ignore"), one_thread(), running(meter), recording() as failures:
        search: DynamicsSearch | None = None
        reason: StopReason | None = None
        try:
            search = DynamicsSearch(courses, degree, unwanted, meter)
            meter.beat = _beat(search, listeners)
            search.run()
        except StopError as stop:
            reason = meter.own(stop)
        except KeyboardInterrupt:
            if search is None or search.selection.best is None:
                raise
            reason = StopReason.INTERRUPTED
        meter.beat, meter.until = None, float("inf")
        if search is None or search.selection.best is None:
            raise InputError(
                f"{_OF} was ended before any equations were found ({reason}); let it go on for longer."
                if reason is not None
                else f"{_OF} found no equations whose solutions follow the courses; give more rows, or shorter courses."
            )
        return replace(outcome(search, reason, seed), failures=tuple(dict.fromkeys(failures)))


def _unwanted(exclude_functions: Iterable[str]) -> tuple[str, ...]:
    known = set(KINDS)
    found = as_tuple(exclude_functions, "exclude_functions", "names of functions")
    for name in found:
        if not isinstance(name, str) or name not in known:
            raise InputError(
                argument="exclude_functions",
                expected=f"name functions among {', '.join(sorted(known))}",
                got=f"{short(name)}{did_you_mean(name, known)}",
            )
    return found


def _beat(search: DynamicsSearch, listeners: Sequence[Callable[[str], Any]]) -> Callable[[], object] | None:
    if not listeners:
        return None

    def beat() -> None:
        if tell(listeners, search.text()):
            raise StopError(StopReason.CALLBACK)

    return beat
