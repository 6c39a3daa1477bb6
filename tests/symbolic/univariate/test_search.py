"""One-variable formulas: what is planted is found, in the box and beyond it, and constants move as the data move."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from edgewise._core import work as work_room
from edgewise._core.errors import InputError
from edgewise._core.work import Meter, running
from edgewise.forms import FORMS
from edgewise.forms.tree import Apply, Number, Variable, names_in, render
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.univariate.best_subsets import SubsetSelection
from edgewise.symbolic.univariate.library import CurveLibrary
from edgewise.symbolic.univariate.search import CURVE_WORK_UNITS, FittedForm, one_variable
from edgewise.symbolic.univariate.selection import ugly
from edgewise.symbolic.univariate.trees import add, loosened, multiply, power, size, tidy


def value(found: FittedForm, x):
    tape = Tape(found.tree, ["x"])
    with np.errstate(all="ignore"):
        return np.asarray(tape.value(tape.start, x[:, None]))


def agrees(front, truth, low, high, near=1e-6):
    """Is one of the formulas the truth in the box and beyond it?"""
    width = high - low
    x = np.linspace(low - 0.3 * width, high + 0.3 * width, 400)
    with np.errstate(all="ignore"):
        wanted = truth(x)
    good = np.isfinite(wanted)
    scale = np.abs(wanted[good]) + wanted[good & (x >= low) & (x <= high)].std()
    return any(np.all(np.abs(value(formula, x)[good] - wanted[good]) <= near * scale) for formula in front)


PLANTED = {
    "sparse polynomial": (lambda x: x**5 - 2 * x**3 + x, -1, 1),
    "rational": (lambda x: (x**5 - 3 * x**3 + 1) / (x**2 + 1), -1, 1),
    "free power": (lambda x: 3.2 * x**0.426, 0, 4),
    "shifted power": (lambda x: 2 * (x + 1.3) ** -1.7 + 0.4, 0, 3),
    "line and chirp": (lambda x: 1 / 3 + x + np.sin(x**2), -10, 10),
    "product under noise-free envelope": (
        lambda x: x**3 * np.exp(-x) * np.cos(x) * np.sin(x) * (np.sin(x) ** 2 * np.cos(x) - 1),
        0,
        10,
    ),
    "two decays": (lambda x: 2 * np.exp(-0.7 * x) + 1.1 * np.exp(-2.9 * x), 0, 3),
    "three decays": (
        lambda x: 0.0951 * np.exp(-x) + 0.8607 * np.exp(-3 * x) + 1.5576 * np.exp(-5 * x),
        0,
        1.2,
    ),
    "three waves": (
        lambda x: 1 + np.sin(7 * x) - 0.6 * np.cos(11.3 * x + 0.4) + 0.3 * np.sin(19.7 * x),
        0,
        5,
    ),
    "logarithm of a product": (lambda x: np.log(x + 1.4) + np.log(x**2 + 1.3), 0, 2),
    "Bose": (lambda x: x**3 / (np.exp(x) - 1), 0.3, 6),
    "interference": (lambda x: np.sin(1.5 * x) ** 2 / np.sin(x / 2) ** 2, 0.2, 3),
    "phase": (lambda x: np.sin(x**3 - x - np.pi / 6), -3.14, 3.14),
    "Doppler": (lambda x: (1 + x) / np.sqrt(1 - x**2), -0.6, 0.6),
    "gaussian": (lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), 1, 3),
    "product of waves": (lambda x: -0.86 * np.sin(2 * x + 2.57) * np.cos(2.47 * x), -1, 1),
    "wave of a step": (lambda x: np.exp(-0.5 * np.tanh(2 * x + 0.99)), 0, 3),
}


@pytest.mark.parametrize("name", PLANTED)
def test_finds_what_is_planted(name):
    truth, low, high = PLANTED[name]
    x = np.random.default_rng(3).uniform(low, high, 600)
    assert agrees(one_variable(x, truth(x)), truth, low, high)


@pytest.mark.slow
def test_peaks_on_a_decay_under_noise_leave_only_it():
    rng = np.random.default_rng(0)
    x = np.linspace(1, 250, 250)
    truth = (
        99 * np.exp(-0.011 * x)
        + 101 * np.exp(-(((x - 111) / 23) ** 2))
        + 74 * np.exp(-(((x - 148) / 20) ** 2))
    )
    noise = 2.3 * rng.standard_normal(len(x))
    best = one_variable(x, truth + noise)[-1]
    assert np.sqrt(np.mean((value(best, x) - truth) ** 2)) < 0.35 * noise.std()
    peaks = [atom for atom in to_sympy(best.tree, ("x",)).atoms(sympy.exp) if sympy.degree(atom.args[0]) == 2]
    centres = sorted(float(sympy.solve(sympy.diff(peak.args[0]))[0]) for peak in peaks)
    np.testing.assert_allclose(centres, [111, 148], atol=2)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(-9, 9)), min_size=1, max_size=4),
    st.integers(0, 1000),
)
def test_whole_polynomials_come_back(terms, seed):
    coefficients = np.zeros(8)
    for exponent, factor in terms:
        coefficients[exponent] += factor
    truth = Polynomial(coefficients)
    x = np.random.default_rng(seed).uniform(-1.5, 1.5, 150)
    assert agrees(one_variable(x, truth(x)), truth, -1.5, 1.5)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.floats(0.5, 3.0), st.floats(0.6, 4.0), st.floats(-2.0, 2.0))
def test_constants_follow_the_data(a, b, d):
    x = np.linspace(0.1, 3, 200)
    front = one_variable(x, a * np.sin(b * x) + d)
    assert agrees(front, lambda z: a * np.sin(b * z) + d, 0.1, 3)


def test_the_order_of_points_does_not_matter():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 2, 120)
    y = np.exp(-2 * x) + x
    order = rng.permutation(120)
    straight, shuffled = (
        one_variable(x, y),
        one_variable(x[order], y[order]),
    )
    assert [render(item.tree) for item in straight] == [render(item.tree) for item in shuffled]


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_front_falls(noise):
    rng = np.random.default_rng(1)
    x = rng.uniform(0.5, 3, 400)
    y = 2 * np.log(3 * x) - 0.5 * x**2
    front = one_variable(x, y + noise * y.std() * rng.standard_normal(400), top=5)
    assert 1 <= len(front) <= 5
    for simple, accurate in itertools.pairwise(front):
        assert simple.complexity < accurate.complexity
        assert simple.residual > accurate.residual
    # Noise is not fitted: the last residual is the noise, and the formula is near the truth.
    assert front[-1].residual > 0.9 * noise
    assert agrees(front, lambda z: 2 * np.log(3 * z) - 0.5 * z**2, 0.5, 3, near=3 * noise + 1e-6)


def test_residual_and_complexity_are_what_they_say():
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 3, 300)
    y = np.sin(2 * x) + 0.01 * rng.standard_normal(300)
    for form in one_variable(x, y):
        assert form.residual == pytest.approx(np.sqrt(np.mean((value(form, x) - y) ** 2)) / y.std(), rel=1e-6)
        assert form.complexity == size(form.tree)
        assert set(names_in(form.tree)) <= {"x", "pi"}


def test_weights_choose_what_counts():
    x = np.linspace(0, 3, 300)
    y = np.where(x < 2, np.exp(x), 0.0)
    front = one_variable(x, y, (x < 2).astype(float))
    assert agrees(front, np.exp, 0, 2)


@pytest.mark.slow
def test_only_allowed_functions_are_used():
    x = np.linspace(-2, 2, 200)
    front = one_variable(x, np.sin(x) + x, forms=[FORMS["exp"], FORMS["square"]])
    assert all("sin(" not in render(formula.tree) and "cos(" not in render(formula.tree) for formula in front)
    front = one_variable(x, np.sin(x) + x, forms=[FORMS["sin"]])
    assert agrees(front, lambda z: np.sin(z) + z, -2, 2)


def test_a_constant_curve():
    x = np.linspace(0, 1, 30)
    (only,) = one_variable(x, np.full(30, 2.5))
    assert only.tree == Number(2.5)
    assert only.residual < 1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [1.0, 2.0]), "12"),
        ((np.arange(20.0), np.arange(19.0)), "20"),
        ((np.arange(20.0), np.full(20, 1e200)), "units"),
        ((np.arange(20.0), np.arange(20.0), -np.ones(20)), "weight"),
    ],
)
def test_bad_input_ends_in_a_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        one_variable(*arguments)


@pytest.mark.slow
def test_work_bounds_the_search_and_more_of_it_finds_no_less():
    x = np.linspace(0, 5, 1500)
    y = np.sin(x) * np.sqrt(x + 1) / (1 + np.tanh(x)) + 0.1 * np.cos(7 * x) * x
    least = []
    for work in (0.02, 0.2):
        with running(Meter()) as meter:
            front = one_variable(x, y, work=work)
        # One stage may go beyond.
        assert meter.spent < CURVE_WORK_UNITS * work + 0.5
        least.append(front[-1].residual)
    assert least[1] <= least[0] * (1 + 1e-9)


def test_a_time_limit_leaves_an_answer(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(work_room.time, "monotonic", lambda: 0.01 * next(ticks))
    x = np.linspace(0.5, 3, 300)
    few = one_variable(x, np.sin(x) / x + 0.01 * np.cos(40 * x), seconds=0.05)
    assert len(few) >= 1
    assert np.isfinite(few[0].residual)


trees = st.recursive(
    st.one_of(
        st.just(Variable("x")),
        st.integers(-2, 3).map(Number),
        st.floats(0.5, 2.0).map(lambda v: Number(float(v))),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: add(*pair)),
        st.tuples(inner, inner).map(lambda pair: multiply(*pair)),
        inner.map(lambda item: power(item, 2)),
        inner.map(lambda item: Apply("sin", (item,))),
        inner.map(lambda item: Apply("exp", (Apply("sin", (item,)),))),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_tidying_changes_no_value(tree):
    x = np.linspace(0.3, 1.2, 7)[:, None]
    before, after = Tape(tree, ["x"]), Tape(tidy(tree), ["x"])
    expected = before.value(before.start, x)
    np.testing.assert_allclose(
        after.value(after.start, x), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
    )
    assert size(tidy(tree)) <= size(tree)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_loosening_starts_at_the_formula(tree):
    x = np.linspace(0.3, 1.2, 7)[:, None]
    before, after = Tape(tree, ["x"]), Tape(loosened(tree), ["x"])
    expected = np.asarray(before.value(before.start, x))
    np.testing.assert_allclose(
        after.value(after.start, x), expected, rtol=1e-4, atol=1e-4 * (1 + np.abs(expected).max())
    )
    assert after.size >= before.size


def test_the_best_pair_is_the_best_of_all_pairs():
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(0.2, 2, 60))
    terms = CurveLibrary(x).powers()
    y = rng.standard_normal(60)
    found = min(
        (total for total in SubsetSelection(terms, y, np.ones(60)).sums(2, 0.0) if len(total.members) == 2),
        key=lambda e: e.unexplained,
    )
    centred = y - y.mean()
    least = np.inf
    for one in range(len(terms.trees)):
        for other in range(one):
            design = np.column_stack([terms.values[:, [one, other]], np.ones(60)])
            design = design / np.linalg.norm(design, axis=0)
            left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
            least = min(least, float(left @ left) / float(centred @ centred))
    assert found.unexplained == pytest.approx(least, rel=1e-6)


def test_trees_read_as_sympy():
    x = np.linspace(0.5, 2, 100)
    front = one_variable(x, 1 / (np.exp(x) - 1))
    symbols = to_sympy(front[-1].tree, ["x"]).free_symbols
    assert {str(symbol) for symbol in symbols} == {"x"}


def test_a_constant_without_bounds_is_no_simple_number() -> None:
    for value in (math.inf, -math.inf, 1e300):
        assert ugly(FittedForm(Number(value), 0.1, 1)) == 1
    assert ugly(FittedForm(Number(2.0), 0.1, 1)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "most"), [(lambda x: 1 / np.tanh(x) - 1 / x, 8), (lambda x: 3 * x / np.tanh(2 * x) - 1, 12)]
)
def test_the_functions_of_langevin_and_bose(law, most):
    x = np.linspace(0.3, 6, 300)
    best = one_variable(x, law(x))[-1]
    assert best.residual < 1e-12
    assert best.complexity <= most


@pytest.mark.parametrize("units", [0.02, 0.1])
def test_a_curve_gets_no_more_work_than_is_left_around_it(units):
    x = np.linspace(0.5, 3, 200)
    y = np.sin(x**2) / (1 + x) + np.log(x + np.cosh(x))
    with running(Meter(most=units)):
        within = one_variable(x, y)
    alone = one_variable(x, y, work=units / CURVE_WORK_UNITS)
    assert [form.tree for form in within] == [form.tree for form in alone]
