"""Constants of a given formula: the planted ones come back from far away, and the minimum is one by scipy's judgement."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

import edgewise as ew
from edgewise._core.errors import InputError
from edgewise.forms import parse
from edgewise.symbolic.expressions.named_constants import with_constants
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.variable_projection import Separable, linear_constants, settled

X = np.linspace(0.0, 10.0, 60)[:, None]
T = X[:, 0]
# Formula, what is planted, and a start from which a single descent does not get there.
FAR = {
    "two decays": (
        "a*exp(-p*t) + b*exp(-q*t) + c",
        {"a": 2.0, "p": 0.3, "b": -3.0, "q": 1.7, "c": 0.5},
        {"p": 30.0, "q": 200.0},
    ),
    "narrow peak": ("a*exp(-((t - m)/w)^2)", {"a": 5.0, "m": 7.3, "w": 0.4}, {"m": 2.0, "w": 0.1}),
    "saturating exponential": ("a*(1 - exp(-b*t))", {"a": 210.0, "b": 0.55}, {"a": 1.0, "b": 100.0}),
    "wave": ("c + a*sin(w*t) + b*cos(w*t)", {"c": 1.0, "a": 2.0, "w": 3.1, "b": -1.0}, {"w": 0.2}),
    "Arrhenius with an offset": ("a*exp(b/(t + c))", {"a": 0.005, "b": 90.0, "c": 7.0}, {"b": 5e3, "c": 300.0}),
    "logistic": ("a/(1 + exp(b - c*t))^(1/d)", {"a": 7.0, "b": 5.0, "c": 1.1, "d": 1.4}, {"b": 50.0, "c": 0.01}),
    "quotient": ("(a + b*t)/(1 + c*t + d*t^2)", {"a": 1.0, "b": 2.0, "c": 0.3, "d": 0.05}, {"c": 90.0, "d": 1e-4}),
}  # fmt: skip


@cache
def problem(text):
    names = with_constants(text, ["t"])[1]
    return names, Separable(
        parse(text, ["t", *names]).tree, names, ["t"], X, np.zeros_like(T), np.ones_like(T)
    )


def value(text, constants):
    names, given_form = problem(text)
    return given_form.value(np.array([constants[name] for name in names]))


@pytest.mark.parametrize("name", FAR)
def test_planted_constants_come_back_from_far_starts(name):
    text, planted, start = FAR[name]
    found = ew.fit_constants(X, value(text, planted), text, names=["t"], start=start)
    for label, wanted in planted.items():
        assert found.constants[label].value == pytest.approx(wanted, rel=1e-8), label
    np.testing.assert_allclose(found.formula.predict(X), value(text, planted), rtol=1e-8, atol=1e-8)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(FAR)))
def test_no_descent_of_scipy_finds_less(seed, name):
    text, planted, start = FAR[name]
    y = value(text, planted) + 0.05 * np.random.default_rng(seed).standard_normal(len(T))
    found = ew.fit_constants(X, y, text, names=["t"], start=start)

    def residual(constants):
        return value(text, dict(zip(planted, constants, strict=True))) - y

    oracle = least_squares(residual, list(planted.values()), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    own = residual([found.constants[label].value for label in planted])
    assert own @ own <= 2 * oracle.cost * (1 + 1e-9)
    assert found.deviation == pytest.approx(np.sqrt(own @ own / (len(T) - len(planted))), rel=1e-9)


def test_the_last_digits_are_those_of_the_normal_equations():
    """Of a linear formula the minimum is known in closed form, ill-conditioned as it may be."""
    t = np.linspace(100.0, 101.0, 40)
    y = np.sin(20 * t)
    found = ew.fit_constants(t[:, None], y, "a + b*(t - 100.5) + c*(t - 100.5)^2", names=["t"])
    wanted = np.polynomial.polynomial.polyfit(t - 100.5, y, 2)
    np.testing.assert_allclose([constant.value for constant in found.constants.values()], wanted, rtol=1e-10)


@pytest.mark.slow
def test_standard_errors_are_how_far_constants_scatter():
    rng = np.random.default_rng(1)
    truth = 4 * np.exp(-0.6 * T)
    fits = [
        ew.fit_constants(X, truth + 0.1 * rng.standard_normal(len(T)), "a*exp(-b*t)", names=["t"]).constants
        for _ in range(30)
    ]
    for name in "ab":
        scatter = np.std([fit[name].value for fit in fits])
        assert np.median([fit[name].standard_error for fit in fits]) == pytest.approx(scatter, rel=0.4)


def test_constants_that_could_change_places_keep_the_order_of_the_start():
    text, y = "a*exp(-p*t) + b*exp(-q*t)", 2 * np.exp(-0.2 * T) + 5 * np.exp(-1.5 * T)
    rising = ew.fit_constants(X, y, text, names=["t"], start={"p": 0.01, "q": 0.1}).constants
    falling = ew.fit_constants(X, y, text, names=["t"], start={"p": 9.0, "q": 3.0}).constants
    assert rising["p"].value == pytest.approx(0.2) == pytest.approx(falling["q"].value)
    assert rising["q"].value == pytest.approx(1.5) == pytest.approx(falling["p"].value)


def test_weights_count_rows():
    y = 2 * T + np.where(T > 5, 100.0, 0.0)
    found = ew.fit_constants(X, y, "a*t + b", names=["t"], sample_weight=(T <= 5).astype(float))
    assert found.constants["a"].value == pytest.approx(2.0)
    assert found.constants["b"].value == pytest.approx(0.0, abs=1e-9)


def test_units_of_the_columns_do_not_matter():
    y = value(*FAR["logistic"][:2]) + 0.01 * np.cos(37 * T)
    plain = ew.fit_constants(X, y, "a/(1 + exp(b - c*t))", names=["t"])
    small = ew.fit_constants(1e3 * X, 1e-6 * y, "a/(1 + exp(b - c*t))", names=["t"])
    assert small.constants["a"].value == pytest.approx(1e-6 * plain.constants["a"].value, rel=1e-7)
    assert small.constants["c"].value == pytest.approx(1e-3 * plain.constants["c"].value, rel=1e-7)


def test_many_rows_are_all_counted():
    """Starts are judged on some rows; the minimum is that of all, which every other row would move."""
    t = np.linspace(0, 10, 4001)
    y = 2 * np.exp(-0.7 * t) + np.where(np.arange(4001) % 4 == 1, 0.3, 0.0)
    found = ew.fit_constants(t[:, None], y, "a*exp(-b*t) + c", names=["t"], start={"b": 50.0})
    assert found.constants["c"].value == pytest.approx(0.075, abs=2e-3)
    residual = found.formula.predict(t[:, None]) - y
    assert abs(residual.mean()) < 1e-9


def test_numbers_in_the_text_stay():
    y = 3 * T**0.5 + 0.25
    found = ew.fit_constants(X, y, "y = a*t^0.5 + 0.25", names=["t"])
    assert list(found.constants) == ["a"]
    assert found.constants["a"].value == pytest.approx(3.0, rel=1e-12)


def test_what_the_data_leave_open_is_said():
    found = ew.fit_constants(X, np.exp(-T), "a*b*exp(-c*t)", names=["t"])
    assert np.isinf(found.constants["a"].standard_error)
    assert "do not determine 'a', 'b'" in found.message
    assert np.isfinite(found.constants["c"].standard_error)


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("a + b*x + c*exp(-d*x)", ("a", "b", "c")),
        ("a*(x^2 + b*x)/(x^2 + c*x + d)", ("a",)),
        ("(a + b*x)/(1 + c*x)", ("a", "b")),
        ("exp(-a*x)/(b + c*x)", ()),
        ("a*b*x + c", ("a", "c")),
        ("a - atan(b/(x - c))/pi", ("a",)),
    ],
)
def test_linear_constants(text, linear):
    names = with_constants(text, ["x"])[1]
    assert linear_constants(parse(text, ["x", *names]).tree, names) == linear


def test_same_seed_same_answer():
    y = value(*FAR["two decays"][:2]) + 0.1 * np.cos(50 * T)
    one, other = (ew.fit_constants(X, y, FAR["two decays"][0], names=["t"], seed=4) for _ in range(2))
    assert one.constants == other.constants


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("exp(-t)", {}, "must name at least one constant"),
        (3, {}, "must be a text"),
        ("a*t", {"start": {"b": 1.0}}, "must name constants of the formula, 'a'"),
        ("a*t", {"start": {"a": np.nan}}, "start"),
        ("a*t", {"sample_weight": -np.ones(60)}, "not negative"),
        ("a*log(-1 - t^2)", {}, "a value on every row"),
        ("a*f(t)", {}, "f"),
    ],
)
def test_bad_input_ends_in_one_sentence(text, options, said):
    with pytest.raises(InputError, match=said):
        ew.fit_constants(X, T, text, names=["t"], **options)


def test_too_few_rows():
    with pytest.raises(InputError, match="at least 3 rows"):
        ew.fit_constants(X[:2], T[:2], "a + b*t + c*t^2", names=["t"])


def test_settled_is_where_scipy_settles_too():
    """Near rates make a long valley; the sum that only scales is solved for, in whatever order the literals stand."""
    y = np.exp(-0.3 * T) + 0.9 * np.exp(-0.5 * T) + 0.01 * np.cos(9 * T)
    tree = parse("1.0*exp(-0.1*t) + 1.0*exp(-2.0*t)", ["t"]).tree
    tape = Tape(settled(tree, ["t"], X, y, np.ones(len(T))), ["t"])
    left = y - tape.value(tape.start, X)

    def residual(constants):
        a, p, b, q = constants
        return a * np.exp(-p * T) + b * np.exp(-q * T) - y

    oracle = least_squares(residual, [1.0, 0.3, 0.9, 0.5], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert left @ left <= 2 * oracle.cost * (1 + 1e-9)


def test_a_constant_named_like_an_unused_column_is_told() -> None:
    table = np.column_stack([T, np.cos(T)])
    found = ew.fit_constants(table, 2 * T + 1, "a*time + wave0", names=["time", "wave"])
    assert "'wave0' is no column and was fitted as a constant (did you mean 'wave'?)." in found.message
    used = ew.fit_constants(table, 2 * T + 1, "a*(time - time0)", names=["time", "wave"])
    assert "is no column" not in used.message
