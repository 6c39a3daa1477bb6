"""Terms and factors of one column: what an exchange of it between two places shows, and the law along it."""

from __future__ import annotations

import numpy as np
import sympy

from edgewise._core.arrays import Floats
from edgewise.symbolic.search.coordinates import Coordinates, LawStep
from edgewise.symbolic.search.laboratory import BENDING_SHARE, EQUAL_SHARE, LEAST_PLACES, LEVELS, Laboratory


def separated(
    lab: Laboratory, view: Coordinates, a: Floats, b: Floats, failed: set[tuple[int, ...]]
) -> Coordinates | None:
    """The view without a coordinate that is a term or a factor of its own; None where there is none."""
    members = [member for one in view.entries for member in one.members]
    if len(view.entries) == 1 or len(members) > len(set(members)):
        return None
    places = [a, b]
    for one in view.entries:
        for place, source in ((a, b), (b, a)):
            changed = place.copy()
            changed[[*one.members]] = source[[*one.members]]
            places.append(changed)
    X = np.array(places)
    y = lab.rows.known(X, keep=LEAST_PLACES)
    if y is None or not np.isfinite(y).all():
        return None
    _, plain = view.seen(X, y)
    if not np.isfinite(plain).all():
        return None
    for outer, through in view.through_any(plain):
        _, seen = through.seen(X, y)
        for k in range(len(view.entries)):
            kind = _kind(seen[:2], seen[2 + 2 * k : 4 + 2 * k])
            # The logarithm of a factor is a term: it was tried as a factor before.
            if kind is None or (outer == "log" and kind == "+") or view.entries[k].members in failed:
                continue
            part = _part(lab, through, k, kind, a)
            if part is not None:
                return through.without(k, part)
            failed.add(view.entries[k].members)
    return None


def _kind(at: Floats, changed: Floats) -> str | None:
    """Whether what an exchange of one coordinate between two places changes is a term or a factor."""
    (u, v), (u_changed, v_changed) = at.tolist(), changed.tolist()
    size, room = max(abs(u), abs(v), abs(u_changed), abs(v_changed)), EQUAL_SHARE
    # A place that hardly changes determines nothing.
    if (
        min(abs(u_changed - u), abs(v_changed - v)) > BENDING_SHARE * size
        and abs((u_changed - u) - (v - v_changed)) <= room * size
    ):
        return "+"
    if 0 in (u, v, u_changed, v_changed):
        return None
    ratio = u_changed / u
    same = abs(ratio * v_changed / v - 1) <= 10 * room
    return "*" if same and abs(ratio - 1) > BENDING_SHARE else None


def _part(lab: Laboratory, view: Coordinates, k: int, kind: str, place: Floats) -> LawStep | None:
    """The term or the factor of a coordinate, from measurements along it."""
    one, name = view.entries[k], view.labels()[k]
    lead = one.lead
    for count in LEVELS:
        places = lab.levels(lead, place, count)
        X = np.vstack([place[None], places])
        y = lab.rows.known(X, keep=LEAST_PLACES)
        if y is None:
            return None
        z, seen = view.seen(X, y)
        change = seen - seen[0] if kind == "+" else seen / seen[0]
        kept = np.isfinite(change) & np.isfinite(z[:, k])
        law = lab.one_column(z[kept, k], change[kept], name)
        if law is not None:
            # What does not depend on the coordinate belongs to the rest.
            own = law.sympy.as_independent(sympy.Symbol(name), as_Add=kind == "+")[1]
            return LawStep(kind, own.xreplace({sympy.Symbol(name): one.expression}))
    return None
