"""Laws out of fields whose law is known, and what is said where there is none."""

import json

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from edgewise import InputError
from edgewise.pde import discover


def noisy(values, level, seed=0):
    return values + level * values.std() * np.random.default_rng(seed).standard_normal(values.shape)


def burgers(n=128, times=60, nu=0.05):
    """By Fourier modes and an implicit solver that shares nothing with ours."""
    x, t = 2 * np.pi * np.arange(n) / n, np.linspace(0, 2, times)
    k = np.fft.rfftfreq(n, 1 / n)

    def right(_, u):
        hat = np.fft.rfft(u)
        square = np.fft.rfft(u**2 / 2) * (k < n / 3)
        return np.fft.irfft(-1j * k * square - nu * k**2 * hat, n)

    start = -np.sin(x) + 0.4 * np.cos(2 * x)
    return x, t, solve_ivp(right, (0, 2), start, t_eval=t, rtol=1e-9, atol=1e-10, method="LSODA").y


@pytest.mark.parametrize(("level", "within"), [(0.0, 1e-3), (0.01, 0.01), (0.05, 0.05)])
def test_burgers_under_noise(level, within):
    x, t, u = burgers()
    found = discover({"u": noisy(u, level)}, {"x": x, "t": t}, periodic="x", halves=10)
    (law,) = found.laws
    assert set(law.coefficients) == {"u*u_x", "u_xx"}
    assert law.coefficients["u*u_x"] == pytest.approx(-1, rel=within)
    assert law.coefficients["u_xx"] == pytest.approx(0.05, rel=within)
    assert law.stability == 1
    if level:
        assert found.noise["u"] == pytest.approx(level * u.std(), rel=0.05)
        assert 0.7 < law.fit < 1.3


@pytest.mark.slow
def test_rows_that_are_scattered():
    x, t, u = burgers(n=96, times=80, nu=0.2)
    r = np.random.default_rng(1)
    rows = r.permutation(u.size)[:4000]
    at, when = np.meshgrid(x, t, indexing="ij")
    found = discover(
        {"u": noisy(u, 0.01).ravel()[rows]},
        {"x": at.ravel()[rows], "t": when.ravel()[rows]},
        periodic={"x": 2 * np.pi},
        order=2,
        halves=10,
    )
    law = found.laws[0]
    assert set(law.coefficients) == {"u*u_x", "u_xx"}
    assert law.coefficients["u_xx"] == pytest.approx(0.2, rel=0.02)


def test_a_wave_is_of_second_order_in_time():
    x, t = np.linspace(0, 3, 90), np.sort(np.random.default_rng(0).uniform(0, 2, 100))
    moving = np.sin(2 * (x[:, None] - 1.5 * t)) + 0.7 * np.cos(3 * (x[:, None] + 1.5 * t))
    found = discover({"u": noisy(moving, 0.01)}, {"x": x, "t": t}, order=2, halves=10)
    law = found.laws[0]
    assert law.left == "u_tt"
    assert law.coefficients == pytest.approx({"u_xx": 2.25}, rel=0.02)
    assert "Eq(Derivative(u(x, t), (t, 2))" in sp.srepr(law.sympy) or law.sympy.lhs.has(sp.Derivative)


def test_courses_in_time_without_space_and_several_experiments():
    def lotka(_, s):
        return [s[0] - 0.5 * s[0] * s[1], 0.4 * s[0] * s[1] - 0.8 * s[1]]

    t = np.linspace(0, 12, 200)
    runs = [solve_ivp(lotka, (0, 12), start, t_eval=t, rtol=1e-9).y for start in ([2, 1], [1, 3])]
    fields = [{"a": noisy(y[0], 0.01, 1), "b": noisy(y[1], 0.01, 2)} for y in runs]
    found = discover(fields, {"t": t}, degree=2, halves=10)
    first, second = found.laws
    assert first.coefficients == pytest.approx({"a": 1.0, "a*b": -0.5}, rel=0.02)
    assert second.coefficients == pytest.approx({"a*b": 0.4, "b": -0.8}, rel=0.02)


def test_the_order_of_places_changes_nothing_and_arrays_stay_as_they_were():
    x, t, u = burgers(n=64, times=40)
    values = noisy(u, 0.01)
    before = values.copy()
    one = discover({"u": values}, {"x": x, "t": t}, periodic="x", halves=10)
    order = np.random.default_rng(3).permutation(len(t))
    two = discover({"u": values[:, order]}, {"x": x, "t": t[order]}, periodic="x", halves=10)
    assert np.array_equal(values, before)
    assert one.laws == two.laws
    json.dumps(one.to_dict())


def test_noise_alone_has_no_law():
    r = np.random.default_rng(0)
    found = discover(
        {"u": r.standard_normal((64, 50))},
        {"x": np.linspace(0, 1, 64), "t": np.linspace(0, 1, 50)},
        order=2,
        halves=10,
    )
    assert "That is much" in found.message


@pytest.mark.slow
def test_intervals_hold_the_coefficients_about_as_often_as_they_say():
    x, t, u = burgers(n=64, times=40, nu=0.2)
    inside = 0
    for seed in range(40):
        found = discover(
            {"u": noisy(u, 0.02, seed)},
            {"x": x, "t": t},
            periodic="x",
            terms=["u*u_x", "u_xx"],
            halves=1,
        )
        inside += sum(
            term.low <= true <= term.high for term, true in zip(found.laws[0].terms, (-1, 0.2), strict=True)
        )
    assert 64 <= inside <= 80


X, T = np.linspace(0, 1, 20), np.linspace(0, 1, 15)
U = np.outer(np.sin(X), np.exp(-T))


@pytest.mark.parametrize(
    ("fields", "coordinates", "more", "words"),
    [
        (U, {"x": X, "t": T}, {}, "'fields' argument"),
        ({"u": U}, {"x": X}, {}, "shape of the grid"),
        ({"u": U}, {"x": X, "t": T[:-1]}, {}, "shape of the grid"),
        ({"u": U * np.nan}, {"x": X, "t": T}, {}, "finite"),
        ({"u": U}, {"x": X, "y": T}, {}, "left="),
        ({"u": U}, {"x": X, "t": T}, {"left": "v_t"}, "no field"),
        ({"u": U}, {"x": X, "t": T}, {"left": "u"}, "derivatives"),
        ({"u": U}, {"x": X, "t": T}, {"periodic": "z"}, "name coordinates"),
        ({"u": U}, {"x": X, "t": T}, {"terms": ["u_q"]}, "derivative by 'q'"),
        ({"u": U[:4]}, {"x": X[:4], "t": T}, {}, "at least 8 places"),
        ({"u": U}, {"x": np.r_[X[:-1], X[0]], "t": T}, {}, "same place twice"),
        ({"u": U}, {"x": X, "t": T}, {"seconds": 1e-9}, "more 'seconds'"),
        ({"x": U}, {"x": X, "t": T}, {}, "field and of a coordinate"),
        ([{"u": U}, {"u": U}], [{"x": X, "t": T}], {}, "as many as there are experiments"),
    ],
)
def test_wrong_questions_get_a_sentence(fields, coordinates, more, words):
    with pytest.raises(InputError, match=words):
        discover(fields, coordinates, **more)
