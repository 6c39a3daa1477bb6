"""Equations read as they are written; what makes no sense is answered by one sentence."""

import numpy as np
import pytest
import sympy as sp

from edgewise import InputError
from edgewise.pde import Problem, Vector, box, coordinates, curl, div, dot, dx, grad, lap, on, time, unknown

x, y = coordinates("x", "y")
t = time()
u, v = unknown("u", x, y, t), unknown("v", x, y, t)


def test_operators_leave_time_out():
    assert [repr(part) for part in grad(u)] == ["Derivative(u(x, y, t), x)", "Derivative(u(x, y, t), y)"]
    assert sp.simplify(lap(u).tree - (dx(u, x, 2) + dx(u, y, 2)).tree) == 0


def test_identities_of_vector_calculus():
    flow = curl(u)
    assert sp.simplify(div(flow).tree.doit()) == 0
    assert sp.simplify(curl(grad(u)).tree.doit()) == 0
    assert sp.simplify((div(grad(u)) - lap(u)).tree) == 0


def test_numpy_functions_make_terms():
    assert repr(np.sin(2 * x) + np.exp(-y) * np.float64(3)) == "sin(2*x) + 3*exp(-y)"
    assert repr(np.pi * x)[:4] == "3.14"


def test_equations_of_vectors_are_equations_of_their_parts():
    equations = Vector(u, v) == Vector(x, 1)
    assert [repr(equation) for equation in equations] == ["u(x, y, t) == x", "v(x, y, t) == 1"]
    assert repr(dot(Vector(u, v), Vector(1, x))) == "x*v(x, y, t) + u(x, y, t)"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bool(u == 1), "is an equation, neither true nor false"),
        (lambda: u + "a", "must be written with coordinates, unknowns and numbers"),
        (lambda: dx(u, u), "must be a coordinate"),
        (lambda: dx(u, x, 5), "order"),
        (lambda: unknown("u"), "needs its coordinates"),
        (lambda: unknown("2u", x), "must be a word"),
        (lambda: lap(x), "has none"),
        (lambda: div(Vector(u, v, u)), "as many parts"),
        (lambda: Vector(u, v) + u, "go with vectors of 2 parts"),
        (lambda: box({x: (1, 1)}), "to a larger one"),
        (lambda: box({x: (0, 1)}).boundary["lefft"], "did you mean 'left'"),
        (lambda: box({x: (0, 1)}, periodic=y), "have a range in the box"),
        (lambda: Problem(box({x: (0, 1)}), [x == 1]), "must have an unknown"),
        (lambda: Problem(box({x: (0, 1), y: (0, 1)}), [lap(u) == 1]), "must depend on the coordinates"),
        (
            lambda: Problem(box({x: (0, 1), y: (0, 1), t: (0, 1)}), [u + v == 1]),
            "must be as many as the unknowns, 2",
        ),
        (lambda: Problem(box({x: (0, 1)}), [True]), "takes equations such as"),
        (lambda: u == float("nan"), "must be finite"),
        (lambda: on("left", u == 0), "must be a part of the boundary"),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(make, words):
    with pytest.raises(InputError, match=words):
        make()
