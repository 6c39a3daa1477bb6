"""Problems with known solutions, for the tests of the solver."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite import hermgauss

from edgewise.pde import (
    Problem,
    Vector,
    advect,
    box,
    coordinates,
    cos,
    div,
    dn,
    dx,
    exp,
    grad,
    lap,
    on,
    pi,
    sin,
    time,
    unknown,
)


def poisson():
    """The KAN paper's equation, and its solution."""
    x, y = coordinates("x", "y")
    u = unknown("u", x, y)
    square = box({x: (-1, 1), y: (-1, 1)})
    force = -(pi**2) * (1 + 4 * y**2) * sin(pi * x) * sin(pi * y**2) + 2 * pi * sin(pi * x) * cos(pi * y**2)
    problem = Problem(square, [lap(u) == force], on(square.boundary["walls"], u == 0))
    return problem, lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y**2)


def mixed():
    """Robin and Neumann conditions with a coefficient that varies."""
    x, y = coordinates("x", "y")
    u = unknown("u", x, y)
    square = box({x: (0, 1), y: (0, 2)})
    wanted = exp(x) * sin(y)
    force = (1 + x) * wanted + wanted - (1 + x) * wanted
    parts = square.boundary
    problem = Problem(
        square,
        [div((1 + x) * grad(u)) == force],
        [
            on(parts["left"], dn(u) + 2 * u == sin(y)),
            on(parts["right"], dn(u) == float(np.e) * sin(y)),
            on(parts["bottom"], u == 0),
            on(parts["top"], dx(u, y) == cos(2.0 * (y / y)) * exp(x)),
        ],
    )
    return problem, lambda x, y: np.exp(x) * np.sin(y)


def kovasznay(reynolds: float = 40.0):
    """Steady flow behind a grid: two velocities and a pressure."""
    x, y = coordinates("x", "y")
    u, v, p = (unknown(name, x, y) for name in "uvp")
    window = box({x: (-0.5, 1), y: (-0.5, 1.5)})
    nu = 1 / reynolds
    rate = 1 / (2 * nu) - float(np.sqrt(1 / (4 * nu**2) + 4 * np.pi**2))
    flow = Vector(u, v)
    along, across = 1 - exp(rate * x) * cos(2 * pi * y), rate / (2 * pi) * exp(rate * x) * sin(2 * pi * y)
    problem = Problem(
        window,
        [advect(flow, flow) + grad(p) == nu * lap(flow), div(flow) == 0],
        [
            on(window.boundary["walls"], u == along, v == across),
            on(window.boundary["left"], p == 0.5 * (1 - exp(2 * rate * x))),
        ],
    )
    return problem, {
        "u": lambda x, y: 1 - np.exp(rate * x) * np.cos(2 * np.pi * y),
        "v": lambda x, y: rate / (2 * np.pi) * np.exp(rate * x) * np.sin(2 * np.pi * y),
        "p": lambda x, y: 0.5 * (1 - np.exp(2 * rate * x)),
    }


def burgers(nu: float, end: float = 1.0):
    """A wave that steepens, and its solution by the transformation of Cole and Hopf."""
    (x,), t = coordinates("x"), time()
    u = unknown("u", x, t)
    strip = box({x: (-1, 1), t: (0, end)})
    problem = Problem(
        strip,
        [dx(u, t) + u * dx(u, x) == nu * dx(u, x, 2)],
        [on(strip.boundary["walls"], u == 0), on(strip.boundary["start"], u == -sin(pi * x))],
    )

    def exact(x, t):
        places, weights = hermgauss(160)
        moved = x[..., None] - np.sqrt(4 * nu * t[..., None]) * places
        power = -np.cos(np.pi * moved) / (2 * np.pi * nu)
        mass = weights * np.exp(power - power.max(-1, keepdims=True))
        return -(np.sin(np.pi * moved) * mass).sum(-1) / mass.sum(-1)

    return problem, exact


def wave():
    """Two standing waves on a string."""
    (x,), t = coordinates("x"), time()
    u = unknown("u", x, t)
    string = box({x: (0, 1), t: (0, 1)})
    problem = Problem(
        string,
        [dx(u, t, 2) == 4 * dx(u, x, 2)],
        [
            on(string.boundary["walls"], u == 0),
            on(string.boundary["start"], u == sin(pi * x) + 0.5 * sin(4 * pi * x), dx(u, t) == 0),
        ],
    )
    return (
        problem,
        lambda x, t: (
            np.sin(np.pi * x) * np.cos(2 * np.pi * t) + 0.5 * np.sin(4 * np.pi * x) * np.cos(8 * np.pi * t)
        ),
    )


def relative(solution, exact, unknown=None, count: int = 41) -> float:
    """Relative L2 error on a grid of places."""
    at = [np.linspace(low, high, count) for low, high in solution.problem.domain.bounds]
    wanted = exact(*np.meshgrid(*at, indexing="ij"))
    return float(np.linalg.norm(solution.grid(*at, unknown=unknown) - wanted) / np.linalg.norm(wanted))
