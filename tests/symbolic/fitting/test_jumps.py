"""Constants that move rows by jumps alone: known as well as the rows lie close, and rounded within that."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.forms import parse
from edgewise.symbolic import Formula, formula_text, parse_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.jumps import jump_errors
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.rounding import round_constants
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.known_form.constants import fit_constants


@given(st.lists(st.floats(-9, 9), min_size=4, max_size=30, unique=True), st.floats(-5, 5))
def test_a_threshold_is_as_uncertain_as_the_gap_it_lies_in(places: list[float], c: float) -> None:
    x = np.sort(np.array(places))
    below, above = x[x < c], x[x >= c]
    text = f"step(x - {c!r})" if c >= 0 else f"step(x + {-c!r})"
    error = refit(parse(text, ["x"]).tree, ["x"], x[:, None], (x >= c) * 1.0).standard_errors[0]
    if not (below.size and above.size):
        assert np.isinf(error)
        return
    down, up = c - below[-1], above[0] - c
    # The root mean square distance of a uniform variable on the gap, by sampling.
    spread = np.sqrt(np.mean(np.linspace(-down, up, 20_001) ** 2))
    if down + up > 1e-6:
        assert error == pytest.approx(spread, rel=1e-3, abs=1e-9)


def test_noise_widens_what_a_threshold_may_be() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (500, 1))
    errors = [
        refit(
            parse("1.0*step(x - 4.0)", ["x"]).tree, ["x"], x, (x[:, 0] >= 4) + noise * rng.normal(size=500)
        ).standard_errors[1]
        for noise in (0.0, 3.0)
    ]
    assert 2 * errors[0] < errors[1] < 3.0


def test_constants_inside_jumps_become_simple_numbers() -> None:
    X = np.random.default_rng(1).uniform(-3, 5, (1500, 2))
    for text, start in (
        ("16*floor(x/2)/5", "2.9*floor(0.501*x)"),
        ("y*step(x - 3/2)", "0.9*y*step(x - 1.503)"),
    ):
        law = parse_formula(text, ["x", "y"])
        target = Formula(law, ("x", "y")).predict(X)
        found = round_constants(
            parse_formula(start, ["x", "y"]), SplitRows.split(("x", "y"), X, target, 0.2, 0)
        )
        assert formula_text(found.expression) == text


def test_partly_known_laws_are_told_that_their_thresholds_are_known() -> None:
    X = np.random.default_rng(2).uniform(-3, 5, (300, 1))
    found = fit_constants(X, 2 * (X[:, 0] >= 1.2), "a*step(x - c)", names=["x"])
    c = found.constants["c"]
    assert abs(c.value - 1.2) < 4 * c.standard_error < 0.2
    assert "determine every constant" in found.message


def test_a_place_that_is_the_tiniest_number_ends_the_search_for_its_error():
    tape = Tape(parse("1.0*step(x - 1.0)", ["x"]).tree, ["x"])
    x = np.linspace(-1, 1, 21)
    constants = np.array([1.0, 5e-324])
    errors = jump_errors(tape, constants, [1], x[:, None], (x > 0) * 1.0, np.ones(21), 0.5)
    assert 0.01 < errors[0] < 0.2


def test_a_place_that_is_the_largest_number_ends_it_too():
    tape = Tape(parse("1.0*step(x - 1.0)", ["x"]).tree, ["x"])
    x = np.linspace(-1, 1, 21)
    errors = jump_errors(tape, np.array([1.0, 1e299]), [1], x[:, None], np.zeros(21), np.ones(21), 0.5)
    assert np.isinf(errors[0])
