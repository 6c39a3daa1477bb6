"""A problem of waves that turn too fast to be followed, from its equations to its solution: marches by waves, each with a
smaller tolerance, until the last two are close enough. The last estimates the error of the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.solution import OtherGrid, Solution
from edgewise.pde.results.waves import Waves
from edgewise.pde.settings import MOST_MARCHES, SLAB_SHARE, SolverConfig
from edgewise.pde.solvers.progress import Progress, next_share, show, stopped
from edgewise.pde.solvers.wave_march import march_waves
from edgewise.pde.solvers.wave_system import WaveSystem


def solved_by_waves(
    problem: Problem,
    system: WaveSystem,
    tolerance: float,
    config: SolverConfig,
    meter: Meter,
    callbacks: Sequence[Callable[[Progress], object]],
    doubt: str,
    held: Callable[[StopReason], Solution],
) -> Solution:
    """The solution by the last march but one, with its error by the last."""
    runs: list[Waves] = []
    so_far: list[Waves] = []
    message = ""
    # Slabs and missing waves both add to the error.
    share = before = SLAB_SHARE / 2
    more = 1.0
    errors = dict.fromkeys(problem.names, float("inf"))

    def on_step(error: float, done: float, waves: int) -> None:
        progress = Progress(
            "waves", error, error, 0.4 * done if not runs else 0.4 + 0.6 * done, (2 * waves - 1, len(so_far))
        )
        show(callbacks, progress)

    def marches() -> None:
        nonlocal share, before, more, message
        while len(runs) < MOST_MARCHES:
            so_far.clear()
            run, message = march_waves(system, share * tolerance, config, on_step, so_far)
            if message:
                return
            runs.append(run)
            reached = tolerance
            if len(runs) > 1:
                more = 1 - share / before
                apart = runs[-1].distance(runs[-2])
                errors.update(
                    {name: max(d / more, 1e-15) for name, d in zip(problem.names, apart, strict=True)}
                )
                reached = max(errors.values())
                if reached <= tolerance:
                    return
            share, before = next_share(share, before, reached, tolerance), share

    reason = stopped(marches, meter) or StopReason.CONVERGED
    found = runs[-2:][0] if runs else (so_far[0] if so_far else None)
    if found is None and message:
        raise InputError(message)
    if found is None:
        return held(reason)
    warnings = [each for each in (doubt, message) if each]
    if not runs and not message:
        warnings.append(f"It was ended at time {found.edges[-1]:g}, before the end of the domain.")
    if max(errors.values()) > tolerance and reason is StopReason.CONVERGED:
        reason = StopReason.EXHAUSTED
    return Solution(
        problem,
        found,
        max(errors.values()),
        errors,
        "the difference from a march with a smaller tolerance",
        tolerance,
        "waves",
        reason,
        tuple(warnings),
        meter.seconds,
        int(sum(2 * np.size(table) for table in found.slabs)),
        neighbour=OtherGrid(runs[-1], 1 / more) if len(runs) > 1 else None,
    )
