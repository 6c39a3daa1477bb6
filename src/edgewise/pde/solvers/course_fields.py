"""The course of an evolution as splines, to be evaluated, drawn and kept as other solutions are."""

from __future__ import annotations

import numpy as np

from edgewise.pde.discretisation.field import Field, contract, interpolate
from edgewise.pde.discretisation.space import Space
from edgewise.pde.discretisation.torus import Current
from edgewise.pde.solvers.state_search import Guess, StateSearch
from edgewise.pde.solvers.trajectory import between, course

_DEGREE = 7
# Intervals of a coordinate at most: noise leaves more of them unknown than splines miss.
_MOST = 64


def course_fields(search: StateSearch, guess: Guess) -> tuple[Field, ...]:
    """All unknowns on the whole domain, by their start and their constants."""
    evolution, torus = search.evolution, search.torus()
    steps = search.fineness.steps
    times = np.linspace(evolution.begins, search.end, steps + 1)
    spaces = [
        Space(np.linspace(low, low + span, min(size, _MOST) + 1), _DEGREE, True)
        for low, span, size in zip(torus.low, torus.span, torus.shape, strict=True)
    ]
    clock = Space(np.linspace(evolution.begins, search.end, min(max(steps // 3, 2), _MOST) + 1), _DEGREE)
    waves = [
        np.exp(1j * np.multiply.outer(space.greville - low, numbers.ravel()))
        for space, low, numbers in zip(spaces, torus.low, torus.numbers, strict=True)
    ]
    # A mode and its conjugate.
    waves[-1] = waves[-1] * np.where(torus.indices[-1].ravel() > 0, 2.0, 1.0)
    shape = (evolution.count, len(clock.greville), *(len(space.greville) for space in spaces))
    values = np.empty(shape)
    none = np.zeros((0, evolution.count, *torus.half), dtype=complex)
    current = Current(evolution, torus, guess.constants)
    before = None
    for after in course(current, search.start(torus, guess), none, times, 0):
        if before is not None:
            last = after.time if after.time < times[-1] else np.inf
            inside = np.flatnonzero((clock.greville >= before.time) & (clock.greville < last))
            for n in inside:
                modes = between(before, after, clock.greville[n])
                for f in range(evolution.count):
                    values[f, n] = contract(modes[f], waves).real
        before = after
    every = list(spaces)
    every.insert(evolution.axis, clock)
    return tuple(
        Field(tuple(every), np.ascontiguousarray(interpolate(every, np.moveaxis(own, 0, evolution.axis))))
        for own in values
    )
