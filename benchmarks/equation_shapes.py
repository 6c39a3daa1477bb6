"""Differential equations on plane shapes: errors of values, of gradients and in the energy norm beside those stated, and
eigenvalues beside those that are known.

Relative L2 errors of values and gradients are integrals by twice the solver's Gauss places against closed forms; the L-shape
is judged by a solution to 1e-11. The environment may choose problems: EQUATIONS="disk;corner".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import Clock, Report, begin
from scipy.special import jn_zeros

from edgewise import pde
from edgewise.pde.results.mesh_pieces import MeshPieces

Exact = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
x, y = pde.coordinates("x", "y")
u, lam = pde.unknown("u", x, y), pde.eigenvalue()
DISK = pde.disk((x, y))
FLOOR = (
    pde.polygon((x, y), [(0, 0), (3, 0), (3, 2), (1.5, 3), (0, 2)])
    - pde.disk((x, y), (1, 1), 0.3, name="pipe")
    - pde.box({x: (2.2, 2.7), y: (1.2, 1.7)})
)
ELL = pde.box({x: (-1, 1), y: (-1, 1)}) - pde.box({x: (0, 1), y: (0, 1)})


@dataclass(frozen=True)
class Case:
    """A problem with its solution and gradient; without them, a solution to a smaller tolerance stands for them."""

    problem: pde.Problem
    tolerance: float
    exact: Exact | None

    def errors(self, solution: pde.Solution) -> tuple[float, float, float]:
        """Relative L2 errors of values and of the gradient, and the L2 error of the gradient itself."""
        pieces = solution.pieces
        assert isinstance(pieces, MeshPieces)
        if self.exact is None:
            finer = pde.solve(self.problem, 1e-11).pieces
            assert isinstance(finer, MeshPieces)
            (size, slope), (apart, slopes) = finer.norms(0), finer.norms(0, pieces)
            return apart / size, slopes / slope, slopes
        field = pieces.fields[0]
        s = pieces.mesh.sampling(2 * field.numbering.degree + 4)
        wanted = self.exact(s.places[..., 0], s.places[..., 1])
        norms = [np.sqrt((s.mass * name**2).sum()) for name in wanted]
        apart = [np.sqrt((s.mass * (a - b) ** 2).sum()) for a, b in zip(field.jets(s), wanted, strict=True)]
        slopes = float(np.hypot(apart[1], apart[2]))
        return float(apart[0] / norms[0]), float(slopes / np.hypot(norms[1], norms[2])), slopes


def disk() -> Case:
    """Poisson's equation on the unit disk."""
    wanted = (1 - x**2 - y**2) * pde.exp(x) * pde.sin(2 * y)
    force = -pde.dx(wanted, x, 2) - pde.dx(wanted, y, 2)

    def exact(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        r, e, s, c = 1 - x * x - y * y, np.exp(x), np.sin(2 * y), np.cos(2 * y)
        return r * e * s, (r - 2 * x) * e * s, e * (2 * r * c - 2 * y * s)

    return Case(pde.Problem(DISK, [-pde.lap(u) == force], pde.on(DISK.boundary["rim"], u == 0)), 1e-10, exact)


def wave(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sin(2x + 1) cos(3y) and its gradient."""
    a, b = 2 * x + 1, 3 * y
    return np.sin(a) * np.cos(b), 2 * np.cos(a) * np.cos(b), -3 * np.sin(a) * np.sin(b)


def polygon(robin: bool) -> Case:
    """Poisson's equation on a polygon with a round and a square hole; values, or a flux at the round hole, given."""
    wanted = pde.sin(2 * x + 1) * pde.cos(3 * y)
    flow = -(pde.dx(wanted, x) * (x - 1) + pde.dx(wanted, y) * (y - 1)) / 0.3
    parts = FLOOR.boundary
    hole = pde.dn(u) + 2 * u == flow + 2 * wanted if robin else u == wanted
    conditions = [pde.on(parts["outer"], u == wanted), pde.on(parts["pipe"], hole)]
    conditions += [pde.on(parts[side], u == wanted) for side in ("left", "right", "bottom", "top")]
    return Case(pde.Problem(FLOOR, [-pde.lap(u) == 13 * wanted], conditions), 1e-9, wave)


def ell() -> Case:
    """Torsion of an L: all six corners bring singular functions in."""
    return Case(pde.Problem(ELL, [-pde.lap(u) == 1], pde.on(ELL.boundary["walls"], u == 0)), 1e-8, None)


def corner() -> Case:
    """r^(2/3) sin(2/3 angle) at the corner of an L."""
    across, up = -(x + y) / pde.sqrt(2), (x - y) / pde.sqrt(2)
    wanted = (x**2 + y**2) ** (1 / 3) * pde.sin(2 * (pde.atan2(up, across) + 3 * pde.pi / 4) / 3)

    def exact(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        angle = np.arctan2((x - y) / np.sqrt(2), -(x + y) / np.sqrt(2)) + 3 * np.pi / 4
        radius, turned = np.hypot(x, y), angle + np.pi / 2
        along, around = (2 / 3 * radius ** (-1 / 3) * f(2 * angle / 3) for f in (np.sin, np.cos))
        value = radius ** (2 / 3) * np.sin(2 * angle / 3)
        c, s = np.cos(turned), np.sin(turned)
        return value, along * c - around * s, along * s + around * c

    return Case(pde.Problem(ELL, [pde.lap(u) == 0], pde.on(ELL.boundary["walls"], u == wanted)), 1e-8, exact)


def layer() -> Case:
    """A layer of width 1e-3 at one side of a square with a round hole."""
    eps = 1e-3
    square = pde.box({x: (0, 1), y: (0, 1)}) - pde.disk((x, y), (0.5, 0.5), 0.1)
    end = float(np.exp(-1 / eps))
    wanted = (x - (pde.exp((x - 1) / eps) - end) / (1 - end)) * pde.sin(pde.pi * y)
    force = -eps * (pde.dx(wanted, x, 2) + pde.dx(wanted, y, 2)) + pde.dx(wanted, x)
    equation = -eps * pde.lap(u) + pde.dx(u, x) == force

    def exact(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        front = (np.exp((x - 1) / eps) - end) / (1 - end)
        s, c = np.sin(np.pi * y), np.pi * np.cos(np.pi * y)
        return (x - front) * s, (1 - np.exp((x - 1) / eps) / (eps * (1 - end))) * s, (x - front) * c

    return Case(pde.Problem(square, [equation], pde.on(square.boundary["walls"], u == wanted)), 1e-6, exact)


def bratu() -> Case:
    """lap(u) + exp(u) = 0, which is not linear, on the disk."""
    small = 3 - 2 * np.sqrt(2)

    def exact(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        below = 1 + small * (x * x + y * y)
        return 2 * np.log((1 + small) / below), -4 * small * x / below, -4 * small * y / below

    equation = pde.lap(u) + pde.exp(u) == 0
    return Case(pde.Problem(DISK, [equation], pde.on(DISK.boundary["rim"], u == 0)), 1e-10, exact)


def neumann() -> Case:
    """A flux given all around: a constant is free, and the mean is zero."""
    wanted = pde.exp(x) * pde.cos(y)
    flow = pde.dn(u) == x * pde.dx(wanted, x) + y * pde.dx(wanted, y)

    def exact(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.exp(x) * np.cos(y) - 1, np.exp(x) * np.cos(y), -np.exp(x) * np.sin(y)

    return Case(pde.Problem(DISK, [pde.lap(u) == 0], pde.on(DISK.boundary["rim"], flow)), 1e-10, exact)


CASES: dict[str, Callable[[], Case]] = {
    "disk": disk,
    "polygon with holes": lambda: polygon(False),
    "the same, Robin": lambda: polygon(True),
    "L-shape, -lap u = 1": ell,
    "corner r^(2/3)": corner,
    "layer beside a hole": layer,
    "bratu on the disk": bratu,
    "disk, Neumann": neumann,
}
SQUARE = pde.box({x: (0, float(np.pi)), y: (0, float(np.pi))})
DRUMS = {
    "square drum": (SQUARE, np.array([2.0, 5, 5, 8, 10]), 1e-10),
    "disk drum": (
        DISK,
        np.sort(np.concatenate([jn_zeros(0, 2), *2 * [jn_zeros(1, 1), jn_zeros(2, 1)]]))[:5] ** 2,
        1e-10,
    ),
    "L-shape drum": (
        ELL,
        np.array([9.63972384402194, 15.1972519264543, 2 * np.pi**2, 29.5214811141448, 31.9126359571378]),
        1e-10,
    ),
}


def main() -> None:
    run = begin("equation_shapes", "Differential equations on plane shapes")
    chosen = [name for name in os.environ.get("EQUATIONS", "").split(";") if name] or [*CASES, *DRUMS]
    columns = (
        "problem",
        "tolerance",
        "error",
        "stated",
        "H1",
        "H1 stated",
        "bound / true",
        "solved",
        "CPU s",
        "N",
    )
    report = Report(run, "shapes", columns, (20, 9, 9, 9, 9, 9, 12, 6, 8, 6))
    problems = [name for name in chosen if name in CASES]
    for name in problems[:2] if run.quick else problems:
        case, clock = CASES[name](), Clock()
        solution = pde.solve(case.problem, case.tolerance)
        seconds = clock.seconds
        error, slope, energy = case.errors(solution)
        bound = None if solution.energy is None else solution.energy.bound / energy
        stated = solution.error, slope, solution.slope_error
        report.add(
            name, case.tolerance, error, *stated, bound, solution.solved, seconds, solution.coefficients
        )
    report.note(
        "Relative L2 errors of values and of gradients (H1), those stated beside them; the guaranteed bound in the energy "
        "norm over the true error of the gradient; N coefficients. CPU s hold errors and bound."
    )
    report.save()
    columns = ("problem", "tolerance", "largest error", "stated", "solved", "CPU s", "first value")
    report = Report(run, "eigenvalues", columns, (12, 9, 13, 9, 6, 8, 14))
    drums = [name for name in dict.fromkeys(chosen) if name in DRUMS]
    for name in drums[:1] if run.quick else drums:
        region, wanted, tolerance = DRUMS[name]
        problem = pde.Problem(region, [-pde.lap(u) == lam * u], pde.on(region.boundary["walls"], u == 0))
        clock = Clock()
        modes = pde.eigen(problem, 5, tolerance)
        seconds = clock.seconds
        error = float(np.abs(modes.values / wanted - 1).max())
        report.add(name, tolerance, error, modes.error, modes.solved, seconds, f"{modes.values[0]:.12f}")
    report.note(
        "The largest relative error of the first five eigenvalues of the Laplacian; those of the L-shape are known to "
        "fourteen digits by particular solutions (T. Betcke and L. N. Trefethen 2005, doi:10.1137/S0036144503437336)."
    )
    report.save()


if __name__ == "__main__":
    main()
