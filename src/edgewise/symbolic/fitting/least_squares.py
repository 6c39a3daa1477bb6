"""All constants of a formula fitted to data at once, on the exact Jacobian, and what the data show of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import bounded, damped_step, descended, squared, triangle
from edgewise.symbolic.fitting.jumps import jump_errors

# A chi-square is out of the ordinary where chance makes so few like it.
RARE_CHANCE = 1e-3

# What floating point makes of a number that went through a formula.
ROUNDING = 4e-15


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
        How far each could move within the noise of the data (infinite where it is not determined at all); valid for
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
        The variance of the noise of a row of weight one, where it is known.
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
    >>> from edgewise.forms import parse
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> fitted = refit(parse("1.0*exp(0.5*x)", ["x"]).tree, ["x"], x, 3 * np.exp(2 * x[:, 0]))
    >>> fitted.constants.round(9).tolist()
    [3.0, 2.0]
    """
    tape = Tape(tree, columns)
    root = np.ones(len(y)) if weight is None else np.sqrt(weight)
    problem = _Constants(tape, X, y, root)
    floor = 1e-31 * squared(y * root) + 1e-300
    found = descended(problem, tape.start.copy(), steps=steps, tolerance=tolerance, floor=floor)
    constants, rss, slopes = found.point, found.loss, found.slopes
    if slopes is None:
        unknown, plain = np.full(tape.size, np.inf), float(np.sqrt(rss / len(y)))
        return Refit(tree, constants, unknown, np.ones(tape.size), rss, len(y) - tape.size, plain, variance)
    dof = len(y) - tape.size
    scale, residual = slopes.scale, slopes.residual
    weighted = slopes.jacobian * root[:, None] / scale
    # Floating point itself makes this much noise: no constant is known better than that.
    unit_variance = rss / max(dof, 1) if variance is None else variance
    noise = max(unit_variance, squared(y * root) / len(y) * ROUNDING**2)
    errors, inflation, leverage = standard_errors(slopes.factor, weighted, residual, noise)
    if variance is not None:
        errors, inflation = errors / np.sqrt(inflation), np.ones_like(inflation)
    errors = np.nan_to_num(errors / scale, nan=np.inf, posinf=np.inf)
    if tape.jumps:
        still = np.flatnonzero(~slopes.jacobian.any(axis=0))
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


@dataclass(frozen=True, eq=False)
class _Slopes:
    """The Jacobian at some constants, the scale of its columns, and the weighted residual beside its R factor."""

    jacobian: Floats
    scale: Floats
    residual: Floats
    factor: Floats
    projected: Floats


@dataclass(frozen=True, eq=False)
class _Constants:
    """The weighted residuals of a formula as a function of its constants."""

    tape: Tape
    X: Floats
    y: Floats
    root: Floats

    def loss(self, constants: Floats) -> float:
        # A denominator may take an infinite constant without a trace.
        if not np.isfinite(constants).all():
            return np.inf
        return squared((self.y - self.tape.value(constants, self.X)) * self.root)

    def slopes(self, constants: Floats) -> _Slopes | None:
        value, jacobian = self.tape.jacobian(constants, self.X)
        if not bounded(jacobian) or self.tape.size == 0:
            return None
        residual, weighted = (self.y - value) * self.root, jacobian * self.root[:, None]
        peak = np.abs(weighted).max(axis=0)
        peak[peak == 0] = 1.0
        # Squares of the entries themselves may overflow.
        scale = peak * np.sqrt(np.square(weighted / peak).sum(axis=0))
        scale[scale == 0] = 1.0
        return _Slopes(jacobian, scale, residual, *triangle(weighted / scale, residual))

    def moved(self, constants: Floats, slopes: _Slopes, damping: float) -> Floats:
        charge(ROUTINE + FACTORED * len(self.y) * (self.tape.size + 1) ** 2)
        return constants + damped_step(slopes.factor, slopes.projected, damping) / slopes.scale


def standard_errors(
    factor: Floats, jacobian: Floats, residual: Floats, variance: float
) -> tuple[Floats, Floats, Floats]:
    """Heteroscedasticity-consistent errors that hold up in short tables (HC3: MacKinnon and White 1985,
    doi:10.1016/0304-4076(85)90158-7), never below those of equal noise; their inflation; each row's leverage."""
    left, singular, _ = np.linalg.svd(factor.T)
    # Not "<": a fit that no constant moves has only zeros.
    undetermined = singular <= 1e-12 * singular[0]
    inverse = np.where(undetermined, 0.0, 1.0 / np.where(undetermined, 1.0, singular))
    equal = variance * np.square(left * inverse).sum(axis=1)
    with np.errstate(all="ignore"):
        gain = jacobian @ ((left * inverse**2) @ left.T)
        leverage = np.square(jacobian @ (left * inverse)).sum(axis=1)
        unequal = np.square(gain * (residual / np.maximum(1 - leverage, 1e-3))[:, None]).sum(axis=0)
        inflation = np.where(equal > 0, np.maximum(unequal / equal, 1.0), 1.0)
    errors = np.sqrt(equal * inflation)
    if undetermined.any():
        errors[np.square(left[:, undetermined]).sum(axis=1) > 1e-6] = np.inf
    return errors, inflation, leverage
