"""Constants become integers, simple ratios or multiples of pi where the data allow it, and negligible terms go.

One constant at a time, the most obvious first, with all others refitted: rounding several at once would spend the same
freedom twice. A candidate must be a coincidence too good to be chance: the interval the data leave must be small
beside the distance to the candidate's neighbours.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Number, inverse, multiplied, names_in
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.nodes import Expr
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.least_squares import Refit, refit
from edgewise.symbolic.fitting.train_test import SplitRows

# Exact numbers that are tried in one formula.
_MOST_REFITS = 60
# The held-out error may grow by this factor, and by so many standard errors of itself, for rows are few.
_WORSE_FACTOR = 1.01
_WORSE_ERRORS = 2.0
# Half the interval the data leave a constant: so many standard errors, and this share of it for what the fit itself rounds.
_INTERVAL_ERRORS = 4.0
_FIT_ROUNDING = 1e-11
# Share of the distance to the next exact number that the interval may fill; powers are simple numbers far more often.
_CHANCE_SHARE = 0.2
_POWER_CHANCE_SHARE = 0.8
# What each kind of numbers tried before takes off that share: the more are tried, the closer a hit must be.
_LEVEL_PRICE = 0.5
# Whole numbers beyond are not exact in a law: they only count digits.
_LARGEST_WHOLE = 1e9
# A multiple of an irrational number is a strong claim about where a constant comes from (15.7 is not 5*pi), so the interval
# must be this small, as a share of the constant and of the distance to the next such multiple.
_CLAIM_WIDTH = 1e-3
_CLAIM_CHANCE = 0.02
# Shares of the constants of laws that are small whole numbers and halves of such, and the largest of these.
_WHOLE_SHARE = 0.4
_LARGEST_SMALL = 12
_HALF_SHARE = 0.15
_LARGEST_HALF = 5
# Share of them that are multiples of an irrational number, decades that others spread over, and odds that make a claim.
_MULTIPLE_SHARE = 0.004
_CONSTANT_DECADES = 4.0
_CLAIM_ODDS = 3.0
# An interval below this share shows by the digits alone a small ratio of a further irrational number, such as
# 1/(2*sqrt(pi)); the largest number above the line there.
_RECOGNISED_WIDTH = 1e-9
_RECOGNISED_WHOLE = 24
# Digits are dropped that data do not determine: each constant moves the fit by less than this part of what the noise does.
DIGITS_LOST = 50.0


@dataclass(frozen=True)
class FittedFormula:
    """A formula with its constants fitted and judged."""

    expression: Expr
    fit: Refit
    held: float
    origin: tuple[str, ...] = ()


def fit_expression(expression: Any, rows: SplitRows) -> FittedFormula:
    """Refit all constants of a formula."""
    tree = to_tree(canonical(expression))
    fit = refit(tree, rows.names, rows.X, rows.y, rows.weight, variance=rows.variance)
    return FittedFormula(from_tree(fit.tree, rows.names), fit, rows.held_error(fit))


def round_constants(expression: Any, rows: SplitRows) -> FittedFormula:
    """Simplify the constants of a formula as far as the data allow.

    Parameters
    ----------
    expression
        A formula; its floats are the constants.
    rows
        Data to fit and to judge on.

    Returns
    -------
    FittedFormula
        With exact numbers where the data allow it, the rest refitted.
    """
    best = fit_expression(expression, rows)
    refused: set[tuple[str, str]] = set()
    for _ in range(_MOST_REFITS):
        proposal = next(
            (
                item
                for item in _proposals(best, rows.names)
                if (_key(best, item[0]), str(item[1])) not in refused
            ),
            None,
        )
        if proposal is None:
            break
        at, value = proposal
        tried = _with(best, at, value, rows)
        if tried is not None and indistinguishable(tried, best, rows, float(best.fit.inflation[at])):
            best = tried
        else:
            refused.add((_key(best, at), str(value)))
    return best


def trim_digits(fitted: FittedFormula, rows: SplitRows) -> FittedFormula:
    """Constants without the digits that the data do not determine."""
    tape = Tape(fitted.fit.tree, rows.names)
    _, jacobian = tape.jacobian(tape.start, rows.X)
    noise = math.sqrt(max(fitted.fit.variance, rows.rounding_error**2))
    with np.errstate(all="ignore"):
        root = 1.0 if rows.weight is None else np.sqrt(rows.weight)[:, None]
        allowed = noise / np.linalg.norm(jacobian * root, axis=0) / DIGITS_LOST
    constants = [
        rounded(value, step) for value, step in zip(tape.start.tolist(), allowed.tolist(), strict=True)
    ]
    tree = tape.with_constants(constants)
    short = replace(fitted.fit, tree=tree, constants=np.array(constants))
    return FittedFormula(from_tree(tree, rows.names), short, rows.held_error(short))


def rounded(value: float, allowed: float) -> float:
    """A number without the digits below what it may move by."""
    if not (math.isfinite(allowed) and allowed > 0):
        return value
    return float(round(value, min(300, max(-300, math.floor(-math.log10(allowed))))))


def _key(best: FittedFormula, at: int) -> str:
    # A refused value stays refused while the constant hardly moves.
    return f"{best.fit.constants[at]:.3g}"


def _with(best: FittedFormula, at: int, value: Node, rows: SplitRows) -> FittedFormula | None:
    tape = Tape(best.fit.tree, rows.names)
    constants: list[float | Node] = list(best.fit.constants.tolist())
    constants[at] = value
    expression = shortest(from_tree(tape.with_constants(constants), rows.names), rows.positive)
    if not expression.real or node_count(expression) > node_count(best.expression):
        return None
    return fit_expression(expression, rows)


def indistinguishable(new: FittedFormula, old: FittedFormula, rows: SplitRows, inflation: float) -> bool:
    """Is the simpler formula's excess within what chance would give it (BIC), here and on the held-out rows?

    Parameters
    ----------
    new, old
        The simpler formula and the one it stands for, both fitted.
    rows
        The data.
    inflation
        How much larger the variance of the constant in question is than equal noise would make it.
    """
    n, saved = len(rows.y), max(old.fit.constants.size - new.fit.constants.size, 1)
    floor = n * rows.rounding_error**2
    if not math.isfinite(new.fit.rss):
        return False
    excess = (new.fit.rss - old.fit.rss) / max(inflation * old.fit.variance, rows.rounding_error**2, 1e-300)
    chance = math.sqrt(old.fit.variance / max(len(rows.y_held), 1))
    held = new.held <= old.held * _WORSE_FACTOR + _WORSE_ERRORS * chance + math.sqrt(floor / n)
    return excess <= saved * math.log(max(n, 8)) and held


def _proposals(best: FittedFormula, names: Sequence[str]) -> Iterator[tuple[int, Node]]:
    """(constant, exact value), the closest first."""
    found: list[tuple[float, int, Node]] = []
    tape, odd = Tape(best.fit.tree, names), _odd(best)
    powers, angles = tape.exponents, tape.angles
    for at, (value, error) in enumerate(
        zip(best.fit.constants.tolist(), best.fit.standard_errors.tolist(), strict=True)
    ):
        # Where a column is called pi, the text of a formula could not distinguish the two.
        found += [
            (rank, at, node)
            for rank, node in _candidates(value, error, is_power=at in powers, is_angle=at in angles, odd=odd)
            if not ("pi" in names and _has_pi(node))
        ]
    found.sort(key=lambda item: item[0])
    for _, at, node in found:
        yield at, node


def _candidates(
    value: float, error: float, *, is_power: bool = False, is_angle: bool = False, odd: int = 0
) -> Iterator[tuple[float, Node]]:
    """Exact values within the interval the data leave, with a rank: how far off, and how complicated.

    Beside constants that are surely odd, another one is rather odd, too: the share of exact ones falls as after so many
    misses beside one guess.
    """
    if not math.isfinite(error):
        yield from ((0.0, Number(0)), (0.1, Number(1)))
        return
    width = _INTERVAL_ERRORS * error + _FIT_ROUNDING * abs(value)
    if abs(value) <= width:
        yield 0.0, Number(0)
    for level, (denominator, unit) in enumerate(_LEVELS):
        spacing = _unit(unit)[0] / denominator
        nearest = round(value / spacing)
        distance = abs(value - nearest * spacing)
        # Within reach, and unlikely to be so by chance.
        chance = _POWER_CHANCE_SHARE if is_power else _CHANCE_SHARE / (1 + odd)
        chance = chance * spacing / denominator / (1 + _LEVEL_PRICE * level)
        if (
            unit != "1"
            and not is_angle
            and (width > _CLAIM_WIDTH * abs(value) or 2 * width > _CLAIM_CHANCE * spacing / denominator)
        ):
            if nearest and _likely_multiple(value, nearest, distance, error):
                yield 1.0 + level, _exact(nearest, denominator, unit)
            continue
        sure = distance <= width and 2 * width < chance and abs(nearest) < _LARGEST_WHOLE
        if nearest and (sure or (unit == "1" and _likely(nearest, denominator, distance, error, odd))):
            yield 1.0 + level, _exact(nearest, denominator, unit)
    if width <= _RECOGNISED_WIDTH * abs(value) and not is_power:
        yield from _further(value, width)


def _further(value: float, width: float) -> Iterator[tuple[float, Node]]:
    """Small ratios times further irrational numbers, where the digits of a constant leave no room for chance."""
    for level, (unit, denominator) in enumerate(itertools.product(_FURTHER, _DENOMINATORS)):
        spacing = _unit(unit)[0] / denominator
        nearest = round(value / spacing)
        if 0 < abs(nearest) <= _RECOGNISED_WHOLE and abs(value - nearest * spacing) <= width:
            yield 1.0 + len(_LEVELS) + level, _exact(nearest, denominator, unit)


def _odd(best: FittedFormula) -> int:
    """How many constants are surely no halves of whole numbers."""
    values, errors = best.fit.constants, best.fit.standard_errors
    with np.errstate(all="ignore"):
        off = np.abs(values - np.round(2 * values) / 2)
        return int((off > _INTERVAL_ERRORS * errors + _FIT_ROUNDING * np.abs(values)).sum())


def _likely(nearest: int, denominator: int, distance: float, error: float, odd: int) -> bool:
    """Whether a measured constant is rather a small whole number, or half of one, than any other number, by Bayes' rule."""
    simple = {1: (_WHOLE_SHARE, _LARGEST_SMALL), 2: (_HALF_SHARE, _LARGEST_HALF)}
    prior, most = simple.get(denominator, (0.0, 0))
    if error <= 0 or abs(nearest) > most:
        return False
    prior /= 1 + odd
    return prior * _density(distance, error) / denominator > 1 - prior


def _likely_multiple(value: float, nearest: int, distance: float, error: float) -> bool:
    """Whether a measured constant is rather a small multiple of an irrational number than any other, by Bayes' rule: others
    are as dense in every decade."""
    if error <= 0:
        return False
    # As floats: squares of huge whole numbers are none.
    size = abs(float(nearest))
    prior = _MULTIPLE_SHARE / (size * (size + 1))
    odds = prior * _density(distance, error) * abs(value) * _CONSTANT_DECADES * math.log(10)
    return odds > _CLAIM_ODDS


def _density(distance: float, error: float) -> float:
    return math.exp(-((distance / error) ** 2) / 2) / (math.sqrt(2 * math.pi) * error)


def _has_pi(node: Node) -> bool:
    return "pi" in names_in(node)


# Denominator and unit, the most obvious first.
_LEVELS: Sequence[tuple[int, str]] = (
    (1, "1"),
    (2, "1"),
    (1, "pi"),
    (2, "pi"),
    (3, "1"),
    (4, "1"),
    (5, "1"),
    (3, "pi"),
    (4, "pi"),
    (6, "1"),
    (8, "1"),
    (1, "1/pi"),
    (2, "1/pi"),
    (4, "1/pi"),
    (1, "sqrt(2)"),
    (1, "1/sqrt(2*pi)"),
    (1, "sqrt(pi)"),
    (1, "pi^2"),
    (10, "1"),
)
# What is recognised by its digits alone.
_FURTHER = (
    "sqrt(2)", "sqrt(3)", "sqrt(5)", "1/sqrt(pi)", "sqrt(pi)", "sqrt(2*pi)", "sqrt(2/pi)", "pi*sqrt(2)", "pi*sqrt(3)",
    "sqrt(2)/pi", "1/pi^2", "pi^2", "log(2)", "log(3)", "log(10)", "1/log(2)", "1/log(10)", "log(pi)", "log(2*pi)", "exp(1)",
    "1/exp(1)",
)  # fmt: skip
_DENOMINATORS = (1, 2, 3, 4, 6, 8)


@cache
def _unit(text: str) -> tuple[float, Node]:
    tree = read(text, ())
    return float(Tape(tree, ()).value(np.zeros(0), np.zeros((1, 0)))[0]), tree


def _exact(numerator: int, denominator: int, unit: str) -> Node:
    divisor = math.gcd(numerator, denominator)
    top, bottom = numerator // divisor, denominator // divisor
    factors: list[Node] = [Number(top)]
    if unit != "1":
        factors.append(_unit(unit)[1])
    if bottom != 1:
        factors.append(inverse(bottom))
    return multiplied(factors)


def exact_number(value: float, error: float) -> Expr | None:
    """The simplest exact number that a measured constant could be, or None.

    Examples
    --------
    >>> from edgewise.symbolic.expressions.writing import text
    >>> text(exact_number(1.5707963, 1e-7)), text(exact_number(0.6667, 0.0001)), exact_number(0.123456, 1e-6)
    ('pi/2', '2/3', None)
    """
    best = min(_candidates(value, error), key=lambda candidate: candidate[0], default=None)
    return None if best is None else from_tree(best[1])
