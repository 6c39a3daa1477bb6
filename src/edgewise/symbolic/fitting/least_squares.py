"""All constants of a formula fitted to data at once: Levenberg-Marquardt on the exact Jacobian.

References
----------
Moré (1978), The Levenberg-Marquardt algorithm: implementation and theory. doi:10.1007/BFb0067700
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise.forms.tree import Node
from edgewise.symbolic.costs import DAMPED
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.jumps import jump_errors

Floats = NDArray[np.float64]
_ROUNDING = 4e-15


@dataclass(frozen=True)
class Refit:
    """A formula with its constants fitted.

    Parameters
    ----------
    tree
        The formula with the new constants.
    constants
        Their values, in the order of the formula.
    standard_errors
        How far each could move without the data telling (infinite where it is not determined at all); valid for
        noise of unequal size too. A place of a jump moves freely between two rows.
    inflation
        The square of these over that of the errors that equal noise would give, at least 1.
    rss
        The weighted residual sum of squares; infinite where the formula is not finite on the data.
    dof
        Rows less constants.
    leave_one_out
        The root mean squared error of predicting each row from all others (to first order).
    known
        The variance of the noise of a row of weight one, where it was told.
    """

    tree: Node
    constants: Floats
    standard_errors: Floats
    inflation: Floats
    rss: float
    dof: int
    leave_one_out: float = np.inf
    known: float | None = None

    @property
    def variance(self) -> float:
        """The variance of the noise of a row of weight one: what was known of it, or the residual variance."""
        return self.rss / max(self.dof, 1) if self.known is None else self.known


def refit(
    tree: Node,
    columns: Sequence[str],
    X: Floats,
    y: Floats,
    weight: Floats | None = None,
    *,
    steps: int = 60,
    tolerance: float = 1e-13,
    variance: float | None = None,
) -> Refit:
    """Fit the float constants of a formula by least squares.

    Parameters
    ----------
    tree
        The formula; its float literals are the constants and their starts.
    columns
        Names of the columns of X.
    X, y
        Data (n, d) and (n,).
    weight
        How much each row counts, (n,).
    steps
        The most steps taken.
    tolerance
        Stop once a step promises less than this share of the residual sum of squares.
    variance
        The variance of the noise of a row of weight one, where it is known; the standard errors are then what it makes of
        them, whatever the formula leaves.

    Returns
    -------
    Refit

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.forms import parse
    >>> from edgewise.symbolic.fitting.least_squares import refit
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> fitted = refit(parse("1.0*exp(0.5*x)", ["x"]).tree, ["x"], x, 3 * np.exp(2 * x[:, 0]))
    >>> fitted.constants.round(9).tolist()
    [3.0, 2.0]
    """
    tape = Tape(tree, columns)
    root = np.ones(len(y)) if weight is None else np.sqrt(weight)
    constants = tape.start.copy()
    value, jacobian = tape.jacobian(constants, X)
    residual = (y - value) * root
    rss = _square(residual)
    floor = 1e-31 * _square(y * root) + 1e-300
    if not np.isfinite(rss) or not _bounded(jacobian) or tape.size == 0:
        unknown, plain = np.full(tape.size, np.inf), float(np.sqrt(rss / len(y)))
        return Refit(tree, constants, unknown, np.ones(tape.size), rss, len(y) - tape.size, plain, variance)
    damping, triangle, projected, scale = 1e-3, *_triangle(jacobian, residual, root)
    for _ in range(steps):
        DAMPED(len(y) * (tape.size + 1) ** 2)
        step = _solve(triangle, projected, damping) / scale
        trial = constants + step
        new_value = tape.value(trial, X)
        new_rss = _square((y - new_value) * root)
        # A denominator may take an infinite constant without a trace.
        if new_rss < rss and np.isfinite(trial).all():
            gained = rss - new_rss
            constants, rss = trial, new_rss
            value, jacobian = tape.jacobian(constants, X)
            if not _bounded(jacobian):
                break
            residual = (y - value) * root
            triangle, projected, scale = _triangle(jacobian, residual, root)
            damping = max(damping * 0.1, 1e-14)
            if rss <= floor or gained <= tolerance * rss:
                break
        else:
            damping *= 7
            if damping > 1e10:
                break
    dof = len(y) - tape.size
    weighted = jacobian * root[:, None] / scale
    # Floating point itself makes this much noise: no constant is known better than that.
    told = rss / max(dof, 1) if variance is None else variance
    noise = max(told, _square(y * root) / len(y) * _ROUNDING**2)
    errors, inflation, leverage = _standard_errors(triangle, weighted, residual, noise)
    if variance is not None:
        errors, inflation = errors / np.sqrt(inflation), np.ones_like(inflation)
    errors = np.nan_to_num(errors / scale, nan=np.inf, posinf=np.inf)
    if tape.jumps:
        still = np.flatnonzero(~jacobian.any(axis=0))
        errors[still] = jump_errors(tape, constants, still.tolist(), X, y, root, noise)
    held = np.sqrt(np.mean(np.square(residual / np.maximum(1 - leverage, 1e-3))))
    return Refit(
        tape.with_constants(constants.tolist()),
        constants,
        errors,
        inflation,
        rss,
        dof,
        float(held),
        variance,
    )


def _bounded(jacobian: Floats) -> bool:
    """Is every slope a number that can be calculated with? Beyond, the formula is about to blow up on some row."""
    return bool((np.abs(jacobian) < 1e150).all())


def _square(residual: Floats) -> float:
    with np.errstate(all="ignore"):
        total = float(residual @ residual)
    return total if np.isfinite(total) else np.inf


def _triangle(jacobian: Floats, residual: Floats, root: Floats) -> tuple[Floats, Floats, Floats]:
    """The R factor of the scaled Jacobian and the residual in its coordinates: normal equations would square the
    condition number."""
    jacobian = jacobian * root[:, None]
    peak = np.abs(jacobian).max(axis=0)
    peak[peak == 0] = 1.0
    # Squares of the entries themselves may overflow.
    scale = peak * np.sqrt(np.square(jacobian / peak).sum(axis=0))
    scale[scale == 0] = 1.0
    stacked = np.column_stack([jacobian / scale, residual])
    r = np.asarray(np.linalg.qr(stacked, mode="r"), dtype=np.float64)
    size = jacobian.shape[1]
    if r.shape[0] < size:
        r = np.vstack([r, np.zeros((size - r.shape[0], size + 1))])
    return r[:size, :size], r[:size, size], scale


def _solve(triangle: Floats, projected: Floats, damping: float) -> Floats:
    size = len(projected)
    system = np.vstack([triangle, np.sqrt(damping) * np.eye(size)])
    solution = np.linalg.lstsq(system, np.concatenate([projected, np.zeros(size)]), rcond=None)[0]
    return solution.astype(np.float64)


def _standard_errors(
    triangle: Floats, jacobian: Floats, residual: Floats, variance: float
) -> tuple[Floats, Floats, Floats]:
    """Heteroscedasticity-consistent errors that hold up in short tables (HC3: MacKinnon and White 1985,
    doi:10.1016/0304-4076(85)90158-7), never below those of equal noise; their inflation; each row's leverage."""
    left, singular, _ = np.linalg.svd(triangle.T)
    # Not "<": a fit that no constant moves has only zeros.
    undetermined = singular <= 1e-12 * singular[0]
    inverse = np.where(undetermined, 0.0, 1.0 / np.where(undetermined, 1.0, singular))
    equal = variance * np.square(left * inverse).sum(axis=1)
    with np.errstate(all="ignore"):
        gain = jacobian @ (left * inverse**2) @ left.T
        leverage = np.square(jacobian @ (left * inverse)).sum(axis=1)
        unequal = np.square(gain * (residual / np.maximum(1 - leverage, 1e-3))[:, None]).sum(axis=0)
        inflation = np.where(equal > 0, np.maximum(unequal / equal, 1.0), 1.0)
    errors = np.sqrt(equal * inflation)
    if undetermined.any():
        errors[np.square(left[:, undetermined]).sum(axis=1) > 1e-6] = np.inf
    return errors, inflation, leverage
