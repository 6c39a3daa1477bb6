"""What is recommended of few rows: the simplest formula that no other beats by more than chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy

from edgewise.symbolic.fitting.code_length import NUMBER_NATS, OPERATOR_NATS, nats
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.alternatives import alternatives, paired_p_value, squared_errors
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.parsimony import significant, simplest
from edgewise.symbolic.results.search_result import as_formula

x = sympy.Symbol("x")


def fitted(rows: SplitRows, *expressions: sympy.Expr) -> list[Formula]:
    return [as_formula(fit_expression(expression, rows), rows, None) for expression in expressions]


def table(rows: int, noise: float, seed: int) -> SplitRows:
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.3, 2, (rows, 1))
    y = -2.0 * X[:, 0] + 15.5 + noise * rng.standard_normal(rows)
    return SplitRows.split(("x",), X, y, 0.2, 0)


LINE = 1.1 * x + 1.3
BEND = 1.1 * x + 1.3 + 0.17 * x**3
NESTED = 13.7 - 2.9 * sympy.cos(sympy.cos(1.01 * x) + 1.02)


def test_of_few_noisy_rows_the_line_is_recommended() -> None:
    lines = 0
    for seed in range(20):
        rows = table(26, 0.16, seed)
        line, *longer = fitted(rows, LINE, BEND, NESTED)
        lines += simplest([line, *longer], rows) is line
    assert lines >= 18


def test_of_formulas_that_rows_cannot_tell_apart_the_simplest_is_recommended() -> None:
    # Bates and Watts (1988): rates of a reaction at six concentrations, twice each.
    X = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.1], 2)[:, None]
    y = np.array([76.0, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])
    rows = SplitRows.split(("x",), X, y, 0.2, 0)
    saturating, root, log = fitted(
        rows, 3320.5 / (15.6 + 1 / x), 469.3 / sympy.sqrt(4.23 + 1 / x), 37.1 * sympy.log(x) + 209.2
    )
    assert root.error < saturating.error < log.error
    assert log.complexity < saturating.complexity < root.complexity
    assert simplest([log, saturating, root], rows) is saturating


def test_a_moved_column_is_no_shorter_way_to_say_what_a_power_or_a_decay_says() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(0, 6, (40, 1))
    for law, close in (
        (4.3 * x**2.45, 3.77 * (x + 0.12) ** 2.5),
        (8.4 * sympy.exp(-0.55 * x) + 4.0, 11.1 / sympy.sqrt(x + 0.73)),
    ):
        y = sympy.lambdify(x, law)(X[:, 0])
        rows = SplitRows.split(("x",), X, y + 0.03 * y.std() * rng.standard_normal(40), 0.2, 0)
        plain, moved = fitted(rows, law, close)
        assert simplest([moved, plain], rows) is plain


def test_what_a_longer_formula_gains_clearly_is_taken() -> None:
    for noise in (0.0, 0.05):
        rng = np.random.default_rng(1)
        X = rng.uniform(0.3, 2, (26, 1))
        y = X[:, 0] + X[:, 0] ** 3 + noise * rng.standard_normal(26)
        rows = SplitRows.split(("x",), X, y, 0.2, 0)
        line, bend = fitted(rows, LINE, BEND)
        assert simplest([line, bend], rows) is bend


@pytest.mark.slow
def test_of_noise_no_column_tells_anything() -> None:
    names = ("a", "b", "c")
    a, b, c = sympy.symbols(names)
    told, slopes = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
        rows = SplitRows.split(names, X, y, 0.2, 0)
        mean, *waves = fitted(
            rows,
            sympy.Float(y.mean()),
            *(1.1 * sympy.cos(rate * item) for item in (a, b, c) for rate in (1, 2, 3, 4, 5)),
            # What was rounded is not charged for by leaving out rows.
            *(sign * one * other for one, other in ((a, b), (a, c), (b, c)) for sign in (1, -1)),
        )
        told += simplest([mean, *waves], rows) is not mean
        law = SplitRows.split(names, X, 2.0 * X[:, 1] + 0.5 * y + 1.0, 0.2, 0)
        slopes += all(significant(formula, law) for formula in fitted(law, 2.1 * b + 1.1))
    assert told <= 2
    assert slopes >= 36


def test_an_exact_law_of_five_rows_tells() -> None:
    X = np.array([1.0, 2, 3, 4, 5])[:, None]
    rows = SplitRows.split(("x",), X, 0.4 + 0.3 * 2 ** X[:, 0], 0.2, 0)
    assert all(significant(formula, rows) for formula in fitted(rows, 0.41 + 0.31 * 2**x, sympy.Float(2.5)))
    assert not any(significant(formula, rows) for formula in fitted(rows, sympy.cos(7 * x)))


def test_of_formulas_as_long_the_plainer_power_is_recommended() -> None:
    # Masses of the baryon octet by hypercharge and isospin: a square and a cube of three values differ by chance alone.
    X = np.array([[1, 0.5], [1, 0.5], [0, 0], [0, 1], [0, 1], [0, 1], [-1, 0.5], [-1, 0.5]])
    y = np.array([938.3, 939.6, 1115.7, 1189.4, 1192.6, 1197.4, 1314.9, 1321.7])
    charge, spin = sympy.symbols("Y I")
    rows = SplitRows.split(("Y", "I"), X, y, 0.2, 0)
    square, cube = fitted(rows, *(80.1 * spin**power - 190.1 * charge + 1110.1 for power in (2, 3)))
    assert cube.error < square.error
    assert simplest([cube, square], rows) is square


def test_a_constant_that_explains_clearly_more_is_kept_in_a_nested_formula() -> None:
    # Distances of planets: Titius 1766, Bode 1772.
    n = np.array([0.0, 1, 2, 3, 4, 5, 6])[:, None]
    y = np.array([0.72, 1.0, 1.52, 2.77, 5.2, 9.54, 19.19])
    rows = SplitRows.split(("x",), n, y, 0.2, 0)
    bare, law = fitted(rows, 0.31 * 2**x, 0.31 * 2**x + 0.41)
    assert simplest([bare, law], rows) is law


def test_digits_that_say_nothing_decide_nothing() -> None:
    rows = table(26, 0.16, 3)
    short, long = fitted(rows, LINE)[0], fitted(rows, LINE)[0]
    short = replace(
        short,
        expression=short.sympy.xreplace({v: sympy.Float(f"{v:.5g}") for v in short.sympy.atoms(sympy.Float)}),
    )
    assert simplest([long, short], rows) is short


@pytest.mark.parametrize("rate", [1.0, 12.0])
def test_a_fast_wave_is_one_of_many(rate: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 4, (15, 1))
    rows = SplitRows.split(("x",), X, rng.standard_normal(15), 0.2, 0)
    slow, fast = nats(sympy.sin(1.0 * x), rows), nats(sympy.sin(rate * x), rows)
    assert fast - slow == pytest.approx(np.log1p(rate * np.ptp(X) / np.pi) - np.log1p(np.ptp(X) / np.pi))


def test_the_mean_is_no_rival_of_a_law_that_few_rows_follow() -> None:
    # One large error hides all others from a t test of squared errors: here they grow a hundredfold along x.
    rng = np.random.default_rng(0)
    X = np.linspace(0, 6, 19)[:, None]
    rows = SplitRows.split(("x",), X, np.exp(X[:, 0]) * (1 + 0.01 * rng.standard_normal(19)), 0.2, 0)
    law, mean, twin = fitted(rows, 1.1 * sympy.exp(1.01 * x), sympy.Float(60.0), 1.1 * sympy.exp(1.01 * x))
    assert paired_p_value(squared_errors(mean, rows), squared_errors(law, rows), 0.0) > 0.05
    assert alternatives(law, [mean, twin], rows) == ()


def test_of_like_terms_one_is_chosen_and_of_the_others_the_numbers() -> None:
    rows = table(24, 0.1, 0)
    decay = nats(2.5 * sympy.exp(-3.1 * x), rows)
    two = nats(2.5 * sympy.exp(-3.1 * x) + 0.7 * sympy.exp(-1.3 * x), rows)
    three = nats(2.5 * sympy.exp(-3 * x) + 0.7 * sympy.exp(-1.3 * x) + 0.4 * sympy.exp(-x), rows)
    other = nats(2.5 * sympy.exp(-3.1 * x) + 0.7 * sympy.cos(1.3 * x), rows)
    step = OPERATOR_NATS + 2 * NUMBER_NATS
    assert two - decay == pytest.approx(step)
    assert two < three <= two + step
    assert other > two + 2.0
    # Powers of a column are other terms.
    assert nats(2.5 * x**3 + 0.7 * x**2, rows) == pytest.approx(
        nats(2.5 * x**3, rows) + nats(0.7 * x**2, rows) + OPERATOR_NATS
    )


def test_decays_under_little_noise_are_told_from_what_imitates_them() -> None:
    rng = np.random.default_rng(4)
    X = np.linspace(0, 1.15, 24)[:, None]
    law = 1.2 * np.exp(-0.8 * X[:, 0]) + 1.9 * np.exp(-4.5 * X[:, 0])
    rows = SplitRows.split(("x",), X, law + 2e-3 * rng.standard_normal(24), 0.2, 0)
    decays, cube = fitted(
        rows,
        1.1 * sympy.exp(-0.9 * x) + 1.8 * sympy.exp(-4.1 * x),
        27.0 * (1.5 - sympy.tanh(0.9 * x + 0.7)) ** 3 + 0.3,
    )
    assert simplest([cube, decays], rows) is decays
