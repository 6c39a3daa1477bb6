"""What functions cost: dear ones are used only where they say that much more, and a cost of one changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from edgewise import FormulaRegressor, InputError, find_formula
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.border import canonical
from edgewise.symbolic.expressions.complexity import surcharge

X = np.linspace(0.1, 2, 80)[:, None]
WAVE = np.sin(X[:, 0]) + 0.02 * np.random.default_rng(0).standard_normal(80)
x, z = sympy.symbols("x z")


def search(y: np.ndarray = WAVE, **options: Any) -> Formula:
    return find_formula(X, y, names=["x"], work=0.02, **options).best


@pytest.fixture(scope="module")
def plain() -> Formula:
    """What is found where no function is dear."""
    return search()


@given(st.dictionaries(st.sampled_from(["sin", "exp", "sqrt", "log", "tanh"]), st.integers(0, 50)))
def test_each_call_costs(costs: dict[str, int]) -> None:
    """Counted by hand: sin twice, exp once, sqrt and a broken power, log never; whole powers are free."""
    expression = canonical(
        sympy.sin(x) * sympy.exp(z) + sympy.sqrt(x) + z ** sympy.Rational(-1, 3) + sympy.sin(z**2)
    )
    calls = {"sin": 2, "exp": 1, "sqrt": 2}
    assert surcharge(expression, costs) == sum(
        count * (costs.get(name, 1) - 1) for name, count in calls.items()
    )


def test_complexity_counts_what_functions_cost() -> None:
    cheap, dear = (
        Formula(sympy.sin(x) + z, ("x", "z")),
        Formula(sympy.sin(x) + z, ("x", "z"), costs=(("sin", 5),)),
    )
    assert dear.complexity == cheap.complexity + 4
    assert dear == cheap  # the same formula


@pytest.mark.slow
def test_a_cost_of_one_changes_nothing(plain: Formula) -> None:
    assert plain.text == "sin(x)"
    assert search(costs={"sin": 1}).exact_text == plain.exact_text


@pytest.mark.slow
def test_a_dear_function_gives_way_where_others_say_as_much(plain: Formula) -> None:
    found = search(costs={"sin": 12, "cos": 12})
    assert found.tree != plain.tree
    assert "sin(" not in found.text
    assert "cos(" not in found.text
    assert found.error < 1.3 * plain.error


@pytest.mark.slow
def test_a_dear_function_stays_where_it_is_the_law() -> None:
    assert search(np.sin(X[:, 0]), costs={"sin": 9}).text == "sin(x)"


@pytest.mark.slow
def test_few_rows_and_the_estimator_know_costs() -> None:
    few = find_formula(X[::4], WAVE[::4], names=["x"], work=0.02, costs={"sin": 40, "cos": 40}).best
    assert "sin(" not in few.text
    model = FormulaRegressor(work=0.02, costs={"sin": 12, "cos": 12}).fit(X, WAVE)
    assert "sin(" not in model.formula_.text


@pytest.mark.parametrize(
    ("costs", "named"),
    [
        ({"sine": 3}, "costs"),
        ({"sin": 1.5}, "costs"),
        ({"sin": -1}, "costs"),
        ("sin=3", "costs"),
        ({3: 3}, "costs"),
    ],
)
def test_what_is_no_cost_is_refused(costs: Any, named: str) -> None:
    with pytest.raises(InputError, match=named):
        search(costs=costs)
