"""Least squares for a formula some of whose constants only scale terms: these are solved for, the others are searched.

For given values of the other constants the linear ones follow from a linear problem, so only the others need a start
and take damped steps (variable projection; the steps are those of Ruhe and Wedin, with Kaufman's Jacobian). A descent
finds the minimum of its own valley alone. Many starts are therefore drawn around the given one, most of them on a scale
of decades, the best by their projected error descend, and the lowest minimum is the answer. At last Gauss-Newton steps
go on for as long as the gradient falls: the sum of squares stops distinguishing steps at half the digits of a float.

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
Ruhe, Wedin (1980), Algorithms for separable nonlinear least squares problems. SIAM Review 22(3). doi:10.1137/1022057
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable, substitute
from edgewise.symbolic.costs import FUNCTION, ROUTINE, SINGULAR, STEP
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import Damping, bounded, descended, squared


class StartEffort(NamedTuple):
    """Starts that are looked at, those that go some steps, those of these that go to the end, and the steps of a descent."""

    drawn: int
    tried: int
    finished: int
    steps: int


# A look is far cheaper than a descent, so that many starts cost little beside the few that go on; steps end by themselves.
EFFORT = StartEffort(600, 16, 6, 300)
# Rows that the first two looks at starts see: a look is far cheaper than a descent, so that many starts cost little.
_SEEN_ROWS = 1000
# Steps of a start that is tried, and the most for the last digits, which ends by itself.
_SHORT_STEPS = 12
_POLISHING_STEPS = 60
# How far starts lie from the given one, in turn (one standard deviation of each): from nearly right to a guessed decade.
_START_DECADES = (0.15, 0.5, 1.0, 1.7)
# So many times farther for a constant of which no start is given.
_GUESSED_FARTHER = 1.5
# Share of the starts in which a given constant has the other sign: that of what was measured is seldom wrong.
_FLIPPED_SHARE = 0.05
# Sums of squares closer than this share are the same minimum: what a descent leaves of it.
_SAME_MINIMUM = 1e-7
# A change of sign counts as so many squared e-foldings among equal minima: five, some two decades, are beyond most starts.
_SIGN_CHANGE = 25.0

Ints = NDArray[np.intp]

# What stands for zero in a logarithm.
_NONE = 1e-30
# Refusals in a row brake ever harder.
_DAMPING = Damping(falls=0.2, rises=2.0, swell=2.0, least=1e-15, most=1e12)
# Singular values below this share of the largest are rounding.
_SAME = 1e-14


@dataclass(frozen=True, eq=False)
class ProjectedFit:
    """Constants at a minimum.

    Parameters
    ----------
    constants
        In the order they were named.
    rss
        The weighted residual sum of squares; infinite where the formula has no value on some row.
    slope
        The part of the residual that the constants could still take away, to first order, as a share of it: zero at a
        minimum.
    """

    constants: Floats
    rss: float
    slope: float


def linear_constants(tree: Node, names: Sequence[str]) -> tuple[str, ...]:
    """Constants in which a formula is jointly linear, as many as a walk in their order takes in.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> linear_constants(parse("a + b*exp(-c*x)/d", ["x", "a", "b", "c", "d"]).tree, ["a", "b", "c", "d"])
    ('a', 'b')
    """
    chosen: tuple[str, ...] = ()
    for name in names:
        if _degree(tree, frozenset((*chosen, name))) == 1:
            chosen = (*chosen, name)
    return chosen


def _degree(node: Node, among: frozenset[str]) -> int:
    """0 where none of the names occurs, 1 where the formula is linear in them together, else 2."""
    if isinstance(node, Variable):
        return int(node.name in among)
    if isinstance(node, Number):
        return 0
    degrees = [_degree(argument, among) for argument in node.arguments]
    if node.function in ("+", "neg"):
        return max(degrees)
    if node.function == "*":
        return min(sum(degrees), 2)
    return 2 if any(degrees) else 0


class Separable:
    """A formula with named constants on data.

    Parameters
    ----------
    tree
        The formula; it holds no float literals.
    names
        Its constants.
    columns, X, y
        The data, (n, d) and (n,).
    root
        The root of how much each row counts, (n,).
    """

    def __init__(
        self, tree: Node, names: Sequence[str], columns: Sequence[str], X: Floats, y: Floats, root: Floats
    ) -> None:
        self.X, self.y, self.root = X, y, root
        self.linear = np.array([names.index(name) for name in linear_constants(tree, names)], dtype=np.intp)
        self.others = np.setdiff1d(np.arange(len(names)), self.linear)
        for at, name in enumerate(names):
            tree = substitute(tree, name, Number(float(at)))
        self._tape = Tape(tree, columns)
        # The tape's constants come in its own order; their starts show which is which.
        self._order = self._tape.start.astype(np.intp)
        self.count = len(names)

    def thinned(self, most: int) -> Separable:
        """The same on at most so many rows, evenly chosen."""
        if len(self.y) <= most:
            return self
        few = copy(self)
        rows = np.linspace(0, len(self.y) - 1, most).round().astype(np.intp)
        few.X, few.y, few.root = self.X[rows], self.y[rows], self.root[rows]
        return few

    @property
    def order(self) -> list[int]:
        """Which constant each float of `filled` is, in the order in which a tape meets them."""
        return [int(at) for at in self._order]

    def filled(self, constants: Floats) -> Node:
        """The formula with values as its floats."""
        return self._tape.with_constants(constants[self._order].tolist())

    def value(self, constants: Floats) -> Floats:
        return self._tape.value(constants[self._order], self.X)

    def residual(self, constants: Floats) -> Floats:
        return (self.y - self.value(constants)) * self.root

    def jacobian(self, constants: Floats) -> tuple[Floats, Floats]:
        """The weighted residual and the slope of the weighted formula in every constant."""
        charge(ROUTINE + FUNCTION * len(self.y))
        value, slopes = self._tape.jacobian(constants[self._order], self.X)
        table = np.zeros((len(self.y), self.count))
        table[:, self._order] = slopes
        return (self.y - value) * self.root, table * self.root[:, None]


def settled(tree: Node, columns: Sequence[str], X: Floats, y: Floats, root: Floats, steps: int = 100) -> Node:
    """A formula with its float literals where damped steps from them end, those that only scale terms solved for.

    Parameters
    ----------
    tree
        The formula.
    columns, X, y
        The data, (n, d) and (n,).
    root
        The root of how much each row counts, (n,).
    steps
        The most steps.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.forms.tree import render
    >>> x = np.linspace(0, 3, 40)
    >>> found = settled(parse("1.0*exp(1.5*x)", ["x"]).tree, ["x"], x[:, None], 3 * np.exp(-x), np.ones(40))
    >>> render(found)
    '3.0*exp(-1.0*x)'
    """
    own = Tape(tree, columns)
    names = [f"constant {at}" for at in range(own.size)]
    problem = Separable(own.with_constants([Variable(name) for name in names]), names, columns, X, y, root)
    return problem.filled(_descended(problem, own.start, steps).constants)


def minimum(
    problem: Separable,
    start: Floats,
    known: NDArray[np.bool_],
    rng: np.random.Generator,
    effort: StartEffort = EFFORT,
) -> ProjectedFit:
    """The lowest minimum found from a start and from others around it.

    Parameters
    ----------
    problem
        The formula on the data.
    start
        Where to start, for every constant.
    known
        Which starts are more than a guess: others are drawn further away, and with either sign.
    rng
        For the other starts.
    effort
        How many others.

    Returns
    -------
    ProjectedFit
    """
    others = problem.others
    given = [_descended(problem, start, effort.steps)]
    if len(others):
        few = problem.thinned(_SEEN_ROWS)
        drawn = _drawn(start, known, others, rng, effort.drawn)
        scores = [squared(few.residual(_solved(few, item))) for item in drawn]
        best = np.argsort(scores)[: effort.tried]
        tried = [_descended(few, drawn[at], _SHORT_STEPS) for at in best if np.isfinite(scores[at])]
        tried.sort(key=lambda fit: fit.rss)
        given += [_descended(problem, fit.constants, effort.steps) for fit in tried[: effort.finished]]
    floor = 1e-24 * squared(problem.y * problem.root)
    least = min(entry.rss for entry in given)
    # Where constants may change places the same minimum has several names: the one nearest to the start is meant.
    same = [entry for entry in given if entry.rss <= least * (1 + _SAME_MINIMUM) + floor]
    nearest = min(same, key=lambda item: _distance(item.constants[others], start[others]))
    return _polished(problem, nearest)


def _distance(constants: Floats, start: Floats) -> float:
    """How many squared e-foldings constants went from their start: being convex, it keeps constants in their order."""
    moved = np.log((np.abs(constants) + _NONE) / (np.abs(start) + _NONE))
    return float(np.sum(np.square(moved) + _SIGN_CHANGE * (np.sign(constants) != np.sign(start))))


def _drawn(
    start: Floats,
    known: NDArray[np.bool_],
    others: Ints,
    rng: np.random.Generator,
    count: int,
) -> Floats:
    """Starts around the given one, each constant some decades away; unknown ones have either sign."""
    far = np.array(_START_DECADES)
    drawn = np.tile(start, (count, 1))
    decades = far[np.arange(count) % len(far)][:, None] * np.where(known[others], 1.0, _GUESSED_FARTHER)
    flipped = rng.random((count, len(others))) < np.where(known[others], _FLIPPED_SHARE, 0.5)
    sign = np.where(flipped, -1.0, 1.0)
    size = np.where(start[others] == 0, 1.0, start[others])
    drawn[:, others] = sign * size * 10 ** (decades * rng.standard_normal((count, len(others))))
    return drawn


def _solved(problem: Separable, constants: Floats) -> Floats:
    """The constants with the linear ones at their best for the others."""
    linear = problem.linear
    if not len(linear):
        return constants
    solved = constants.copy()
    solved[linear] = 0.0
    residual, slopes = problem.jacobian(solved)
    design = slopes[:, linear]
    if not (np.isfinite(residual).all() and bounded(design)):
        return constants
    scale = _scale(design)
    charge(STEP + SINGULAR * design.size * len(linear))
    solved[linear] = np.linalg.lstsq(design / scale, residual, rcond=_SAME)[0] / scale
    return solved


@dataclass(frozen=True, eq=False)
class _Projected:
    """Residuals as a function of the constants that are not linear, the linear ones solved for at each."""

    problem: Separable

    def loss(self, constants: Floats) -> float:
        return squared(self.problem.residual(constants))

    def slopes(self, constants: Floats) -> tuple[Floats, Floats] | None:
        residual, slopes = self.problem.jacobian(constants)
        return (residual, slopes) if bounded(slopes) else None

    def moved(self, constants: Floats, slopes: tuple[Floats, Floats], damping: float) -> Floats:
        residual, table = slopes
        charge(ROUTINE + SINGULAR * table.size * table.shape[1])
        scale, others = _scale(table), self.problem.others
        # Only the searched constants are damped: what the linear ones can undo is then left out of the step.
        brake = np.zeros((len(others), self.problem.count))
        brake[np.arange(len(others)), others] = np.sqrt(damping)
        system = np.vstack([table / scale, brake])
        step = np.linalg.lstsq(system, np.r_[residual, np.zeros(len(others))], rcond=_SAME)[0] / scale
        trial = constants.copy()
        trial[others] += step[others]
        return _solved(self.problem, trial)


def _descended(problem: Separable, start: Floats, steps: int) -> ProjectedFit:
    """Damped steps in the constants that are not linear."""
    found = descended(
        _Projected(problem),
        _solved(problem, start),
        steps=steps if len(problem.others) else 0,
        floor=1e-30 * squared(problem.y * problem.root),
        damping=_DAMPING,
    )
    return ProjectedFit(found.point, found.loss, np.inf)


def _polished(problem: Separable, solution: ProjectedFit) -> ProjectedFit:
    """Gauss-Newton steps for as long as they take the slope down."""
    constants, best = solution.constants, solution
    for _ in range(_POLISHING_STEPS):
        residual, slopes = problem.jacobian(constants)
        rss = squared(residual)
        if not np.isfinite(rss) or not bounded(slopes) or rss > best.rss * (1 + 1e-6) + 1e-300:
            break
        scale = _scale(slopes)
        step = np.linalg.lstsq(slopes / scale, residual, rcond=_SAME)[0]
        slope = float(np.linalg.norm(slopes / scale @ step)) / (np.sqrt(rss) + 1e-300)
        if slope >= best.slope:
            break
        best = ProjectedFit(constants, rss, slope)
        constants = constants + step / scale
    return best


def _scale(slopes: Floats) -> Floats:
    scale = np.linalg.norm(slopes, axis=0)
    scale[scale == 0] = 1.0
    return scale
