"""How often 95 % intervals of inverse_flow.py hold, in its linearisation: many repeats of the noise at small cost.

Of each draw of 500 places the changes of the velocities with the start and the constants are computed once, at the truth;
noise is drawn eight times, sizes of waves are learned from it as `identify` learns them, and the constants are found by
drawing the waves to zero, and to what that gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import vortices
from _common import Report, begin
from inverse_flow import CONVECTION, END, NOISE, NU, modes_of

from edgewise import pde
from edgewise.pde.discretisation.torus import Current, StartModes, Torus, start_modes
from edgewise.pde.solvers.evolution import evolution_of
from edgewise.pde.solvers.identify import _compiled, _rows
from edgewise.pde.solvers.joint_system import covariance, twiced
from edgewise.pde.solvers.trajectory import seen

WAVES, DRAWS, TURNS = 10, 8, 8


def true_weights(modes: StartModes, places: int = 128) -> np.ndarray:
    """Cosines and sines of the stream function of the vortices at the start."""
    _, _, fields = vortices.solve(modes=places, end=0.01, steps=2, times=2)
    spectrum = np.fft.fft2(fields["w"][:, :, 0]) / places**2
    found: list[float] = []
    for wave, phase in zip(modes.waves, modes.phases, strict=True):
        square = float(wave @ wave)
        amplitude = 2 * spectrum[tuple(wave % places)] / square if square else 0j
        found.append(float(amplitude.real if phase == 1 else -amplitude.imag))
    return np.array(found)


def design(seed: int, rows: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Changes of the velocities in units of the noise, true weights of the start, and rings of these."""
    r = np.random.default_rng(seed)
    at = r.uniform(0, 1, (3, rows)) * np.array([[2 * np.pi], [2 * np.pi], [END]])
    _, sizes = modes_of(128)
    x, y = pde.coordinates("x", "y")
    t = pde.time()
    psi = pde.unknown("psi", x, y, t)
    a, nu = pde.constant("a", guess=0.5), pde.constant("nu", guess=0.05, bounds=(1e-4, 1))
    flow, vorticity = pde.curl(psi), -pde.lap(psi)
    carried = flow[0] * pde.dx(vorticity, x) + flow[1] * pde.dx(vorticity, y)
    torus = pde.box({x: (0, 2 * np.pi), y: (0, 2 * np.pi), t: (0, END)}, periodic=(x, y))
    problem = pde.Problem(torus, [pde.dx(vorticity, t) + a * carried == nu * pde.lap(vorticity)])
    where = dict(zip((x, y, t), at, strict=True))
    some = np.arange(float(rows))
    sets = [
        pde.data(part, where, some, sigma=NOISE * sizes[name]) for part, name in zip(flow, "uv", strict=True)
    ]
    system, data = _compiled(problem), [_rows(subset, problem) for subset in sets]
    evolution = evolution_of(torus, system, data)
    assert evolution is not None
    modes = start_modes(evolution, [0], WAVES)
    weights, grid = true_weights(modes), Torus.holding(evolution.low, evolution.span, 16)
    constants = np.array([CONVECTION, NU])
    start = modes.start(grid, weights)
    found = seen(Current(evolution, grid, constants), start, data, END, 40, modes.changes(grid))
    return found.jacobian, weights, modes.rings


def learned(normal: Any, slope: Any, sizes: Any, rings: Any) -> tuple[Any, Any, Any]:
    """The answer drawn to zero by sizes that are learned from it; its covariance, and how strongly it is drawn."""
    many, turn = len(sizes), 0
    while True:
        free = np.append(1 / sizes**2, [0.0, 0.0])
        spread = covariance(normal + np.diag(free))
        first, change, likelier = spread @ slope, 0.0, sizes.copy()
        for ring in np.unique(rings):
            own = rings == ring
            known = np.clip(1 - np.diag(spread)[:many][own] / sizes[own] ** 2, 1e-12, 1).sum()
            likely = np.sqrt((first[:many][own] ** 2).sum() / known)
            likelier[own] = np.clip(likely, sizes[own][0] / 10, sizes[own][0] * 10)
            change = max(change, abs(np.log(likelier[own][0] / sizes[own][0])) * min(known, 1.0))
        turn += 1
        if change < 0.1 or turn == TURNS:
            return first, spread, free
        sizes = likelier


def scores(seed: int) -> np.ndarray:
    """Errors of both constants in units of those stated: (draws, 2 ways, 2 constants)."""
    jacobian, weights, rings = design(seed)
    many, r = len(weights), np.random.default_rng(1000 + seed)
    normal = jacobian.T @ jacobian
    usual = np.array([np.sqrt((weights[rings == ring] ** 2).mean()) for ring in rings])
    found: list[Any] = []
    for _ in range(DRAWS):
        slope = jacobian.T @ (jacobian[:, :many] @ weights + r.standard_normal(len(jacobian)))
        sizes = np.maximum(usual * np.exp(0.5 * r.standard_normal(WAVES + 1))[rings], 1e-7)
        first, spread, free = learned(normal, slope, sizes, rings)
        told, response = twiced(spread, free)
        pairs = ((first, spread), (response @ slope, told))
        found.append([item[-2:] / np.sqrt(np.diag(stated)[-2:]) for item, stated in pairs])
    return np.array(found)


def main() -> None:
    run = begin("flow_intervals", "Intervals of a flow's constants, in its linearisation")
    every = np.concatenate([scores(seed) for seed in range(1 if run.quick else 16)])
    columns = ("drawn to", "repeats", "constant", "mean", "spread", "held %")
    report = Report(run, "intervals", columns, 12)
    for way, drawn in enumerate(("zero", "the first answer")):
        for n, name in enumerate(("convection", "viscosity")):
            own = every[:, way, n]
            report.add(drawn, len(own), name, own.mean(), own.std(), 100 * float((np.abs(own) < 1.96).mean()))
    report.note("Mean and standard deviation of errors in units of those stated.")
    report.save()


if __name__ == "__main__":
    main()
