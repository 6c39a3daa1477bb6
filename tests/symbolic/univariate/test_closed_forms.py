"""Closed forms are recovered from curves, whatever their constants, and the simplest right one comes first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise._core.work import Meter, running
from edgewise.forms import FORMS, form_from_text
from edgewise.symbolic import Suggestion, fit_curve

GRID = np.linspace(-1, 1, 128)
Curve = Callable[[np.ndarray], np.ndarray]

# name of the right form, the curve, and where it is seen
KNOWN: dict[str, tuple[str, Curve, np.ndarray]] = {
    "sin(pi x)": ("sin", lambda x: np.sin(np.pi * x), GRID),
    "cos(5 x)": ("cos", lambda x: np.cos(5 * x), GRID),
    "sin(40 x + 1)": ("sin", lambda x: np.sin(40 * x + 1), GRID),
    "x": ("identity", lambda x: x, GRID),
    "x^2": ("square", lambda x: x**2, GRID),
    "(x - 0.2)^5": ("fifth", lambda x: (x - 0.2) ** 5, GRID),
    "exp(x)": ("exp", np.exp, GRID),
    "exp(-9 x)": ("exp", lambda x: np.exp(-9 * x), GRID),
    "log": ("log", np.log, GRID + 1.01),
    "log(3 - x)": ("log", lambda x: np.log(3 - x), GRID),
    "1/x": ("reciprocal", lambda x: 1 / x, GRID + 2),
    "1/(x + 1.05)^2": ("inverse square", lambda x: (x + 1.05) ** -2, GRID),
    "tanh(2 x + 1)": ("tanh", lambda x: np.tanh(2 * x + 1), GRID),
    "sqrt(x + 1.2)": ("sqrt", lambda x: np.sqrt(x + 1.2), GRID),
    "sqrt(x) from zero": ("sqrt", np.sqrt, GRID + 1),
    "x^1.5, planets": ("three halves", lambda x: x**1.5, 15.2 + 14.8 * GRID),
    "gaussian(3 x - 1)": ("gaussian", lambda x: np.exp(-((3 * x - 1) ** 2)), GRID),
    "arctan(4 x + 1)": ("arctan", lambda x: np.arctan(4 * x + 1), GRID),
    "|x - 0.3|": ("abs", lambda x: np.abs(x - 0.3), GRID),
    "tan(1.4 x)": ("tan", lambda x: np.tan(1.4 * x), GRID),
    "arcsin(0.9 x)": ("arcsin", lambda x: np.arcsin(0.9 * x), GRID),
    "sinh(2 x)": ("sinh", lambda x: np.sinh(2 * x), GRID),
    "cosh(2 x - 0.5)": ("cosh", lambda x: np.cosh(2 * x - 0.5), GRID),
    "1/(1 + 9 x^2)": ("lorentzian", lambda x: 1 / (1 + 9 * x**2), GRID),
    "x log x": ("x log x", lambda x: x * np.log(x), GRID + 1.1),
    "planck": ("planck", lambda x: x / np.expm1(x), GRID + 1.5),
}


def right(found: tuple[Suggestion, ...], name: str) -> Suggestion:
    assert found[0].form.name == name, [
        (suggestion.form.name, suggestion.residual, suggestion.complexity) for suggestion in found[:4]
    ]
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_known_curves_come_first_to_rounding_error(name: str) -> None:
    form, function, x = KNOWN[name]
    y = -2.5 * function(x) + 0.7
    best = right(fit_curve(x, y), form)
    assert best.residual < 1e-8
    np.testing.assert_allclose(best.value(x), y, atol=1e-8 * np.ptp(y))


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_curves_accurate_to_1e_8_are_enough(name: str) -> None:
    form, function, x = KNOWN[name]
    y = function(x)
    noisy = y + 1e-8 * np.std(y) * np.random.default_rng(0).standard_normal(len(x))
    assert right(fit_curve(x, noisy, accuracy=1e-7), form).residual < 3e-8


@pytest.mark.slow
@given(
    name=st.sampled_from(
        ["sin", "tanh", "arctan", "gaussian", "lorentzian", "cosh", "exp", "square", "cube", "abs"]
    ),
    rate=st.floats(0.7, 6.0),
    centre=st.floats(-0.8, 0.8),
    scale=st.floats(0.01, 100.0),
    sign=st.sampled_from([-1.0, 1.0]),
    offset=st.floats(-50.0, 50.0),
    middle=st.floats(-20.0, 20.0),
    half=st.floats(0.1, 20.0),
)
@settings(max_examples=60, deadline=None)
def test_any_affine_image_is_recovered(
    name: str,
    rate: float,
    centre: float,
    scale: float,
    sign: float,
    offset: float,
    middle: float,
    half: float,
) -> None:
    form = FORMS[name]
    x = middle + half * GRID
    exact = Suggestion(form, sign * scale, rate / half, -rate * (middle / half + centre), offset, 1.0, 0.0, 0)
    y = exact.value(x)
    found = fit_curve(x, y, accuracy=1e-7)
    best = next(point for point in found if point.form.name == name)
    assert best.residual < 1e-8
    allowed = {name} | ({"cos"} if name == "sin" else set())
    assert found[0].form.name in allowed or found[0].residual < 1e-7


@pytest.mark.slow
@given(
    name=st.sampled_from(["log", "sqrt", "reciprocal", "inverse square", "three halves", "inverse sqrt"]),
    gap=st.floats(0.02, 3.0),
    mirrored=st.booleans(),
    scale=st.floats(0.01, 100.0),
    offset=st.floats(-5.0, 5.0),
)
@settings(max_examples=40, deadline=None)
def test_forms_with_a_boundary_are_recovered_on_either_side(
    name: str, gap: float, mirrored: bool, scale: float, offset: float
) -> None:
    z = GRID + 1 + gap
    x = -z - 4 if mirrored else z + 4
    y = scale * Suggestion(FORMS[name], 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0).value(z) + offset
    best = right(fit_curve(x, y, accuracy=1e-7), name)
    assert best.residual < 1e-8
    low, high = np.sort(best.b * x[[0, -1]] + best.c)
    assert bool(best.form.domain.admits(low, high))


def test_a_shift_is_reported_only_where_needed() -> None:
    x = GRID + 3.0
    unshifted = fit_curve(x, np.log(x))[0]
    shifted = fit_curve(x, np.log(x - 1.5))[0]
    assert (unshifted.b, unshifted.c) == (1.0, 0.0)
    assert shifted.c == pytest.approx(-1.5, abs=1e-9)
    assert shifted.complexity > unshifted.complexity


def test_no_pole_inside_the_data() -> None:
    y = 1 / (GRID**2 + 0.01)
    for point in fit_curve(GRID, y):
        low, high = np.sort(point.b * GRID[[0, -1]] + point.c)
        assert bool(point.form.domain.admits(low, high)), point.form.name


def test_r2_and_residual_are_those_of_the_values() -> None:
    rng = np.random.default_rng(1)
    y = np.exp(GRID) + 0.1 * rng.standard_normal(128)
    w = rng.random(128)
    for point in fit_curve(GRID, y, w):
        misfit = np.average((point.value(GRID) - y) ** 2, weights=w)
        spread = np.average((y - np.average(y, weights=w)) ** 2, weights=w)
        assert point.residual**2 == pytest.approx(misfit / spread, rel=1e-6, abs=1e-13)
        assert point.r2 == pytest.approx(1 - misfit / spread, abs=1e-9)


def test_noise_does_not_buy_complexity() -> None:
    rng = np.random.default_rng(2)
    y = 2 * GRID + 0.05 * rng.standard_normal(128)
    assert fit_curve(GRID, y)[0].form.name == "identity"
    y = np.sin(np.pi * GRID) + 0.05 * rng.standard_normal(128)
    assert fit_curve(GRID, y)[0].form.name == "sin"


def test_constant_short_and_unsorted_curves() -> None:
    flat = fit_curve(GRID, np.full(128, 3.0))
    assert (flat[0].form.name, flat[0].a, flat[0].d) == ("identity", 0.0, 3.0)
    assert fit_curve(np.ones(5), np.arange(5.0))[0].a == 0.0
    assert fit_curve([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])[0].form.name == "identity"
    order = np.random.default_rng(0).permutation(128)
    assert fit_curve(GRID[order], np.tanh(3 * GRID)[order])[0].form.name == "tanh"


def test_user_forms_take_part() -> None:
    bump = form_from_text("x*exp(-x^2)")
    y = 3 * (2 * GRID + 0.3) * np.exp(-((2 * GRID + 0.3) ** 2)) - 1
    best = right(fit_curve(GRID, y, forms=[*FORMS.values(), bump]), bump.name)
    assert (best.a, best.b, best.c, best.d) == pytest.approx((3, 2, 0.3, -1), abs=1e-8)


def test_arguments_are_checked_and_left_alone() -> None:
    x, y = GRID.copy(), GRID**2
    fit_curve(x[::-1], y)
    assert (x == GRID).all()
    assert (y == GRID**2).all()
    with pytest.raises(InputError, match="'y'"):
        fit_curve(GRID, GRID[:-1])
    with pytest.raises(InputError, match="'sample_weight'"):
        fit_curve(GRID, GRID, -np.ones(128))


def test_the_whole_library_takes_a_fraction_of_a_unit_of_work() -> None:
    with running(Meter()) as meter:
        fit_curve(GRID, np.tanh(3 * GRID) + 0.01 * GRID)
    assert 0 < meter.spent < 0.1
