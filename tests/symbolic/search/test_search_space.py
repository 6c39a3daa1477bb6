"""What a formula may be made of."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise._core.errors import InputError
from edgewise.forms import FORMS, form_from_text, parse
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.search.search_space import Limits

NAMES = ("m", "v", "r")
UNITS = {"m": "kg", "v": "m/s", "r": "m", "y": "J"}


def tree(text: str):
    return parse(text, NAMES).tree


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("m*v^2/r - 3", set()),
        ("sin(m)*exp(-v)", {"sin", "exp"}),
        ("sqrt(m) + v^(3/2)", {"sqrt"}),
        ("m^0.47", {"sqrt"}),
        ("m^(-2.0)", set()),
        ("2^m", {"exp"}),
        ("abs(log(m))", {"abs", "log"}),
    ],
)
def test_the_functions_of_a_formula(text: str, names: set[str]) -> None:
    assert functions_in(tree(text)) == names


def test_functions_left_out_and_forms_kept() -> None:
    free = Limits.read(NAMES)
    assert free.forms is None
    assert free.allow(tree("sin(m)"))
    without = Limits.read(NAMES, exclude_functions=["arctan", "exp"])
    assert not without.allow(tree("atan(m)"))
    assert not without.allow(tree("exp(m)"))
    assert without.allow(tree("sin(m)/v"))
    assert without.forms is not None
    assert {"gaussian", "planck", "arctan"}.isdisjoint(form.name for form in without.forms)
    few = Limits.read(NAMES, forms=["arctan", "ln", form_from_text("cos(x)^2")])
    assert few.allow(tree("atan(m) + log(v)*cos(r)/m^2"))
    assert not few.allow(tree("sin(m)"))
    assert not few.allow(tree("sqrt(m)"))
    assert few.forms is not None
    assert [form.name for form in few.forms] == ["identity", "arctan", "log", "cos(x)^2"]
    kinked = Limits.read(NAMES, forms=["abs"], exclude_functions=["min"])
    assert kinked.functions == {"abs", "max"}
    assert Limits.read(NAMES, forms=[form_from_text("step(x)")]).functions == {"step", "abs", "max", "min"}
    both = Limits.read(NAMES, forms=["sin", "exp"], exclude_functions=["sin"])
    assert both.functions == {"exp"}


def test_columns() -> None:
    limits = Limits.read(NAMES, require_columns=["v"], ignore_columns=["r"])
    assert limits.columns == ("m", "v")
    assert limits.allow(tree("m*v"))
    assert not limits.allow(tree("m"))
    simplest = limits.simplest(2.5)
    assert limits.allow(simplest)
    tape = Tape(simplest, NAMES)
    assert tape.value(tape.start, np.array([[7.0, 2.0, 9.0]])).tolist() == [5.0]


def test_units() -> None:
    limits = Limits.read(NAMES, units=UNITS, ignore_columns=["r"])
    assert limits.units is not None
    assert limits.units.names == ("m", "v")
    assert limits.allow(tree("m*v^2/2"))
    assert limits.allow(tree("2.5*m"))
    assert not limits.allow(tree("5*m/2"))
    assert limits.strict(Formula(to_sympy(tree("m*v^2/2"), NAMES), NAMES))
    assert not limits.strict(Formula(to_sympy(tree("2.5*m"), NAMES), NAMES))
    narrow = Limits.read(NAMES, units=UNITS).narrowed(("m",))
    assert narrow.units is not None
    assert narrow.units.names == ("m",)
    assert narrow.units.groups().prefactor is None
    named = Limits.read(NAMES, units={**{name: UNITS[name] for name in NAMES}, "E": "J"}, target="E")
    assert named.allow(tree("m*v^2"))


def test_every_limit_is_checked() -> None:
    with pytest.raises(InputError, match=r"'exclude_functions'.*'asinh'.*did you mean 'sin'"):
        Limits.read(NAMES, exclude_functions=["sim"])
    with pytest.raises(InputError, match="'units'"):
        Limits.read(NAMES, units=3)  # type: ignore[arg-type]
    assert {form.name for form in Limits.read(NAMES, forms=FORMS.values()).forms or ()} == set(FORMS)
