"""Whether a formula satisfies constraints everywhere in a box: by algebra, else by branch and bound on intervals.

An inequality becomes a formula that must not fall below zero: a slope, a bend, the distance to a bound. Over a box it is
enclosed plainly and by the mean value theorem; boxes that are not certain are halved, the worst first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from edgewise._core.arguments import check_is, check_text
from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import check_float, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.forms.derivative import differentiate
from edgewise.forms.functions import BREAKS, JUMPS
from edgewise.forms.tree import Node, Number, Variable, names_in, render, replaced
from edgewise.symbolic.expressions.source import calls_in
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.results.box import DataBox
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.constraint_text import Constraint, read_constraints
from edgewise.symbolic.search.constraints import structural
from edgewise.verifying.bounds.asymptotics import limit_of
from edgewise.verifying.bounds.enclosure import enclose
from edgewise.verifying.bounds.intervals import Intervals, point
from edgewise.verifying.entry_points.formula import MOST_BOXES, WaitingBoxes
from edgewise.verifying.results.verdicts import ProofResult, Proved, Refuted, Undecided, ended_by
from edgewise.verifying.results.witness import Case
from edgewise.verifying.search.prove import WORK_UNITS

# An inequality is proved up to this share of the largest value that is seen: many touch their bound, where rounding decides.
_ROOM = 1e-9
_SEEN = 256
_KINKS = BREAKS - JUMPS
_BENT = {"increasing": "slope", "decreasing": "slope", "convex": "bend", "concave": "bend"}


def prove_constraints(
    formula: Formula,
    constraints: Iterable[str],
    bounds: Mapping[str, tuple[float, float]],
    *,
    target: str = "y",
    work: str | float = "normal",
    seconds: float | None = None,
) -> tuple[ProofResult, ...]:
    """Prove that a formula satisfies constraints everywhere in a box, or find a place where it does not.

    Parameters
    ----------
    formula : Formula
        As `edgewise.find_formula` finds it.
    constraints : iterable of str
        As `edgewise.find_formula` takes them.
    bounds : mapping of str to (float, float)
        Smallest and largest number of each column that the formula names.
    target : str
        What the formula gives, by the name that constraints call it.
    work : "quick", "normal", "thorough" or float
        For each of them.
    seconds : float, optional
        Time limit of all together.

    Returns
    -------
    tuple of Proved, Refuted or Undecided
        One for each constraint, in their order; two for one that bounds from both sides. Limits hold for every choice of the
        other columns in the box; those that scales of growth do not settle stay undecided.

    Raises
    ------
    InputError
        If a constraint cannot be read, or a column of the formula has no bounds.

    References
    ----------
    R. E. Moore, R. B. Kearfott and M. J. Cloud, "Introduction to Interval Analysis", 2009, doi:10.1137/1.9780898717716.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> from edgewise.verifying import prove_constraints
    >>> x = sympy.Symbol("x")
    >>> law = Formula(2.5 * x**2 / (1 + x), ("x",))
    >>> verdicts = prove_constraints(law, ["increasing(x)", "y <= 4"], {"x": (0, 3)})
    >>> [each.status for each in verdicts]
    ['proved', 'refuted']
    >>> verdicts[1].witness["x"] > 1.5
    True
    """
    check_is(formula, Formula, "formula", "a Formula, as find_formula finds it")
    asked = read_constraints(constraints, formula.names, check_text(target, "target"))
    used = [name for name in formula.names if name in names_in(formula.tree)]
    needed = dict.fromkeys([*used, *(name for one in asked for name in _columns(one))])
    # A constant asks for no column, but a proof is about some rows.
    box = _box(bounds, list(needed or formula.names[:1]))
    units, limit = check_work(work) * WORK_UNITS, check_seconds(seconds)
    began = Meter(seconds=limit)
    found: list[ProofResult] = []
    with np.errstate(all="ignore"), one_thread():
        for one in asked:
            left = None if limit is None else max(limit - began.seconds, 0.0)
            meter = Meter(units, left)
            found.append(_ConstraintClaim(formula.tree, one, box, target, meter).answer(formula))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _ConstraintClaim:
    tree: Node
    one: Constraint
    box: DataBox
    target: str
    meter: Meter

    def answer(self, formula: Formula) -> ProofResult:
        one = self.one
        if one.kind in ("never", "exponents"):
            if structural(self.tree, [one]):
                return self.proved(0.0, 1)
            return self.refuted(self.box.points(1)[0], 1.0, f"The formula is {formula.text}")
        if one.kind == "limit":
            return self.limit()
        points = self.box.points(_SEEN)
        valued = np.isfinite(_values(self.tree, self.box.names, points))
        if one.kind != "value" and not valued.all():
            return self.refuted(points[int(np.argmin(valued))], np.inf, "There the formula has no value")
        if one.kind in ("even", "odd", "symmetric", "value"):
            return self.equal(self.difference())
        if (goal := self.goal()) is None:
            return self.undecided(
                "slopes prove nothing about a formula that jumps or has kinks", StopReason.EXHAUSTED
            )
        return self.bounded(goal)

    @property
    def domain(self) -> str:
        sides = zip(self.box.names, self.box.low, self.box.high, strict=True)
        return ", ".join(f"{name} in [{low:.6g}, {high:.6g}]" for name, low, high in sides)

    def difference(self) -> Node:
        """What must be zero."""
        one, swapped = self.one, dict[str, Node]()
        if one.kind == "value":
            values: dict[str, Node] = {name: Number(int(v) if v == int(v) else v) for name, v in one.at}
            gap = self.tree - cast(Node, one.side)
            return replaced(gap, values)
        if one.kind == "symmetric":
            first, second = one.columns
            swapped = {first: Variable(second), second: Variable(first)}
        else:
            (name,) = one.columns
            swapped = {name: -Variable(name)}
        other = replaced(self.tree, swapped)
        return self.tree + (other if one.kind == "odd" else -other)

    def equal(self, difference: Node) -> ProofResult:
        """Zero by algebra; not zero at a place; or neither."""
        if from_tree(difference, self.box.names) == from_tree(Number(0)):
            return self.proved(0.0, 1)
        points = self.box.points(_SEEN)
        return self.missed(difference, points, "algebra does not show it, and no place counts against it")

    def missed(self, difference: Node, points: Floats, otherwise: str) -> ProofResult:
        """Refuted where what must be zero is farthest from it; undecided where it is nowhere certain not to be."""
        least = enclose(difference, self.named(point(points))).least
        worst = int(np.argmax(least))
        if not least[worst] > 0:
            return self.undecided(otherwise, StopReason.EXHAUSTED)
        return self.refuted(points[worst], float(least[worst]), f"There it is missed by {least[worst]:.6g}")

    def limit(self) -> ProofResult:
        """Where the formula goes, beside where it should."""
        ((name, end),), side = self.one.at, cast(Node, self.one.side)
        unbounded = isinstance(side, Number) and not np.isfinite(side.value)
        gap = self.tree if unbounded else self.tree - side
        found = limit_of(gap, name, end, self.box)
        points = self.box.points(_SEEN)
        if found is None:
            return self.undecided("scales of growth do not settle the limit", StopReason.EXHAUSTED)
        if found == (side if unbounded else Number(0)):
            return self.proved(0.0, 1)
        if unbounded or isinstance(found, Number):
            tends = limit_of(self.tree, name, end, self.box)
            there = "somewhere else" if tends is None else f"to {render(tends)}"
            return self.refuted(points[0], np.inf, f"The formula tends {there}")
        return self.missed(found, points, "the limit may be that or another one")

    def goal(self) -> Node | None:
        """What must not be negative; None where slopes prove nothing."""
        one = self.one
        if one.kind in ("at least", "at most"):
            gap = self.tree - cast(Node, one.side)
            return gap if one.kind == "at least" else -gap
        (name,) = one.columns
        bends = one.kind in ("convex", "concave")
        if calls_in(self.tree) & (JUMPS | (_KINKS if bends else frozenset())):
            return None
        slope = differentiate(self.tree, name)
        slope = differentiate(slope, name) if bends else slope
        return slope if one.kind in ("increasing", "convex") else -slope

    def bounded(self, goal: Node) -> ProofResult:
        """Branch and bound of a formula that must not be negative."""
        names = self.box.names
        points = self.box.points(_SEEN)
        seen = _values(goal, names, points)
        room = _ROOM * float(np.abs(seen[np.isfinite(seen)]).max(initial=0.0))
        gradient = () if calls_in(goal) & JUMPS else tuple(differentiate(goal, name) for name in names)
        boxes, ended = WaitingBoxes(Intervals(self.box.low[None], self.box.high[None])), StopReason.WORK_SPENT
        row = self.certain(goal, points, room)

        def bounded(places: Ints, x: Intervals, middle: Floats) -> tuple[Floats, Floats] | None:
            nonlocal row
            if (row := self.certain(goal, middle, room)) is not None:
                return None
            found, spread = self.over(goal, gradient, x, middle)
            return -found.low, spread

        try:
            with running(self.meter):
                while (
                    row is None
                    and 0 < len(boxes.low) <= MOST_BOXES
                    and not boxes.stuck
                    and self.meter.left > 0
                ):
                    boxes.cut(bounded, room)
        except (StopError, KeyboardInterrupt) as stop:
            ended = self.meter.own(stop)
        if row is not None:
            return self.broken(goal, row)
        if not len(boxes.low):
            return self.proved(-boxes.done, boxes.leaves, room)
        ended = StopReason.TIED if boxes.stuck else ended
        return self.undecided(ended_by(ended), ended, -float(boxes.size.max(initial=-np.inf)))

    def over(
        self, goal: Node, gradient: Sequence[Node], x: Intervals, middle: Floats
    ) -> tuple[Intervals, Floats]:
        """Enclosures over boxes, (B,), and what each column adds to their width, (B, d)."""
        plain, width = enclose(goal, self.named(x)), x.high - x.low
        if not gradient:
            return plain, width
        step = x - point(middle)
        total, spread = enclose(goal, self.named(point(middle))), np.zeros_like(width)
        for k, slope in enumerate(gradient):
            along = enclose(slope, self.named(x))
            total = total + along * step[:, k]
            spread[:, k] = along.size * width[:, k]
        # The mean value theorem is about functions that have a value everywhere in the box.
        return plain.meet(total).open_where(plain.unbounded), np.nan_to_num(spread, nan=0.0, posinf=1e300)

    def certain(self, goal: Node, rows: Floats, room: float) -> Floats | None:
        """A row where the goal is negative beyond doubt."""
        found = enclose(goal, self.named(point(rows)))
        worst = int(np.argmin(found.high))
        return rows[worst] if found.high[worst] < -room else None

    def broken(self, goal: Node, row: Floats) -> Refuted:
        excess = -float(enclose(goal, self.named(point(row[None]))).high[0])
        kind = _BENT.get(self.one.kind)
        if kind is None:
            return self.refuted(row, excess, f"There the bound is passed by {excess:.6g}")
        sign = -1 if self.one.kind in ("increasing", "convex") else 1
        return self.refuted(row, excess, f"There its {kind} in {self.one.columns[0]} is {sign * excess:.6g}")

    def named(self, x: Intervals) -> dict[str, Intervals]:
        return {name: x[:, k] for k, name in enumerate(self.box.names)}

    def refuted(self, row: Floats, excess: float, sentence: str) -> Refuted:
        value = float(_values(self.tree, self.box.names, row[None])[0])
        case = Case(dict(zip(self.box.names, row.tolist(), strict=True)), {self.target: value})
        return Refuted(self.one.text, self.domain, (case,), excess, f"{sentence}.", self.meter.seconds)

    def proved(self, margin: float, leaves: int, room: float = 0.0) -> Proved:
        remarks = (f"Up to {room:.3g}, for rounding.",) if 0 > margin >= -room else ()
        spare = max(margin, 0.0) if np.isfinite(margin) else 0.0
        return Proved(self.one.text, self.domain, None, spare, self.meter.seconds, leaves, remarks)

    def undecided(self, sentence: str, reason: StopReason, lower: float = -np.inf) -> Undecided:
        return Undecided(self.one.text, self.domain, -np.inf, -lower, self.meter.seconds, sentence, reason)


def _values(tree: Node, names: tuple[str, ...], rows: Floats) -> Floats:
    """Values (m,) at rows (m, d)."""
    tape = Tape(tree, names)
    return np.broadcast_to(tape.value(tape.start, rows), (len(rows),))


def _columns(one: Constraint) -> tuple[str, ...]:
    side = () if one.side is None else tuple(names_in(one.side))
    return (*one.columns, *side)


def _box(bounds: Any, names: list[str]) -> DataBox:
    if not isinstance(bounds, Mapping):
        raise InputError(
            argument="bounds", expected="map columns to their smallest and largest number", got=short(bounds)
        )
    given = cast("Mapping[Any, Any]", bounds)
    if absent := [name for name in names if name not in given]:
        raise InputError(
            argument="bounds",
            expected="have every column of the formula",
            got=f"none for {short(absent[0], 40)}",
        )
    ends: list[tuple[float, float]] = []
    for name in names:
        pair = given[name]
        if not isinstance(pair, (tuple, list)) or len(cast("list[Any]", pair)) != 2:
            raise InputError(
                argument="bounds", expected=f"have two numbers for {short(name, 40)}", got=short(pair)
            )
        low, high = (check_float(end, "bounds") for end in cast("list[Any]", pair))
        if low > high:
            raise InputError(
                argument="bounds",
                expected="have the smaller number first",
                got=f"{short(pair)} for {short(name, 40)}",
            )
        ends.append((low, high))
    array = np.array(ends, dtype=np.float64).reshape(-1, 2)
    return DataBox(tuple(names), array[:, 0], array[:, 1])
