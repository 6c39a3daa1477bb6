"""Candidates made final: constants fitted, those without effect dropped, and the best kept as a Pareto front."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgewise.forms.tree import Node, Number, names_in, render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.criterion import criterion
from edgewise.symbolic.fitting.least_squares import Refit, refit
from edgewise.symbolic.provenance import like
from edgewise.symbolic.univariate.curve import NEAR_EXACT_TIMES, CurvePoints
from edgewise.symbolic.univariate.trees import floats_in, is_finite, size, tidy

# Points that constants are fitted to; twice as many where there is noise: a residual above this share of the spread.
_FITTED_POINTS = 300
_NOISE_SHARE = 1e-5
# Nats that a node and a constant cost; among thousands of candidates chance alone gains a dozen.
NODE_NATS = 2.0
# A candidate is not pursued where a formula no longer than it could become has at most this share of its residual.
_BEATEN_BY = 0.9
# A candidate is not fitted where one with so many nodes less has at most this share of its residual.
_BEATEN_SHARE = 0.3
_BEATEN_NODES = 6
# Standard errors within which a constant is zero or one; those of powers count as no larger than this, for powers are whole
# or far from it.
_INTERVAL_ERRORS = 4.0
_POWER_ERROR = 0.05
# Constants that are tried singly, the surest first.
_SINGLE_PROPOSALS = 5
# A constant is simple that is this close to a simple number, as a share of it, and within this share of the residual.
_SIMPLE_REACH = 0.003
_SIMPLE_SHARE = 0.1
# The numerator of a simple number at most.
_LARGEST_SIMPLE = 12
# Steps of a fit, of those that may be the law at the end, and of the others.
_STEPS = 40
_LAST_STEPS = 60
_LOOSE_STEPS = 8
# Nats by which a longer description than the shortest stays, in the search and at the end: points hardly tell them apart.
_SEARCH_SLACK = 25.0
_LAST_SLACK = 8.0
# Formulas that are fitted at the end beyond those that are returned.
_SPARE_FORMULAS = 4

_NAMES = ("x",)
# What floats leave of numbers of one's size.
_ROUNDING = 30 * 1e-15


@dataclass(frozen=True)
class FittedForm:
    """A closed form of one variable, fitted to a curve.

    Parameters
    ----------
    tree
        The formula in the variable x; its floats are the fitted constants.
    residual
        The root mean squared residual over the spread of y.
    complexity
        Operators, functions, variables and constants.
    """

    tree: Node
    residual: float
    complexity: int


def residual_of(tree: Node, points: CurvePoints) -> float:
    """The relative residual of a formula as it stands; infinite where it is not finite."""
    tape = Tape(tree, _NAMES)
    with np.errstate(all="ignore"):
        left = points.y - tape.value(tape.start, points.x[:, None])
        total = float(np.mean(points.weight * left * left))
    return math.sqrt(total) / points.spread if math.isfinite(total) else math.inf


def fitted(tree: Node, points: CurvePoints, steps: int, tolerance: float = 1e-4) -> tuple[Refit, float]:
    """The formula refitted, and its relative residual.

    Steps that gain less than the tolerance end a fit that is not the law; towards the law they gain ever more.
    """
    with np.errstate(all="ignore"):
        fit = refit(
            tree, _NAMES, points.x[:, None], points.y, points.weight, steps=steps, tolerance=tolerance
        )
    return fit, _relative(fit.rss, points)


def _relative(rss: float, points: CurvePoints) -> float:
    return math.sqrt(rss / len(points.y)) / points.spread if math.isfinite(rss) else math.inf


def finish(
    tree: Node, points: CurvePoints, steps: int, rivals: Iterable[FittedForm] = ()
) -> FittedForm | None:
    """Fit all constants, drop those without effect, and judge.

    Parameters
    ----------
    tree
        The candidate, its floats near where they belong.
    points
        The curve.
    steps
        The most steps of a fit.
    rivals
        Formulas already found: what one of them beats by far is not pursued.

    Returns
    -------
    FittedForm or None
        None where the formula is not finite on the points, or beaten.
    """
    source, tree = tree, tidy(tree)
    fit, value = fitted(tree, points, steps)
    if not math.isfinite(value) or not is_finite(fit.tree):
        return None
    least = size(tree) - 3 * len(_vanishing(fit))
    if any(rival.residual <= _BEATEN_BY * value and rival.complexity <= least for rival in rivals):
        return None
    fit, value = _pruned(fit, value, points, steps)
    if not math.isfinite(value) or not is_finite(fit.tree):
        return None
    return FittedForm(like(fit.tree, source), value, size(fit.tree))


def _pruned(fit: Refit, value: float, points: CurvePoints, steps: int) -> tuple[Refit, float]:
    """Constants that are zero or one within the errors of the data become so; all together first, then one by one."""
    n = len(points.y)
    # BIC: what leaves may cost what chance would have it cost.
    slack = math.exp(math.log(n) / n)
    allowed = max(value * slack, _ROUNDING * float(np.abs(points.y).max()) / points.spread)
    if value > 1e-3 * points.exact:
        allowed = max(allowed, points.exact)
    proposals = _vanishing(fit)
    if len(proposals) > 1:
        tried = _replaced(fit, proposals, points, steps)
        if tried is not None and tried[1] <= allowed:
            return _pruned(*tried, points, steps)
    if value > NEAR_EXACT_TIMES * max(points.noise, points.exact):
        # No law yet: not worth the fits.
        return fit, value
    half = proposals[: len(proposals) // 2]
    single = [[proposal] for proposal in proposals[:_SINGLE_PROPOSALS]]
    for chosen in [half, *single] if len(half) > 1 else single:
        tried = _replaced(fit, chosen, points, steps)
        if tried is not None and tried[1] <= allowed:
            return _pruned(*tried, points, steps)
    return fit, value


def _vanishing(fit: Refit) -> list[tuple[int, int]]:
    """(constant, whole number) for constants within their error of 0, 1 or -1, the surest first; powers may be any whole
    number, for x^7.003 is another function where x is negative."""
    found: list[tuple[float, int, int]] = []
    largest = max((abs(value) for value in fit.constants.tolist()), default=1.0)
    powers = Tape(fit.tree, _NAMES).exponents
    for at, (value, error) in enumerate(
        zip(fit.constants.tolist(), fit.standard_errors.tolist(), strict=True)
    ):
        whole = (round(value),) if at in powers and 1 < abs(value) < 9.5 else (0, 1, -1)
        for exact in whole:
            reach = _INTERVAL_ERRORS * min(error, _POWER_ERROR if at in powers else math.inf)
            reach += 1e-7 * (min(largest, 1.0) if exact == 0 else 1.0)
            if abs(value - exact) <= reach:
                rank = abs(value - exact) / (error + 1e-300) if math.isfinite(error) else -1.0
                found.append((rank, at, exact))
                break
    return [(at, exact) for _, at, exact in sorted(found)]


def _replaced(
    fit: Refit, proposals: list[tuple[int, int]], points: CurvePoints, steps: int
) -> tuple[Refit, float] | None:
    constants: list[float | Node] = list(fit.constants.tolist())
    for at, exact in proposals:
        constants[at] = Number(exact)
    tree = tidy(Tape(fit.tree, _NAMES).with_constants(constants))
    if not is_finite(tree) or "x" not in names_in(tree):
        return None
    return fitted(tree, points, steps)


def description(found: FittedForm, points: CurvePoints) -> float:
    """The length of a description of the data by a formula, in nats up to a constant: residuals, nodes and constants
    (Rissanen 1978, doi:10.1016/0005-1098(78)90005-5; half a log n a constant)."""
    n = len(points.y)
    # Below this the residual is rounding error.
    floor = _ROUNDING * max(1.0, float(np.abs(points.y).max()) / points.spread)
    measured = ugly(found)
    nodes = found.complexity + measured
    return criterion(found.residual, nodes, n, measured, node=NODE_NATS, floor=floor)


def ugly(found: FittedForm) -> int:
    """How many constants are no simple numbers."""
    return sum(not _simple(value, found.residual) for value in floats_in(found.tree))


def _simple(value: float, residual: float) -> bool:
    """Is a constant a small whole number, half or third as far as the residual lets one see?"""
    reach = min(max(1e-7, _SIMPLE_SHARE * residual), _SIMPLE_REACH)
    return abs(value) < 100 and any(
        abs(value * bottom - round(value * bottom)) <= reach * abs(value) * bottom
        and abs(round(value * bottom)) <= _LARGEST_SIMPLE
        for bottom in (1, 2, 3)
    )


class Front:
    """The best formulas met so far, judged on a thinned curve; the final front is fitted on all of it."""

    def __init__(self, points: CurvePoints) -> None:
        self.points = points
        self.few = points.thinned(_FITTED_POINTS if points.noise <= _NOISE_SHARE else 2 * _FITTED_POINTS)
        self.met: dict[str, FittedForm] = {}

    def offer(self, tree: Node, steps: int | None = None) -> FittedForm | None:
        """Finish a candidate and remember it."""
        found = finish(tree, self.few, steps or _STEPS, self.met.values())
        if found is not None:
            self.met.setdefault(render(found.tree), found)
        return found

    def beaten(self, nodes: int, residual: float, *, settled: bool = False) -> bool:
        """Is something simpler and closer known: by far, or at all where the constants are settled already?"""
        share, fewer = (1.0, 2) if settled else (_BEATEN_SHARE, _BEATEN_NODES)
        return any(
            formula.residual <= share * residual and formula.complexity <= nodes - fewer
            for formula in self.met.values()
        )

    def best(self) -> FittedForm | None:
        """The one of shortest description."""
        return min(self.met.values(), key=lambda item: description(item, self.few), default=None)

    def front(self, top: int) -> tuple[FittedForm, ...]:
        """From simple to accurate; where too many, those of the longest description leave."""
        near = _front(self.met.values(), self.few, top + _SPARE_FORMULAS, _SEARCH_SLACK)
        final: list[FittedForm] = []
        for formula in near:
            # Constants matter where the formula may be the law.
            close = formula.residual <= max(2 * self.points.noise, self.points.exact)
            fit, value = (
                fitted(formula.tree, self.points, _LAST_STEPS, 1e-13)
                if close
                else fitted(formula.tree, self.points, _LOOSE_STEPS)
            )
            if math.isfinite(value) and is_finite(fit.tree):
                final.append(FittedForm(like(fit.tree, formula.tree), value, size(fit.tree)))
        return _front(final, self.points, top, _LAST_SLACK)


def _front(met: Iterable[FittedForm], points: CurvePoints, top: int, slack: float) -> tuple[FittedForm, ...]:
    kept: list[FittedForm] = []
    lowest = math.inf
    shortest = math.inf
    for formula in sorted(met, key=lambda form: (form.complexity, form.residual)):
        length = description(formula, points)
        # Somewhat longer descriptions stay: the data hardly distinguish them.
        if formula.residual < lowest * (1 - 1e-9) and length < shortest + slack:
            kept.append(formula)
            lowest, shortest = formula.residual, min(shortest, length)
    best = min((description(form, points) for form in kept), default=0.0)
    ranked = sorted(kept, key=lambda form: description(form, points) - best)[:top]
    return tuple(form for form in kept if form in ranked)
