"""Formulas that need no search: lines, power laws, curves and short sums, beside brute force and least squares."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms import FORMS
from edgewise.forms.tree import Node, Number, Variable
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.curves import curves, long_curves
from edgewise.symbolic.structure.direct_candidates import curve_tree, direct_candidates
from edgewise.symbolic.structure.nondimensional import from_units, reduced
from edgewise.symbolic.units.constraints import Dimensions
from edgewise.symbolic.univariate.closed_forms import Suggestion

Floats = np.ndarray
LINE = [FORMS["identity"]]


def table(columns: int, low: float, high: float, rows: int = 80, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(low, high, (rows, columns))


def split(X: Floats, y: Floats) -> SplitRows:
    return SplitRows.split(tuple("abcdef"[: X.shape[1]]), X, y, 0.2, 0)


def value(tree: Node, rows: SplitRows) -> Floats:
    tape = Tape(tree, rows.names)
    return np.broadcast_to(tape.value(tape.start, rows.X), rows.y.shape)


def errors(trees: Iterable[Node], rows: SplitRows) -> list[float]:
    return [float(np.sqrt(np.mean(np.square(value(tree, rows) - rows.y)))) for tree in trees]


@given(st.lists(st.floats(-9, 9), min_size=3, max_size=3), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_a_constant_comes_first_and_a_line_next(slopes: list[float], seed: int) -> None:
    X = table(2, -1, 1, seed=seed)
    rows = split(X, X @ slopes[:2] + slopes[2] + 0.1 * np.random.default_rng(seed).standard_normal(80))
    constant, line = itertools.islice(direct_candidates(rows, LINE), 2)
    assert constant == Number(float(rows.y.mean()))
    design = np.column_stack([rows.X, np.ones(len(rows.y))])
    fitted = design @ np.linalg.lstsq(design, rows.y, rcond=None)[0]
    np.testing.assert_allclose(value(line, rows), fitted, atol=1e-10)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=2), st.floats(0.01, 100), st.sampled_from([1, -1]))
@settings(max_examples=15, deadline=None)
def test_any_power_law_is_exact(powers: list[float], size: float, sign: int) -> None:
    X = table(2, 0.5, 3)
    rows = split(X, sign * size * np.prod(X**powers, axis=1))
    assert min(errors(itertools.islice(direct_candidates(rows, LINE), 3), rows)) < 1e-9 * np.abs(rows.y).max()


@given(
    st.integers(-3, 3),
    st.integers(-3, 3),
    st.floats(-2, 2).filter(lambda p: abs(p) > 0.1),
    st.integers(-30, 30),
)
@settings(max_examples=10, deadline=None)
def test_power_laws_of_either_sign_over_decades_are_exact(
    first: int, second: int, third: float, unit: int
) -> None:
    rng = np.random.default_rng(0)
    X = np.exp(rng.uniform(-9, 9, (80, 3)))
    X[:, :2] *= rng.choice([-1.0, 1.0], (80, 2))
    y = 10.0**unit * X[:, 0] ** float(first) * X[:, 1] ** float(second) * X[:, 2] ** third
    rows = split(X, y)
    candidates = list(itertools.islice(direct_candidates(rows), 4))
    assert min(float(np.abs(value(candidate, rows) / rows.y - 1).max()) for candidate in candidates) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_sums_of_two_and_three_terms_are_the_best_there_are(seed: int) -> None:
    """Columns of both signs leave whole powers up to the fourth degree; the target is nothing but noise."""
    X = table(2, -1, 1, seed=seed)
    rows = split(X, np.random.default_rng(seed).standard_normal(80))
    terms = [
        rows.X[:, 0] ** p * rows.X[:, 1] ** q
        for p, q in itertools.product(range(4), repeat=2)
        if 0 < p + q <= 4
    ]
    found: dict[int, float] = {}
    for tree in direct_candidates(rows, LINE):
        polynomial = sympy.Poly(to_sympy(tree, rows.names), *sympy.symbols("a b"))
        count = sum(any(powers) for powers, _ in polynomial.terms())
        # A sum through the origin is one constant short.
        (error,) = errors([tree], rows)
        found[count] = min(error, found.get(count, np.inf))
    for count in (2, 3):
        least = np.inf
        for chosen in itertools.combinations(terms, count):
            design = np.column_stack([*chosen, np.ones(len(rows.y))])
            rest = rows.y - design @ np.linalg.lstsq(design, rows.y, rcond=None)[0]
            least = min(least, float(np.sqrt(np.mean(rest * rest))))
        assert found[count] == pytest.approx(least, rel=1e-9)


@pytest.mark.parametrize(
    "law",
    [
        lambda a, b: 3 * a * b**2 - 2 / b + 1,
        lambda a, b: np.exp(a - b / 2),
        lambda a, b: 1 / (a + 2 * b),
        lambda a, b: -np.sqrt(a**2 + b**2),
        lambda a, b: 1 / np.sqrt(a + b * a),
        lambda a, b: (a + np.sqrt(b)) ** 2,
        lambda a, b: np.log(a) - 2 * np.log(b),
    ],
)
def test_functions_of_short_sums_are_exact(law) -> None:
    X = table(2, 1, 3)
    rows = split(X, law(*X.T))
    assert min(errors(direct_candidates(rows, LINE), rows)) < 1e-9 * np.abs(rows.y).max()


def test_a_constant_that_explains_nothing_is_left_out_too() -> None:
    X = table(2, 1, 3)
    clean = 2 * X[:, 0] * X[:, 1]
    rows = split(X, clean + 0.01 * np.random.default_rng(1).standard_normal(80))
    found = [to_sympy(tree, rows.names) for tree in direct_candidates(rows, LINE)]
    assert any(part.is_Mul and part.free_symbols == set(sympy.symbols("a b")) for part in found)


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
@pytest.mark.parametrize(("b", "c"), [(1.0, 0.0), (0.4, 0.3)])
def test_the_tree_of_a_curve_says_what_its_numbers_say(form, b: float, c: float) -> None:
    found = Suggestion(form, -2.0, b, c, 0.5, 1.0, 0.0, 1)
    x = np.linspace(0.1, 0.9, 20)
    tape = Tape(curve_tree(found, Variable("u")), ["u"])
    np.testing.assert_allclose(tape.value(tape.start, x[:, None]), found.value(x), rtol=1e-12, atol=1e-12)


UNITS = {"a": "m", "b": "m/s^2", "c": "1", "y": "s"}


def test_units_leave_numbers_without_and_formulas_that_have_the_right_one() -> None:
    X = table(3, 1, 3)
    a, b, c = X.T
    rows = split(X, 2 * np.pi * np.sqrt(a / b) * (1 + c**2 / 16))
    known = Dimensions.read(UNITS, rows.names)
    state = reduced(rows, known)
    assert state is not None
    np.testing.assert_allclose(state.rows.X[:, 0], rows.X[:, 2])
    np.testing.assert_allclose(state.rows.y * np.sqrt(rows.X[:, 0] / rows.X[:, 1]), rows.y)
    trees = list(from_units(known, state, None))
    assert all(known.consistent(tree, free_constants=False) for tree in trees)
    assert min(errors(trees, rows)) < 1e-9


def test_units_that_settle_everything_leave_a_factor() -> None:
    X = table(2, 1, 3)
    rows = split(X, X[:, 0])
    known = Dimensions.read({key: UNITS[key] for key in ("a", "b", "y")}, rows.names)
    (only,) = from_units(known, None, None)
    np.testing.assert_allclose(value(only, rows), np.sqrt(rows.X[:, 0] / rows.X[:, 1]))
    assert reduced(rows, None) is None
    assert list(from_units(None, None, None)) == []


@pytest.mark.parametrize("law", [lambda x: x**2 * np.sin(1.3 * x), lambda x: np.tanh(x) / x])
def test_a_curve_is_read_through_noise(law) -> None:
    x = table(1, 0.5, 4, 400)
    clean = law(x[:, 0])
    rows = split(x, clean + 0.02 * clean.std() * np.random.default_rng(1).standard_normal(400))
    truth = law(rows.X[:, 0])
    found = [
        np.sqrt(np.mean((value(tree, rows) - truth) ** 2)) for tree in curves(rows, np.ones(len(rows.y)))
    ]
    assert min(found) < 0.006 * clean.std()


@pytest.mark.slow
def test_a_curve_of_two_functions_is_read_through_noise() -> None:
    x = table(1, 0.5, 4, 150)
    clean = np.exp(-x[:, 0]) + 0.2 * x[:, 0]
    rows = split(x, clean + 0.01 * clean.std() * np.random.default_rng(1).standard_normal(150))
    truth = np.exp(-rows.X[:, 0]) + 0.2 * rows.X[:, 0]
    long = [np.sqrt(np.mean((value(t, rows) - truth) ** 2)) for t in long_curves(rows, np.ones(len(rows.y)))]
    assert min(long) < 0.005 * clean.std()


@pytest.mark.parametrize("top", [1e-3, 1e-2, 0.1])
def test_a_wave_of_which_little_is_seen_is_that_wave(top: float) -> None:
    # Rate and amplitude of a*sin(b*x) cannot both be fitted here, and quotients of polynomials leave no more.
    X = np.random.default_rng(0).uniform(top / 100, top, (200, 1))
    found = find_formula(X, 3 * np.sin(X[:, 0]) + 2, work="quick")
    assert found.exact
    assert found.best.text == "3*sin(x1) + 2"
