"""What splines on a grid cannot follow, estimated from the unknowns themselves: their last Legendre modes, and jumps at the
breaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.field import Field, contract
from edgewise.pde.discretisation.quadrature import gauss


def next_modes(fields: Sequence[Field], which: Sequence[int] | None = None) -> tuple[Floats, ...]:
    """For each coordinate and interval, the expected size of the first mode that is missing, relative to the unknowns (L2).

    Modes of smooth functions fall geometrically; the next one is extrapolated from the last four. Even and odd modes go
    together, since either may vanish where the function is odd or even. Splines are smooth across their breaks, which costs
    accuracy that polynomials on single intervals have: their error is 2 (h / 2 pi)^(k + 1) times the (k + 1)-th
    derivative (I. J. Schoenberg, "Cardinal Spline Interpolation", 1973), for which jumps of the k-th derivative stand.
    Where only some unknowns are asked for, all determine what is large.
    """
    weighed: list[Floats] = []
    for field in fields:
        rules = [gauss(space, space.degree + 1) for space in field.spaces]
        at = [rule.at(space) for rule, space in zip(rules, field.spaces, strict=True)]
        root = np.sqrt(rules[0].weights.ravel())
        for rule in rules[1:]:
            root = np.multiply.outer(root, np.sqrt(rule.weights.ravel()))
        weighed.append((field.grid(at) * root).reshape([n for rule in rules for n in rule.weights.shape]))
    sizes = [max(float((each**2).sum()), 1e-300) for each in weighed]
    largest = max(sizes)
    chosen = range(len(fields)) if which is None else which
    found: list[Floats] = []
    for axis, first in enumerate(fields[0].spaces):
        total = np.zeros(first.intervals)
        for n in chosen:
            field, each, size = fields[n], weighed[n], sizes[n]
            k = field.spaces[axis].degree
            nodes, weights = np.polynomial.legendre.leggauss(k + 1)
            modes = np.polynomial.legendre.legvander(nodes, k)
            transform = (modes * np.sqrt((2 * np.arange(k + 1) + 1) / 2)).T * np.sqrt(weights)
            moved = np.moveaxis(np.tensordot(transform, each, axes=(1, 2 * axis + 1)), 1 + 2 * axis, 1)
            energy = (moved.reshape(k + 1, first.intervals, -1) ** 2).sum(2)
            last = energy[k] + energy[k - 1]
            before = energy[k - 2] + energy[k - 3] if k >= 3 else last
            fall = np.minimum(1.0, last / np.maximum(before, 1e-300))
            # Unknowns that are nearly zero throughout are judged beside the others.
            total += last * np.sqrt(fall) / max(size, 1e-6 * largest)
        found.append(np.maximum(np.sqrt(total), _jumps([fields[n] for n in chosen], axis, largest)))
    return tuple(found)


def _jumps(fields: Sequence[Field], axis: int, largest: float) -> Floats:
    """The error of smooth splines on each interval, relative to the unknowns, by the larger jump at its ends."""
    intervals = fields[0].spaces[axis].intervals
    if intervals < 2:
        return np.zeros(intervals)
    # Of each interval, the jumps at its low and at its high end.
    both = np.array([_by_jumps(field, axis) for field in fields])
    return np.sqrt((both**2).sum(0).max(0) / largest)


def _by_jumps(field: Field, axis: int) -> Floats:
    space = field.spaces[axis]
    others = [s for a, s in enumerate(field.spaces) if a != axis]
    rules = [gauss(s, s.degree + 1) for s in others]
    mass = np.ones(())
    for rule in rules:
        mass = np.multiply.outer(mass, rule.weights.ravel())
    designs = iter([rule.at(s) for rule, s in zip(rules, others, strict=True)])
    matrices = [space.jumps() if a == axis else s.matrix(next(designs)) for a, s in enumerate(field.spaces)]
    values = np.moveaxis(contract(field.coefficients, matrices), axis, 0)
    size = np.sqrt((values**2 * mass).reshape(len(values), -1).sum(1))
    steps = np.diff(space.breaks)
    if not space.periodic:
        size = np.concatenate([[0.0], size, [0.0]])[:-1]
    low, high = size, np.roll(size, -1)
    # An interval that is wider than its neighbour lacks more than that; by how much is known at their break alone.
    before, after = np.roll(steps, 1), np.roll(steps, -1)
    lacks = [
        jump * np.minimum(steps, (steps + other) / 2) ** space.degree
        for jump, other in ((low, before), (high, after))
    ]
    return 2 * (2 * np.pi) ** -(space.degree + 1) * np.array(lacks) * np.sqrt(steps)
