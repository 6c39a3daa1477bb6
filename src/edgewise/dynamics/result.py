"""What was found behind measured courses: equations with errors, solutions, and quantities that stay the same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from edgewise._core.arguments import check_table
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_float, check_vector, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise.dynamics.courses import as_matrix
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.provenance import Failure

_RELATIVE, _ABSOLUTE = 1e-9, 1e-11
# Where a solution leaves every bound its steps shrink until time stands still, without end.
_STILL = 1000


class _StandsStillError(Exception):
    """Time no longer advances."""


@dataclass(frozen=True)
class Conserved:
    """A quantity that the system keeps.

    Attributes
    ----------
    formula : Formula
        In the states.
    drift : float
        By how much it varies over the measured courses, as a share of its size there: noise, where the system keeps it.
    """

    formula: Formula
    drift: float

    def __str__(self) -> str:
        return self.formula.text


@dataclass(frozen=True, eq=False)
class FittedCourse:
    """A measured course and the solution beside it.

    Attributes
    ----------
    t : ndarray, shape (n,)
    measured, solution : ndarray, shape (n, d)
    inputs : ndarray, shape (n, m)
        What acted from outside.
    label : object
        The name of the course.
    """

    t: Floats
    measured: Floats
    solution: Floats
    inputs: Floats
    label: Any


@dataclass(frozen=True, eq=False)
class Dynamics:
    """A system of differential equations found in measured courses.

    Attributes
    ----------
    equations : tuple of Formula
        The right-hand side of each state's equation, in the states and inputs; constants with their standard errors.
        `error` and `r2` are those of the solution, beside the measured state.
    states, inputs : tuple of str
    conserved : tuple of Conserved
        Quantities that these equations keep, proved by algebra.
    noise : mapping of str to float
        What the solution leaves of each state, root mean squared.
    stability : mapping of str to float
        For each state, the least share of random halves of the rows of the weak form from which its terms were chosen again.
    courses : tuple of FittedCourse
    message : str
    stop_reason : StopReason
    seconds : float
    lead : float
        By how many nats these terms are likelier, length included, than any others tried that lack one of them; infinite
        where there were none.
    probability : float or None
        That all equations have the terms of the true ones and no others; None where the solution leaves more than noise.
    failures : tuple of Failure
        Parts of the search that failed on these courses and proposed no more: the others went on.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.dynamics import find_dynamics
    >>> t = np.linspace(0, 10, 60)
    >>> swing = np.column_stack([np.cos(2 * t), -2 * np.sin(2 * t)])
    >>> found = find_dynamics(t, swing, names=["x", "v"])
    >>> print(found)
    x' = v
    v' = -4*x
    >>> found.simulate([0, np.pi], [1.0, 0.0]).round(6).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """

    equations: tuple[Formula, ...]
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    conserved: tuple[Conserved, ...]
    noise: Mapping[str, float]
    stability: Mapping[str, float]
    courses: tuple[FittedCourse, ...]
    message: str
    stop_reason: StopReason
    seconds: float
    lead: float
    probability: float | None = None
    failures: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        return "\n".join(
            f"{name}' = {equation.text}" for name, equation in zip(self.states, self.equations, strict=True)
        )

    def __repr__(self) -> str:
        return f"<Dynamics: {'; '.join(str(self).splitlines())}>"

    def rates(self, states: Any, inputs: Any = None) -> Floats:
        """The right-hand sides at states (n, d) -> (n, d)."""
        table = check_table(states, self.states, "states")
        acting = self._acting(inputs, len(table))
        return self._rates(np.column_stack([table, acting]))

    def simulate(self, t: Any, start: Any, inputs: Any = None) -> Floats:
        """The solution from a start.

        Parameters
        ----------
        t : array of shape (n,)
            Rising times; the first is that of the start.
        start : array of shape (d,), or mapping of str to float
            The states there, in their order or by name.
        inputs : array of shape (n, m), optional
            At these times, where the system has inputs; between them a cubic spline is taken.

        Returns
        -------
        array of shape (n, d)

        Raises
        ------
        InputError
            If a state is missing from `start` or unknown, or the solution ends before the last time.

        Examples
        --------
        >>> import numpy as np
        >>> from edgewise.dynamics import find_dynamics
        >>> t = np.linspace(0, 8, 50)
        >>> found = find_dynamics(t, 5 / (1 + 9 * np.exp(-1.2 * t)), names=["x"])
        >>> found.simulate([0, 100], {"x": 2.0})[-1].round(6).tolist()
        [5.0]
        """
        of = "Dynamics.simulate"
        times = check_vector(t, "t", min_length=2)
        if (np.diff(times) <= 0).any():
            raise InputError(
                argument="t", expected="rise", got="times that stand still or fall", advice="sort them"
            )
        begin = self._begin(start)
        acting = self._acting(inputs, len(times))
        spline = CubicSpline(times, acting) if acting.shape[1] else None

        reached, still = float(times[0]), 0

        def right(now: float, x: Floats) -> Floats:
            nonlocal reached, still
            reached, still = (now, 0) if now > reached else (reached, still + 1)
            if still > _STILL:
                raise _StandsStillError
            row = x if spline is None else np.concatenate([x, spline(now)])
            return self._rates(row[None])[0]

        found: Any = None
        with np.errstate(all="ignore"), suppress(_StandsStillError):
            found = solve_ivp(
                right, (times[0], times[-1]), begin, "LSODA", times, rtol=_RELATIVE, atol=_ABSOLUTE
            )
        if (
            found is not None
            and found.success
            and found.y.shape[1] == len(times)
            and np.isfinite(found.y).all()
        ):
            return np.asarray(found.y.T)
        raise InputError(
            f"{of} can follow the solution from this start to t = {reached:g} only, where it leaves the range "
            "of numbers or the equations have no value; ask for earlier times or another start."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **fields(
                self,
                "states",
                "inputs",
                "noise",
                "stability",
                "message",
                "stop_reason",
                "seconds",
                "probability",
            ),
            "failures": list(map(str, self.failures)),
            "equations": [
                {
                    "state": name,
                    "text": equation.text,
                    "exact_text": equation.exact_text,
                    "error": plain(equation.error),
                    "r2": plain(equation.r2),
                    "origin": list(equation.origin),
                    "constants": [fields(c, "value", "standard_error") for c in equation.constants],
                }
                for name, equation in zip(self.states, self.equations, strict=True)
            ],
            "conserved": [
                {"text": formula.formula.text, "drift": plain(formula.drift)} for formula in self.conserved
            ],
        }

    def _begin(self, start: Any) -> Floats:
        if not isinstance(start, Mapping):
            return check_vector(start, "start", length=len(self.states))
        if strange := [name for name in start if name not in self.states]:
            raise InputError(
                argument="start",
                expected=f"name states among {among(self.states)}",
                got=f"{short(strange[0], 40)}{did_you_mean(strange[0], self.states)}",
            )
        if missing := [name for name in self.states if name not in start]:
            raise InputError(f"The 'start' argument must have every state; {among(missing)} is not in it.")
        return np.array([check_float(start[name], f"start[{name!r}]") for name in self.states])

    def _acting(self, inputs: Any, rows: int) -> Floats:
        if not self.inputs:
            if inputs is not None:
                raise InputError(argument="inputs", expected="be left out: the system has no inputs")
            return np.empty((rows, 0))
        if inputs is None:
            raise InputError(argument="inputs", expected=f"give {', '.join(self.inputs)} for every row")
        return check_table(as_matrix(inputs, "inputs"), self.inputs, "inputs", rows=rows)

    def _rates(self, Z: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.column_stack([tape.value(tape.start, Z) for tape in self._tapes])

    @cached_property
    def _tapes(self) -> list[Tape]:
        return [Tape(equation.tree, (*self.states, *self.inputs)) for equation in self.equations]
