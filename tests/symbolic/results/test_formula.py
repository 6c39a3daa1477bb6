"""What a Formula says about itself: text, LaTeX, Python, JSON, predictions; and the Pareto front."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import sympy

from edgewise._core.errors import InputError
from edgewise.symbolic import Constant, Formula, pareto, parse_formula

NAMES = ("x1", "flow rate", "lambda", "µ")
LAW = "2.5*exp(-x1^2)*`flow rate`/3 + sqrt(lambda) - atan(µ)/(1.5 + x1^2) + abs(x1)^1.5 + pi/2"
X = np.random.default_rng(0).uniform(0.1, 2, (20, 4))


@pytest.fixture
def law() -> Formula:
    return Formula(
        parse_formula(LAW, NAMES), NAMES, 0.1, 0.99, (Constant(2.5, 0.1), Constant(1.5, float("inf")))
    )


def expected() -> np.ndarray:
    x, flow, lam, mu = X.T
    return (
        2.5 * np.exp(-(x**2)) * flow / 3
        + np.sqrt(lam)
        - np.arctan(mu) / (1.5 + x**2)
        + np.abs(x) ** 1.5
        + np.pi / 2
    )


def test_predict(law: Formula) -> None:
    np.testing.assert_allclose(law.predict(X), expected(), rtol=1e-13)
    with pytest.raises(InputError, match="4 columns"):
        law.predict(X[:, :2])
    turned = pd.DataFrame(X, columns=NAMES)[[*reversed(NAMES)]]
    np.testing.assert_array_equal(law.predict(turned), law.predict(X))


def test_python_source_computes_the_same(law: Formula) -> None:
    space: dict[str, object] = {}
    source = law.python("law")
    exec(source, space)
    assert "flow_rate" in source
    assert "lambda_" in source
    function = space["law"]
    assert callable(function)
    np.testing.assert_allclose(function(*X.T), expected(), rtol=1e-13)
    assert function(*X[0]) == pytest.approx(expected()[0], rel=1e-13)


def test_python_of_a_constant_and_of_clashing_names() -> None:
    space: dict[str, object] = {}
    exec(Formula(sympy.Float(1.5), ("a b", "a_b", "np", "3")).python(), space)
    function = space["formula"]
    assert callable(function)
    assert function(1, 2, 3, 4) == 1.5


def test_text_reads_back(law: Formula) -> None:
    again = Formula(parse_formula(law.exact_text, NAMES), NAMES)
    np.testing.assert_allclose(again.predict(X), law.predict(X), rtol=1e-13)


def test_latex(law: Formula) -> None:
    assert r"\mathrm{flow\ rate}" in law.latex
    assert r"\mathrm{lambda}" in law.latex
    assert "x_{1}" in law.latex
    assert Formula(sympy.Symbol("50%_a{b}"), ("50%_a{b}",)).latex == r"\mathrm{50\%\_a\{b\}}"


def test_json_is_strict_and_complete(law: Formula) -> None:
    data = json.loads(law.json(), parse_constant=pytest.fail)
    assert data["names"] == list(NAMES)
    assert data["complexity"] == law.complexity
    assert data["constants"] == [
        {"value": 2.5, "standard_error": 0.1},
        {"value": 1.5, "standard_error": None},
    ]
    assert {"text", "latex", "python", "error", "r2", "network_deviation"} <= set(data)


def test_front_holds_only_what_nothing_simpler_equals() -> None:
    x = sympy.Symbol("x")

    def made(expression: sympy.Expr, error: float) -> Formula:
        return Formula(expression, ("x",), error)

    formulas = [
        made(x, 0.5),
        made(x**2, 0.6),
        made(sympy.exp(x), 0.4),
        made(sympy.sin(x) + x, 0.1),
        made(x**3 + x, 0.1),
    ]
    front = pareto([*formulas, made(x + 1, float("nan"))])
    assert [formula.error for formula in front] == [0.5, 0.4, 0.1]
    assert [formula.complexity for formula in front] == sorted(formula.complexity for formula in front)
