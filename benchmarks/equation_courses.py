"""Equations with time on shapes, surfaces and in solids: errors beside those stated.

Relative L2 errors over the shape and time, by 4,000 places and times at random, against closed forms: Bessel's modes of a
disk, spherical harmonics, sines in a cube, solutions that sources were made for. The environment may choose problems:
EQUATIONS="drum;cube".
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import trimesh
from _common import Clock, Report, begin
from scipy.special import j1, jn_zeros, jv

from edgewise import pde

x, y, z = pde.coordinates("x", "y", "z")
t = pde.time()
u, v, p = (pde.unknown(name, x, y, t) for name in "uvp")
w = pde.unknown("w", x, y, z, t)
DISK = pde.disk((x, y))
PLATE = pde.box({x: (0, 3), y: (0, 2)}) - pde.disk((x, y), (1, 1), 0.4, name="pipe")
RATE = float(jn_zeros(0, 2)[1])
SINES = pde.cos(pde.pi * x) * pde.cos(pde.pi * y) * pde.cos(pde.pi * z)


@dataclass(frozen=True)
class Case:
    """A problem with its solution, by places and times; of several unknowns the first."""

    problem: pde.Problem
    tolerance: float
    exact: Callable[..., Any]

    def error(self, solution: pde.Solution) -> float:
        """Relative L2 error of the unknown with the closed form."""
        at = self.problem.domain.somewhere(4000, np.random.default_rng(0)).T
        wanted = self.exact(*at)
        apart = solution(*at, unknown=None if len(solution.names) == 1 else "u") - wanted
        return float(np.sqrt((apart**2).mean() / (wanted**2).mean()))


def through(shape: Any, end: float, equations: list[Any], walls: list[Any], start: list[Any]) -> pde.Problem:
    """A problem from time 0 on, with conditions on all of the boundary and at the start."""
    domain = shape.during({t: (0, end)})
    held = [pde.on(domain.boundary["walls"], *walls)] if walls else []
    return pde.Problem(domain, equations, [*held, pde.on(domain.boundary["start"], *start)])


def bessel(rate: float) -> Any:
    """J0(rate r) as a polynomial, to rounding."""
    weights = [(-1) ** n * (rate / 2) ** (2 * n) / math.factorial(n) ** 2 for n in range(26)]
    return sum((weight * (x**2 + y**2) ** n for n, weight in enumerate(weights)), 0 * x)


def heat(tolerance: float = 1e-8) -> Case:
    """A mode of a disk decays."""
    problem = through(DISK, 0.1, [pde.dt(u) == pde.lap(u)], [u == 0], [u == bessel(RATE)])
    return Case(problem, tolerance, lambda x, y, t: jv(0, RATE * np.hypot(x, y)) * np.exp(-(RATE**2) * t))


def drum() -> Case:
    """The same swings."""
    start = [u == bessel(RATE), pde.dt(u) == 0]
    problem = through(DISK, 3.0, [pde.dt(u, 2) == pde.lap(u)], [u == 0], start)
    return Case(problem, 1e-8, lambda x, y, t: jv(0, RATE * np.hypot(x, y)) * np.cos(RATE * t))


def bowl() -> Case:
    """Heat whose start does not fit the equation at the rim: derivatives grow without bound there at first."""
    zeros = jn_zeros(0, 300)
    weights = 8 / (zeros**3 * j1(zeros))

    def exact(x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return sum(
            a * jv(0, k * np.hypot(x, y)) * np.exp(-k * k * t) for a, k in zip(weights, zeros, strict=True)
        )

    return Case(through(DISK, 0.3, [pde.dt(u) == pde.lap(u)], [u == 0], [u == 1 - x**2 - y**2]), 1e-6, exact)


def reaction() -> Case:
    """u' = lap(u) + u - u^3 and a source, with values on walls that move."""
    wanted = pde.sin(2 * x + t) * pde.exp(-y) * (1 + t**2)
    source = pde.dt(wanted) - pde.dx(wanted, x, 2) - pde.dx(wanted, y, 2) - wanted + wanted**3
    problem = through(PLATE, 1.0, [pde.dt(u) == pde.lap(u) + u - u**3 + source], [u == wanted], [u == wanted])
    return Case(problem, 1e-7, lambda x, y, t: np.sin(2 * x + t) * np.exp(-y) * (1 + t * t))


def exchange() -> Case:
    """A capacity that varies, and exchange with the outside that grows with time."""
    wanted, n = pde.cos(x + 2 * y) * pde.exp(-t) * (1 + x), pde.normal(x, y)
    source = (1 + x**2) * pde.dt(wanted) - pde.dx(wanted, x, 2) - pde.dx(wanted, y, 2)
    flow = n[0] * pde.dx(wanted, x) + n[1] * pde.dx(wanted, y)
    walls = [pde.dn(u) + (1 + t) * u == flow + (1 + t) * wanted]
    problem = through(DISK, 1.0, [(1 + x**2) * pde.dt(u) == pde.lap(u) + source], walls, [u == wanted])
    return Case(problem, 1e-8, lambda x, y, t: np.cos(x + 2 * y) * np.exp(-t) * (1 + x))


def vortices() -> Case:
    """Navier and Stokes' equations beside a hole: Taylor's and Green's vortices with a pressure."""
    square = pde.box({x: (0, 1), y: (0, 1)}) - pde.disk((x, y), (0.5, 0.5), 0.2)
    fall, flow = pde.exp(-0.1 * pde.pi**2 * t), pde.Vector(u, v)
    first = -pde.cos(pde.pi * x) * pde.sin(pde.pi * y) * fall
    second = pde.sin(pde.pi * x) * pde.cos(pde.pi * y) * fall
    moves = pde.dt(flow) + pde.advect(flow, flow) + pde.grad(p) == 0.05 * pde.lap(flow)
    given = [u == first, v == second]
    problem = through(square, 0.5, [moves, pde.div(flow) == 0], given, given)

    def exact(x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        return -np.cos(np.pi * x) * np.sin(np.pi * y) * np.exp(-0.1 * np.pi**2 * t)

    return Case(problem, 1e-5, exact)


def sphere() -> Case:
    """Two harmonics on a sphere of 80 bent triangles."""
    ball = pde.surface(trimesh.creation.icosphere(subdivisions=1), (x, y, z), smooth=x**2 + y**2 + z**2 == 1)
    problem = through(ball, 0.2, [pde.dt(w) == pde.lap(w)], [], [w == x * y * z + z])
    return Case(problem, 1e-8, lambda x, y, z, t: x * y * z * np.exp(-12 * t) + z * np.exp(-2 * t))


def cube(order: int) -> Case:
    """Sines in a cube decay (first order in time) or swing (second)."""
    solid = pde.solid(trimesh.creation.box(extents=(1, 1, 1)), (x, y, z))
    start = [w == SINES] if order == 1 else [w == SINES, pde.dt(w) == 0]
    problem = through(solid, 0.1 if order == 1 else 1.0, [pde.dt(w, order) == pde.lap(w)], [w == 0], start)

    def exact(x: np.ndarray, y: np.ndarray, z: np.ndarray, t: np.ndarray) -> np.ndarray:
        course = np.exp(-3 * np.pi**2 * t) if order == 1 else np.cos(np.sqrt(3) * np.pi * t)
        return np.cos(np.pi * x) * np.cos(np.pi * y) * np.cos(np.pi * z) * course

    return Case(problem, 1e-6, exact)


CASES: dict[str, Callable[[], Case]] = {
    "heat on a disk": heat,
    "the same, to 1e-4": lambda: heat(1e-4),
    "drum": drum,
    "heat, start that does not fit": bowl,
    "reaction on a plate with a hole": reaction,
    "exchange that grows": exchange,
    "vortices beside a hole": vortices,
    "heat on a sphere": sphere,
    "heat in a cube": lambda: cube(1),
    "sound in a cube": lambda: cube(2),
}


def main() -> None:
    run = begin("equation_courses", "Equations with time on shapes")
    chosen = [name for name in os.environ.get("EQUATIONS", "").split(";") if name] or list(CASES)
    columns = ("problem", "tolerance", "error", "stated", "solved", "CPU s", "slabs", "N")
    report = Report(run, "in short", columns, (32, 9, 9, 9, 6, 8, 6, 9))
    for name in chosen[:2] if run.quick else chosen:
        case, clock = CASES[name](), Clock()
        solution = pde.solve(case.problem, case.tolerance)
        seconds = clock.seconds
        stated = solution.error if len(solution.names) == 1 else solution.errors["u"]
        slabs = len(solution.pieces.slabs)
        report.add(
            name,
            case.tolerance,
            case.error(solution),
            stated,
            solution.solved,
            seconds,
            slabs,
            solution.coefficients,
        )
        report.save()
    report.note(
        "Relative L2 errors over the shape and time, of the vortices that of a velocity; slabs of time and N coefficients "
        "of the answer. CPU s hold the estimate of the error."
    )
    report.save()


if __name__ == "__main__":
    main()
