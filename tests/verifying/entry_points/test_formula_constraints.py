"""Constraints on formulas, proved or refuted: against derivatives of sympy on dense grids."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import edgewise as ew
from edgewise import InputError
from edgewise.symbolic import Formula
from edgewise.verifying import Refuted, prove_constraints

x, z = sympy.symbols("x z")
BOX = {"x": (0.5, 3.0), "z": (-2.0, 2.0)}


def statuses(law: sympy.Expr, *constraints: str) -> list[str]:
    told = prove_constraints(Formula(law, ("x", "z")), constraints, BOX)
    for entry in told:
        assert str(entry)
        assert entry.to_dict()["status"] == entry.status
    return [entry.status for entry in told]


@pytest.mark.parametrize(
    ("law", "constraints", "expected"),
    [
        (x**2 + z, ["increasing(x)", "convex(x)", "decreasing(x)"], ["proved", "proved", "refuted"]),
        (2.5 * z**2 / x, ["even(z)", "decreasing(x)", "odd(z)"], ["proved", "proved", "refuted"]),
        (sympy.exp(-x) * z, ["odd(z)", "y = 0 at z = 0", "y = 1 at z = 0"], ["proved", "proved", "refuted"]),
        (sympy.sin(x) + 1.5, ["0.5 <= y <= 3", "y <= 2"], ["proved", "proved", "refuted"]),
        (x * z, ["symmetric(x, z)", "y <= x*z + 1"], ["proved", "proved"]),
        (abs(z), ["convex(z)", "y >= 0"], ["undecided", "proved"]),
        (sympy.log(z), ["increasing(z)"], ["refuted"]),
        (sympy.log(z + 2), ["increasing(z)"], ["refuted"]),
        (1 / z, ["decreasing(z)"], ["refuted"]),
        (x, ["y -> inf as x -> inf", "never sin(cos)"], ["proved", "proved"]),
        (
            z**2 * x / (2 + x),
            ["y -> z^2 as x -> inf", "y -> 0 as x -> 0", "y -> z as x -> inf"],
            ["proved", "proved", "refuted"],
        ),
        (
            2.5 * sympy.exp(-x),
            ["y -> 0 as x -> inf", "y -> 2.5 as x -> 0", "y -> 1 as x -> inf"],
            ["proved", "proved", "refuted"],
        ),
        (z * x, ["y -> inf as x -> inf"], ["undecided"]),
        (-x, ["y -> inf as x -> inf", "y -> 3 as x -> inf"], ["refuted", "refuted"]),
        (sympy.sin(sympy.cos(x)), ["never sin(cos)"], ["refuted"]),
    ],
)
def test_known_answers(law: sympy.Expr, constraints: list[str], expected: list[str]) -> None:
    assert statuses(law, *constraints) == expected


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-2, 2).map(lambda c: round(c, 3)), min_size=4, max_size=4),
    st.sampled_from(["increasing", "decreasing", "convex", "concave"]),
)
def test_answers_agree_with_dense_sampling(c: list[float], kind: str) -> None:
    law = c[0] * x + c[1] * x**2 / 2 + c[2] * sympy.sin(2 * x) + c[3] * sympy.exp(-x) * z
    order = 1 if kind in ("increasing", "decreasing") else 2
    slope = sympy.lambdify((x, z), sympy.diff(law, x, order), "numpy")
    grid = np.meshgrid(np.linspace(0.5, 3, 300), np.linspace(-2, 2, 60))
    least = float(
        (np.broadcast_to(slope(*grid), grid[0].shape) * (1 if kind in ("increasing", "convex") else -1)).min()
    )
    (told,) = prove_constraints(Formula(law, ("x", "z")), [f"{kind}(x)"], BOX, work=0.05)
    if told.status == "proved":
        assert least >= -1e-8
    if isinstance(told, Refuted):
        assert least < 1e-2
        at = told.witness
        value = float(slope(at["x"], at.get("z", 0.0))) * (1 if kind in ("increasing", "convex") else -1)
        assert value < 0
    if abs(least) > 0.05:
        assert told.status == ("proved" if least > 0 else "refuted")


def test_a_constant_is_proved_or_refuted_too() -> None:
    law = Formula(sympy.Float(2.5), names=("x", "z"))
    found = prove_constraints(law, ["y <= 4", "y >= 3", "increasing(z)"], {"x": (0, 1), "z": (0, 1)})
    assert [constraint.status for constraint in found] == ["proved", "refuted", "proved"]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({}, "every column"),
        ({"x": 3}, "two numbers"),
        ({"x": (2, 1)}, "smaller number first"),
        ([1], "must map"),
    ],
)
def test_bounds_that_make_no_sense(bounds: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        prove_constraints(Formula(x, ("x",)), ["increasing(x)"], bounds)  # type: ignore[arg-type]


@pytest.mark.parametrize(("option", "value"), [("target", {"y"}), ("work", "much"), ("formula", 3)])
def test_options_that_make_no_sense(option: str, value: object) -> None:
    asked = {"formula": Formula(x, ("x",)), "constraints": ["increasing(x)"], "bounds": BOX} | {option: value}
    with pytest.raises(InputError, match=option):
        prove_constraints(**asked)  # type: ignore[arg-type]


def test_a_fitted_formula_is_asked_as_models_are():
    x = np.linspace(1, 3, 40)[:, None]
    law = Formula(sympy.Symbol("r") ** 3 * 2, ("r",))
    model = ew.FormulaRegressor()
    with pytest.raises(InputError, match="not fitted"):
        ew.verify(model, "output <= 60")
    model.formula_, model.range_ = law, np.array([x.min(0), x.max(0)])
    for text, status in {
        "output <= 54.1": "proved",
        "2 <= output <= 53": "refuted",
        "2.1 <= output <= 55": "refuted",
        "output <= 10 where r <= 1.5": "proved",
        "monotone(r, increasing)": "proved",
        "monotone(r, decreasing)": "refuted",
    }.items():
        assert ew.verify(model, text).status == status, text
    with pytest.raises(InputError) as error:
        ew.verify(model, "lipschitz(r, 3)")
    assert error.value.argument == "property"
    with pytest.raises(InputError) as error:
        ew.explain(model, x)
    assert "not fitted" not in error.value.advice
