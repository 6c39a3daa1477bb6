"""Laws A(t) h(z) + B(t) in two columns, or powers of such: a law along z, and what its two ends do as t changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from edgewise._core.arrays import Floats
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.coordinates import Coordinates, LawStep
from edgewise.symbolic.search.laboratory import BENDING_SHARE, EQUAL_SHARE, LEVELS, Laboratory


def affine(lab: Laboratory, view: Coordinates, a: Floats, b: Floats) -> Coordinates | None:
    """The view of a law A(t) h(z) + B(t) in two coordinates without t; None where it is none such."""
    if len(view.entries) != 2:
        return None
    count = LEVELS[0] + 1
    for k, other in ((0, 1), (1, 0)):
        lead, moved = view.entries[k].lead, view.entries[other].lead
        along = lab.levels(lead, a, count)
        some = along[[0, count // 2, -1]]
        changed = some.copy()
        changed[:, moved] = b[moved]
        if (through := _alike(lab, view, some, changed)) is None:
            continue
        h = _up_to_lines(lab, through, k, along)
        # At two values of t the ends are known.
        across = np.vstack([lab.levels(moved, a, count - 3), changed[:1], a])
        ends = across.copy(), across.copy()
        for places, end in zip(ends, along[[0, -1]], strict=True):
            places[:, lead] = end[lead]
        one, two = (lab.seen(through, places) for places in ends)
        if h is None or one is None or two is None:
            return None
        (low, left), (high, right) = one, two
        name, z, t = view.labels()[other], view.labels()[k], low[:, other]
        start, end = (Formula(h, (z,)).predict(item[:, [k]]) for item in (low, high))
        slopes = (right - left) / (end - start)
        laws = _two_laws(lab, t, left - slopes * start, slopes, name)
        if laws is not None:
            own = {sympy.Symbol(name): view.entries[other].expression}
            steps = (LawStep(kind, law.xreplace(own)) for kind, law in zip("+*", laws, strict=True))
            return replace(through.without(other, None), steps=(*through.steps, *steps))
    return None


def _two_laws(lab: Laboratory, t: Floats, first: Floats, second: Floats, name: str) -> tuple[Any, Any] | None:
    """Laws of two columns of values in one variable; where only one is found, that of their ratio with it."""
    laws = [lab.one_column(t, item, name) for item in (first, second)]
    for k, other in ((0, 1), (1, 0)):
        if (known := laws[k]) is not None:
            if (law := laws[other]) is not None:
                return (known.sympy, law.sympy) if k == 0 else (law.sympy, known.sympy)
            values = (first, second)
            with np.errstate(all="ignore"):
                ratio = values[other] / values[k]
            times = lab.one_column(t, ratio, name) if np.isfinite(ratio).all() else None
            if times is not None:
                product = known.sympy * times.sympy
                return (known.sympy, product) if k == 0 else (product, known.sympy)
    return None


def _alike(lab: Laboratory, view: Coordinates, first: Floats, second: Floats) -> Coordinates | None:
    """The view through an outer function, if needed, in which three values at two triples of places differ by a line."""
    seen = lab.seen(view, np.vstack([first, second]))
    if seen is None:
        return None
    for _, through in view.through_any(seen[1]):
        made = lab.seen(through, np.vstack([first, second]))
        if made is None:
            continue
        low, middle, high = made[1].reshape(2, 3).T
        # A triple that hardly changes determines nothing.
        if np.abs(high - low).min() <= BENDING_SHARE * np.abs(made[1]).max():
            continue
        one, other = (middle - low) / (high - low)
        if abs(one - other) <= 100 * EQUAL_SHARE * max(abs(one), 1.0):
            return through
    return None


def _up_to_lines(lab: Laboratory, view: Coordinates, k: int, places: Floats) -> Any:
    """The law along a coordinate, its constant term and its factor aside; None where none is found."""
    found = lab.seen(view, places)
    if found is None:
        return None
    z, seen = found[0][:, k], found[1]
    name = view.labels()[k]
    law = lab.one_column(z, (seen - seen[0]) / (seen[-1] - seen[0]), name)
    if law is None:
        return None
    own = law.sympy.as_independent(sympy.Symbol(name), as_Add=True)[1]
    return own.as_independent(sympy.Symbol(name), as_Add=False)[1]
