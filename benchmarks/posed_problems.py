"""Differential equations with one solution, none and many: does `solved` tell them apart, and is the error the stated one?

    python benchmarks/posed_problems.py [--count 300] [--seed 0]

Problems are drawn at random on every kind of domain: lines, time alone, squares, cubes, heat and waves in a box, disks,
ellipses and polygons, disks through time. Those with a solution are made from it (method of manufactured solutions), so the
true error is known. Those with none have a condition too many, no real solution, contradicting equations or sources that
do not balance; those with many lack a condition or are at resonance. A false word is `solved` with no warning for a problem
with none or many. Rows go to docs/rows/posed-problems.csv.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sympy as sp
from _common import Clock, common_options, machine
from scipy.special import jn_zeros

from edgewise import InputError, pde

ROW_FILE = Path(__file__).parent.parent / "docs" / "rows" / "posed-problems.csv"
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Posed:
    """A problem with the number of its solutions: "one", "none" or "many"; the one is given as a sympy expression."""

    name: str
    solutions: str
    problem: pde.Problem
    truth: Any = None


def smooth(rng: np.random.Generator, symbols: list[Any]) -> Any:
    """A random smooth function: a wave, a decay and a polynomial, multiplied or added."""
    number = lambda low, high: sp.Float(round(float(rng.uniform(low, high)), 3))  # noqa: E731
    parts = []
    for symbol in symbols:
        wave = sp.sin(number(0.5, 4) * symbol + number(0, 3))
        parts.append(
            [wave, sp.exp(-number(-1, 1.5) * symbol), 1 + number(-1, 1) * symbol**2][rng.integers(3)]
        )
    mixed = sp.prod(parts)
    return number(0.5, 2) * mixed + (
        number(-1, 1) * sp.cos(number(0.5, 3) * sum(symbols)) if rng.integers(2) else 0
    )


def line(rng: np.random.Generator) -> tuple[Any, Any, Any]:
    (x,) = pde.coordinates("x")
    low = float(round(rng.uniform(-1, 1), 2))
    return x, pde.unknown("u", x), pde.box({x: (low, low + float(round(rng.uniform(0.3, 4), 2)))})


def clock(rng: np.random.Generator) -> tuple[Any, Any, Any]:
    t = pde.time()
    return t, pde.unknown("u", t), pde.box({t: (0, float(round(rng.uniform(0.5, 5), 2)))})


def plane(rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    x, y = pde.coordinates("x", "y")
    sides = rng.uniform(0.6, 2, 2).round(2)
    return x, y, pde.unknown("u", x, y), pde.box({x: (0, float(sides[0])), y: (0, float(sides[1]))})


def shape(rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    x, y = pde.coordinates("x", "y")
    kind = rng.integers(3)
    if kind == 0:
        domain = pde.disk((x, y), radius=float(round(rng.uniform(0.5, 2), 2)))
    elif kind == 1:
        domain = pde.ellipse((x, y), radii=(1.0, float(round(rng.uniform(0.4, 0.9), 2))))
    else:
        top = float(round(rng.uniform(0.5, 1.5), 2))
        domain = pde.polygon((x, y), [(0, 0), (1, 0), (1.2, top), (0.1, 0.8)])
    return x, y, pde.unknown("u", x, y), domain


def source(operator: Callable[[Any], Any], truth: Any) -> Any:
    """What the operator gives on the truth, as an expression."""
    return sp.expand(operator(truth))


def cut(expression: Any, symbol: Any, at: float) -> float:
    return float(sp.N(expression.subs(symbol, at)))


def on_line(rng: np.random.Generator) -> Posed:
    """Two-point problems of second order: linear, with a cube, and stiff ones."""
    x, u, domain = line(rng)
    truth = smooth(rng, [x.tree])
    a, b, c = rng.uniform(-2, 2), rng.uniform(0, 3), rng.choice([0.0, 1.0])
    scale = float(rng.choice([1.0, 1.0, 0.01]))

    def operator(f: Any) -> Any:
        return -scale * sp.diff(f, x.tree, 2) + a * sp.diff(f, x.tree) + b * f + c * f**3

    equation = -scale * pde.dx(u, x, 2) + a * pde.dx(u, x) + b * u + c * u**3 == pde_of(operator(truth))
    (low, high), slope = domain.bounds[0], sp.diff(truth, x.tree)
    ends = [pde.on(domain.boundary["left"], u == cut(truth, x.tree, low))]
    if rng.integers(2) and a <= 0:
        ends.append(
            pde.on(
                domain.boundary["right"],
                pde.dx(u, x) + 2 * u == cut(slope + 2 * truth, x.tree, high),
            )
        )
    else:
        ends.append(pde.on(domain.boundary["right"], u == cut(truth, x.tree, high)))
    return Posed("line", "one", pde.Problem(domain, [equation], ends), truth)


def pde_of(tree: Any) -> Any:
    """A sympy expression as a term of an equation."""
    from edgewise.pde.terms.symbols import Expr

    return Expr(tree)


def from_start(rng: np.random.Generator) -> Posed:
    """Initial-value problems along a line or in time alone."""
    x, u, domain = clock(rng) if rng.integers(2) else line(rng)
    timed = domain.time is not None
    d = lambda n: pde.dx(u, x, n)  # noqa: E731
    truth, begin = smooth(rng, [x.tree]), domain.boundary["start" if timed else "left"]
    at = domain.bounds[0][0]
    a, c = rng.uniform(0, 3), rng.choice([0.0, 1.0])
    if rng.integers(2):
        right = sp.diff(truth, x.tree) + a * truth + c * truth**3
        problem = pde.Problem(
            domain,
            [d(1) + a * u + c * u**3 == pde_of(right)],
            [pde.on(begin, u == cut(truth, x.tree, at))],
        )
    else:
        right = sp.diff(truth, x.tree, 2) + a * truth
        slope = cut(sp.diff(truth, x.tree), x.tree, at)
        problem = pde.Problem(
            domain,
            [d(2) + a * u == pde_of(right)],
            [pde.on(begin, u == cut(truth, x.tree, at), d(1) == slope)],
        )
    return Posed("time" if timed else "from the left end", "one", problem, truth)


def two_on_line(rng: np.random.Generator) -> Posed:
    """Two unknowns of first order, the second the slope of the first."""
    x, u, domain = line(rng)
    v = pde.unknown("v", x)
    truth = smooth(rng, [x.tree])
    b = rng.uniform(0, 3)
    right = sp.diff(truth, x.tree, 2) - b * truth
    low, high = domain.bounds[0]
    problem = pde.Problem(
        domain,
        [pde.dx(u, x) == v, pde.dx(v, x) - b * u == pde_of(right)],
        [
            pde.on(domain.boundary["left"], u == cut(truth, x.tree, low)),
            pde.on(domain.boundary["right"], u == cut(truth, x.tree, high)),
        ],
    )
    return Posed("two unknowns", "one", problem, truth)


def elliptic(rng: np.random.Generator, on: str) -> Posed:
    """Diffusion with reaction on a square, a cube or a shape."""
    if on == "cube":
        x, y, z = pde.coordinates("x", "y", "z")
        u, domain = pde.unknown("u", x, y, z), pde.box({x: (0, 1), y: (0, 1), z: (0, 1)})
        axes = [x, y, z]
    else:
        x, y, u, domain = plane(rng) if on == "square" else shape(rng)
        axes = [x, y]
    truth = smooth(rng, [axis.tree for axis in axes])
    b, c = rng.uniform(0, 3), rng.choice([0.0, 0.0, 1.0])
    right = -sum(sp.diff(truth, axis.tree, 2) for axis in axes) + b * truth + c * truth**3
    equation = -pde.lap(u) + b * u + c * u**3 == pde_of(right)
    parts = [name for name in ("walls", "rim") if name in domain.boundary] or list(domain.boundary)
    conditions = [pde.on(domain.boundary[name], u == pde_of(truth)) for name in parts]
    return Posed(on, "one", pde.Problem(domain, [equation], conditions), truth)


def heat(rng: np.random.Generator, on: str) -> Posed:
    """Diffusion through time with a source, in a rod or on a shape."""
    t = pde.time()
    if on == "rod":
        (x,) = pde.coordinates("x")
        u, domain, axes = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 0.5)}), [x]
    else:
        x, y, _, still = shape(rng)
        u, domain, axes = pde.unknown("u", x, y, t), still.during({t: (0, 0.3)}), [x, y]
    truth = smooth(rng, [*(axis.tree for axis in axes), t.tree])
    k, b = rng.uniform(0.1, 1), rng.uniform(-1, 1)
    right = sp.diff(truth, t.tree) - k * sum(sp.diff(truth, axis.tree, 2) for axis in axes) + b * truth
    equation = pde.dx(u, t) - k * sum(pde.dx(u, axis, 2) for axis in axes) + b * u == pde_of(right)
    parts = [name for name in domain.boundary if name not in ("start", "end")]
    parts = [name for name in ("walls", "rim") if name in parts] or parts
    conditions = [pde.on(domain.boundary[name], u == pde_of(truth)) for name in parts]
    conditions.append(pde.on(domain.boundary["start"], u == pde_of(truth.subs(t.tree, 0))))
    return Posed(f"heat, {on}", "one", pde.Problem(domain, [equation], conditions), truth)


def wave(rng: np.random.Generator) -> Posed:
    (x,), t = pde.coordinates("x"), pde.time()
    u, domain = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 1)})
    k, c = int(rng.integers(1, 4)), float(round(rng.uniform(0.5, 2), 2))
    truth = sp.sin(k * sp.pi * x.tree) * sp.cos(k * c * sp.pi * t.tree)
    problem = pde.Problem(
        domain,
        [pde.dx(u, t, 2) == c**2 * pde.dx(u, x, 2)],
        [
            pde.on(domain.boundary["walls"], u == 0),
            pde.on(domain.boundary["start"], u == pde_of(truth.subs(t.tree, 0)), pde.dx(u, t) == 0),
        ],
    )
    return Posed("wave", "one", problem, truth)


def too_many_conditions(rng: np.random.Generator) -> Posed:
    kind = rng.integers(4)
    if kind == 3:
        x, _, u, domain = plane(rng)
        walls = domain.boundary["walls"]
        return Posed(
            "too many conditions, square",
            "none",
            pde.Problem(
                domain,
                [pde.lap(u) == -float(rng.uniform(0.5, 2))],
                [
                    pde.on(walls, u == 0),
                    pde.on(domain.boundary["left"], pde.dx(u, x) == float(rng.uniform(2, 4))),
                ],
            ),
        )
    x, u, domain = clock(rng) if rng.integers(3) == 0 else line(rng)
    left, right = (
        domain.boundary["start" if domain.time is not None else "left"],
        domain.boundary["end" if domain.time is not None else "right"],
    )
    span = np.ptp(domain.bounds[0])
    a = float(rng.uniform(0.5, 2))
    if kind == 0:
        conditions = [pde.on(left, u == 0), pde.on(right, u == a * span + float(rng.uniform(0.5, 3)))]
        return Posed("too many conditions", "none", pde.Problem(domain, [pde.dx(u, x) == a], conditions))
    conditions = [
        pde.on(left, u == 0, pde.dx(u, x) == a) if kind == 1 else pde.on(left, u == 0),
        pde.on(right, u == 0) if kind == 1 else pde.on(right, u == 0, pde.dx(u, x) == 4 * a * span),
    ]
    return Posed("too many conditions", "none", pde.Problem(domain, [pde.dx(u, x, 2) == a], conditions))


def no_real_solution(rng: np.random.Generator) -> Posed:
    a = float(rng.uniform(0.5, 3))
    kind = rng.integers(7)
    if kind < 4:
        x, u, domain = line(rng)
        slope, walls = pde.dx(u, x), pde.on(domain.boundary["walls"], u == 0)
        left = pde.on(domain.boundary["left"], u == 0)
        equation, conditions = [
            (slope**2 == -a, [left]),
            (u**2 == -a, []),
            (slope**2 == a + x, [walls]) if domain.bounds[0][0] > 0 else (slope**2 == a, [walls]),
            (slope**2 + pde.dx(u, x, 2) ** 2 == -a, [walls]),
        ][kind]
        return Posed("no real solution", "none", pde.Problem(domain, [equation], conditions))
    x, y, u, domain = plane(rng)
    walls = pde.on(domain.boundary["walls"], u == 0)
    steep = pde.dx(u, x) ** 2 + pde.dx(u, y) ** 2
    equation = [steep == -a, steep == a, u * pde.lap(u) == -a - x][kind - 4]
    return Posed("no smooth solution, square", "none", pde.Problem(domain, [equation], [walls]))


def contradicting(rng: np.random.Generator) -> Posed:
    a = float(rng.uniform(0.5, 2))
    kind = rng.integers(3)
    if kind == 0:
        x, u, domain = line(rng)
        equations = [pde.dx(u, x) == a, pde.dx(u, x, 2) == a]
        return Posed(
            "contradicting equations",
            "none",
            pde.Problem(domain, equations, [pde.on(domain.boundary["left"], u == 0)]),
        )
    x, y, u, domain = plane(rng)
    walls = pde.on(domain.boundary["walls"], u == 0)
    equations = [pde.lap(u) == 0, u == a * x * y + 1] if kind == 1 else [pde.lap(u) == -a, pde.dx(u, x) == a]
    return Posed("contradicting equations, square", "none", pde.Problem(domain, equations, [walls]))


def unbalanced(rng: np.random.Generator) -> Posed:
    """Sources without an outlet."""
    a = float(rng.uniform(0.5, 2))
    kind = rng.integers(3)
    if kind == 0:
        x, u, domain = line(rng)
        parts, left = ["walls"], pde.dx(u, x, 2) == a
    elif kind == 1:
        x, _, u, domain = plane(rng)
        parts, left = ["walls"], pde.lap(u) == a
    else:
        x, _, u, domain = shape(rng)
        parts = ["rim"] if "rim" in domain.boundary else list(domain.boundary)
        left = pde.lap(u) == a
    conditions = [pde.on(domain.boundary[name], pde.dn(u) == 0) for name in parts]
    return Posed("unbalanced sources", "none", pde.Problem(domain, [left], conditions))


def backward_heat(rng: np.random.Generator) -> Posed:
    (x,), t = pde.coordinates("x"), pde.time()
    u, domain = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 1)})
    start = pde.sin(pde.pi * x) + float(rng.uniform(0.1, 1)) * x * (1 - x)
    return Posed(
        "backward heat",
        "none",
        pde.Problem(
            domain,
            [pde.dx(u, t) == -float(rng.uniform(0.2, 1)) * pde.dx(u, x, 2)],
            [pde.on(domain.boundary["walls"], u == 0), pde.on(domain.boundary["start"], u == start)],
        ),
    )


def resonance(rng: np.random.Generator) -> Posed:
    kind = rng.integers(4)
    if kind < 2:
        (x,) = pde.coordinates("x")
        u, k = pde.unknown("u", x), int(rng.integers(1, 4))
        length = float(rng.uniform(0.5, 3))
        domain = pde.box({x: (0, length)})
        pushed = float(rng.uniform(1, 3)) if k % 2 == 0 and rng.integers(2) else 0
        walls = pde.on(domain.boundary["walls"], u == 0 if kind == 0 or pushed else pde.dx(u, x) == 0)
        equation = pde.dx(u, x, 2) + (k * np.pi / length) ** 2 * u == pushed
        return Posed("resonance", "many", pde.Problem(domain, [equation], [walls]))
    if kind == 2:
        x, y, u, domain = plane(rng)
        (_, a), (_, b) = domain.bounds
        k, m = rng.integers(1, 4, 2)
        value = float(np.pi**2 * ((k / a) ** 2 + (m / b) ** 2))
        walls = pde.on(domain.boundary["walls"], u == 0)
        return Posed("resonance, square", "many", pde.Problem(domain, [pde.lap(u) + value * u == 0], [walls]))
    x, y = pde.coordinates("x", "y")
    u, radius = pde.unknown("u", x, y), float(round(rng.uniform(0.5, 2), 2))
    domain = pde.disk((x, y), radius=radius)
    value = float((jn_zeros(int(rng.integers(0, 3)), 2)[-1] / radius) ** 2)
    rim = pde.on(domain.boundary["rim"], u == 0)
    return Posed("resonance, disk", "many", pde.Problem(domain, [pde.lap(u) + value * u == 0], [rim]))


def condition_missing(rng: np.random.Generator) -> Posed:
    a = float(rng.uniform(0.5, 2))
    kind = rng.integers(5)
    if kind == 0:
        x, u, domain = line(rng)
        return Posed("condition missing", "many", pde.Problem(domain, [pde.dx(u, x) + a * u == 1], []))
    if kind == 1:
        x, u, domain = clock(rng) if rng.integers(2) else line(rng)
        begin = domain.boundary["start" if domain.time is not None else "left"]
        return Posed(
            "condition missing",
            "many",
            pde.Problem(domain, [pde.dx(u, x, 2) == -a * u], [pde.on(begin, u == 1)]),
        )
    if kind == 2:
        x, _, u, domain = plane(rng)
        conditions = [pde.on(domain.boundary[name], u == 0) for name in ("left", "right", "bottom")]
        return Posed("wall missing", "many", pde.Problem(domain, [pde.lap(u) == -a], conditions))
    (x,), t = pde.coordinates("x"), pde.time()
    u, domain = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 0.5)})
    walls = pde.on(domain.boundary["walls"], u == 0)
    pushed = a if kind == 3 else 0
    return Posed(
        "start missing", "many", pde.Problem(domain, [pde.dx(u, t) == pde.dx(u, x, 2) + pushed], [walls])
    )


SOLVABLE: list[Callable[[np.random.Generator], Posed]] = [
    on_line,
    from_start,
    two_on_line,
    lambda rng: elliptic(rng, "square"),
    lambda rng: heat(rng, "rod"),
    on_line,
    from_start,
    lambda rng: elliptic(rng, "shape"),
    wave,
    lambda rng: elliptic(rng, "square"),
    lambda rng: elliptic(rng, "cube"),
    lambda rng: heat(rng, "shape"),
]
ILL_POSED = [
    too_many_conditions,
    no_real_solution,
    resonance,
    condition_missing,
    contradicting,
    unbalanced,
    too_many_conditions,
    no_real_solution,
    resonance,
    condition_missing,
    backward_heat,
]


def problems(seed: int, count: int) -> list[Posed]:
    """Half of them with a solution."""
    rng = np.random.default_rng(seed)
    return [
        (SOLVABLE[(at // 2) % len(SOLVABLE)] if at % 2 == 0 else ILL_POSED[(at // 2) % len(ILL_POSED)])(rng)
        for at in range(count)
    ]


def true_error(posed: Posed, solution: pde.Solution) -> float:
    """Relative root of the mean square of the error, at random places."""
    places = posed.problem.domain.somewhere(2000, np.random.default_rng(1))
    symbols = [coordinate.tree for coordinate in posed.problem.domain.coordinates]
    truth = np.broadcast_to(sp.lambdify(symbols, posed.truth, "numpy")(*places.T), len(places))
    values = solution(*places.T, unknown="u")
    return float(np.linalg.norm(values - truth) / np.linalg.norm(truth))


COLUMNS = ["number", "problem", "solutions", "answer", "road", "stated error", "true error", "CPU s", "words"]


def row(number: int, posed: Posed) -> list[Any]:
    watch = Clock()
    try:
        solution = pde.solve(posed.problem, tolerance=TOLERANCE)
    except InputError as error:
        return [
            number,
            posed.name,
            posed.solutions,
            "refused",
            "",
            "",
            "",
            f"{watch.seconds:.2f}",
            str(error)[:160],
        ]
    except Exception as error:
        return [
            number,
            posed.name,
            posed.solutions,
            "crashed",
            "",
            "",
            "",
            f"{watch.seconds:.2f}",
            repr(error)[:160],
        ]
    truth = f"{true_error(posed, solution):.1e}" if posed.truth is not None else ""
    answer = "solved" if solution.solved else "not solved"
    return [
        number, posed.name, posed.solutions, answer, solution.road, f"{solution.error:.1e}", truth,
        f"{watch.seconds:.2f}", solution.message[:200],
    ]  # fmt: skip


def main() -> None:
    import csv

    parser = argparse.ArgumentParser(
        prog="benchmarks/posed_problems.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write docs/rows/posed-problems.csv")
    common_options(parser, "40 problems")
    options = parser.parse_args()
    count = 40 if options.quick else options.count
    print(f"# Problems with one solution, none and many\n{machine()}\n")
    rows = []
    for number, posed in enumerate(problems(options.seed, count)):
        rows.append(row(number, posed))
        false = (rows[-1][3] == "solved") != (posed.solutions == "one")
        print("!!" if false else "  ", *rows[-1], flush=True)
    false = [item for item in rows if item[2] != "one" and item[3] == "solved"]
    solvable = [item for item in rows if item[2] == "one"]
    refused = [item for item in solvable if item[3] != "solved"]
    ratios = sorted(float(e[6]) / float(e[5]) for e in solvable if e[3] == "solved" and float(e[6]) > 1e-12)
    others = len(rows) - len(solvable)
    print(
        f"\nfalse 'solved': {len(false)} of {others}; refused of the solvable: {len(refused)} of {len(solvable)}"
    )
    print(f"true error over the stated: median {np.median(ratios):.2f}, largest {ratios[-1]:.2f}")
    if options.write:
        with ROW_FILE.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
