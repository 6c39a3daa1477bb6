"""What a search for constants and fields works with: open equations, a grid, where it stands, its normal equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import Layout
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.problem.jets import Compiled, Jet
from edgewise.pde.solvers.newton import Factor
from edgewise.pde.terms.constants import ConstantSymbol


@dataclass(frozen=True, eq=False)
class JointSystem:
    """Equations in coordinates, constants and jets, and the slopes of their residuals in each constant."""

    names: tuple[str, ...]
    constants: tuple[ConstantSymbol, ...]
    inside: Compiled
    tangents: tuple[Compiled, ...]
    faces: FaceConditions

    def at(self, values: Floats) -> Compiled:
        """The equations with numbers for the constants."""
        return bound(self.inside, values)


def bound(compiled: Compiled, constants: Floats) -> Compiled:
    """Functions of coordinates, constants and jets, with numbers for the constants."""
    count = len(constants)
    d = len(compiled.jets[0][1]) - count if compiled.jets else 0
    given = tuple(float(constant) for constant in constants)

    def with_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: function(*arguments[:d], *given, *arguments[d:])

    return replace(
        compiled,
        jets=tuple((f, orders[:d]) for f, orders in compiled.jets),
        values=with_numbers(compiled.values),
        slopes=with_numbers(compiled.slopes),
    )


@dataclass(frozen=True, eq=False)
class JointStage:
    """One grid: its layout, what meets the conditions, and what stands still on it."""

    spaces: tuple[Space, ...]
    layout: Layout
    lifts: tuple[Floats, ...]
    held: dict[Jet, Any]


@dataclass(frozen=True, eq=False)
class JointState:
    """Where the steps stand."""

    free: Floats
    constants: Floats
    sigma: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class JointNormal:
    """The normal equations at a state: the factor of the fields' band, and the Schur complement of the constants."""

    factor: Factor
    schur: Floats
    step: Floats
    constant_step: Floats
    misfit: tuple[float, ...]
    design: Any
    left: float

    @property
    def objective(self) -> float:
        return sum(self.misfit) + self.left


def places_of(space: Space) -> int:
    """Places of an interval at which equations are held beside data: half as many again as there are splines, at least
    three, and no more than integrate their squares exactly."""
    return min(max(3, -(-3 * space.size // (2 * space.intervals))), space.degree + 1)


def covariance(schur: Floats) -> Floats:
    """The inverse of normal equations; what they do not determine has a large variance, not none."""
    if not len(schur):
        return schur
    scale = 1 / np.sqrt(np.maximum(np.diag(schur), 1e-300))
    values, own = np.linalg.eigh(schur * scale[:, None] * scale)
    return np.asarray((own / np.maximum(values, 1e-12)) @ own.T * scale[:, None] * scale, dtype=float)


def twiced(spread: Floats, free: Floats) -> tuple[Floats, Floats]:
    """Covariance, and response to the data's slopes, of what was drawn to the first answer in place of zero.

    With B = `spread` times `free`, the share by which the first answer is drawn, the second is drawn by B B, and its mean
    square error, over noise and over weights as large as they are taken to be, is spread + (B - B B) spread.

    Parameters
    ----------
    spread : ndarray, shape (P, P)
        Inverse of the normal equations of the first.
    free : ndarray, shape (P,)
        One over the squares of the sizes of weights; zero for what is not drawn.
    """
    drawn = spread * free
    more = drawn @ spread
    return spread + more - drawn @ more, spread + more
