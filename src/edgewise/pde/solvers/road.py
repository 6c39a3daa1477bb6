"""The ways to a solution: each takes a problem and a tolerance, and finds functions with their errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import Meter, StopError
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.outcome import RoadOutcome
from edgewise.pde.settings import SolverConfig
from edgewise.pde.solvers.progress import Progress


@dataclass(frozen=True, eq=False)
class SolverRun:
    """What a road works under.

    Attributes
    ----------
    config : SolverConfig
    meter : Meter
    callbacks : sequence of callable
        Each gets every `Progress`.
    doubt : str
        What spoke against the problem before; empty where nothing did.
    """

    config: SolverConfig
    meter: Meter
    callbacks: Sequence[Callable[[Progress], object]]
    doubt: str = ""

    def show(self, progress: Progress) -> None:
        """Hand it to all callbacks; a `StopError` where one asks to stop."""
        if tell(self.callbacks, progress):
            raise StopError(StopReason.CALLBACK)


class Road(Protocol):
    """A way to the solution of the problems that suit it."""

    def solve(self, problem: Problem, tolerance: float, run: SolverRun) -> RoadOutcome:
        """What it finds; errors within the tolerance are the caller's to see, and so are the run's doubts to add."""
        ...
