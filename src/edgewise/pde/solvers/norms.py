"""L2 norms of fields and of their differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise.pde.discretisation.field import Field
from edgewise.pde.discretisation.quadrature import gauss


def norms(
    fields: Sequence[Field], others: Sequence[Field] | None = None, orders: Sequence[int] = ()
) -> tuple[float, float]:
    """L2 norm of the fields (or a derivative), and of their difference from others, by Gauss places of the finer grid."""
    spaces = fields[0].spaces
    rules = [gauss(space, space.degree + 1) for space in spaces]
    at = [rule.at(space) for rule, space in zip(rules, spaces, strict=True)]
    mass = rules[0].weights.ravel()
    for rule in rules[1:]:
        mass = np.multiply.outer(mass, rule.weights.ravel())
    size = apart = 0.0
    for n, field in enumerate(fields):
        values = field.grid(at, orders)
        size += float((mass * values**2).sum())
        if others is not None:
            apart += float((mass * (values - others[n].grid(at, orders)) ** 2).sum())
    return float(np.sqrt(size)), float(np.sqrt(apart))


def slope_difference(field: Field, before: Field, axes: Sequence[int]) -> float:
    """Relative L2 difference of the gradients of two solutions in some coordinates."""
    every = [norms([field], [before], [int(a == b) for b in range(len(field.spaces))]) for a in axes]
    size, apart = np.linalg.norm(every, axis=0)
    return float(apart / max(size, 1e-300))


def differences(fields: Sequence[Field], before: Sequence[Field]) -> tuple[float, ...]:
    """Relative L2 difference of two solutions, one an unknown."""
    found = [norms([field], [other]) for field, other in zip(fields, before, strict=True)]
    # An unknown that vanishes has no relative error of its own.
    least = max(1e-6 * max(size for size, _ in found), 1e-300)
    return tuple(apart / max(size, least) for size, apart in found)
