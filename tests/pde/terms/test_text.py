"""Equations as text: read as the same words in Python, written so that they are read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.pde import Vector, advect, coordinates, dn, dx, exp, lap, read_equations, sin, time, unknown
from edgewise.pde.terms.text import read_term, write_term

x, y = coordinates("x", "y")
t = time()
u, v = unknown("u", x, y, t), unknown("v", x, y, t)
flow = Vector(u, v)
NAMES = {"x": x, "y": y, "t": t, "u": u, "v": v, "flow": flow, "nu": 0.01}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dx(u, t) + u*dx(u, x) - nu*dx(u, x, 2)", dx(u, t) + u * dx(u, x) - 0.01 * dx(u, x, 2)),
        ("dt(u) + dt(u, 2) + dt(v, t, 2)", dx(u, t) + dx(u, t, 2) + dx(v, t, 2)),
        ("lap(lap(u(x, y, t)))", lap(lap(u))),
        ("exp(-x^2)*sin(2*y)/3", exp(-(x**2)) * sin(2 * y) / 3),
        ("dn(u) + 2*u", dn(u) + 2 * u),
    ],
)
def test_text_says_what_python_says(text, wanted):
    assert read_term(text, NAMES).tree == wanted.tree


def test_vectors_give_an_equation_for_each_part():
    found = read_equations("dt(flow) + advect(flow, flow) = nu*lap(vector(u, v))", NAMES)
    left, right = Vector(dx(u, t), dx(v, t)) + advect(flow, flow), 0.01 * Vector(lap(u), lap(v))
    assert [equation.residual for equation in found] == [equation.residual for equation in left == right]
    assert len(read_equations("grad(u) = 0", NAMES)) == 2


TERMS = st.recursive(
    st.sampled_from(
        ["x", "y", "t", "u", "v", "2", "0.125", "nu", "dx(u, x)", "dx(v, y, 2)", "dx(dx(u, x), t)", "dn(u)"]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["sin", "exp", "cosh", "step", "abs", "atan"]), inner).map(
            "{0[0]}({0[1]})".format
        ),
        st.tuples(inner, st.integers(2, 3)).map("({0[0]})^{0[1]}".format),
        st.tuples(inner, inner).map("max({0[0]}, atan2({0[1]}, 2))".format),
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(TERMS)
def test_what_is_written_is_read_back(text):
    term = read_term(text, NAMES)
    again = read_term(write_term(term), NAMES)
    assert (again.tree - term.tree).expand() == 0


def test_small_and_large_numbers_survive():
    for text in ("1e-300*u", "123456789012345678*u", "x/3", "1.23456789012345678*u"):
        term = read_term(text, NAMES)
        assert read_term(write_term(term), NAMES).tree == term.tree


@pytest.mark.parametrize(
    "text",
    [
        "u",
        "u = v = 1",
        "= 1",
        "u = w",
        "u(x) = 1",
        "u(y, x, t) = 1",
        "dx(u) = 1",
        "dx(u, x, y) = 1",
        "dx(u, x, 5) = 1",
        "dx(u, 2) = 1",
        "dx = 1",
        "lapl(u) = 1",
        "x(2) = 1",
        "lap(x) = 1",
        "flow = 1",
        "flow*flow = 0",
        "flow + u = 0",
        "sin(flow) = 0",
        "dot(u, v) = 0",
        "dn(flow) = 0",
        "u = 1/0",
        "u = sqrt(-1)",
        "u = 9^9^9^9",
        "u = __import__('os')",
        "u <= 1",
    ],
)
def test_what_is_no_equation_gets_a_sentence(text):
    with pytest.raises(InputError) as told:
        read_equations(text, NAMES)
    assert str(told.value).endswith((".", "?"))
    assert "\n" not in str(told.value)


def test_time_is_needed_for_dt():
    with pytest.raises(InputError, match="time"):
        read_term("dt(u)", {"x": x, "u": unknown("u", x)})
