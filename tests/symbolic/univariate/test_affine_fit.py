"""Least squares for a*f(b*t + c) + d in one batch, and where it starts, beside scipy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from edgewise.forms import FORMS
from edgewise.symbolic.univariate.affine_fit import Batch, UnitCurve, admitted, evaluate, join, refine
from edgewise.symbolic.univariate.starting_points import POINTS, best_starts, symmetric

Floats = np.ndarray
NAMES = ("sin", "exp", "tanh", "gaussian", "sqrt", "log")
LIBRARY = [FORMS[name] for name in NAMES]
T = np.linspace(-1, 1, 60)
WEIGHT = np.random.default_rng(0).uniform(0.5, 1.5, 60)
WEIGHT = WEIGHT / WEIGHT.sum()


def curve(v: Floats) -> UnitCurve:
    v = v - WEIGHT @ v
    return UnitCurve(T, v / np.sqrt(WEIGHT @ v**2), WEIGHT)


def batch(form: int, b: float, c: float, free_b: bool = True, free_c: bool = True) -> Batch:
    return Batch(
        np.array([form]), np.array([b]), np.array([c]), np.zeros(1), np.array([free_b]), np.array([free_c])
    )


def unexplained(name: str, b: float, c: float, target: UnitCurve) -> float:
    """What is left of the curve after f(b*t + c) and a constant, by numpy."""
    f = FORMS[name].value(torch.from_numpy(b * T + c)).numpy()
    root = np.sqrt(WEIGHT)
    design = np.column_stack([f, np.ones(60)]) * root[:, None]
    rest = target.v * root - design @ np.linalg.lstsq(design, target.v * root, rcond=None)[0]
    return float(rest @ rest)


def lumpy(seed: int) -> UnitCurve:
    rng = np.random.default_rng(seed)
    return curve(np.polynomial.chebyshev.chebval(T, rng.standard_normal(5)))


STARTS = {
    "sin": (2.0, 0.3),
    "exp": (1.2, 0.0),
    "tanh": (1.5, -0.4),
    "gaussian": (1.0, 0.5),
    "sqrt": (1.0, 2.0),
}


@given(st.sampled_from(sorted(STARTS)), st.integers(0, 500))
@settings(max_examples=25, deadline=None)
def test_what_is_left_is_what_least_squares_leaves_and_no_more_than_at_the_start(
    name: str, seed: int
) -> None:
    target, (b, c) = lumpy(seed), STARTS[name]
    found, loss = refine(LIBRARY, batch(NAMES.index(name), b, c), target)
    truth = unexplained(name, float(found.b[0]), float(found.c[0]), target)
    assert loss[0] == pytest.approx(truth, rel=1e-9)
    assert loss[0] <= unexplained(name, b, c, target) * (1 + 1e-12)


@pytest.mark.parametrize("name", ["sin", "tanh", "gaussian"])
def test_the_optimum_is_that_of_scipy(name: str) -> None:
    truth = FORMS[name].value(torch.from_numpy(1.7 * T + 0.4)).numpy()
    target = curve(truth + 0.1 * np.random.default_rng(1).standard_normal(60))
    found, loss = refine(LIBRARY, batch(NAMES.index(name), 1.5, 0.3), target)

    def residual(p: Floats) -> Floats:
        f = FORMS[name].value(torch.from_numpy(p[0] * T + p[1])).numpy()
        return np.sqrt(WEIGHT) * (p[2] * f + p[3] - target.v)

    reference = least_squares(residual, [1.5, 0.3, 1.0, 0.0], xtol=1e-12, ftol=1e-12)
    assert loss[0] == pytest.approx(2 * reference.cost, rel=1e-5)
    assert (found.b[0], found.c[0]) == pytest.approx(reference.x[:2], abs=1e-2)


def test_what_is_held_stays() -> None:
    target = curve(np.sin(2 * T + 0.5))
    found, loss = refine(LIBRARY, batch(0, 1.5, 0.0, free_c=False), target)
    assert found.c[0] == 0.0
    assert found.b[0] != 1.5
    _, free = refine(LIBRARY, batch(0, 1.5, 0.0), target)
    assert free[0] < 1e-20 < loss[0]


def test_a_candidate_fares_alike_alone_and_in_company() -> None:
    target = lumpy(1)
    singles = [batch(NAMES.index(name), *STARTS[name]) for name in ("tanh", "sin", "exp")]
    together = join(singles)
    assert together.form.tolist() == sorted(together.form.tolist())
    assert {(int(f), b) for f, b in zip(together.form, together.b, strict=True)} == {
        (int(single.form[0]), float(single.b[0])) for single in singles
    }
    _, losses = refine(LIBRARY, together, target)
    alone = {int(single.form[0]): float(refine(LIBRARY, single, target)[1][0]) for single in singles}
    np.testing.assert_allclose(losses, [alone[int(form)] for form in together.form], rtol=1e-8)


def test_values_and_slopes_are_those_of_each_row_s_form() -> None:
    index, z = np.array([0, 0, 1, 3]), np.random.default_rng(0).uniform(-1, 1, (4, 5))
    value, slope = evaluate(LIBRARY, index, z)
    np.testing.assert_allclose(value, [np.sin(z[0]), np.sin(z[1]), np.exp(z[2]), np.exp(-(z[3] ** 2))])
    np.testing.assert_allclose(
        slope, [np.cos(z[0]), np.cos(z[1]), np.exp(z[2]), -2 * z[3] * np.exp(-(z[3] ** 2))]
    )


@pytest.mark.parametrize(
    ("name", "b", "c", "inside"),
    [("sqrt", 1.0, 1.5, True), ("sqrt", 1.0, 0.5, False), ("log", -1.0, 1.2, True), ("sin", 1e6, 0.0, False)],
)
def test_a_curve_must_lie_where_the_function_has_values(name: str, b: float, c: float, inside: bool) -> None:
    one = batch(NAMES.index(name), b, c)
    assert admitted(LIBRARY, one, lumpy(0)).tolist() == [inside]
    assert np.isfinite(refine(LIBRARY, one, lumpy(0))[1][0]) == inside


def followed(name: str, starts: Floats, v: Floats) -> float:
    """The largest share of the curve's variance that one of the starts explains; the phase of a sine is linear."""
    z = starts[:, :1] * POINTS + starts[:, 1:]
    shares: list[float] = []
    for row in z:
        shapes = [np.sin(row), np.cos(row)] if name == "sin" else [FORMS[name].value(torch.from_numpy(row))]
        design = np.column_stack([*shapes, np.ones(len(row))])
        rest = v - design @ np.linalg.lstsq(design, v, rcond=None)[0]
        shares.append(1 - rest.var() / v.var())
    return max(shares)


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "gaussian", "sqrt", "reciprocal", "square", "arcsin"])
@given(
    scale=st.floats(0.1, 10), shift=st.floats(-5, 5), rate=st.floats(0.5, 1.0), centre=st.floats(-0.3, 0.3)
)
@settings(max_examples=8, deadline=None)
def test_a_start_follows_most_of_the_curve_in_any_units(
    name: str, scale: float, shift: float, rate: float, centre: float
) -> None:
    inner = {"sqrt": (rate, rate + 0.3), "reciprocal": (rate, rate + 0.3), "arcsin": (0.6 * rate, centre)}
    b, c = inner.get(name, (3 * rate, centre))
    v = FORMS[name].value(torch.from_numpy(b * POINTS + c)).numpy()
    starts = np.column_stack(best_starts(FORMS[name], scale * v + shift, 4))
    assert len(starts) == len(np.unique(starts, axis=0)) <= 4
    assert followed(name, starts, v) > 0.85
    mirrored = np.column_stack(best_starts(FORMS[name], -v, 4))
    assert followed(name, mirrored, v) == pytest.approx(followed(name, starts, v), rel=1e-6)


def test_odd_and_even_forms_are_known() -> None:
    known = {name for name, form in FORMS.items() if symmetric(form)}
    assert {"sin", "cos", "tanh", "square", "cube", "gaussian", "abs", "arctan"} <= known
    assert not known & {"exp", "log", "sqrt", "sigmoid"}
