"""Units of constants: a formula with them holds in whatever units its columns are measured."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import find_formula
from edgewise.forms import parse
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.units.constraints import Dimensions
from edgewise.symbolic.units.of_constants import constant_units
from edgewise.symbolic.units.text import unit_powers

COLUMNS = ("m", "h")
KNOWN = Dimensions.read({"m": "kg", "h": "m", "E": "J"}, COLUMNS, "E")
X = np.random.default_rng(0).uniform(0.5, 2, (20, 2))
ROUND = 1e-9


def size(unit: str, scales: dict[str, float]) -> float:
    """By how much a number in this unit grows as the base units shrink."""
    return math.prod(scales[name] ** float(power) for name, power in unit_powers(unit, "it").items())


@pytest.mark.parametrize(
    "text",
    [
        "9.81*m*h",
        "1.0*m*h^2",
        "2.5*m*exp(-0.5*h) + 3.0*m",
        "m*(1.5 + 0.3*h)^2",
        "m*sqrt(2.0*h + 1.5)",
        "1.3*m/(h + 2.5)",
        "m*1.7*log(0.5*h)",
        "0.7*m*(log(h) + 1.2)",
        "exp(log(m) + 2*log(h) + 0.4)",
        "m*2.0*abs(h - 1.5)",
        "0.9*m*max(h, 1.5)",
        "4.0*m*sin(0.3*h + 0.2)",
        "2.1*m*h^1.5",
        "m*h*2.2*step(h - 1.25) - 0.7*m",
        "1.1*m^(h/1.4)/0.9",
    ],
)
@given(scales=st.lists(st.floats(0.1, 10), min_size=3, max_size=3))
@settings(max_examples=10)
def test_a_formula_holds_in_other_units(text: str, scales: list[float]) -> None:
    by = dict(zip(("mass", "length", "time"), scales, strict=True))
    tree = parse(text, COLUMNS).tree
    tape = Tape(tree, COLUMNS)
    found = constant_units(tree, KNOWN)
    if "m^(" in text:  # a power with a column above takes a number without unit
        assert found is None
        return
    assert found is not None
    moved = [
        value + math.log(size(unit[4:-1], by)) if unit.startswith("log(") else value * size(unit, by)
        for value, unit in zip(tape.start, found, strict=True)
    ]
    # 1.5 above is a power and stays.
    elsewhere = X * [by["mass"], by["length"]]
    there = tape.value(np.array(moved), elsewhere)
    here = tape.value(tape.start, X) * size("J", by)
    assert np.allclose(there, here, rtol=ROUND)


def test_a_measured_power_is_written_in_few_digits() -> None:
    assert constant_units(parse("2.5*m*h^1.3712", COLUMNS).tree, KNOWN) == ("m^0.6288/s^2", "1")
    assert constant_units(parse("m + h", COLUMNS).tree, KNOWN) is None


@pytest.mark.slow
def test_the_search_says_which_constant_carries_which_unit() -> None:
    y = 9.81 * X[:, 0] * X[:, 1]
    fall = find_formula(X, y, names=COLUMNS, units={"m": "kg", "h": "m", "y": "J"}, work=0.02)
    assert [constant.unit for constant in fall.best.constants] == ["m/s^2"]
    assert "Constants carry units: 9.81 in m/s^2." in fall.message
    assert fall.to_dict()["best"]["constants"][0]["unit"] == "m/s^2"
    # A factor of one that is no mere number is told, too.
    odd = find_formula(
        X, X[:, 0] * X[:, 1] ** 2, names=COLUMNS, units={"m": "kg", "h": "m", "y": "s"}, work=0.02
    )
    assert "Constants carry units: 1 in s/kg/m^2." in odd.message
    plain = find_formula(X, y, names=COLUMNS, work=0.02)
    assert [constant.unit for constant in plain.best.constants] == [None]
    assert "units" not in plain.message
