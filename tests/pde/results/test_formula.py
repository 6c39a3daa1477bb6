"""Closed forms of solutions: read off values, inserted into equations, and not made up where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError, pde
from edgewise.pde.results.closed_form import SampledFunction, closed_form, modes_of
from edgewise.pde.results.exact import Exact, exact_bound, numbers_of
from edgewise.pde.results.formula import inserted, is_zero

x, y, t = sp.symbols("x y t", real=True)


def sampled(expression, bounds, accuracy=1e-10):
    """A function with a smooth error of its own."""
    symbols = (x, y, t)[: len(bounds)]
    function = sp.lambdify(symbols, expression, ["scipy", "numpy"])

    def grid(at):
        mesh = np.meshgrid(*at, indexing="ij")
        values = np.broadcast_to(function(*mesh), mesh[0].shape)
        wave = np.sin(sum((7 + n) * part for n, part in enumerate(mesh)))
        return values * (1 + accuracy * wave / 2)

    return SampledFunction(symbols, tuple(bounds), grid, accuracy)


@pytest.mark.slow
@pytest.mark.parametrize("accuracy", [1e-11, 1e-7])
@pytest.mark.parametrize(
    ("expression", "bounds"),
    [
        (sp.sin(sp.pi * x) * sp.sin(sp.pi * y**2), [(-1, 1), (-1, 1)]),
        (sp.sin(x) * sp.cos(2 * y) + sp.sin(4 * x) * sp.cos(8 * y) / 2, [(0, 3), (0, 3)]),
        ((1 - x**2 - y**2) / 4, [(-0.7, 0.7), (-0.7, 0.7)]),
        (x * y + sp.exp(x) * sp.sin(y), [(0, 1), (0, 1)]),
        (-sp.cos(x) * sp.sin(y) * sp.exp(-t / 50), [(0, 6), (0, 6), (0, 1)]),
        (3 * sp.exp(-x) + x**2, [(0, 2)]),
        (sp.Integer(0), [(0, 1), (0, 1)]),
    ],
)
def test_sums_of_products_are_read_exactly(expression, bounds, accuracy):
    found = closed_form(sampled(expression, bounds, accuracy), Exact())
    assert found is not None
    assert is_zero(found.expression - expression)
    assert found.distance <= 10 * accuracy


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(-4, 4), st.integers(-3, 3).filter(bool), st.integers(1, 5)),
        min_size=1,
        max_size=3,
    )
)
def test_exponents_are_those_of_the_sum(parts):
    rates = sorted({rate for rate, _, _ in parts})
    places = np.linspace(0, 1, 120)
    curve = sum(c / d * np.exp(rate * places) for rate, c, d in {p[0]: p for p in parts}.values())
    modes = modes_of(places, curve[:, None], 1e-13)
    assert [round(mode.rate, 3) for mode in sorted(modes, key=lambda mode: mode.rate)] == rates


def test_numbers_are_exact_only_where_that_is_no_chance():
    assert Exact()(3 * np.pi / 2 + 1e-9, 1e-7) == 3 * sp.pi / 2
    assert Exact()(1e-12, 1e-9) == 0
    assert Exact()(-((np.pi**2 + 3) ** 0.5), 1e-8) == -sp.sqrt(sp.pi**2 + 3)
    assert Exact((sp.sqrt(7),))(2 * 7**0.5, 1e-9) == 2 * sp.sqrt(7)
    r = np.random.default_rng(0)
    assert sum(not Exact()(value, 1e-8 * value).is_Float for value in r.uniform(0.1, 10, 300)) < 30
    assert (exact_bound(0.41), exact_bound(2 * np.pi)) == (sp.Rational(41, 100), 2 * sp.pi)


def plate():
    a, b = pde.coordinates("x", "y")
    u, square = pde.unknown("u", a, b), pde.box({a: (0, 1), b: (0, 1)})
    wanted = pde.sin(pde.pi * a) * pde.cos(pde.pi * b)
    parts = square.boundary
    return pde.Problem(
        square,
        [pde.lap(u) + u * pde.dx(u, a) == -2 * pde.pi**2 * wanted + wanted * pde.dx(wanted, a)],
        [
            pde.on(parts["left"] | parts["right"], u == 0),
            pde.on(parts["bottom"] | parts["top"], pde.dn(u) == 0),
        ],
    )


def test_a_solution_gives_its_formula_and_it_is_checked():
    found = pde.solve(plate(), 1e-8).formula()
    assert is_zero(found.expressions["u"] - sp.sin(sp.pi * x) * sp.cos(sp.pi * y))
    assert found.checked
    assert {insertion.how for insertion in found.insertions} == {"zero"}
    assert max(found.residuals.values()) < 1e-12
    assert "exactly" in found.message
    assert found.to_dict()["formulas"] == found.texts


def test_what_is_not_the_solution_is_told():
    problem = plate()
    wrong = inserted(problem, {"u": sp.sin(sp.pi * x) * sp.cos(sp.pi * y) * sp.Rational(1001, 1000)})
    assert wrong[0].how == "not zero"
    rounded = inserted(problem, {"u": sp.sin(sp.Float(np.pi) * x) * sp.cos(sp.Float(np.pi) * y)})
    assert {insertion.how for insertion in rounded} <= {"numbers", "zero"}
    assert rounded[0].how == "numbers"


def test_on_a_disk_conditions_hold_along_the_curve():
    a, b = pde.coordinates("x", "y")
    u = pde.unknown("u", a, b)
    ring = pde.disk((a, b), (0, 0), 2) - pde.disk((a, b), (0.5, 0), 0.5)
    parts = ring.boundary
    outside = (a**2 + b**2 - 4) / 4
    problem = pde.Problem(
        ring,
        [pde.lap(u) == 1],
        [pde.on(parts["outer"], u == 0), pde.on(parts["hole"], pde.dn(u) == -(a * (a - 0.5) + b * b))],
    )
    found = inserted(problem, {"u": outside.tree})
    assert {insertion.how for insertion in found} == {"zero"}
    assert inserted(problem, {"u": outside.tree * 2})[0].how == "not zero"


def test_a_term_in_the_unknowns_has_a_formula_of_its_own():
    (a,), s = pde.coordinates("x"), pde.time()
    u, v = pde.unknown("u", a, s), pde.unknown("v", a, s)
    ring = pde.box({a: (0, 1), s: (0, 0.5)}, periodic=a)
    wave = 2 * pde.pi * a
    problem = pde.Problem(
        ring,
        [pde.dx(u, s) == -v, pde.dx(v, s) == u],
        pde.on(ring.boundary["start"], u == pde.cos(wave), v == pde.sin(wave)),
    )
    solution = pde.solve(problem, 1e-8)
    found = solution.formula("u^2 + v^2")
    assert found.texts == {"u^2 + v^2": "1"}
    assert not found.checked
    assert solution.formula().checked
    with pytest.raises(InputError, match="w"):
        solution.formula("w^2")


def test_where_there_is_no_closed_form_none_is_given(monkeypatch):
    # The search for formulas has tests of its own; here it finds nothing within the error.
    nothing = SimpleNamespace(best=SimpleNamespace(error=0.1))
    monkeypatch.setattr("edgewise.pde.results.closed_form.find_formula", lambda *_, **__: nothing)
    a, b = pde.coordinates("x", "y")
    u, square = pde.unknown("u", a, b), pde.box({a: (0, 1), b: (0, 1)})
    problem = pde.Problem(square, [pde.lap(u) == -1], pde.on(square.boundary["walls"], u == 0))
    found = pde.solve(problem, 1e-6).formula()
    assert not found.expressions
    assert "No closed form of u" in found.message
    assert numbers_of(problem).known == ()


def test_a_term_that_is_a_number_is_its_own_formula():
    solution = pde.solve(pde.gallery("plate").problem, 1e-4)
    assert float(solution.formula("2*3").expressions["2*3"]) == pytest.approx(6)


@pytest.mark.slow
def test_products_that_are_not_needed_are_left_out():
    # Waves and exponentials on a short range are much alike: of 216 products the values tell 22.
    z = sp.Symbol("z", real=True)
    ways = [(x, y, z), (y, z, x), (z, x, y)]
    pressure = sum(
        sp.exp(2 * a) / 2 + sp.sin(a + b) * sp.cos(c + a) * sp.exp(b + c) for a, b, c in ways
    ) * sp.exp(-2 * t)
    function = sp.lambdify((x, y, z, t), pressure, "numpy")

    def grid(at):
        mesh = np.meshgrid(*at, indexing="ij", sparse=True)
        return function(*mesh) * (1 + 3e-8 * np.sin(sum((7 + n) * part for n, part in enumerate(mesh))))

    samples = SampledFunction((x, y, z, t), ((-1, 1), (-1, 1), (-1, 1), (0, 1)), grid, 1e-7)
    found = closed_form(samples, Exact())
    assert found is not None
    assert is_zero(found.expression - pressure)


@pytest.mark.slow
def test_a_shape_through_time_has_a_formula():
    (a, b), time = pde.coordinates("a", "b"), pde.time()
    u = pde.unknown("u", a, b, time)
    steps = pde.box({a: (0, 1), b: (0, 2)}) | pde.box({a: (1, 2), b: (0, 1)})
    domain = steps.during({time: (0, 0.1)})
    waves = pde.sin(pde.pi * a) * pde.sin(pde.pi * b)
    problem = pde.Problem(
        domain,
        [pde.dt(u) == pde.lap(u)],
        [pde.on(domain.boundary["walls"], u == 0), pde.on(domain.boundary["start"], u == waves)],
    )
    found = pde.solve(problem, 1e-6).formula()
    assert found.texts["u"] == "exp(-2*pi^2*t)*sin(pi*a)*sin(pi*b)"
    assert found.checked
