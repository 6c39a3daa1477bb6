"""The choice among systems that are about as likely: by what they take to be written with their constants made plain."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from edgewise._core.arrays import Floats
from edgewise._core.work import Meter
from edgewise.dynamics.choice import plain, settle, shortest
from edgewise.dynamics.courses import read_courses
from edgewise.dynamics.model import free
from edgewise.dynamics.search import DynamicsSearch
from edgewise.dynamics.selection import TermSelection
from tests.dynamics.made import term, terms


def _epidemic(_: float, x: Floats) -> list[float]:
    caught, recovered, lost = 1.2 * x[0] * x[1], 0.4 * x[1], 0.1 * x[2]
    return [lost - caught, caught - recovered, recovered - lost]


@pytest.fixture(scope="module")
def selection() -> TermSelection:
    """An epidemic under noise, of which the wanted system and imitations of it were fitted."""

    t = np.linspace(0, 30, 80)
    states = solve_ivp(_epidemic, (0, 30), [0.98, 0.02, 0.0], "DOP853", t, rtol=1e-10).y.T
    noisy = states + 0.01 * states.std(0) * np.random.default_rng(1).normal(size=states.shape)
    courses = read_courses(t, noisy, ["S", "I", "R"], None, None, None)
    made = DynamicsSearch(courses, 2, ("saturation",), Meter(60.0)).selection
    true = [(0, "R", 0.1), (0, "S*I", -1.2), (1, "S*I", 1.2), (1, "I", -0.4)]
    ends = (
        [(2, "I", 0.4), (2, "R", -0.1)],
        [(2, "I", 0.5), (2, "S", 0.1), (2, "1", -0.1)],
        [(2, "I", 0.4)],
    )
    for end in ends:
        own = terms("SIR", *(text for _, text, _ in (*true, *end)))
        chosen = tuple((e, term) for (e, *_), term in zip((*true, *end), own, strict=True))
        assert made.judged(chosen, [factor for *_, factor in (*true, *end)]) is not None
    return made


def test_what_flows_from_state_to_state_is_written_once(selection: TermSelection) -> None:
    best, lead = shortest(selection, 3)
    model = best.fit.model
    ends = [term.key for e, term in zip(model.equation, model.terms, strict=True) if e == 2]
    assert ends == [item.key for item in terms("SIR", "I", "R")]
    assert len(best.fit.point.constants) == 3
    assert plain(model) == 3
    assert lead > 0


def test_the_shortest_of_all_is_taken_and_more_rivals_never_lengthen_it(selection: TermSelection) -> None:
    lengths = [settle(formula, selection).length for formula in selection.near(3)]
    taken = [shortest(selection, most)[0].length for most in (1, 2, 3)]
    assert taken == [min(lengths[: most + 1]) for most in range(3)]
    assert all(a >= b for a, b in pairwise(taken))


def test_near_are_different_choices_the_best_first(selection: TermSelection) -> None:
    near = selection.near(10)
    assert near[0] is selection.best
    assert all(a.criterion <= b.criterion for a, b in pairwise(near))
    assert len({frozenset((e, t.key) for e, t in formula.chosen) for formula in near}) == len(near) == 3


def test_terms_that_follow_the_solvers_error_go() -> None:
    """Where a course has a kink the solver errs by more than rounding, which further terms make up for."""
    t = np.linspace(0, 10, 60)
    states = solve_ivp(
        lambda _, x: [3 - x[0] * (1 + abs(x[0] - x[1])), 1.2 - x[1] * (0.3 + abs(x[0] - x[1]))],
        (0, 10),
        [0.2, 2.5],
        "DOP853",
        t,
        rtol=1e-12,
        atol=1e-13,
    ).y.T
    search = DynamicsSearch(read_courses(t, states, ["a", "b"], None, None, None), 2, (), Meter(60.0))
    texts = [(0, "1", 3.0), (0, "a", -1.0), (0, "a*abs(a - b)", -1.0)]
    texts += [(1, "1", 1.2), (1, "b", -0.3), (1, "b*abs(a - b)", -1.0)]
    more = [(e, term(text, "ab"), f) for e, text, f in [*texts, (0, "exp(a)", 1e-7), (1, "exp(b)", 1e-7)]]
    true = more[:-2]
    judged = search.selection.judged(tuple((e, term) for e, term, _ in more), [f for *_, f in more])
    assert judged is not None
    assert not search.selection.is_exact(judged)
    search.judged_by_solver()
    assert search.selection.is_exact(judged)
    left = search.selection.without_idle(judged)
    assert {(e, term.key) for e, term in left.chosen} == {(e, term.key) for e, term, _ in true}
    assert search.selection.best is not None
    assert len(search.selection.best.chosen) == len(true)


def test_whole_and_shared_factors_are_counted() -> None:
    model = free(2, terms("xy", "x", "y", "x"), [0, 0, 1], [2.0, 3.0, -2.0])
    assert plain(model) == 0
    tied = model.tied(2, 0, -1.0, model.start)
    assert plain(tied) == 1
    fixed = tied.fixed(0, 2.0, tied.start)
    assert plain(fixed) == 2
    assert len(fixed.start) == 1
    assert math.isclose(fixed.numbers(fixed.start)[0][2], -2.0)


def test_what_one_equation_has_is_shorter_in_another(selection: TermSelection) -> None:
    root = "S*sqrt(S^2 + I^2)"
    one, twice, other = (
        selection.words(free(2, terms("SIR", *texts), [0, 1], [1.0, 1.0]))
        for texts in ((root, root), (root, "S*I"), (root, "R*sqrt(S^2 + I^2)"))
    )
    assert one < twice < other


@pytest.mark.parametrize(("equation", "other", "shared"), [(0, 1.1, True), (1, 5.0, False), (1, 1.1, True)])
def test_inner_constants_are_one_where_they_start_near(equation, other, shared) -> None:
    model = free(2, terms("xy", "x/(1.0 + x)", f"y/({other} + x)"), [0, equation], [2.0, 3.0])
    assert len(model.start) == (3 if shared else 4)
    assert [term.inner for term in model.known(model.start)] == [(1.0,), (1.0 if shared else other,)]


def test_inner_constants_are_tied_one_by_one() -> None:
    texts = "1/(1 + exp(1.0 - 2.0*x))", "1/(1 + exp(10.0 - 20.0*x))"
    model = free(2, terms("xy", *texts), [0, 1], [1.0, 1.0])
    assert [term.inner for term in model.known(model.start)] == [(1.0, 2.0), (10.0, 20.0)]
    tied = model.tied(3, 5, 1.0, model.start)
    assert [term.inner for term in tied.known(tied.start)] == [(1.0, 20.0), (10.0, 20.0)]


def _selection(rates, start: list[float], end: float, names: list[str]) -> TermSelection:
    """A course of 80 rows with 1 % noise."""
    t = np.linspace(0, end, 80)
    states = solve_ivp(rates, (0, end), start, "DOP853", t, rtol=1e-10).y.T
    noisy = states + 0.01 * states.std(0) * np.random.default_rng(1).normal(size=states.shape)
    return DynamicsSearch(read_courses(t, noisy, names, None, None, None), 2, (), Meter(60.0)).selection


def test_inner_constants_become_whole_where_no_row_objects() -> None:
    made = _selection(lambda _, s: 2 / (1 + s**3) - 2, [3.0], 4, ["s"])
    one, saturated = terms("s", "1", "1/(0.9 + s^3)")
    judged = made.judged(((0, one), (0, saturated)), [-1.8, 2.1])
    assert judged is not None
    settled = settle(judged, made)
    (k,) = settled.fit.model.known(settled.fit.point.constants)[1].inner
    assert k == 1.0
    assert plain(settled.fit.model) == 3
    # A half is no whole number.
    other = _selection(lambda _, s: 2 / (0.5 + s**3) - 2, [3.0], 4, ["s"])
    judged = other.judged(((0, one), (0, saturated)), [-1.8, 2.1])
    assert judged is not None
    model = settle(judged, other).fit
    assert model.model.known(model.point.constants)[1].inner[0] == pytest.approx(0.5, abs=0.05)
    assert len(model.point.constants) > 0


def test_constants_that_the_courses_cannot_tell_are_refused() -> None:
    made = _selection(lambda _, v: [9.81 - 0.4 * v[0]], [0.5], 8, ["v"])
    wave = term("sin(0.3*v)", "v")
    limits = np.array([0.2]), np.array([2.0])
    assert [replace(wave, limits=limits).at([k]).is_seen for k in (0.1, 0.3, -1.0, 3.0)] == [
        False,
        True,
        True,
        False,
    ]
    one = term("1", "v")
    assert made.judged(((0, one), (0, replace(wave, limits=limits).at([40.0]))), [9.0, 0.1]) is None


def test_a_term_that_no_library_has_is_exchanged_like_any_other() -> None:
    made = _selection(lambda _, y: -2 / y**3, [3.0], 8, ["y"])
    rare, column = terms("y", "1/y^3", "y")
    judged = made.judged(((0, rare), (0, column)), [-2.0, 0.01])
    assert judged is not None
    assert made.improved(judged).chosen[0][1].key == rare.key
