"""Constants that data cannot tell are said to be so."""

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import (
    Problem,
    SolverConfig,
    box,
    constant,
    coordinates,
    data,
    dx,
    identify,
    on,
    pi,
    time,
    unknown,
)

(X,), T = coordinates("x"), time()
U = unknown("u", X, T)
ROD = box({X: (0, 1), T: (0, 0.5)})
A, C = constant("a", guess=0.5), constant("c")
K = constant("k", guess=0.3, bounds=(0.01, 10))


def found(equation, rows=120, walls=True, config=None):
    r = np.random.default_rng(0)
    at, when = r.uniform(0, 1, rows), r.uniform(0, 0.5, rows)
    values = np.exp(-0.1 * np.pi**2 * when) * np.sin(np.pi * at) + 0.02 * r.standard_normal(rows)
    known = on(ROD.boundary["walls"], U == 0) if walls else []
    problem = Problem(ROD, [equation], known)
    return identify(problem, data(U, {X: at, T: when}, values, sigma=0.02), config=config)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("equation", "sentence"),
    [
        (dx(U, T) == A * C * dx(U, X, 2), "'a' and 'c' only together"),
        (dx(U, T) == K * dx(U, X, 2) + A * (dx(U, X, 2) + pi**2 * U), "have no u_xx any more"),
    ],
)
def test_what_data_leave_open_is_said(equation, sentence):
    assert any(
        sentence in warning for warning in found(equation, config=SolverConfig(most_levels=2)).warnings
    )


def test_one_constant_that_is_told_needs_no_words():
    answer = found(dx(U, T) == K * dx(U, X, 2))
    assert not answer.warnings
    assert answer["k"].low < 0.1 < answer["k"].high


def test_too_few_values_are_told():
    answer = found(dx(U, T) == K * dx(U, X, 2), rows=5, walls=False)
    assert any("hardly any are left" in warning for warning in answer.warnings)


def test_constants_that_may_all_be_zero_are_refused():
    with pytest.raises(InputError, match="constants are zero"):
        found(A * dx(U, T) == C * dx(U, X, 2))
