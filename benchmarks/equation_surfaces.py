"""Differential equations on surfaces and in solids: relative L2 errors beside those stated, eigenvalues, guaranteed bounds
beside true errors in the energy norm.

Errors are sums over 4,000 random places against closed forms: spherical harmonics, products of functions of a torus's
angles, sines in a cube. Needs trimesh and netgen-mesher (the extra `solids`). The environment may choose: EQUATIONS="cube".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp
import trimesh
from _common import Clock, Report, begin

from edgewise import pde
from edgewise.pde.results.mesh_pieces import MeshPieces

x, y, z = SPACE = pde.coordinates("x", "y", "z")
u, lam = pde.unknown("u", *SPACE), pde.eigenvalue()
MAKE = trimesh.creation
ROUND = x**2 + y**2 + z**2 == 1
PLACES = 4000
Exact = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Case:
    """A problem with its closed form, by its places in space."""

    problem: pde.Problem
    tolerance: float
    exact: Exact
    at: np.ndarray


def sphere(tolerance: float, cuts: int, smooth: bool) -> Case:
    """-lap u = f for spherical harmonics of the second and third degree, on bent or on flat facets."""
    ball = pde.surface(MAKE.icosphere(subdivisions=cuts), SPACE, smooth=ROUND if smooth else None)
    at = np.random.default_rng(0).standard_normal((3, PLACES))
    problem = pde.Problem(ball, [-pde.lap(u) == 6 * x * y + 12 * x * y * z])
    return Case(problem, tolerance, lambda x, y, z: x * y * (1 + z), at / np.linalg.norm(at, axis=0))


def torus() -> Case:
    """u - lap u = f on a torus of radii 1 and 1/2, for sin(2 phi) cos(theta)."""
    phi, theta = sp.symbols("phi theta")
    thin = sp.Rational(1, 2)
    exact, width = sp.sin(2 * phi) * sp.cos(theta), 1 + thin * sp.cos(theta)
    lap = (
        sp.diff(width * sp.diff(exact, theta), theta) / (width * thin**2) + sp.diff(exact, phi, 2) / width**2
    )
    source = sp.lambdify((phi, theta), exact - lap, modules=[{"sin": pde.sin, "cos": pde.cos}, "math"])
    rho = pde.sqrt(x**2 + y**2)
    ring = pde.surface(MAKE.torus(1.0, 0.5, 16, 8), SPACE, smooth=(rho - 1) ** 2 + z**2 == 0.25)
    problem = pde.Problem(ring, [u - pde.lap(u) == source(pde.atan2(y, x), pde.atan2(z, rho - 1))])
    a, b = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, PLACES))
    at = np.array([(1 + np.cos(b) / 2) * np.cos(a), (1 + np.cos(b) / 2) * np.sin(a), np.sin(b) / 2])

    def wanted(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.arctan2(y, x)) * np.cos(np.arctan2(z, np.hypot(x, y) - 1))

    return Case(problem, 1e-7, wanted, at)


def cube() -> Case:
    """-lap u = f in the unit cube, zero on its walls, for a product of sines."""
    box = MAKE.box()
    box.apply_translation([0.5, 0.5, 0.5])
    solid = pde.solid(box, SPACE)
    sines = pde.sin(pde.pi * x) * pde.sin(pde.pi * y) * pde.sin(pde.pi * z)
    problem = pde.Problem(
        solid, [-pde.lap(u) == 3 * pde.pi**2 * sines], pde.on(solid.boundary["walls"], u == 0)
    )
    at = np.random.default_rng(0).random((3, PLACES))
    return Case(problem, 1e-7, lambda x, y, z: np.sin(np.pi * x) * np.sin(np.pi * y) * np.sin(np.pi * z), at)


CASES: dict[str, Callable[[], Case]] = {
    "sphere, 20 bent facets": lambda: sphere(1e-8, 0, True),
    "sphere, 320 bent facets": lambda: sphere(1e-8, 2, True),
    "torus, 256 bent facets": torus,
    "sphere, 320 flat facets": lambda: sphere(1e-4, 2, False),
    "sphere, 1,280 flat facets": lambda: sphere(1e-4, 3, False),
    "sphere, 5,120 flat facets": lambda: sphere(1e-4, 4, False),
    "cube": cube,
}


def drums() -> dict[str, tuple[pde.Problem, np.ndarray, float]]:
    """Eigenvalue problems, with what is known."""
    ball = pde.surface(MAKE.icosphere(subdivisions=1), SPACE, smooth=ROUND)
    solid = pde.solid(MAKE.box(), SPACE)
    walls = pde.on(solid.boundary["walls"], u == 0)
    return {
        "eigenvalues, sphere of 80 bent facets": (
            pde.Problem(ball, [-pde.lap(u) == lam * u]),
            np.repeat([0.0, 2.0, 6.0], [1, 3, 5]),
            1e-8,
        ),
        "eigenvalues, cube": (
            pde.Problem(solid, [-pde.lap(u) == lam * u], walls),
            np.pi**2 * np.array([3.0, 6, 6, 6]),
            1e-6,
        ),
    }


@dataclass(frozen=True)
class Bounded:
    """A problem in a cube with its solution and gradient, and the weights of both in the energy."""

    problem: pde.Problem
    exact: Callable[..., tuple[np.ndarray, ...]]
    weight: Callable[..., np.ndarray]
    reaction: float

    def energy(self, solution: pde.Solution) -> float:
        """The energy norm of the error inside, by more than twice the places that the solver takes."""
        pieces = solution.pieces
        assert isinstance(pieces, MeshPieces)
        field = pieces.fields[0]
        s = pieces.mesh.sampling(2 * field.numbering.degree + 4)
        at = [s.places[..., k] for k in range(3)]
        apart = [a - b for a, b in zip(field.jets(s), self.exact(*at), strict=True)]
        steep = np.sum([item**2 for item in apart[1:]], axis=0)
        return float(np.sqrt((s.mass * (self.weight(*at) * steep + self.reaction * apart[0] ** 2)).sum()))


def bounded() -> dict[str, Bounded]:
    """Values given; values, a flux and exchange given; weights that vary and a reaction."""
    cube = pde.solid(MAKE.box(extents=(1, 1, 1)), SPACE, names={"low": "-z", "high": "+z", "side": "+x"})
    parts, n = cube.boundary, pde.normal(*SPACE)
    hill = pde.exp(x) * pde.sin(y + 2 * z)
    flow = n[0] * pde.dx(hill, x) + n[1] * pde.dx(hill, y) + n[2] * pde.dx(hill, z)
    sines = pde.cos(pde.pi * x) * pde.cos(pde.pi * y) * pde.cos(pde.pi * z)
    k = 1 + x**2

    def waves(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        (a, b, c), (d, e, f) = (np.cos(np.pi * v) for v in (x, y, z)), (np.sin(np.pi * v) for v in (x, y, z))
        return a * b * c, -np.pi * d * b * c, -np.pi * a * e * c, -np.pi * a * b * f

    def hills(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        up, along = np.exp(x) * np.sin(y + 2 * z), np.exp(x) * np.cos(y + 2 * z)
        return up, up, along, 2 * along

    def one(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.ones_like(x)

    mixed = [
        pde.on(parts["low"] | parts["rest"], u == hill),
        pde.on(parts["high"], pde.dn(u) == flow),
        pde.on(parts["side"], pde.dn(u) + 2 * u == flow + 2 * hill),
    ]
    source = 2 * hill - (
        pde.dx(k * pde.dx(hill, x), x) + pde.dx(k * pde.dx(hill, y), y) + pde.dx(k * pde.dx(hill, z), z)
    )
    walls = parts["walls"]
    return {
        "values": Bounded(
            pde.Problem(cube, [-pde.lap(u) == 3 * pde.pi**2 * sines], pde.on(walls, u == 0)), waves, one, 0.0
        ),
        "values, flux and exchange": Bounded(
            pde.Problem(cube, [-pde.lap(u) == 4 * hill], mixed), hills, one, 0.0
        ),
        "weights and a reaction": Bounded(
            pde.Problem(cube, [-pde.div(k * pde.grad(u)) + 2 * u == source], pde.on(walls, u == hill)),
            hills,
            lambda x, y, z: 1 + x * x,
            2.0,
        ),
    }


def main() -> None:
    run = begin("equation_surfaces", "Differential equations on surfaces and in solids")
    known = drums()
    chosen = [name for name in os.environ.get("EQUATIONS", "").split(";") if name] or [*CASES, *known]
    columns = ("problem", "tolerance", "error", "stated", "facets lie off", "solved", "CPU s", "N")
    report = Report(run, "in short", columns, (26, 9, 9, 9, 14, 6, 8, 7))
    problems = [name for name in chosen if name in CASES]
    for name in problems[:1] if run.quick else problems:
        case, clock = CASES[name](), Clock()
        solution = pde.solve(case.problem, case.tolerance)
        seconds = clock.seconds
        found, wanted = solution(*case.at), case.exact(*case.at)
        error = float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
        off = case.problem.domain.sagitta
        report.add(
            name,
            case.tolerance,
            error,
            solution.error,
            off or "",
            solution.solved,
            seconds,
            solution.coefficients,
        )
    report.note(
        "Relative L2 errors against closed forms on the smooth surface. Bent facets lie on it by its equation; stated "
        "errors of flat ones are those of the equation on the facets, beside which it is said how far these lie off the "
        "sphere."
    )
    report.save()
    columns = ("problem", "tolerance", "largest error", "stated", "solved", "CPU s", "values")
    report = Report(run, "eigenvalues", columns, (38, 9, 13, 9, 6, 8, 6))
    names = [name for name in dict.fromkeys(chosen) if name in known]
    for name in names[:1] if run.quick else names:
        problem, wanted, tolerance = known[name]
        clock = Clock()
        modes = pde.eigen(problem, len(wanted), tolerance)
        seconds = clock.seconds
        error = float((np.abs(modes.values - wanted) / np.where(wanted > 0, wanted, 1.0)).max())
        report.add(name, tolerance, error, modes.error, modes.solved, seconds, len(wanted))
    report.note(
        "The largest relative error of the first eigenvalues of the Laplacian, absolute where it is zero."
    )
    report.save()
    columns = ("problem in a cube", "tolerance", "true energy", "bound", "bound / true", "CPU s")
    report = Report(run, "bounds", columns, (26, 9, 12, 9, 12, 8))
    cases = bounded()
    names = [name for name in dict.fromkeys(chosen) if name in cases] or ([] if run.quick else list(cases))
    for name in names:
        for tolerance in (1e-2, 1e-4, 1e-6):
            clock = Clock()
            solution = pde.solve(cases[name].problem, tolerance)
            seconds = clock.seconds
            bound = np.inf if solution.energy is None else solution.energy.bound
            true = cases[name].energy(solution)
            report.add(name, tolerance, true, bound, bound / true, seconds)
    report.note("Guaranteed bounds of the error in the energy norm beside that error; CPU s hold the bound.")
    report.save()


if __name__ == "__main__":
    main()
