"""Trust: distance to the network, domain, extrapolation, intervals, noise, and what the data cannot distinguish."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit
from scipy.stats import qmc

from edgewise._core.errors import InputError
from edgewise.forms.parser import read
from edgewise.network import KAN, set_symbolic
from edgewise.symbolic import parse_formula
from edgewise.symbolic.fitting.noise_estimate import neighbour_noise
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.alternatives import alternatives, paired_p_value, squared_errors
from edgewise.symbolic.results.box import DataBox, lowest
from edgewise.symbolic.results.diagnostics import trust
from edgewise.symbolic.results.domain import conditions
from edgewise.symbolic.results.extrapolation import extrapolation
from edgewise.symbolic.results.formula import Constant, Formula
from edgewise.symbolic.results.search_result import FormulaResult, judged

XY = ("x", "y")
SQUARE = np.vstack([np.random.default_rng(3).uniform(-1, 1, (400, 2)), [[-1, -1], [1, 1]]])


def made(text: str, names: tuple[str, ...] = XY, **more: object) -> Formula:
    return Formula(parse_formula(text, names), names, **more)  # pyright: ignore[reportArgumentType]


# The box ------------------------------------------------------------------------------------------------------------


def test_points_fill_the_box_more_evenly_than_chance() -> None:
    box = DataBox(("a", "b", "c"), np.array([0.0, 0, 0]), np.array([1.0, 1, 1]))
    points = box.points(512)
    assert qmc.discrepancy(points) < 0.2 * qmc.discrepancy(np.random.default_rng(0).random((520, 3)))
    surface = box.surface(200)
    assert np.allclose(np.abs(surface - 0.5).max(axis=1), 0.5)
    assert len(DataBox(tuple("abcdefghi"), np.zeros(9), np.ones(9)).points(64)) == 64


def test_signs_are_kept_where_asked() -> None:
    box = DataBox(("a", "b", "c"), np.array([1.0, -4, -1]), np.array([4.0, -1, 1]))
    wide = box.widened(2, keep_signs=True)
    assert wide.low.tolist() == [0.5, -5.5, -2]
    assert wide.high.tolist() == [5.5, -0.5, 2]


@given(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_the_lowest_point_is_found(a: float, b: float) -> None:
    box = DataBox(XY, -np.ones(2), np.ones(2))
    point, value = lowest(lambda rows: ((rows - [a, b]) ** 2 @ [1.0, 30.0]) + 2, box, box.points(64))
    assert value == pytest.approx(2, abs=1e-9)
    np.testing.assert_allclose(point, [a, b], atol=1e-4)


# The domain ---------------------------------------------------------------------------------------------------------

DATA, BOX, AROUND, NEVER = (
    (True, True, True),
    (False, True, True),
    (False, False, True),
    (False, False, False),
)


@pytest.mark.parametrize(
    ("text", "condition", "fails"),
    [
        ("log(x)", "x > 0", DATA),
        ("log(x + 1.1)", "x + 1.1 > 0", AROUND),
        ("log(x + 1.6)", "x + 1.6 > 0", NEVER),
        ("log(x^2 + y^2)", "x^2 + y^2 > 0", BOX),
        ("log(x^2 + y^2 + 0.00001)", "x^2 + y^2 + 1e-05 > 0", NEVER),
        ("log(exp(30*x))", "exp(30*x) > 0", NEVER),
        ("sqrt(x^2 - 2*x*y + y^2)", "x^2 - 2*x*y + y^2 >= 0", NEVER),
        ("sqrt(1 - x^2)", "1 - x^2 >= 0", AROUND),
        ("sqrt(x + 1.00001)", "x + 1.00001 >= 0", AROUND),
        ("(x + 1.2)^1.5", "x + 1.2 >= 0", AROUND),
        ("(x + 1.6)^y", "x + 1.6 > 0", NEVER),
        ("1/(x - y)", "x - y != 0", DATA),
        ("1/(x - 0.123)", "x - 0.123 != 0", BOX),
        ("1/(1.9 - x - y)", "1.9 - x - y != 0", BOX),
        ("1/(x^2 - 0.5)", "x^2 - 0.5 != 0", BOX),
        ("1/(1.2 - x)", "1.2 - x != 0", AROUND),
        ("1/(1.6 - x)", "1.6 - x != 0", NEVER),
        ("1/(sin(3*x) + 1)", "sin(3*x) + 1 != 0", BOX),
        ("x^(-2)", "x != 0", BOX),
        ("tan(2*x)", "cos(2*x) != 0", BOX),
        ("tan(x)", "cos(x) != 0", NEVER),
        ("asin(0.9*x)", "abs(0.9*x) <= 1", AROUND),
        ("acos(x*y)", "abs(x*y) <= 1", AROUND),
        ("atanh(x/2)", "abs(x/2) < 1", NEVER),
        ("acosh(x + 1.5)", "x + 1.5 >= 1", DATA),
        ("mod(x, y - 0.123)", "y - 0.123 != 0", BOX),
        ("mod(x, y + 1.6)", "y + 1.6 != 0", NEVER),
        ("1/max(x, 0.5)", "max(x, 0.5) != 0", NEVER),
        ("1/(floor(x) + 0.5)", "floor(x) + 0.5 != 0", NEVER),
        ("log(max(x, y) + 1.1)", "max(x, y) + 1.1 > 0", AROUND),
        ("1/step(x + 0.9)", "step(x + 0.9) != 0", DATA),
    ],
)
def test_conditions_and_where_they_fail(text: str, condition: str, fails: tuple[bool, bool, bool]) -> None:
    found = {item.text: item for item in conditions(read(text, XY), XY, SQUARE)}
    each = found[condition]
    assert (each.fails_on_data, each.fails_in_box, each.fails_around) == fails
    assert each.holds == (fails == NEVER)
    assert condition in str(each)


def test_a_pole_is_no_zero() -> None:
    found = conditions(read("1/(1/(x - 0.123))", XY), XY, SQUARE)
    assert [condition.text for condition in found] == ["x - 0.123 != 0"]
    inverse = conditions(read("1/tan(2*x)", XY), XY, SQUARE + np.array([3, 0]))
    assert {condition.text: condition.holds for condition in inverse} == {
        "cos(2*x) != 0": False,
        "tan(2*x) != 0": False,
    }
    assert conditions(read("exp(x)*sin(y) + x^3 + 2^x + log(2)", XY), XY, SQUARE) == ()


def test_columns_of_many_sizes_are_no_zero() -> None:
    X = np.exp(np.random.default_rng(0).uniform(-20, 14, (300, 2)))
    found = conditions(read("log(x) + 1/y + sqrt(x*y)", XY), XY, X)
    assert [(condition.fails_in_box, condition.fails_around) for condition in found] == [(False, True)] * 3


@settings(max_examples=60)
@given(st.integers(-2, 2), st.integers(-2, 2), st.floats(-3, 3), st.sampled_from(["log", "sqrt", "1/"]))
def test_a_plane_leaves_the_domain_where_its_corners_say(a: int, b: int, c: float, function: str) -> None:
    text = f"{function}({a}*x + {b}*y + ({c!r}))"
    found = conditions(read(text, XY), XY, SQUARE)
    if a == b == 0 and function == "1/":
        return
    (each,) = found
    for half, fails in ((1.0, each.fails_in_box), (1.5, each.fails_around)):
        low, high = c - half * (abs(a) + abs(b)), c + half * (abs(a) + abs(b))
        if min(abs(low), abs(high)) > 1e-6:
            assert fails == (low <= 0 <= high if function == "1/" else low < 0)
    if each.witness is not None:
        at = {"x": 0.0, "y": 0.0} | dict(each.witness)
        value = a * at["x"] + b * at["y"] + c
        assert abs(value) < 1e-9 if function == "1/" else value <= 1e-12


# Beyond the data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [1, 2, 3, 5])
def test_powers_grow_as_they_do(power: int) -> None:
    X = np.linspace(-1, 1, 101)[:, None]
    y = X[:, 0] ** power
    found = extrapolation(lambda rows: rows[:, 0] ** power, ("x",), X, y)
    middle, half = (y.max() + y.min()) / 2, (y.max() - y.min()) / 2
    expected = [(factor**power - middle) / half for factor in (1.5, 2, 3)]
    assert [shell.growth for shell in found.shells] == pytest.approx(expected)
    assert found.sane == (expected[0] <= 10)
    assert ("do not rely" in str(found)) is not found.sane


def test_what_explodes_or_has_no_values_beyond_is_not_sane() -> None:
    X = np.linspace(-1, 1, 101)[:, None]
    wild = extrapolation(lambda rows: rows[:, 0] ** 9, ("x",), X, X[:, 0] ** 9)
    assert not wild.sane
    assert "its values reach 38 times" in str(wild)
    cut = extrapolation(lambda rows: np.sqrt(1.2 - rows[:, 0]), ("x",), X, np.sqrt(1.2 - X[:, 0]))
    assert not cut.sane
    assert "on 50 % of the ends" in str(cut)
    positive = np.linspace(1, 5, 50)[:, None]
    assert extrapolation(lambda rows: 1 / rows[:, 0] ** 2, ("r",), positive, positive[:, 0] ** -2.0).sane


# Noise --------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.sampled_from([0.03, 0.1, 1.0]), st.integers(1, 3))
def test_noise_is_told_without_a_formula(seed: int, noise: float, columns: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (1500, columns)) * 10.0 ** rng.integers(-6, 6, columns)
    unit = X / np.abs(X).max(axis=0)
    y = np.sin(unit.sum(axis=1)) + noise * rng.standard_normal(1500)
    assert neighbour_noise(X, y) == pytest.approx(noise, rel=0.2)
    assert neighbour_noise(X, 7 * y + 3) == pytest.approx(7 * neighbour_noise(X, y))


def test_planes_have_no_noise_and_repeats_show_it() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(200, 3))
    assert neighbour_noise(X, X @ [1.0, 2, 3]) < 1e-12
    repeated = np.repeat(np.arange(30.0), 12)[:, None]
    y = np.repeat(rng.standard_normal(30), 12) * 5 + 0.2 * rng.standard_normal(360)
    assert neighbour_noise(repeated, y) == pytest.approx(0.2, rel=0.2)
    assert np.isnan(neighbour_noise(X[:8], y[:8]))
    assert np.isnan(neighbour_noise(np.ones((50, 2)), y[:50]))


# Together -----------------------------------------------------------------------------------------------------------


def sine(amplitude: float) -> KAN:
    net = set_symbolic(KAN([1, 1], seed=0, dtype=torch.float64), (0, 0, 0), "sin", (1.0, 0.0, 0.0, 0.0))
    return set_symbolic(net.network, (0, 0, 0), "sin", (amplitude, 1.0, 0.0, 0.0)).network


def test_the_distance_to_the_network_is_the_integral_over_the_box() -> None:
    net = sine(2.0)
    X = np.linspace(-1, 1, 80)[:, None]
    law = Formula(1.5 * sympy.sin(sympy.Symbol("x1")), net.input_names)
    found = trust(law, X, 2 * np.sin(X[:, 0]), net).network
    assert found is not None
    # The mean square of sin over [-1, 1].
    assert found.rms == pytest.approx(0.5 * np.sqrt(0.5 - np.sin(2) / 4), rel=2e-3)
    assert found.largest == pytest.approx(0.5 * np.sin(1))
    assert found.place is not None
    assert abs(found.place[0][1]) == 1.0
    assert found.finite == 1.0
    half = trust(replace(law, expression=sympy.log(sympy.Symbol("x1"))), X, X[:, 0], net).network
    assert half is not None
    assert half.finite == pytest.approx(0.5, abs=0.01)
    with pytest.raises(InputError, match="2 inputs"):
        trust(made("x + y"), SQUARE, SQUARE[:, 0], net)


def test_intervals_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(1)
    X = np.linspace(0, 2, 30)[:, None]
    y = 3 * np.exp(-1.3 * X[:, 0]) + 0.05 * rng.standard_normal(30)
    fitted, covariance = curve_fit(lambda x, a, b: a * np.exp(b * x), X[:, 0], y, p0=[3, -1])
    law = Formula(sympy.Float(fitted[0]) * sympy.exp(sympy.Float(fitted[1]) * sympy.Symbol("x")), ("x",))
    reach = stats.t.ppf(0.975, 28)
    errors = np.sqrt(np.diag(covariance))
    known = replace(
        law, constants=tuple(Constant(float(v), float(e)) for v, e in zip(fitted, errors, strict=True))
    )
    for value, error, constant in zip(fitted, errors, trust(known, X, y).constants, strict=True):
        assert (constant.value, constant.high, constant.low) == pytest.approx(
            (value, value + reach * error, value - reach * error)
        )
    # Without standard errors of its own they are worked out, robust to unequal noise: a little wider here or there.
    for error, constant in zip(errors, trust(law, X, y).constants, strict=True):
        assert constant.high - constant.low == pytest.approx(2 * reach * error, rel=0.5)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    X = np.linspace(1, 3, 40)[:, None]
    hits = 0
    for _ in range(200):
        y = 2.5 * X[:, 0] + 0.3 * rng.standard_normal(40)
        slope = float(X[:, 0] @ y / (X[:, 0] @ X[:, 0]))
        (each,) = trust(Formula(slope * sympy.Symbol("x"), ("x",)), X, y, neighbours=0.3).constants
        hits += each.low <= 2.5 <= each.high
    assert 180 <= hits <= 199


def test_an_undetermined_constant_says_so() -> None:
    X = np.linspace(1, 2, 20)[:, None]
    law = made("1.5*x + 0.5*x", ("x",))
    twice = Formula(sympy.Float(1.5) * sympy.Symbol("x"), ("x",), constants=(Constant(1.5, float("inf")),))
    found = trust(twice, X, X[:, 0])
    assert "1.5 (not determined by the data)" in str(found)
    assert found.to_dict()["constants"] == [{"value": 1.5, "low": None, "high": None}]
    assert len(trust(law, X, X[:, 0]).constants) == 1


def test_trust_in_words_and_as_data() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 5, (600, 2))
    y = 2.5 * np.log(X[:, 0]) / X[:, 1] + 0.1 * rng.standard_normal(600)
    good = trust(made("2.5*log(x)/y"), X[500:], y[500:], training=(X[:500], y[:500]))
    assert good.rows == 100
    assert good.error == pytest.approx(0.1, rel=0.2)
    assert not good.noise.unexplained
    assert "nothing but noise" in str(good)
    assert good.leaves_domain == ()
    bad = trust(made("sqrt(x - y) + 1.5"), X[500:], y[500:], training=(X[:500], y[:500]))
    assert bad.noise.unexplained
    assert "no finite value on some of the 100 rows" in str(bad)
    assert "x - y >= 0, which fails on rows of the data" in str(bad)
    missing = trust(made("2.5*log(x)"), X, y)
    assert missing.noise.unexplained
    for item in (good, bad, missing):
        data = json.loads(json.dumps(item.to_dict(), allow_nan=False))
        assert data["text"] == str(item)
        assert len(data["domain"]) == len(item.domain)
    law = replace(made("2.5*log(x)/y"), trust=good)
    assert json.loads(law.json())["trust"]["rows"] == 100
    assert law == made("2.5*log(x)/y")
    assert hash(law) == hash(made("2.5*log(x)/y"))


# What the data cannot distinguish ------------------------------------------------------------------------------------


def test_the_paired_test_is_the_one_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=50), rng.uniform(size=50)
    assert paired_p_value(a, b, 0.0) == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert paired_p_value(a, a, 0.0) == 1.0
    assert paired_p_value(np.full(5, 1e-30), np.full(5, 1e-31), 1e-20) == 1.0
    assert paired_p_value(a, np.where(b > 0.5, np.nan, b), 0.0) == 0.0


def test_leaving_out_a_row_is_what_it_says() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (20, 1))
    y = 2 * X[:, 0] + rng.standard_normal(20)
    slope = float(X[:, 0] @ y / (X[:, 0] @ X[:, 0]))
    rows = SplitRows.split(("x",), X, y, 0.2, 0)
    assert rows.short
    found = squared_errors(Formula(slope * sympy.Symbol("x"), ("x",)), rows)
    for at in range(20):
        left = np.delete(np.arange(20), at)
        without = float(X[left, 0] @ y[left] / (X[left, 0] @ X[left, 0]))
        assert found[at] == pytest.approx((y[at] - without * X[at, 0]) ** 2)


def table(noise: float, rows: int = 400) -> SplitRows:
    rng = np.random.default_rng(2)
    X = rng.uniform(0, 0.5, (rows, 2))
    return SplitRows.split(XY, X, np.sin(X[:, 0]) + noise * rng.standard_normal(rows), 0.3, 0)


@pytest.mark.parametrize("rows", [400, 50])
def test_formulas_that_noise_hides_are_alternatives(rows: int) -> None:
    best, cubic, wrong = made("sin(x)"), made("x - x^3/6"), made("2*x")
    found = alternatives(best, [best, cubic, wrong], table(0.1, rows))
    assert [alternative.formula for alternative in found] == [cubic]
    assert found[0].place is not None
    # They differ most where x is largest.
    assert dict(found[0].place)["x"] == pytest.approx(0.625, abs=0.02)
    assert "x - 1/6*x^3" in str(found[0]) or "x - x^3/6" in str(found[0])
    assert alternatives(best, [best, cubic, wrong], table(0.0)) == ()


def test_a_result_in_words_and_as_data() -> None:
    rows = table(0.1)
    best, cubic, flat = made("sin(x)", error=0.1), made("x - x^3/6", error=0.1), made("0.5*y", error=0.4)
    plain = FormulaResult(best, (flat, best, cubic), None, "Found.", 1.0)
    assert plain.noise is None
    assert plain.alternatives() == ()
    found = judged(plain, rows)
    assert found.noise == pytest.approx(0.1, rel=0.15)
    assert [alternative.formula.text for alternative in found.alternatives()] == [cubic.text]
    assert found.best.trust is not None
    assert found.best.trust.rows == len(rows.y_held)
    text = str(found)
    assert [line for line in text.splitlines() if line.startswith("*")] == [
        next(line for line in text.splitlines() if line.endswith("  sin(x)"))
    ]
    assert "cannot distinguish" in text
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["best"]["text"] == "sin(x)"
    assert len(data["front"]) == 3
    assert data["alternatives"][0]["text"] == cubic.text
    short = judged(plain, table(0.1, 50))
    assert short.best.trust is not None
    assert short.best.trust.error == best.error
