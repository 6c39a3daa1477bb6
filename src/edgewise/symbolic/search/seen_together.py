"""What the law sees together: sums and products of columns, and products of powers of all of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from scipy.linalg import null_space

from edgewise._core.arrays import Floats
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.coordinates import Coordinates, LawCoordinate, LawStep
from edgewise.symbolic.search.laboratory import EQUAL_SHARE, Laboratory

# Places at which slopes are measured at most, besides two; share of the measurements after which no more are.
_SLOPE_PLACES = 3
_SLOPE_SHARE = 0.6
# Singular values below this share of the largest are zero.
_RANK_TOLERANCE = 1e-5
# The ratio of the slopes in two columns is a simple fraction within this share: of such a denominator and size at most.
_RATIO_TOLERANCE = 1e-4
_RATIO_DENOMINATOR = 4
_LARGEST_RATIO = 6.0


def together(lab: Laboratory, view: Coordinates, a: Floats, b: Floats) -> Coordinates | None:
    """The view with two coordinates in one, or without one that changes nothing; None where there are none such."""
    at, other = lab.slopes(view, a), lab.slopes(view, b)
    if at is None or other is None:
        return None
    for k in range(len(view.entries)):
        if at[k] == 0 and other[k] == 0 and _idle(lab, view, k, a, b):
            return view.without(k, None)
    for i in range(len(view.entries)):
        for j in range(i + 1, len(view.entries)):
            if min(abs(at[i]), abs(at[j]), abs(other[i]), abs(other[j])) == 0:
                continue
            values = [view.seen(place[None], np.ones(1))[0][0] for place in (a, b)]
            plain = [s[j] / s[i] for s in (at, other)]
            power = [s[j] * z[j] / (s[i] * z[i]) for s, z in zip((at, other), values, strict=True)]
            one, two = view.entries[i].expression, view.entries[j].expression
            if (ratio := _simple(power)) is not None and all((z > 0).all() for z in values):
                return view.joined(i, j, one * two ** sympy.Rational(*ratio.as_integer_ratio()))
            if (ratio := _simple(plain)) is not None:
                return view.joined(i, j, one + two * sympy.Rational(*ratio.as_integer_ratio()))
    return None


def _idle(lab: Laboratory, view: Coordinates, k: int, a: Floats, b: Floats) -> bool:
    """Whether nothing changes far away either, as it would at a step or where a device rounds."""
    for place in (a, b):
        found = lab.seen(view, lab.levels(view.entries[k].lead, place, 3))
        if found is None or np.ptp(found[1]) > EQUAL_SHARE * np.abs(found[1]).max():
            return False
    return True


def in_powers(lab: Laboratory, view: Coordinates, pair: tuple[Floats, Floats]) -> list[Coordinates]:
    """Views without a factor of powers, in fewer products of powers of the coordinates, the simplest first.

    Where y = z^c G(z^e1, z^e2, ...), the slopes of log y in log z are c + sum psi_k e_k at every place: they lie in a
    space of fewer dimensions than there are coordinates (Euler's relation for homogeneous functions; Buckingham's
    theorem where units are unknown). Which products are taken is free; G is simple in some only.
    """
    if len(view.entries) < 2:
        return []
    others = [x for x in lab.rows.X[lab.rows.searched] if not any((x == place).all() for place in pair)]
    rows = list[Floats]()
    for place in (*pair, *others[:_SLOPE_PLACES]):
        slopes = lab.slopes(view, place)
        if slopes is None or lab.rows.count > _SLOPE_SHARE * lab.rows.most:
            return []
        z, y = view.seen(place[None], np.array([lab.rows.value(place)]))
        if not (z > 0).all() or y[0] == 0 or not slopes.any():
            return []
        rows.append(np.append(slopes * z[0] / y[0], 1.0))
        sizes = np.linalg.svd(np.array(rows), compute_uv=False)
        rank = int((sizes > _RANK_TOLERANCE * sizes[0]).sum())
        if rank < len(rows):
            break
    else:
        return []
    # A column that is flat wherever a slope was measured, but not everywhere, is none that powers describe.
    if rank > len(view.entries) or not np.array(rows).any(axis=0).all():
        return []
    space = np.linalg.svd(np.array(rows), full_matrices=False)[2][:rank]
    found = dict[str, tuple[int, Coordinates]]()
    for first in range(len(view.entries)):
        order = [*range(first, len(view.entries)), *range(first)]
        if (found_in := _exponents(space, order)) is not None:
            size, made = _products(view, *found_in)
            found.setdefault(
                str((sorted(str(one.expression) for one in made.entries), made.steps)), (size, made)
            )
    return [made for _, made in sorted(found.values(), key=lambda one: one[0])]


def _exponents(space: Floats, order: list[int]) -> tuple[list[list[Fraction]], list[int]] | None:
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
        if abs(left[k, column]) <= _RANK_TOLERANCE:
            continue
        left[[at, k]] = left[[k, at]]
        left[at] /= left[at, column]
        others = np.arange(len(left)) != at
        left[others] -= left[others, column][:, None] * left[at]
        factor = factor - factor[column] * left[at]
        pivots.append(column)
        at += 1
    rows = np.vstack([left, factor])[:, :-1]
    simple = [[Fraction(float(value)).limit_denominator(_RATIO_DENOMINATOR) for value in row] for row in rows]
    exact = np.array([[float(value) for value in row] for row in simple])
    near = np.abs(exact - rows).max() <= _RATIO_TOLERANCE
    return (simple, pivots) if near and np.abs(exact).max() <= _LARGEST_RATIO else None


def _simple(ratios: list[float]) -> Fraction | None:
    """The simple fraction that two measured ratios both are."""
    found = Fraction(ratios[0]).limit_denominator(_RATIO_DENOMINATOR)
    if found == 0 or abs(found) > _LARGEST_RATIO:
        return None
    near = all(abs(ratio / float(found) - 1) <= _RATIO_TOLERANCE for ratio in ratios)
    return found if near else None


def _products(
    view: Coordinates, exponents: list[list[Fraction]], pivots: list[int]
) -> tuple[int, Coordinates]:
    """A view in products of powers of its coordinates, without a factor, the last of them; and how long that is to write.

    Each pivot is in its product alone.
    """

    def product(row: list[Fraction]) -> Any:
        powers = (
            one.expression ** sympy.Rational(e.numerator, e.denominator)
            for one, e in zip(view.entries, row, strict=True)
        )
        return sympy.Mul(*powers)

    entries = list[LawCoordinate]()
    for row, pivot in zip(exponents[:-1], pivots, strict=True):
        members = {member for one, e in zip(view.entries, row, strict=True) if e for member in one.members}
        entries.append(LawCoordinate(product(row), tuple(sorted(members)), view.entries[pivot].lead))
    factor = product(exponents[-1])
    made = replace(view, entries=tuple(entries), steps=(*view.steps, LawStep("*", factor)))
    parts = [*(one.expression for one in entries), factor]
    return sum(Formula(part, view.names).complexity for part in parts), made
