"""Choices with inner constants: equations that share a function are looked for together."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.dynamics.courses import read_courses
from edgewise.dynamics.families import TermFamily, families
from edgewise.dynamics.inner_constants import InnerSearch
from edgewise.dynamics.search import DynamicsSearch


def _hunted(_: float, z: Floats) -> list[float]:
    x, y = z
    eaten = x * x * y / (1 + x * x)
    return [x * (1 - x / 5) - eaten, 0.8 * eaten - 0.3 * y]


def test_what_is_eaten_stands_in_both_equations() -> None:
    t = np.linspace(0, 30, 150)
    states = solve_ivp(_hunted, (0, 30), [1.0, 0.5], "DOP853", t, rtol=1e-10).y.T
    noisy = states + 0.01 * states.std(0) * np.random.default_rng(0).normal(size=states.shape)
    courses = read_courses(t, noisy, ["x", "y"], None, None, None)
    search = DynamicsSearch(courses, 3, (), Meter(60.0))

    def usable(family: TermFamily) -> TermFamily:
        return replace(family, terms=lambda value: search._usable(family.terms(value)))

    asked = [
        usable(each)
        for each in families(search.smooth, ())
        if {term.function for term in each.terms(each.values[0])} & {"hill1", "hill2", "scaled exp"}
    ]
    assert len(asked) > 4
    plain = search._usable(search._products(2))
    within = InnerSearch(search.smoothed, tuple(plain), search.selection.makes_sense)
    own, pairs = within.best(asked, 2, 3)
    assert all(1 <= len(each) <= 3 for each in own)
    assert len(pairs) == 3
    assert all(one.score <= other.score for each in own for one, other in pairwise(each))
    shared = [{term for term in guess.terms if term.inner} for guess in pairs[0].guesses.values()]
    assert {term.place for terms in shared for term in terms} == {("hill2", (0,))}
    assert len({term.inner for terms in shared for term in terms}) == 1
    assert pairs[0].score == sum(guess.score for guess in pairs[0].guesses.values())
