"""Eight problems of `equations.py` and `equation_shapes.py` as residuals of values and derivatives, which programs of others
take: they must be told what `pde.Problem` says in symbols.

Residuals get a table `j` with values `j["u", ""]` and derivatives `j["u", "xx"]` by the coordinates x and y (the second is
time where there is one), and the coordinates themselves, all torch tensors of one shape. Conditions hold on straight
segments. The problem is the same in both forms; Allen-Cahn's solution is even and periodic, which is to say without a slope
at its walls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import equation_shapes
import equations
import numpy as np
import torch
from torch import Tensor

from edgewise import pde

Jets = Mapping[tuple[str, str], Tensor]
Residuals = Callable[[Jets, Tensor, Tensor], list[Tensor]]
Place = tuple[float, float]


@dataclass(frozen=True)
class Terms:
    """A problem in two coordinates.

    Attributes
    ----------
    problem, tolerance : as edgewise takes them
    judge : () -> places along both coordinates and wanted values (unknowns, places, places), nan outside the domain
    corners : of the domain, counterclockwise
    orders : the derivatives that occur
    equations : their residuals
    conditions : residuals on segments, given by their ends
    linear : whether all residuals are linear
    fourier : arguments of `etdrk4.solve`, where it can solve the problem
    """

    problem: pde.Problem
    tolerance: float
    judge: Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]]
    corners: tuple[Place, ...]
    orders: tuple[str, ...]
    equations: Residuals
    conditions: tuple[tuple[Place, Place, Residuals], ...]
    unknowns: tuple[str, ...] = ("u",)
    linear: bool = True
    fourier: dict[str, Any] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[Place, Place]:
        """Of the smallest box around the domain."""
        x, y = np.array(self.corners).T
        return (float(x.min()), float(x.max())), (float(y.min()), float(y.max()))

    @property
    def box(self) -> bool:
        return len(self.corners) == 4

    def inside(self, at: np.ndarray) -> np.ndarray:
        """Which of these places (n, 2) of the box lie in the domain: all, or those of the L."""
        return np.ones(len(at), dtype=bool) if self.box else ~((at[:, 0] > 0) & (at[:, 1] > 0))


def rectangle(x: Place, y: Place) -> tuple[Place, ...]:
    return (x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])


def sides(corners: tuple[Place, ...], residuals: Residuals) -> tuple[tuple[Place, Place, Residuals], ...]:
    """The same condition all around."""
    return tuple((a, b, residuals) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True))


def judged(case: equations.Case) -> Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Where and by what `equations.py` judges."""

    def judge() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if case.reference is not None:
            x, t, wanted = case.reference
            return x, t, wanted[None]
        first, second = (np.linspace(low, high, 201) for low, high in case.problem.domain.bounds)
        places = np.meshgrid(first, second, indexing="ij")
        return first, second, np.array([exact(*places) for exact in case.exact.values()])

    return judge


def zero(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
    return [j["u", ""]]


def poisson() -> Terms:
    case, square, pi = equations.poisson_kan(), rectangle((-1, 1), (-1, 1)), torch.pi

    def equation(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        force = -(pi**2) * (1 + 4 * y**2) * torch.sin(pi * x) * torch.sin(pi * y**2)
        force = force + 2 * pi * torch.sin(pi * x) * torch.cos(pi * y**2)
        return [j["u", "xx"] + j["u", "yy"] - force]

    orders = ("", "xx", "yy")
    return Terms(case.problem, case.tolerance, judged(case), square, orders, equation, sides(square, zero))


def helmholtz() -> Terms:
    case, square, pi = equations.helmholtz(1, 4, 1e-9), rectangle((-1, 1), (-1, 1)), torch.pi

    def equation(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        force = (1 - 17 * pi**2) * torch.sin(pi * x) * torch.sin(4 * pi * y)
        return [j["u", "xx"] + j["u", "yy"] + j["u", ""] - force]

    orders = ("", "xx", "yy")
    return Terms(case.problem, case.tolerance, judged(case), square, orders, equation, sides(square, zero))


def layer() -> Terms:
    case, square, pi, eps = equations.layer(), rectangle((0, 1), (0, 1)), torch.pi, 1e-3

    def equation(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        # The layer itself solves eps w'' = w' but for a constant; of the sine's second derivative it has a share.
        front = torch.exp((x - 1) / eps)
        force = (1 + eps * pi**2 * (x - front)) * torch.sin(pi * y)
        return [-eps * (j["u", "xx"] + j["u", "yy"]) + j["u", "x"] - force]

    orders = ("", "x", "xx", "yy")
    return Terms(case.problem, case.tolerance, judged(case), square, orders, equation, sides(square, zero))


def wave() -> Terms:
    case, strip, pi = equations.wave(), rectangle((0, 1), (0, 1)), torch.pi

    def start(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        return [j["u", ""] - torch.sin(pi * x) - 0.5 * torch.sin(4 * pi * x), j["u", "y"]]

    low_left, low_right, high_right, high_left = strip
    return Terms(
        case.problem, case.tolerance, judged(case), strip, ("", "y", "xx", "yy"),
        lambda j, x, y: [j["u", "yy"] - 4 * j["u", "xx"]],
        ((low_left, low_right, start), (low_left, high_left, zero), (low_right, high_right, zero)),
    )  # fmt: skip


def burgers() -> Terms:
    nu = 0.01 / np.pi
    case, strip = equations.burgers(nu), rectangle((-1, 1), (0, 1))
    low_left, low_right, high_right, high_left = strip
    return Terms(
        case.problem, case.tolerance, judged(case), strip, ("", "x", "y", "xx"),
        lambda j, x, y: [j["u", "y"] + j["u", ""] * j["u", "x"] - nu * j["u", "xx"]],
        (
            (low_left, low_right, lambda j, x, y: [j["u", ""] + torch.sin(torch.pi * x)]),
            (low_left, high_left, zero),
            (low_right, high_right, zero),
        ),
        linear=False,
        fourier={
            "linear": lambda k: -nu * k**2,
            "nonlinear": lambda k, u: -0.5j * k * np.fft.fft(u**2),
            "start": lambda x: -np.sin(np.pi * x),
        },
    )  # fmt: skip


def allen_cahn() -> Terms:
    case, strip = equations.allen_cahn(), rectangle((-1, 1), (0, 1))
    low_left, low_right, high_right, high_left = strip

    def flat(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        return [j["u", "x"]]

    def moment(n: np.ndarray) -> np.ndarray:
        """The integral of x^2 cos(n pi x) over [-1, 1]."""
        safe = np.where(n == 0, 1, n)
        return np.where(n == 0, 2 / 3, 4 * np.cos(np.pi * n) / (np.pi * safe) ** 2)

    return Terms(
        case.problem, case.tolerance, judged(case), strip, ("", "x", "y", "xx"),
        lambda j, x, y: [j["u", "y"] - 1e-4 * j["u", "xx"] - 5 * (j["u", ""] - j["u", ""] ** 3)],
        (
            (low_left, low_right, lambda j, x, y: [j["u", ""] - x**2 * torch.cos(torch.pi * x)]),
            (low_left, high_left, flat),
            (low_right, high_right, flat),
        ),
        linear=False,
        fourier={
            "linear": lambda k: 5 - 1e-4 * k**2,
            "nonlinear": lambda k, u: -5 * np.fft.fft(u**3),
            "start": lambda x: x**2 * np.cos(np.pi * x),
            "coefficients": lambda n: (moment(n - 1) + moment(n + 1)) / 4,
        },
    )  # fmt: skip


def kovasznay() -> Terms:
    case, window, pi, nu = equations.kovasznay(), rectangle((-0.5, 1), (-0.5, 1.5)), torch.pi, 1 / 40
    rate = 1 / (2 * nu) - float(np.sqrt(1 / (4 * nu**2) + 4 * np.pi**2))

    def equation(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        u, v = j["u", ""], j["v", ""]
        across = [
            u * j[w, "x"] + v * j[w, "y"] + j["p", side] - nu * (j[w, "xx"] + j[w, "yy"])
            for w, side in (("u", "x"), ("v", "y"))
        ]
        return [*across, j["u", "x"] + j["v", "y"]]

    def walls(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        fall = torch.exp(rate * x)
        return [
            j["u", ""] - 1 + fall * torch.cos(2 * pi * y),
            j["v", ""] - rate / (2 * pi) * fall * torch.sin(2 * pi * y),
        ]

    def pressure(j: Jets, x: Tensor, y: Tensor) -> list[Tensor]:
        return [j["p", ""] - 0.5 * (1 - torch.exp(2 * rate * x))]

    orders, conditions = ("", "x", "y", "xx", "yy"), sides(window, walls)
    conditions = (*conditions, (window[0], window[3], pressure))
    return Terms(
        case.problem,
        case.tolerance,
        judged(case),
        window,
        orders,
        equation,
        conditions,
        ("u", "v", "p"),
        False,
    )


def ell() -> Terms:
    case = equation_shapes.ell()

    def judge() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.linspace(-1, 1, 201)
        return at, at, pde.solve(case.problem, 1e-11).grid(at, at)[None]

    corners = ((-1.0, -1.0), (1.0, -1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (-1.0, 1.0))
    orders = ("", "xx", "yy")
    return Terms(
        case.problem, case.tolerance, judge, corners, orders,
        lambda j, x, y: [-j["u", "xx"] - j["u", "yy"] - 1], sides(corners, zero),
    )  # fmt: skip


ROWS: dict[str, Callable[[], Terms]] = {
    "poisson-kan": poisson,
    "helmholtz-1-4": helmholtz,
    "layer, eps 1e-3": layer,
    "wave": wave,
    "kovasznay": kovasznay,
    "L-shape, -lap u = 1": ell,
    "burgers, nu .01/pi": burgers,
    "allen-cahn": allen_cahn,
}
