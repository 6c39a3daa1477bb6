"""Eigenvalues with their functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgewise._core.arrays import Floats
from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.solution import Solution


@dataclass(frozen=True, eq=False)
class Modes:
    """The first eigenvalues of a problem, the smallest first, each with a function.

    Attributes
    ----------
    problem : Problem
    values : ndarray, shape (count,)
        In units of the equations.
    errors : ndarray, shape (count,)
        Estimated relative errors of the values (absolute ones beside the largest value where a value is zero).
    functions : tuple of Solution
        Of L2 norm 1 (over all unknowns), with their own estimated errors. Where eigenvalues agree, functions span what
        belongs to them.
    tolerance : float
        Relative error of the values that was asked for.
    how : str
        How the errors were found.
    stop_reason : StopReason
    warnings : tuple of str
    seconds : float
    """

    problem: Problem
    values: Floats
    errors: Floats
    functions: tuple[Solution, ...]
    tolerance: float
    how: str
    stop_reason: StopReason
    warnings: tuple[str, ...]
    seconds: float

    @property
    def error(self) -> float:
        """The largest of the errors."""
        return float(self.errors.max())

    @property
    def solved(self) -> bool:
        """Whether all estimated errors are within the tolerance and nothing counts against the answer."""
        return self.error <= self.tolerance and not self.warnings

    @property
    def message(self) -> str:
        """What was reached, in a sentence or two."""
        if self.warnings:
            return "These are no eigenvalues to rely on. " + " ".join(self.warnings)
        reached = f"The estimated relative error is {self.error:.1e} at most ({self.how})."
        if self.solved:
            return reached
        return f"{reached} The tolerance, {self.tolerance:g}, was not met. {self.stop_reason.advice}"

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[float, Solution]]:
        return iter(zip(map(float, self.values), self.functions, strict=True))

    def __repr__(self) -> str:
        first = ", ".join(f"{value:.8g}" for value in self.values[:5])
        return f"<Modes {first}{', ...' if len(self.values) > 5 else ''}: {self.message}>"

    def to_dict(self) -> dict[str, Any]:
        """What is known of the answer, as JSON takes it."""
        return plain(
            {
                "values": self.values,
                "errors": self.errors,
                "error": self.error,
                "how": self.how,
                "tolerance": self.tolerance,
                "solved": self.solved,
                "stop_reason": str(self.stop_reason),
                "message": self.message,
                "warnings": list(self.warnings),
                "seconds": self.seconds,
            }
        )
