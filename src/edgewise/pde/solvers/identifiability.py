"""Whether data determine the constants of equations: flat directions, diverging constants, equations that lose a term."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural
from edgewise.pde.solvers.joint_search import JointSearch, JointSearchEnd
from edgewise.pde.solvers.joint_system import covariance
from edgewise.pde.terms.constants import ConstantSymbol

# Data of which the unknowns follow all but this share determine no constants.
_LEAST_LEFT = 0.05
# Constants whose normal equations, scaled to a diagonal of ones, have a smaller eigenvalue are known only jointly.
_FLAT = 1e-9


def undetermined(search: JointSearch, end: JointSearchEnd) -> tuple[str, ...]:
    """A sentence for everything that makes the constants less certain than their errors show."""
    constants = search.system.constants
    if not constants:
        return ()
    freedom, schur = float(search.freedom(end.linear).sum()), end.linear.schur
    found = poorly_determined(constants, end.state.constants, schur, freedom, search.count)
    if not _together(schur) and (lost := _lost(search, end, covariance(schur))):
        sentence = (
            f"With these constants the equations have no {lost} any more, so that they hold for many more functions: other "
            "constants may explain the data as well. Give narrower bounds or another guess."
        )
        return (*found, sentence)
    return found


def poorly_determined(
    constants: Sequence[ConstantSymbol],
    values: Floats,
    schur: Floats,
    freedom: float,
    count: int,
) -> tuple[str, ...]:
    """Sentences about constants that data hardly determine.

    Parameters
    ----------
    constants : sequence of ConstantSymbol
    values : ndarray
    schur : ndarray
        The inverse of their covariance.
    freedom : float
        Values that the unknowns follow.
    count : int
        Of all values.
    """
    if not constants:
        return ()
    found: list[str] = []
    if count - freedom - len(constants) < _LEAST_LEFT * count:
        found.append(
            f"The unknowns follow {freedom:.0f} of {plural(count, 'value')}: hardly any are left to determine constants."
        )
    errors = np.sqrt(np.maximum(np.diag(covariance(schur)), 0.0))
    together = _together(schur)
    for c, value, error in zip(constants, values, errors, strict=True):
        if value in (c.low, c.high):
            found.append(f"'{c}' stands at the end of its bounds, {value:g}.")
        elif error > max(abs(value), abs(c.guess)) and not together:
            found.append(f"The data hardly determine '{c}': its error is larger than itself.")
    if together:
        names = " and ".join(f"'{constants[n]}'" for n in together)
        found.append(
            f"The data determine {names} only together: other values do as well. Give one of them as a number."
        )
    return tuple(found)


def _together(schur: Floats) -> tuple[int, ...]:
    """Which constants may be moved together without data and equations feeling it."""
    scale = 1 / np.sqrt(np.maximum(np.diag(schur), 1e-300))
    if len(scale) < 2:
        return ()
    values, own = np.linalg.eigh(schur * scale[:, None] * scale)
    return tuple(np.flatnonzero(np.abs(own[:, 0]) > 0.1).tolist()) if values[0] < _FLAT else ()


def _lost(search: JointSearch, end: JointSearchEnd, spread: Floats) -> str:
    """The highest derivative of an equation whose weight is zero within the errors of the constants; "" where none is."""
    constants = end.state.constants
    names, axes = search.system.names, [coordinate.name for coordinate in search.domain.coordinates]
    compiled = search.system.at(constants)
    weights = _weights(search, end, constants)
    for axis in range(len(axes)):
        for e in range(compiled.count):
            own = [(n, compiled.jets[j]) for n, (equation, j) in enumerate(compiled.entries) if equation == e]
            top = max((jet[1][axis] for _, jet in own), default=0)
            highest = [(n, jet) for n, jet in own if jet[1][axis] == top > 0]
            if len(highest) != 1:
                continue
            n, (f, orders) = highest[0]
            steps = 1e-6 * np.maximum(np.abs(constants), 1e-6)
            slopes = []
            for k, step in enumerate(steps):
                moved = constants.copy()
                moved[k] += step
                slopes.append((_weights(search, end, moved)[n] - weights[n]) / step)
            gram = np.array([[float((a * b).mean()) for b in slopes] for a in slopes])
            if float((weights[n] ** 2).mean()) <= 9 * float((spread * gram).sum()):
                return names[f] + "_" + "".join(axes[a] * order for a, order in enumerate(orders))
    return ""


def _weights(search: JointSearch, end: JointSearchEnd, constants: Floats) -> list[Floats]:
    """Derivatives of the equations in the jets at the places, with given constants."""
    patch = search.patch(end.stage, constants, 1.0)
    return patch.compiled.derivatives(patch.places(end.stage.spaces), patch.jets(end.fields))
