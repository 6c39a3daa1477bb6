"""Experiments that take a law apart: some columns change while the others are held, where measurements have no noise.

    columns that the law sees only together (x/v^2, a + b): the ratio of its slopes in them is the same at two places
    a term or a factor of one column: what an exchange of this column between two places changes tells it
    the term or the factor itself: a search along this column, everything else held
    A(t) h(z) + B(t): a law along z, and what its two ends do as t changes

Each test is made on y, and on its logarithm, inverse, square... Such tests on data need thousands of rows or a network that
was fitted to them (S.-M. Udrescu, M. Tegmark 2020, doi:10.1126/sciadv.aay2631); where one may measure at will a few do (N.
Jiang, Y. Xue 2023, arXiv:2306.08057). What is found is only believed of a law that in the end leaves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from scipy.linalg import null_space

from edgewise._core.arrays import Floats
from edgewise.symbolic.config import AskConfig
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.coordinates import OUTER, Coordinate, Coordinates, Step
from edgewise.symbolic.search.measured_rows import MeasuredRows

# Finds the law of one column exactly, or not: values, y and the column's name.
OneColumn = Callable[[Floats, Floats, str], Formula | None]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Two places, and what is held and changed between them.

    Parameters
    ----------
    rows : MeasuredRows
    low, high : ndarray, shape (d,)
        Between which values the columns can be set.
    one_column : callable
    config : AskConfig
    """

    rows: MeasuredRows
    low: Floats
    high: Floats
    one_column: OneColumn
    config: AskConfig

    def views(self) -> Iterator[Coordinates]:
        """The columns taken apart further and further, with the measurements that are left."""
        positive = [name for name, low in zip(self.rows.names, self.low, strict=True) if low > 0]
        found = start = Coordinates.of(self.rows.names, positive)
        pair = self._places()
        if pair is None:
            return
        failed = set[tuple[int, ...]]()
        while found.each:
            more = self._together(found, *pair)
            if more is None and (others := self._powers(found, pair)):
                yield from others[1 : self.config.alternatives]
                more = others[0]
            if more is None:
                if found != start:
                    yield found
                more = self._separated(found, *pair, failed) or self._affine(found, *pair)
            if more is None:
                return
            found = more
        yield found

    def _places(self) -> tuple[Floats, Floats] | None:
        """Two of the places measured so far that differ in all columns as much as can be."""
        X = self.rows.X / (self.high - self.low)
        if len(X) < 2:
            return None
        least = np.abs(X[:, None] - X[None]).min(2)
        a, b = np.unravel_index(int(least.argmax()), least.shape)
        return (self.rows.X[a], self.rows.X[b]) if least[a, b] > 0 else None

    # -- columns that the law sees together --------------------------------------------------------------------------

    def _together(self, view: Coordinates, a: Floats, b: Floats) -> Coordinates | None:
        """The view with two coordinates in one, or without one that changes nothing; None where there are none such."""
        at, other = self._slopes(view, a), self._slopes(view, b)
        if at is None or other is None:
            return None
        for k in range(len(view.each)):
            if at[k] == 0 and other[k] == 0:
                return view.without(k, None)
        for i in range(len(view.each)):
            for j in range(i + 1, len(view.each)):
                if min(abs(at[i]), abs(at[j]), abs(other[i]), abs(other[j])) == 0:
                    continue
                values = [view.seen(place[None], np.ones(1))[0][0] for place in (a, b)]
                plain = [s[j] / s[i] for s in (at, other)]
                power = [s[j] * z[j] / (s[i] * z[i]) for s, z in zip((at, other), values, strict=True)]
                one, two = view.each[i].expression, view.each[j].expression
                if (ratio := self._simple(power)) is not None and all((z > 0).all() for z in values):
                    return view.joined(i, j, one * two ** sympy.Rational(*ratio.as_integer_ratio()))
                if (ratio := self._simple(plain)) is not None:
                    return view.joined(i, j, one + two * sympy.Rational(*ratio.as_integer_ratio()))
        return None

    def _powers(self, view: Coordinates, pair: tuple[Floats, Floats]) -> list[Coordinates]:
        """Views without a factor of powers, in fewer products of powers of the coordinates, the simplest first.

        Where y = z^c G(z^e1, z^e2, ...), the slopes of log y in log z are c + sum psi_k e_k at every place: they lie in a
        space of fewer dimensions than there are coordinates (Euler's relation for homogeneous functions; Buckingham's
        theorem where nobody knows the units). Which products are taken is free; G is simple in some only.
        """
        if len(view.each) < 2:
            return []
        others = [x for x in self.rows.X[self.rows.searched] if not any((x == place).all() for place in pair)]
        rows = list[Floats]()
        for place in (*pair, *others[: self.config.slope_places]):
            slopes = self._slopes(view, place)
            if slopes is None or self.rows.count > self.config.slope_share * self.rows.most:
                return []
            z, y = view.seen(place[None], np.array([self.rows.value(place)]))
            if not (z > 0).all() or y[0] == 0:
                return []
            rows.append(np.append(slopes * z[0] / y[0], 1.0))
            sizes = np.linalg.svd(np.array(rows), compute_uv=False)
            rank = int((sizes > self.config.rank_tolerance * sizes[0]).sum())
            if rank < len(rows):
                break
        else:
            return []
        if rank > len(view.each):
            return []
        space = np.linalg.svd(np.array(rows), full_matrices=False)[2][:rank]
        found = dict[str, tuple[int, Coordinates]]()
        for first in range(len(view.each)):
            order = [*range(first, len(view.each)), *range(first)]
            if (found_in := self._exponents(space, order)) is not None:
                size, made = _in_powers(view, *found_in)
                found.setdefault(
                    str((sorted(str(one.expression) for one in made.each), made.steps)), (size, made)
                )
        return [made for _, made in sorted(found.values(), key=lambda one: one[0])]

    def _exponents(self, space: Floats, order: list[int]) -> tuple[list[list[Fraction]], list[int]] | None:
        """Exponents of products that span what ends in 0, in echelon form, and of a factor; and their pivots.

        None where they are no simple fractions.
        """
        ending = space[:, -1] / np.linalg.norm(space[:, -1])
        factor = ending @ space / np.linalg.norm(space[:, -1])
        left, at, pivots = null_space(ending[None]).T @ space, 0, list[int]()
        for column in order:
            if at == len(left):
                break
            k = at + int(np.abs(left[at:, column]).argmax())
            if abs(left[k, column]) <= self.config.rank_tolerance:
                continue
            left[[at, k]] = left[[k, at]]
            left[at] /= left[at, column]
            others = np.arange(len(left)) != at
            left[others] -= left[others, column][:, None] * left[at]
            factor = factor - factor[column] * left[at]
            pivots.append(column)
            at += 1
        rows = np.vstack([left, factor])[:, :-1]
        simple = [
            [Fraction(float(value)).limit_denominator(self.config.ratio_denominator) for value in row]
            for row in rows
        ]
        exact = np.array([[float(value) for value in row] for row in simple])
        near = np.abs(exact - rows).max() <= self.config.ratio_tolerance
        return (simple, pivots) if near and np.abs(exact).max() <= self.config.ratio_most else None

    def _simple(self, ratios: list[float]) -> Fraction | None:
        """The simple fraction that two measured ratios both are."""
        found = Fraction(ratios[0]).limit_denominator(self.config.ratio_denominator)
        if found == 0 or abs(found) > self.config.ratio_most:
            return None
        near = all(abs(each / float(found) - 1) <= self.config.ratio_tolerance for each in ratios)
        return found if near else None

    def _slopes(self, view: Coordinates, place: Floats) -> Floats | None:
        """Differences of what is seen over those of the coordinates, close to a place."""
        beside = np.repeat(place[None], 1 + len(view.each), axis=0)
        for k, one in enumerate(view.each):
            lead = one.lead
            step = self.config.slope_step * (self.high[lead] - self.low[lead])
            inwards = step if place[lead] + step <= self.high[lead] else -step
            beside[k + 1, lead] += inwards
        y = self.rows.known(beside, keep=self.config.least, searched=False)
        if y is None or not np.isfinite(y).all():
            return None
        z, seen = view.seen(beside, y)
        change = np.diag(z[1:] - z[0])
        if not np.isfinite(seen).all() or (change == 0).any():
            return None
        slopes = (seen[1:] - seen[0]) / change
        slopes[np.abs(seen[1:] - seen[0]) <= 4 * np.finfo(float).eps * abs(seen[0])] = 0.0
        return slopes

    # -- terms and factors of one coordinate -------------------------------------------------------------------------

    def _separated(
        self, view: Coordinates, a: Floats, b: Floats, failed: set[tuple[int, ...]]
    ) -> Coordinates | None:
        """The view without a coordinate that is a term or a factor of its own; None where there is none."""
        members = [member for one in view.each for member in one.members]
        if len(view.each) == 1 or len(members) > len(set(members)):
            return None
        places = [a, b]
        for one in view.each:
            for place, source in ((a, b), (b, a)):
                changed = place.copy()
                changed[[*one.members]] = source[[*one.members]]
                places.append(changed)
        X = np.array(places)
        y = self.rows.known(X, keep=self.config.least)
        if y is None or not np.isfinite(y).all():
            return None
        _, plain = view.seen(X, y)
        if not np.isfinite(plain).all():
            return None
        for outer in (None, *OUTER):
            step = None if outer is None else view.through(outer, plain)
            if outer is not None and step is None:
                continue
            through = view if step is None else replace(view, steps=(*view.steps, step))
            _, seen = through.seen(X, y)
            for k in range(len(view.each)):
                kind = self._kind(seen[0], seen[1], *seen[2 + 2 * k : 4 + 2 * k])
                # The logarithm of a factor is a term: it was tried as a factor before.
                if kind is None or (outer == "log" and kind == "+") or view.each[k].members in failed:
                    continue
                part = self._part(through, k, kind, a)
                if part is not None:
                    return through.without(k, part)
                failed.add(view.each[k].members)
        return None

    def _kind(self, u: float, v: float, u_changed: float, v_changed: float) -> str | None:
        """Whether what one coordinate changes is a term or a factor."""
        size, room = max(abs(u), abs(v), abs(u_changed), abs(v_changed)), self.config.equal
        # Where one of the places hardly changes nothing is told.
        if (
            min(abs(u_changed - u), abs(v_changed - v)) > self.config.bends * size
            and abs((u_changed - u) - (v - v_changed)) <= room * size
        ):
            return "+"
        if 0 in (u, v, u_changed, v_changed):
            return None
        ratio = u_changed / u
        same = abs(ratio * v_changed / v - 1) <= 10 * room
        return "*" if same and abs(ratio - 1) > self.config.bends else None

    def _affine(self, view: Coordinates, a: Floats, b: Floats) -> Coordinates | None:
        """The view of a law A(t) h(z) + B(t) in two coordinates without t; None where it is none such."""
        if len(view.each) != 2:
            return None
        count = self.config.levels[0] + 1
        for k, other in ((0, 1), (1, 0)):
            lead, moved = view.each[k].lead, view.each[other].lead
            along = self._levels(lead, a, count)
            some = along[[0, count // 2, -1]]
            changed = some.copy()
            changed[:, moved] = b[moved]
            if (through := self._alike(view, some, changed)) is None:
                continue
            h = self._up_to_lines(through, k, along)
            # At two values of t the ends are known.
            across = np.vstack([self._levels(moved, a, count - 3), changed[:1], a])
            ends = across.copy(), across.copy()
            for places, end in zip(ends, along[[0, -1]], strict=True):
                places[:, lead] = end[lead]
            one, two = (self._seen(through, places) for places in ends)
            if h is None or one is None or two is None:
                return None
            (low, left), (high, right) = one, two
            name, z, t = view.labels()[other], view.labels()[k], low[:, other]
            start, end = (Formula(h, (z,)).predict(each[:, [k]]) for each in (low, high))
            slopes = (right - left) / (end - start)
            laws = self._two_laws(t, left - slopes * start, slopes, name)
            if laws is not None:
                own = {sympy.Symbol(name): view.each[other].expression}
                steps = (Step(kind, law.xreplace(own)) for kind, law in zip("+*", laws, strict=True))
                return replace(through.without(other, None), steps=(*through.steps, *steps))
        return None

    def _two_laws(self, t: Floats, first: Floats, second: Floats, name: str) -> tuple[Any, Any] | None:
        """Laws of two columns of values in one variable; where only one is found, that of their ratio with it."""
        laws = [self.one_column(t, each, name) for each in (first, second)]
        for k, other in ((0, 1), (1, 0)):
            if (known := laws[k]) is not None:
                if (law := laws[other]) is not None:
                    return (known.sympy, law.sympy) if k == 0 else (law.sympy, known.sympy)
                values = (first, second)
                with np.errstate(all="ignore"):
                    ratio = values[other] / values[k]
                times = self.one_column(t, ratio, name) if np.isfinite(ratio).all() else None
                if times is not None:
                    product = known.sympy * times.sympy
                    return (known.sympy, product) if k == 0 else (product, known.sympy)
        return None

    def _alike(self, view: Coordinates, first: Floats, second: Floats) -> Coordinates | None:
        """The view through an outer function, if needed, in which three values at two triples of places differ by a line."""
        seen = self._seen(view, np.vstack([first, second]))
        if seen is None:
            return None
        for outer in (None, *OUTER):
            step = None if outer is None else view.through(outer, seen[1])
            if outer is not None and step is None:
                continue
            through = view if step is None else replace(view, steps=(*view.steps, step))
            made = self._seen(through, np.vstack([first, second]))
            if made is None:
                continue
            low, middle, high = made[1].reshape(2, 3).T
            # Where a triple hardly changes nothing is told.
            if np.abs(high - low).min() <= self.config.bends * np.abs(made[1]).max():
                continue
            one, other = (middle - low) / (high - low)
            if abs(one - other) <= 100 * self.config.equal * max(abs(one), 1.0):
                return through
        return None

    def _up_to_lines(self, view: Coordinates, k: int, places: Floats) -> Any:
        """The law along a coordinate, its constant term and its factor aside; None where none is found."""
        found = self._seen(view, places)
        if found is None:
            return None
        z, seen = found[0][:, k], found[1]
        name = view.labels()[k]
        law = self.one_column(z, (seen - seen[0]) / (seen[-1] - seen[0]), name)
        if law is None:
            return None
        own = law.sympy.as_independent(sympy.Symbol(name), as_Add=True)[1]
        return own.as_independent(sympy.Symbol(name), as_Add=False)[1]

    def _levels(self, column: int, place: Floats, count: int) -> Floats:
        """Places along a column, close to both of its ends (Chebyshev's), everything else held."""
        places = np.repeat(place[None], count, axis=0)
        share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
        places[:, column] = self.low[column] + share * (self.high[column] - self.low[column])
        return places

    def _seen(self, view: Coordinates, places: Floats) -> tuple[Floats, Floats] | None:
        """Places in the coordinates, and what is seen there; None where it cannot be measured."""
        y = self.rows.known(places, keep=self.config.least)
        if y is None:
            return None
        z, seen = view.seen(places, y)
        return (z, seen) if np.isfinite(seen).all() else None

    def _part(self, view: Coordinates, k: int, kind: str, place: Floats) -> Step | None:
        """The term or the factor of a coordinate, from measurements along it."""
        one, name = view.each[k], view.labels()[k]
        lead = one.lead
        for count in self.config.levels:
            places = self._levels(lead, place, count)
            X = np.vstack([place[None], places])
            y = self.rows.known(X, keep=self.config.least)
            if y is None:
                return None
            z, seen = view.seen(X, y)
            change = seen - seen[0] if kind == "+" else seen / seen[0]
            kept = np.isfinite(change) & np.isfinite(z[:, k])
            law = self.one_column(z[kept, k], change[kept], name)
            if law is not None:
                # What does not depend on the coordinate belongs to the rest.
                own = law.sympy.as_independent(sympy.Symbol(name), as_Add=kind == "+")[1]
                return Step(kind, own.xreplace({sympy.Symbol(name): one.expression}))
        return None


def _in_powers(
    view: Coordinates, exponents: list[list[Fraction]], pivots: list[int]
) -> tuple[int, Coordinates]:
    """A view in products of powers of its coordinates, without a factor, the last of them; and how long that is to write.

    Each pivot is in its product alone.
    """

    def product(row: list[Fraction]) -> Any:
        powers = (
            one.expression ** sympy.Rational(e.numerator, e.denominator)
            for one, e in zip(view.each, row, strict=True)
        )
        return sympy.Mul(*powers)

    each = list[Coordinate]()
    for row, pivot in zip(exponents[:-1], pivots, strict=True):
        members = {member for one, e in zip(view.each, row, strict=True) if e for member in one.members}
        each.append(Coordinate(product(row), tuple(sorted(members)), view.each[pivot].lead))
    factor = product(exponents[-1])
    made = replace(view, each=tuple(each), steps=(*view.steps, Step("*", factor)))
    parts = [*(one.expression for one in each), factor]
    return sum(Formula(part, view.names).complexity for part in parts), made
