"""Whether a formula satisfies its constraints: by its tree where that decides, else at points over the box of the table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.stopping import StopReason
from edgewise.forms.tree import Apply, Node, Number
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.results.box import DataBox
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import FormulaResult, RefusedFormula
from edgewise.symbolic.search.constraint_text import Constraint, texts_of
from edgewise.symbolic.units.rules import MismatchError, constant_value

# Places in the box of the table, and steps from each along a column whose slope or bend is limited: set for speed.
PLACES = 96
_STEPS = 25
# Places from which a column goes to its limit, and decades on that way, from the size of the column on.
_LIMIT_PLACES = 16
_DECADES = (2, 4, 6, 8)
# Over two decades at most the one share of the gap to a finite limit remains; towards an infinite one the last rise is at
# least the other share of the rise before, which logarithms keep.
_CLOSER_SHARE = 0.9
_GROWING_SHARE = 0.5
# Rows speak against constraints where a formula that breaks them is better by so much in Schwarz's criterion, which R. E.
# Kass and A. E. Raftery (1995, Bayes factors, doi:10.1080/01621459.1995.10476572) call very strong evidence, and takes off
# such a share of the squares that the best one leaves.
_CONTRADICTED = 10.0
_CONTRADICTED_SHARE = 0.5

Values = Callable[[Floats], Floats]

# Rounding, as a share of the spread of y.
_ROUNDING = 1e-7


class ConstraintWarning(UserWarning):
    """The constraints of a search do not go with its rows: no formula was found that satisfies them, or those that do are
    far from the rows where others are close.
    """


def structural(tree: Node, constraints: Sequence[Constraint]) -> bool:
    """Does a formula satisfy what its tree alone decides: nestings and exponents?"""
    for constraint in constraints:
        if constraint.functions is not None and _nests(tree, *constraint.functions):
            return False
        if constraint.kind == "exponents" and not _exponents(tree) <= constraint.exponents:
            return False
    return True


@dataclass(frozen=True, eq=False)
class Checker:
    """The constraints of a search on one table.

    Attributes
    ----------
    constraints : sequence of Constraint
    names : tuple of str
        Columns of the rows that formulas are evaluated at; all that constraints are about are among them.
    box : DataBox
        Of the table.
    spread : float
        The standard deviation of y.
    """

    constraints: Sequence[Constraint]
    names: tuple[str, ...]
    box: DataBox
    spread: float

    @classmethod
    def of(
        cls,
        constraints: Sequence[Constraint],
        names: Sequence[str],
        X: Floats,
        y: Floats,
    ) -> Checker:
        """The checker for rows X (n, d) with target y (n,)."""
        box, spread = DataBox.around(names, X), float(np.std(y)) or 1.0
        return cls(constraints, tuple(names), box, spread)

    def broken(self, formula: Values, error: float) -> tuple[Constraint, ...]:
        """The constraints that a formula breaks.

        Parameters
        ----------
        formula
            Values (m,) at rows (m, d).
        error
            What it misses y by; an equality holds where it is missed by no more, for constants are measured.
        """
        with np.errstate(all="ignore"):
            return tuple(
                constraint for constraint in self.constraints if not self._holds(constraint, formula, error)
            )

    def _holds(self, one: Constraint, f: Values, error: float) -> bool:
        near = _ROUNDING * self.spread
        equal = max(near, error if math.isfinite(error) else 0.0)
        if one.kind in ("never", "exponents"):
            return True
        if one.kind in ("increasing", "decreasing", "convex", "concave"):
            lines = f(self._lines(self.names.index(one.columns[0]))).reshape(PLACES, -1)
            bends = one.kind in ("convex", "concave")
            moved = np.diff(lines, n=2 if bends else 1, axis=1)
            return bool((moved * (1 if one.kind in ("increasing", "convex") else -1) >= -near).all())
        points = self._points()
        if one.kind in ("even", "odd", "symmetric"):
            mirrored = self._mirrored(one, points)
            here, there = f(points), f(mirrored)
            return bool((np.abs(here + there if one.kind == "odd" else here - there) <= equal).all())
        if one.kind in ("at least", "at most"):
            gap = f(points) - self._side(one, points)
            return bool(((gap if one.kind == "at least" else -gap) >= -near).all())
        if one.kind == "value":
            for name, value in one.at:
                points[:, self.names.index(name)] = value
            return bool((np.abs(f(points) - self._side(one, points)) <= equal).all())
        return self._approaches(one, f, points[:_LIMIT_PLACES], equal)

    def _approaches(self, one: Constraint, f: Values, points: Floats, equal: float) -> bool:
        (name, end), side = one.at[0], cast(Node, one.side)
        at = self.names.index(name)
        size = max(abs(self.box.low[at]), abs(self.box.high[at])) or 1.0
        middle = (self.box.low[at] + self.box.high[at]) / 2
        seen: list[Floats] = []
        for decade in _DECADES:
            row = points.copy()
            far = size * 10.0**decade
            # Towards a number from the side on which the table lies.
            row[:, at] = (
                math.copysign(far, end)
                if math.isinf(end)
                else end + math.copysign(size**2 / far, middle - end)
            )
            seen.append(f(row) if _infinite(side) else f(row) - self._side(one, row))
        if _infinite(side):
            value = cast(Number, side).value
            signed = [values * math.copysign(1, value) for values in seen]
            last, before, first = signed[-1], signed[-2], signed[-3]
            grows = (last > before) & (last - before >= _GROWING_SHARE * (before - first)) & (before > first)
            return bool((grows | (last == np.inf)).all())
        gaps = [np.abs(values) for values in seen]
        closer = (
            (gaps[-1] < np.inf)
            & (gaps[-1] <= _CLOSER_SHARE * gaps[-2])
            & (gaps[-2] <= _CLOSER_SHARE * gaps[-3])
        )
        return bool(((gaps[-1] <= equal) | closer).all())

    def _points(self) -> Floats:
        return self.box.points(PLACES)[:PLACES].copy()

    def _lines(self, at: int) -> Floats:
        rows = np.repeat(self._points(), _STEPS, axis=0)
        rows[:, at] = np.tile(np.linspace(self.box.low[at], self.box.high[at], _STEPS), PLACES)
        return rows

    def _mirrored(self, one: Constraint, points: Floats) -> Floats:
        places = [self.names.index(name) for name in one.columns]
        rows = points.copy()
        if one.kind == "symmetric":
            rows[:, places] = rows[:, places[::-1]]
        else:
            rows[:, places] *= -1
        return rows

    def _side(self, one: Constraint, rows: Floats) -> Floats:
        side = cast(Node, one.side)
        tape = Tape(side, self.names)
        return np.broadcast_to(tape.value(tape.start, rows), (len(rows),))


def held_to(result: FormulaResult, checker: Checker) -> tuple[FormulaResult, tuple[str, ...]]:
    """The result without formulas that break constraints on the whole table, and a sentence about that."""
    if not checker.constraints:
        return result, ()
    kept = tuple(formula for formula in result.front if not checker.broken(formula.predict, formula.error))
    if checker.broken(result.recommended.predict, result.recommended.error):
        result = replace(result, further=None, probability=None)
    broken = checker.broken(result.best.predict, result.best.error)
    if not broken:
        asked = texts_of(checker.constraints)
        note = f"At {PLACES} places of the box of the rows all formulas satisfy {asked}: no proof."
        return replace(result, front=kept), (note,)
    if not kept:
        texts = tuple(dict.fromkeys(constraint.text for constraint in broken))
        # What is known of the law rules the formula out, however well it fits.
        reason = StopReason.EXHAUSTED if result.exact else result.stop_reason
        # Candidates that break them did not come this far; what is offered is shown all the same.
        front = result.front or (result.best,)
        return replace(result, front=front, broken=texts, exact=False, stop_reason=reason), (
            broken_note(texts),
        )
    best = min(kept, key=lambda formula: formula.error)
    note = f"A formula that fits better breaks {texts_of(broken)} on some rows."
    return replace(result, best=best, further=None, front=kept, exact=False), (note,)


def refused_of(formula: Formula | None, columns: tuple[str, ...], checker: Checker) -> RefusedFormula | None:
    """The closest formula that was ruled out, and what it breaks on the rows; None where it breaks nothing there."""
    if formula is None:
        return None
    there = replace(formula, names=columns)
    broken = checker.broken(there.predict, there.error)
    return (
        RefusedFormula(there, tuple(dict.fromkeys(constraint.text for constraint in broken)))
        if broken
        else None
    )


def contradicted_by(
    searches: Sequence[tuple[FormulaResult, Floats, Floats]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Constraints that rows speak against, for formulas that break them are clearly closer; and a sentence about that.

    Clearly is very strong evidence by Schwarz's criterion, of all searches together, and a share of the squares that the
    formulas which satisfy them leave.

    Parameters
    ----------
    searches
        Each with its result and its rows (n, d) and (n,): one of a whole table, or one of each group.
    """
    texts, gain, left, other, count = dict[str, None](), 0.0, 0.0, 0.0, 0
    for found, X, y in searches:
        if found.refused is None:
            continue
        refused = found.refused.formula
        with np.errstate(all="ignore"):
            # numpy's floats: what leaves nothing is better without end.
            own, closer = (np.sum(np.square(item.predict(X) - y)) for item in (found.best, refused))
            more = len(refused.constants) - len(found.best.constants)
            gain += len(y) * np.log(own / closer) - more * math.log(len(y))
        left, other, count = left + own, other + closer, count + len(y)
        texts |= dict.fromkeys(found.refused.broken)
    clear = bool(gain > _CONTRADICTED and left - other > _CONTRADICTED_SHARE * left)
    if not (clear and texts):
        return (), ()
    first = next(item.refused.formula.text for item, _, _ in searches if item.refused is not None)
    which = f"{first}, which breaks it, leaves" if len(searches) == 1 else "formulas that break it leave"
    those = "formula that satisfies it leaves" if len(searches) == 1 else "formulas that satisfy it leave"
    note = (
        f"The rows speak against {', '.join(texts)}: {which} an RMSE of {math.sqrt(other / count):.3g} where the best "
        f"{those} {math.sqrt(left / count):.3g}."
    )
    return tuple(texts), (note,)


def warn_of_contradiction(texts: Sequence[str]) -> None:
    """Say so to whoever called the search, where they do not read its message."""
    if texts:
        warnings.warn(
            f"The rows speak against {', '.join(texts)}: formulas that break it fit them far better than the best one that "
            "satisfies it. The result's message shows by how much.",
            ConstraintWarning,
            stacklevel=3,
        )


def broken_note(texts: Sequence[str]) -> str:
    """That what is offered is not what was asked for, in a sentence."""
    return f"No formula was found that satisfies {', '.join(texts)}: the best one breaks it, and is not to be relied on."


def warn_of_broken(texts: Sequence[str]) -> None:
    """Say so to whoever called the search, where they do not read its message."""
    if texts:
        warnings.warn(
            f"{broken_note(texts)} The result's 'broken' lists it.", ConstraintWarning, stacklevel=3
        )


def _infinite(side: Node) -> bool:
    return isinstance(side, Number) and math.isinf(side.value)


def _nests(tree: Node, outer: str, inner: str, within: bool = False) -> bool:
    """Whether a function stands inside another, at any depth."""
    if not isinstance(tree, Apply):
        return False
    if within and tree.function == inner:
        return True
    within = within or tree.function == outer
    return any(_nests(argument, outer, inner, within) for argument in tree.arguments)


def _exponents(tree: Node) -> frozenset[Fraction]:
    """The exponents of powers and roots without their signs; of a power with a column above, one that nothing allows."""
    if not isinstance(tree, Apply):
        return frozenset()
    own = frozenset[Fraction]()
    if tree.function == "^":
        try:
            own = frozenset({abs(Fraction(constant_value(tree.arguments[1])).limit_denominator(1000))})
        except (MismatchError, KeyError):
            own = frozenset({Fraction(-1)})
    elif tree.function == "sqrt":
        own = frozenset({Fraction(1, 2)})
    return own.union(*(_exponents(argument) for argument in tree.arguments))
