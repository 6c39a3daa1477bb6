"""What a curve of one variable is looked through for: its noise, outer functions, quotients, waves, sums of like terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms.tree import Node, Variable, render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.univariate.curve import CurvePoints, smooth_noise
from edgewise.symbolic.univariate.library import ALL, LibraryColumn
from edgewise.symbolic.univariate.like_terms import like_sums
from edgewise.symbolic.univariate.oscillations import phase, trigonometric
from edgewise.symbolic.univariate.outer_functions import OUTERS, views
from edgewise.symbolic.univariate.rational import polynomials, rationals
from edgewise.symbolic.univariate.search import one_variable
from edgewise.symbolic.univariate.trees import X, add, call, multiply, real, size

Floats = np.ndarray
PLACES = np.sort(np.random.default_rng(0).uniform(0.3, 3.0, 90))
WEIGHT = np.random.default_rng(1).uniform(0.5, 1.5, 90)


def curve(x: Floats, y: Floats, noise: float = 1e-9, weight: Floats | None = None) -> CurvePoints:
    weight = np.ones(len(x)) if weight is None else weight / weight.mean()
    return CurvePoints(x, y, weight, 1e-9, max(noise, 1e-9))


def at(tree: Node, columns: Sequence[str], *places: Floats) -> Floats:
    tape = Tape(tree, columns)
    return np.broadcast_to(tape.value(tape.start, np.column_stack(places)), places[0].shape)


def relative_error(tree: Node, points: CurvePoints) -> float:
    left = np.square(points.y - at(tree, ["x"], points.x))
    return float(np.sqrt(np.average(left, weights=points.weight))) / points.spread


@pytest.mark.parametrize("sigma", [0.01, 0.3])
@pytest.mark.parametrize(
    "law",
    [np.sin, lambda x: np.exp(-x), lambda x: np.where(x < 1.7, 0.0, 5.0)],
    ids=["sine", "decay", "step"],
)
def test_noise_is_told_within_a_fifth(law, sigma: float) -> None:
    x = np.sort(np.random.default_rng(2).uniform(0, 3, 600))
    y = law(x) + sigma * np.random.default_rng(3).standard_normal(600)
    assert smooth_noise(x, y, np.ones(600)) * y.std() == pytest.approx(sigma, rel=0.2)


def test_a_smooth_curve_has_no_noise() -> None:
    assert smooth_noise(PLACES, np.exp(PLACES), WEIGHT) < 1e-6
    assert smooth_noise(PLACES, np.ones(90), WEIGHT) == 0


@given(st.floats(0.01, 100), st.floats(-100, 100))
@settings(max_examples=20, deadline=None)
def test_the_spread_follows_units_and_is_never_zero(scale: float, shift: float) -> None:
    points = curve(PLACES, np.sin(PLACES), weight=WEIGHT)
    moved = curve(PLACES, scale * points.y + shift, weight=WEIGHT)
    assert moved.spread == pytest.approx(scale * points.spread, rel=1e-6)
    assert curve(PLACES, np.full(90, scale)).spread == pytest.approx(scale)


def test_points_that_are_not_numbers_are_left_out_while_few() -> None:
    points, y = curve(PLACES, PLACES), PLACES.copy()
    y[:5] = np.nan
    kept = points.with_target(y, points.weight)
    assert kept is not None
    np.testing.assert_array_equal(kept.x, PLACES[5:])
    assert kept.weight.mean() == pytest.approx(1)
    y[:20] = np.inf
    assert points.with_target(y, points.weight) is None
    assert len(points.thinned(30).x) == 30
    assert points.thinned(90) is points


@pytest.mark.parametrize("low", [0.2, -0.9])
def test_views_are_inverse_to_what_they_are_seen_through(low: float) -> None:
    y = np.linspace(low, low + 0.7, 90)
    points = curve(PLACES, y, weight=WEIGHT)
    found = list(views(points, ALL))
    for view in found:
        tree = view.wrap(Variable("g"))
        np.testing.assert_allclose(at(tree, ["x", "g"], view.points.x, view.points.y), y, rtol=1e-9)
        # Errors of y, seen through the inverse: what it stretches counts the less, up to a most.
        step = 1e-6 * np.abs(view.points.y)
        high, below = (at(tree, ["x", "g"], view.points.x, view.points.y + move) for move in (step, -step))
        ratio = view.points.weight / (points.weight * np.square((high - below) / (2 * step)))
        below_most = view.points.weight < 0.999 * view.points.weight.max()
        assert below_most.sum() > 60
        np.testing.assert_allclose(ratio[below_most], ratio[below_most].mean(), rtol=1e-4)
    if low > 0:
        assert {view.name for view in found} >= {outer.name for outer in OUTERS}


def test_functions_that_are_not_allowed_are_not_seen_through() -> None:
    points = curve(PLACES, np.linspace(0.2, 0.9, 90))
    assert {view.name.split(",")[0] for view in views(points, frozenset())} == {"inv", "square", "cube"}


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_polynomials_leave_what_polyfit_leaves(noise: float) -> None:
    y = PLACES**3 - 2 * PLACES + noise * np.random.default_rng(4).standard_normal(90)
    points = curve(PLACES, y, noise / y.std(), WEIGHT)
    found = list(polynomials(points, LibraryColumn(X, PLACES)))
    for degree, (tree, residual) in enumerate(found, 1):
        fitted = np.polynomial.Polynomial.fit(PLACES, y, degree, w=np.sqrt(points.weight))
        left = np.sqrt(np.average(np.square(y - fitted(PLACES)), weights=points.weight)) / points.spread
        assert residual == pytest.approx(left, rel=1e-6, abs=1e-13)
        assert relative_error(tree, points) == pytest.approx(residual, rel=1e-6, abs=1e-12)
    assert noise or len(found) == 3


@pytest.mark.parametrize(
    "law",
    [lambda x: (x**2 + 1) / (x + 3), lambda x: 1 / (1 + x + x**3), lambda x: (2 + x) / (1 + x**2)],
)
def test_quotients_of_polynomials_come_back(law) -> None:
    points = curve(PLACES, law(PLACES), weight=WEIGHT)
    found = list(rationals(points, LibraryColumn(X, PLACES)))
    tree, residual = found[-1]
    assert residual < 1e-9
    beyond = np.linspace(0.1, 5, 50)
    np.testing.assert_allclose(at(tree, ["x"], beyond), law(beyond), rtol=1e-5)
    assert residual == min(item for _, item in found)


def test_a_quotient_is_found_under_noise() -> None:
    clean = (1 + PLACES) / (1 + PLACES**2)
    y = clean + 0.01 * clean.std() * np.random.default_rng(5).standard_normal(90)
    points = curve(PLACES, y, 0.01)
    errors = [
        np.abs(at(tree, ["x"], PLACES) - clean).max()
        for tree, _ in rationals(points, LibraryColumn(X, PLACES))
    ]
    assert min(errors) < 0.01 * clean.std()


@pytest.mark.parametrize(
    "law",
    [
        lambda x: np.sin(x) ** 3 * np.cos(x),
        lambda x: x**2 * np.exp(-x) * np.cos(2 * x),
        lambda x: np.sin(np.pi * x) ** 2 / x,
        lambda x: np.sin(1.5 * x) + 2 * np.cos(x / 2),
    ],
)
def test_products_of_waves_come_back_as_sums(law) -> None:
    x = np.sort(np.random.default_rng(6).uniform(0.3, 7, 150))
    points = curve(x, law(x))
    tree, residual = min(trigonometric(points), key=lambda pair: pair[1])
    assert residual < 1e-9
    beyond = np.linspace(7, 9, 20)
    np.testing.assert_allclose(at(tree, ["x"], beyond), law(beyond), atol=1e-6 * np.abs(law(beyond)).max())


def test_what_waves_leave_is_what_they_say() -> None:
    y = np.sin(PLACES) + 0.1 * np.random.default_rng(7).standard_normal(90)
    points = curve(PLACES, y, 0.1 / y.std(), WEIGHT)
    found = list(trigonometric(points))
    assert len(found) > 10
    for tree, residual in found:
        assert relative_error(tree, points) == pytest.approx(residual, rel=1e-5)


@pytest.mark.parametrize("inner", [lambda x: x**2, lambda x: 4 * np.sqrt(x) * x, lambda x: 9 - x**2])
def test_the_phase_of_a_sine_is_unwrapped(inner) -> None:
    x = np.linspace(0.5, 5, 800)
    view = phase(curve(x, 2 * np.sin(inner(x)) + 0.3))
    assert view is not None
    # The same up to its sign and to whole turns; near the ends of the sine's range it hangs on the amplitude.
    found, truth = (array - array.mean() for array in (view.points.y, inner(x)))
    assert min(np.abs(found - truth).max(), np.abs(found + truth).max()) < 0.1
    tree = view.wrap(Variable("g"))
    np.testing.assert_allclose(at(tree, ["g"], view.points.y), 2 * np.sin(inner(x)) + 0.3, atol=1e-6)


def test_a_curve_that_hardly_turns_has_no_phase() -> None:
    assert phase(curve(PLACES, np.exp(PLACES))) is None
    assert phase(curve(PLACES, np.ones(90))) is None


@pytest.mark.parametrize(
    "law",
    [
        lambda x: 2 * np.exp(-0.5 * x) + 3 * np.exp(-2 * x) + np.exp(-6 * x),
        lambda x: 1 + np.sin(7 * x) + 0.4 * np.cos(11 * x),
    ],
    ids=["decays", "waves"],
)
def test_sums_of_like_terms_are_grown_until_nothing_is_left(law) -> None:
    points = curve(PLACES, law(PLACES))
    errors = [relative_error(tree, points) for tree in like_sums(points, frozenset({"exp", "sin"}))]
    assert min(errors) < 1e-8


def test_no_sums_of_what_is_not_allowed() -> None:
    assert list(like_sums(curve(PLACES, np.exp(-PLACES)), frozenset({"log"}))) == []


def test_a_sum_of_decays_is_not_passed_over_for_what_imitates_it() -> None:
    # Of the size of Lanczos' sum of three: any smooth function of as many nodes follows it as closely.
    x = np.linspace(0, 1.15, 24)
    law = 0.12 * np.exp(-0.9 * x) + 0.9 * np.exp(-3.2 * x) + 1.4 * np.exp(-5.3 * x)
    found = one_variable(x, law + 3e-5 * np.random.default_rng(0).standard_normal(24))
    texts = [render(form.tree) for form in found]
    assert any(text.count("exp") == 3 for text in texts), texts


def test_like_terms_are_read_once() -> None:
    decay = multiply(real(2.5), call("exp", multiply(real(-3.1), X)))
    other = multiply(real(0.7), call("exp", multiply(real(-1.3), X)))
    wave = multiply(real(0.7), call("cos", multiply(real(1.3), X)))
    assert size(add(decay, other)) == size(decay) + 3
    assert size(add(decay, wave)) == size(decay) + size(wave) + 1
