"""Steps, whole parts, remainders, the larger and the smaller of two: values at the jumps, slopes, messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms import parse
from edgewise.forms.functions import FUNCTIONS

ORACLES: dict[str, Any] = {
    "step": lambda x: np.heaviside(x, 1.0),
    "floor": np.floor,
    "max": np.maximum,
    "min": np.minimum,
    "mod": np.mod,
}
# Random numbers, and those at which these functions jump or tie.
numbers = st.one_of(
    st.floats(-1e6, 1e6),
    st.integers(-9, 9).map(float),
    st.sampled_from([0.0, -0.0, 0.1, 0.3, 0.5, math.inf, math.nan]),
)


def law(name: str) -> str:
    return f"{name}({', '.join('xy'[: FUNCTIONS[name].arity])})"


@pytest.mark.parametrize("name", ORACLES)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30))
def test_values_are_those_of_numpy(name: str, rows: list[tuple[float, float]]) -> None:
    table = np.array(rows)
    found = parse(law(name), ["x", "y"]).evaluate(
        {"x": torch.tensor(table[:, 0]), "y": torch.tensor(table[:, 1])}
    )
    with np.errstate(all="ignore"):
        expected = ORACLES[name](*table.T[: FUNCTIONS[name].arity])
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("name", ORACLES)
def test_slopes_are_those_between_the_jumps(name: str) -> None:
    rng = np.random.default_rng(0)
    at = {item: torch.from_numpy(rng.uniform(-3, 3, 300)) for item in "xy"}
    for k in range(FUNCTIONS[name].arity):
        expression = parse(law(name), ["x", "y"])
        moved = {**at, "xy"[k]: at["xy"[k]] + 1e-7}
        slope = (expression.evaluate(moved) - expression.evaluate(at)) / 1e-7
        exact = expression.derivative("xy"[k]).evaluate(at).expand(300)
        # A step of the difference across a jump is as large as no slope is.
        smooth = slope.abs() < 1e4
        assert smooth.sum() > 290
        torch.testing.assert_close(exact[smooth], slope[smooth], rtol=1e-5, atol=1e-5)


def test_arguments_named_as_the_rules_are_no_trap() -> None:
    """The rule of max is written in x and y; its arguments may hold y and x."""
    found = parse("max(y, x)", ["x", "y"]).derivative("x")
    at = {"x": torch.tensor([2.0, 0.0]), "y": torch.tensor([1.0, 1.0])}
    assert found.evaluate(at).tolist() == [1.0, 0.0]


def test_the_dtype_is_that_of_the_columns() -> None:
    x = torch.ones(3)
    for name in ORACLES:
        text = law(name).replace("y", "0.5")
        assert parse(text, ["x"]).evaluate({"x": x}).dtype == torch.float32


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("max(x)", "the function 'max' needs two arguments"),
        ("min(x, y, 2)", "the function 'min' takes two arguments"),
        ("mod", "the function 'mod' needs two arguments in brackets"),
        ("floor(x, y)", "the function 'floor' takes one argument"),
        ("step(x, 1)", "the function 'step' takes one argument"),
        ("max(x,)", r"a number, a name or a bracket was expected in place of '\)' at character 7"),
        ("max(x y)", r"'\)' was expected in place of 'y' at character 7"),
        ("flor(x)", "did you mean 'floor'"),
    ],
)
def test_what_is_wrong_with_the_arguments_is_said(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse(text, ["x", "y"])


def test_columns_may_bear_these_names() -> None:
    expression = parse("max*mod(max, 2) + step", ["max", "step"])
    values = {"max": torch.tensor(3.0), "step": torch.tensor(1.0)}
    assert float(expression.evaluate(values)) == 4.0
    assert parse(expression.text, expression.columns) == expression
