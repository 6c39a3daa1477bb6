"""Closed forms of solutions: how many of fifteen problems that have one give it back, exactly.

Each problem is solved to 1e-8 (the last to 1e-6) and asked for its formula; the formula is then inserted into the equations
and conditions, and compared with the closed form that is known: their difference must vanish by the rules of algebra.
EQUATIONS chooses problems.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import equations
import sympy as sp
from _common import Clock, Report, begin

from edgewise import pde
from edgewise.pde.results.formula import is_zero
from edgewise.pde.terms.text import read_term

_TOLERANCE = 1e-8
_FLOW = """
unknowns = ["u", "v", "p"]
equations = ["{rate}advect(flow, flow) + grad(p) = {nu}*lap(flow)", "div(flow) = 0"]
[constants]
flow = "vector(u, v)"
"""
_KOVASZNAY = "20 - sqrt(400 + 4*pi^2)"


@dataclass(frozen=True)
class Case:
    """A problem with its closed form; `of` is a term in the unknowns that has one where they have none.

    Unknowns in `open` are known up to a function of time alone.
    """

    problem: pde.Problem
    exact: dict[str, str]
    of: str | None = None
    tolerance: float = _TOLERANCE
    open: tuple[str, ...] = ()


def text(head: str, domain: str, conditions: str, exact: dict[str, str], of: str | None = None) -> Case:
    """A problem on a box."""
    file = f"{head}\n[domain]\n{domain}\n[conditions]\n{conditions}"
    return Case(pde.problem_from_toml(file).problem, exact, of)


def plane(equation: str, x: str, y: str, wanted: str, more: str = 'walls = "u = 0"') -> Case:
    """One unknown of two coordinates."""
    return text(f'unknowns = ["u"]\nequations = ["{equation}"]', f"x = {x}\ny = {y}", more, {"u": wanted})


def line(equation: str, x: str, t: str, wanted: str, conditions: str) -> Case:
    """One unknown of a coordinate and time."""
    return text(
        f'unknowns = ["u"]\nequations = ["{equation}"]', f"x = {x}\nt = {t}", conditions, {"u": wanted}
    )


def kovasznay() -> Case:
    """Flow behind a grid, Reynolds number 40."""
    wanted = {
        "u": f"1 - exp(({_KOVASZNAY})*x)*cos(2*pi*y)",
        "v": f"({_KOVASZNAY})/(2*pi)*exp(({_KOVASZNAY})*x)*sin(2*pi*y)",
        "p": f"(1 - exp(2*({_KOVASZNAY})*x))/2",
    }
    conditions = f'walls = ["u = {wanted["u"]}", "v = {wanted["v"]}"]\nleft = "p = {wanted["p"]}"'
    return text(_FLOW.format(rate="", nu="1/40"), "x = [-0.5, 1]\ny = [-0.5, 1.5]", conditions, wanted)


def taylor_green() -> Case:
    """Vortices that decay, on a torus."""
    decay = {"u": "-cos(x)*sin(y)*exp(-t/50)", "v": "sin(x)*cos(y)*exp(-t/50)"}
    pressure = "-(cos(2*x) + cos(2*y))*exp(-t/25)/4"
    return Case(equations.taylor_green().problem, {**decay, "p": pressure})


def beltrami() -> Case:
    """A flow along its own vorticity, in space and time."""
    velocities = {
        name: f"-(exp({a})*sin({b} + {c}) + exp({c})*cos({a} + {b}))*exp(-t)"
        for name, (a, b, c) in {"u": "xyz", "v": "yzx", "w": "zxy"}.items()
    }
    pressure = "+ ".join(
        f"exp(2*{a})/2 + sin({a} + {b})*cos({c} + {a})*exp({b} + {c})" for a, b, c in ("xyz", "yzx", "zxy")
    )
    exact = {**velocities, "p": f"-({pressure})*exp(-2*t)"}
    return Case(equations.beltrami().problem, exact, tolerance=1e-6, open=("p",))


def disk() -> Case:
    """A membrane on the unit disk."""
    x, y = pde.coordinates("x", "y")
    u, round_ = pde.unknown("u", x, y), pde.disk((x, y), (0, 0), 1)
    problem = pde.Problem(round_, [-pde.lap(u) == 1], pde.on(round_.boundary["walls"], u == 0))
    return Case(problem, {"u": "(1 - x^2 - y^2)/4"})


def couette() -> Case:
    """Speed between two cylinders, of which the inner one turns."""
    x, y = pde.coordinates("x", "y")
    w, ring = pde.unknown("w", x, y), pde.disk((x, y), (0, 0), 2) - pde.disk((x, y), (0, 0), 1)
    parts = ring.boundary
    speeds = [*pde.on(parts["outer"], w == 0), *pde.on(parts["hole"], w == 1)]
    problem = pde.Problem(ring, [pde.lap(w) == w / (x**2 + y**2)], speeds)
    return Case(problem, {"w": "(4/sqrt(x^2 + y^2) - sqrt(x^2 + y^2))/3"})


def coherent() -> Case:
    """A Gaussian that swings in a well: its density."""
    return Case(pde.gallery("coherent").problem, {"a^2 + b^2": "exp(-(x - cos(t))^2)/sqrt(pi)"}, "a^2 + b^2")


CASES: dict[str, Callable[[], Case]] = {
    "poisson-kan": lambda: Case(pde.gallery("poisson").problem, {"u": "sin(pi*x)*sin(pi*y^2)"}),
    "helmholtz-1-4": lambda: Case(pde.gallery("helmholtz").problem, {"u": "sin(pi*x)*sin(4*pi*y)"}),
    "kovasznay": kovasznay,
    "heat, one mode": lambda: text(
        'unknowns = ["u"]\nequations = ["dt(u) = lap(u)"]',
        "x = [0, 1]\ny = [0, 1]\nt = [0, 0.1]",
        'walls = "u = 0"\nstart = "u = sin(pi*x)*sin(pi*y)"',
        {"u": "exp(-2*pi^2*t)*sin(pi*x)*sin(pi*y)"},
    ),
    "wave": lambda: Case(
        pde.gallery("wave").problem,
        {"u": "sin(pi*x)*cos(2*pi*t) + sin(4*pi*x)*cos(8*pi*t)/2"},
    ),
    "poisson on the disk": disk,
    "couette": couette,
    "coherent state, density": coherent,
    "plate": lambda: Case(pde.gallery("plate").problem, {"u": "sin(pi*x)^2*sin(pi*y)^2"}),
    "laplace": lambda: plane(
        "lap(u) = 0", "[0, 1]", "[0, 2]", "exp(x)*sin(y) + x*y", 'walls = "u = exp(x)*sin(y) + x*y"'
    ),
    "travelling front": lambda: line(
        "dt(u) + u*dx(u, x) = 0.1*dx(u, x, 2)",
        "[-1, 1]",
        "[0, 1]",
        "1/2 - tanh(5*(x - t/2)/2)/2",
        '"walls | start" = "u = 1/2 - tanh(5*(x - t/2)/2)/2"',
    ),
    "damped oscillation": lambda: text(
        'unknowns = ["u"]\nequations = ["dx(u, x, 2) + 2*dx(u, x) + 5*u = 5*x + 2"]',
        "x = [0, 3]",
        'left = "u = 1"\nright = "u = exp(-3)*cos(6) + 3"',
        {"u": "exp(-x)*cos(2*x) + x"},
    ),
    "klein-gordon": lambda: line(
        "dt(u, 2) = dx(u, x, 2) - 3*u",
        "[0, 1]",
        "[0, 1]",
        "sin(pi*x)*cos(sqrt(pi^2 + 3)*t)",
        'walls = "u = 0"\nstart = ["u = sin(pi*x)", "dt(u) = 0"]',
    ),
    "taylor-green": taylor_green,
    "beltrami": beltrami,
}


def right(found: pde.SolutionFormula, case: Case) -> bool:
    """Whether every formula is the closed form that is known."""
    symbols = {coordinate.name: coordinate for coordinate in case.problem.domain.coordinates}
    wanted = {name: read_term(value, symbols).tree for name, value in case.exact.items()}

    def vanishes(name: str, apart: sp.Expr) -> bool:
        if name in case.open:
            places = [
                coordinate.tree for coordinate in case.problem.domain.coordinates if not coordinate.time
            ]
            return all(is_zero(sp.diff(apart, place)) for place in places)
        return is_zero(apart)

    return all(
        name in found.expressions and vanishes(name, sp.sympify(found.expressions[name]) - item)
        for name, item in wanted.items()
    )


def main() -> None:
    run = begin("solution_formulas", "Closed forms of solutions")
    columns = ("problem", "exact", "checked", "distance", "solve CPU s", "formula CPU s", "formula")
    report = Report(run, "in short", columns, (24, 6, 8, 10, 11, 13, 60))
    chosen = [name for name in os.environ.get("EQUATIONS", "").split(";") if name] or list(CASES)
    for name in chosen[:2] if run.quick else chosen:
        case, clock = CASES[name](), Clock()
        solution = pde.solve(case.problem, case.tolerance)
        solving, clock = clock.seconds, Clock()
        found = solution.formula(case.of)
        words = "; ".join(f"{unknown} = {item}" for unknown, item in found.texts.items()) or found.message
        distance = max(found.distances.values(), default=float("nan"))
        report.add(name, right(found, case), found.checked, distance, solving, clock.seconds, words)
    report.note(
        "Exact: equal to the known closed form by algebra. Checked: equations and conditions hold exactly."
    )
    order = list(CASES)
    report.rows = sorted([*report.rows, *report.earlier(1)], key=lambda row: order.index(row[0]))
    report.save()


if __name__ == "__main__":
    main()
