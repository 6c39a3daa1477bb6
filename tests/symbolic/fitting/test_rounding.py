"""Constants become exact where the data cannot tell, and only there."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from edgewise.symbolic import formula_text, parse_formula
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.fitting.rounding import (
    _candidates,
    exact_number,
    fit_expression,
    round_constants,
    trim_digits,
)
from edgewise.symbolic.fitting.train_test import SplitRows

RNG = np.random.default_rng(0)


def rows(X: np.ndarray, y: np.ndarray, names: tuple[str, ...]) -> SplitRows:
    cut = int(0.8 * len(y))
    return SplitRows(names, X[:cut], y[:cut], X[cut:], y[cut:])


def rounded(text: str, table: SplitRows) -> str:
    return formula_text(
        trim_digits(round_constants(parse_formula(text, table.names), table), table).expression
    )


SQUARE = RNG.uniform(-1, 1, (1000, 2))
HELLO = np.exp(np.sin(np.pi * SQUARE[:, 0]) + SQUARE[:, 1] ** 2)
START = "1.1*exp(0.9*sin(3.0*x + 0.1) + 1.2*(y + 0.1)^2) + 0.01"


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_the_exact_law_is_found_with_and_without_noise(noise: float) -> None:
    y = HELLO + noise * np.random.default_rng(1).standard_normal(1000)
    assert rounded(START, rows(SQUARE, y, ("x", "y"))) == "exp(y^2 + sin(pi*x))"


def test_powers_become_integers_and_measured_constants_stay() -> None:
    X = RNG.uniform(1, 5, (500, 3))
    y = 6.674 * X[:, 0] * X[:, 1] / X[:, 2] ** 2
    table = rows(X, y, ("m1", "m2", "r"))
    assert rounded("5.0*m1^1.1*m2^0.9*r^-1.8 + 0.2", table) == "6.674*m1*m2/r^2"


def test_noise_of_unequal_size_does_not_fool_the_errors() -> None:
    X = RNG.uniform(1, 5, (1000, 3))
    y = 6.674 * X[:, 0] * X[:, 1] / X[:, 2] ** 2 * (1 + 0.01 * RNG.standard_normal(1000))
    found = rounded("5.0*m1^1.1*m2^0.9*r^-1.8", rows(X, y, ("m1", "m2", "r")))
    assert found.endswith("*m1*m2/r^2")


def test_what_the_data_can_tell_is_not_rounded() -> None:
    x = np.linspace(0, 1, 400)[:, None]
    y = 1.0003 * x[:, 0] + 3.1406
    found = sympy.sympify(rounded("1.0*x + 3.0", rows(x, y, ("x",))))
    assert sorted(map(float, found.atoms(sympy.Float))) == pytest.approx([1.0003, 3.1406], abs=1e-9)


def test_a_loose_constant_is_not_taken_for_a_ratio() -> None:
    # 0.37 +- 0.05 is near 2/5, 3/8 and 1/3: none of them is a finding.
    assert exact_number(0.37, 0.05) is None
    assert exact_number(0.4999, 0.001) == canonical(sympy.Rational(1, 2))
    assert exact_number(2 * np.pi, 1e-6) == canonical(2 * sympy.pi)
    assert exact_number(-0.75, 1e-6) == canonical(sympy.Rational(-3, 4))
    assert exact_number(0.25 / np.pi, 1e-9) == canonical(1 / (4 * sympy.pi))


def test_rare_numbers_need_a_close_hit() -> None:
    assert exact_number(8.487, 0.01) is None  # 6 sqrt(2) is 8.485
    assert exact_number(2**0.5, 1e-6) == canonical(sympy.sqrt(2))


def test_terms_nobody_misses_go() -> None:
    x = RNG.uniform(-1, 1, (400, 1))
    y = 2 * x[:, 0] + 0.1 * RNG.standard_normal(400)
    found = rounded("1.9*x + 0.001*sin(3.0*x) + 0.002", rows(x, y, ("x",)))
    assert "sin" not in found


def test_held_out_error_does_not_move() -> None:
    y = HELLO + 0.05 * np.random.default_rng(2).standard_normal(1000)
    table = rows(SQUARE, y, ("x", "y"))
    before = fit_expression(parse_formula(START, ("x", "y")), table)
    after = round_constants(parse_formula(START, ("x", "y")), table)
    assert after.held <= before.held * 1.02


def test_digits_end_where_the_noise_begins() -> None:
    x = RNG.uniform(-1, 1, (400, 1))
    y = 2.1234567 * x[:, 0] + 0.3456789 + 0.01 * RNG.standard_normal(400)
    table = rows(x, y, ("x",))
    fitted = fit_expression(parse_formula("2.0*x + 0.3", ("x",)), table)
    short = trim_digits(fitted, table)
    assert len(formula_text(short.expression)) < len(formula_text(fitted.expression))
    assert short.held == pytest.approx(fitted.held, rel=1e-3)


def test_a_column_called_pi_keeps_its_meaning() -> None:
    X = RNG.uniform(1, 2, (300, 1))
    found = rounded("3.0*pi", rows(X, np.pi * X[:, 0], ("pi",)))
    assert found == "3.141592653589793*pi"


def test_short_tables_are_judged_by_leaving_out_one_row() -> None:
    x = np.arange(1.0, 11)[:, None]
    table = SplitRows.split(("x",), x, 2 * x[:, 0], 0.2, 0)
    assert table.short
    assert len(table.y) == 10
    long = SplitRows.split(("x",), np.arange(100.0)[:, None], np.arange(100.0), 0.2, 0)
    assert not long.short
    assert len(long.y_held) == 20
    assert not set(long.y) & set(long.y_held)


def test_a_sure_constant_may_be_a_simple_multiple_of_pi_and_an_unsure_one_may_not() -> None:
    found = exact_number(9.8718, 0.0037)
    assert found is not None
    assert formula_text(found) == "pi^2"
    # So many numbers lie as near to some multiple.
    assert exact_number(9.89, 0.037) is None
    assert exact_number(15.7, 0.02) is None


def test_hardly_a_constant_that_is_none_is_taken_for_a_multiple_of_pi() -> None:
    rng = np.random.default_rng(4)
    values = 10 ** rng.uniform(-2, 2, 2000)
    claimed = [exact_number(value, 5e-4 * value) for value in values.tolist()]
    taken = [formula_text(item) for item in claimed if item is not None]
    assert sum("pi" in item for item in taken) < 0.03 * len(values)


def test_beside_odd_constants_a_loose_one_is_odd_too() -> None:
    for value, error in ((3.97, 0.027), (2.06, 0.05)):
        assert [text for _, text in _candidates(value, error)]
        assert not [text for _, text in _candidates(value, error, odd=5)]
    # What the rows know well is exact whatever stands beside it.
    assert [text for _, text in _candidates(4.0 + 1e-9, 1e-8, odd=5)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5 / np.sqrt(np.pi), "1/(2*sqrt(pi))"),
        (2 * np.sqrt(2) * np.pi, "2*sqrt(2)*pi"),
        (np.sqrt(2) / 2, "sqrt(2)/2"),
        (np.log(10), "log(10)"),
        (np.log(2 * np.pi) / 2, "log(2*pi)/2"),
        (5 / 8 * np.log(3), "5*log(3)/8"),
    ],
)
def test_digits_alone_show_an_irrational_number_and_few_of_them_do_not(value: float, text: str) -> None:
    told = exact_number(float(value), 1e-16)
    assert told is not None
    assert formula_text(told) == text
    near = exact_number(float(value) * (1 + 1e-5), 1e-16)
    assert near is None
    assert exact_number(float(value), 1e-3 * value) is None


def test_hardly_any_number_of_twelve_digits_is_recognised() -> None:
    drawn = np.exp(np.random.default_rng(0).uniform(-3, 3, 300))
    assert not any(exact_number(float(f"{item:.12g}"), 1e-16) for item in drawn)
