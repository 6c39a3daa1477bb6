"""Units: what is read, which formulas are consistent, and the products that are left."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pint
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Number, Variable, render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.units.buckingham import find_groups
from edgewise.symbolic.units.constraints import Dimensions
from edgewise.symbolic.units.rules import MismatchError, Rules
from edgewise.symbolic.units.text import define_unit, unit_powers

MOTION = {"m": "kg", "v": "m/s", "t": "s", "a": "rad", "s": "m", "b": "1"}
NAMES = tuple(MOTION)


def dimensions(target: str) -> Dimensions:
    return Dimensions.read(MOTION | {"y": target}, NAMES)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("kg·m²/s²", "kg*m**2/s**2"),
        ("kg m^2 s^-2", "kg*m**2/s**2"),
        ("J/(mol K)", "J/(mol*K)"),
        ("metre per second", "m/s"),
        ("V²/Ω", "watt"),
        ("mW", "watt"),
        ("1e3 m", "m"),
        ("m**(1/3)*m^(2/3)", "m"),
        ("%", "dimensionless"),
        ("", "dimensionless"),
        ("1", "dimensionless"),
        ("°", "dimensionless"),
        ("1/s", "hertz"),
        ("µm", "m"),
    ],
)
def test_units_as_people_write_them(text: str, plain: str) -> None:
    wanted = pint.get_application_registry().parse_units(plain).dimensionality
    assert dict(unit_powers(text, "x")) == {
        name.strip("[]"): Fraction(power) for name, power in wanted.items()
    }


def test_units_of_ones_own():
    define_unit("ow_league", "3 mi")
    define_unit("ow_plant", "")
    assert unit_powers("kow_league^2/h", "x") == {"length": 2, "time": -1}
    assert unit_powers("ow_plant/ow_league", "x") == {"length": -1, "ow_plant": 1}
    # Taken, no name, no unit, a number that takes for ever.
    for name, definition in [
        ("ow_plant", "m"),
        ("m", "3 s"),
        ("two words", "m"),
        ("ow_x", "ow_y"),
        ("ow_x", "10^9^9 m"),
    ]:
        with pytest.raises(InputError):
            define_unit(name, definition)
        with pytest.raises(InputError):
            unit_powers("ow_x", "x")


def test_every_base_unit_of_the_international_system() -> None:
    for unit, base in zip(
        ["kg", "m", "s", "A", "K", "mol", "cd"],
        ["mass", "length", "time", "current", "temperature", "substance", "luminosity"],
        strict=True,
    ):
        assert unit_powers(unit, "x") == {base: 1}
        assert unit_powers(pint.get_application_registry().Unit(unit), "x") == {base: 1}


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("joul", "did you mean 'joule'"),
        ("bla", "unknown 'bla'"),
        ("degC", "measures from zero"),
        ("dB", "measures from zero"),
        ("m + s", "a unit such as"),
        ("m^m", "a unit such as"),
        ("9**9**9**9", "a unit such as"),
        ("m^(1e400)", "a unit such as"),
        ("log(m)", "a unit such as"),
        ("m/", "a unit such as"),
        ("0", "a unit such as"),
        ("__import__('os')", "a unit"),
        (None, "list of exponents"),
    ],
)
def test_what_is_no_unit_is_refused_in_a_sentence(unit: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Dimensions.read({"x": unit, "y": "1"}, ["x"])
    assert said in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_units_must_be_complete_and_of_the_table() -> None:
    with pytest.raises(InputError, match="Got none for 'b', 'y'"):
        Dimensions.read({"a": "m"}, ["a", "b"])
    with pytest.raises(InputError, match=r"Got 'mas' \(did you mean 'mass'"):
        Dimensions.read({"mas": "kg", "y": "m"}, ["mass"])
    with pytest.raises(InputError, match="differ from every column"):
        Dimensions.read({"y": "m"}, ["y"])
    with pytest.raises(InputError, match="dictionary"):
        Dimensions.read([["a", "m"]], ["a"])  # pyright: ignore[reportArgumentType]


def test_vectors_of_exponents_say_the_same_as_text() -> None:
    text = Dimensions.read({"m": "kg", "v": "m/s", "a": "1", "E": "J"}, ["m", "v", "a"], "E")
    vectors = Dimensions.read(
        {"m": [1, 0, 0], "v": np.array([0, 1, -1.0]), "a": "", "E": (1, 2, -2)}, ["m", "v", "a"], "E"
    )
    assert text.columns == vectors.columns
    assert text.groups() == vectors.groups()
    assert vectors.unit(vectors.target) == "u1*u2^2/u3^2"
    thirds = Dimensions.read({"x": [1 / 3], "y": [Fraction(2, 3)]}, ["x"])
    assert thirds.consistent(read("x^2", ["x"]))


@pytest.mark.parametrize(
    "units",
    [
        {"x": [1, 0], "y": [1]},
        {"x": [1, 0], "y": "m"},
        {"x": ["m"], "y": [1]},
        {"x": [float("nan")], "y": [1]},
        {"x": [1e9], "y": [1]},
    ],
)
def test_bad_vectors_are_refused(units: dict[str, object]) -> None:
    with pytest.raises(InputError, match="units"):
        Dimensions.read(units, ["x"])


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("m*v^2/2", "J"),
        ("v*t + s", "m"),
        ("sqrt(v^2*t^2 + s^2)*sin(a)", "m"),
        ("s*exp(-v*t/s)", "m"),
        ("s*(log(v*t) - log(s))", "m"),
        ("exp(log(v) + log(t))", "m"),
        ("s*b^a", "m"),
        ("abs(v)*t", "m"),
        ("sign(v)*s", "m"),
        ("s*2^b + 0", "m"),
        ("(s^3)^(1/3)", "m"),
        ("s^1.5/s^0.5", "m"),
        ("s*pi", "m"),
        ("b*atan(v*t/s)", "1"),
        ("max(v*t, s)", "m"),
        ("min(s, 0) + mod(s, v*t)", "m"),
        ("step(s - v*t)*s", "m"),
        ("floor(v*t/s)*s", "m"),
        ("s*(max(log(v*t), log(s)) - log(s))", "m"),
    ],
)
def test_right_formulas_are_consistent(text: str, target: str) -> None:
    known = dimensions(target)
    assert known.fault(read(text, NAMES)) is None
    assert known.consistent(read(text, NAMES), free_constants=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m + v", "m in kg and v in m/s cannot be added"),
        ("s - m", "s in m and m in kg cannot be added"),
        ("v", "the formula is in m/s, not in m"),
        ("s*sin(t)", "sin(t) needs a number without unit where t is in s"),
        ("s*log(t)", "depends on the unit in which log(t) is measured"),
        ("s + 1", "s in m and 1 in 1 cannot be added"),
        ("s*2^t", "2^t needs a number without unit where t is in s"),
        ("s^b", "s^b needs a number without unit where s is in m"),
        ("s*b^t", "where t is in s"),
        ("s*exp(log(t))", "the formula is in m*s, not in m"),
        ("2.5*t", "the formula is in s, not in m"),
        ("max(s, t)", "s in m and t in s cannot be compared"),
        ("mod(s, 2)", "s in m and 2 in 1 cannot be compared"),
        ("s*floor(t)", "floor(t) needs a number without unit where t is in s"),
        ("s*max(log(t), 0)", "depends on the units in which its logarithms are taken"),
        ("s*mod(log(t), log(t))", "depends on the units in which its logarithms are taken"),
    ],
)
def test_wrong_formulas_are_told_what_is_wrong(text: str, said: str) -> None:
    fault = dimensions("m").fault(read(text, NAMES))
    assert fault is not None
    assert said in fault


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2.5*t", True),
        ("s + 1.5", True),
        ("s + 1", False),
        ("s*sin(2.5*t)", True),
        ("s*sin(2*t)", False),
        ("s*exp(1.5*log(t) + 0.5)", True),
        ("1.5*log(t) + 0.5", True),
        ("1.5*log(2.5*t)", True),
        ("1.5*log(t)", False),
        ("s*t^1.5", False),
        ("2.5*t^1.5", True),
        ("2.5*t + 1.5*m + v*t", True),
        ("s + t + 2.5*m", False),
        ("s/(1.5 + t)", False),
        ("2.5/(1.5 + t)", True),
        ("s*1.5^b", True),
        ("s*1.5^t", False),
        ("3*s*pi", True),
        ("pi*t", False),
        ("max(s, 1.5)", True),
        ("max(s, 1)", False),
        ("mod(s, 2.5)", True),
        ("s*step(t - 2.5)", True),
        ("s*floor(2.5*t)", True),
        ("s*floor(t)", False),
        ("s*exp(max(log(t), 1.5) - log(t))", True),
    ],
)
def test_free_constants_carry_what_their_place_asks_for(text: str, good: bool) -> None:
    assert dimensions("m").consistent(read(text, NAMES), free_constants=True) is good


def test_strange_columns_are_an_error() -> None:
    with pytest.raises(InputError, match="Got 'q' instead"):
        dimensions("m").consistent(Variable("q"))


# Laws ---------------------------------------------------------------------------------------------------------------

SMALL = st.integers(-2, 2)
VECTOR = st.tuples(SMALL, SMALL)


def trees() -> st.SearchStrategy[Node]:
    leaves = st.one_of(
        st.sampled_from([Variable("p"), Variable("q"), Variable("r")]),
        st.integers(1, 3).map(Number),
        st.floats(0.5, 2.0).map(Number),
    )
    return st.recursive(leaves, _grown, max_leaves=7)


def _grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    unary = st.builds(lambda name, a: Apply(name, (a,)), st.sampled_from(UNARY), inner)
    binary = st.builds(lambda name, a, b: Apply(name, (a, b)), st.sampled_from(BINARY), inner, inner)
    power = st.builds(lambda a, n: Apply("^", (a, Number(n))), inner, st.integers(1, 3))
    return st.one_of(unary, binary, power)


UNARY = ["neg", "inv", "sqrt", "exp", "log", "sin", "abs", "tanh", "sign", "step", "floor"]
BINARY = ["+", "+", "*", "*", "max", "min", "mod"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
@given(trees(), st.tuples(VECTOR, VECTOR, VECTOR), st.tuples(*[st.floats(0.3, 3.0)] * 2))
def test_units_change_nothing_in_a_consistent_formula(
    tree: Node, powers: tuple[tuple[int, int], ...], scales: tuple[float, float]
) -> None:
    columns = {name: tuple(map(Fraction, power)) for name, power in zip("pqr", powers, strict=True)}
    try:
        quantity = Rules(columns, ("a", "b")).quantity(tree)
    except MismatchError:
        quantity = None
    assume(quantity is not None)
    assert quantity is not None
    assert quantity.factor is not None
    assert quantity.shift is not None
    X = np.random.default_rng(0).uniform(0.5, 2.0, (20, 3))
    # Differences of equal terms are noise, and so is what follows from them.
    assume(conditioned(tree, X))
    factors = np.exp(np.array(powers) @ np.log(scales))
    factor = np.exp(np.array(quantity.factor, dtype=float) @ np.log(scales))
    shift = np.array(quantity.shift, dtype=float) @ np.log(scales)
    tape = Tape(tree, ("p", "q", "r"))
    before, after = tape.value(tape.start, X) * factor + shift, tape.value(tape.start, X * factors)
    good = np.isfinite(before) & np.isfinite(after) & (np.abs(before) < 1e8)
    np.testing.assert_allclose(after[good], before[good], rtol=1e-6, atol=1e-6 * factor)


def conditioned(tree: Node, X: np.ndarray) -> bool:
    tape = Tape(tree, ("p", "q", "r"))
    base = tape.value(tape.start, X)
    moved = tape.value(tape.start, X * (1 + 1e-9))
    good = np.isfinite(base)
    return bool(
        np.isfinite(moved[good]).all()
        and (np.abs(moved - base)[good] <= 1e-4 * (1 + np.abs(base[good]))).all()
    )


@given(st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=6), st.tuples(SMALL, SMALL, SMALL))
def test_groups_carry_the_units_they_promise(columns: list[tuple[int, ...]], target: tuple[int, ...]) -> None:
    names = [f"x{at}" for at in range(len(columns))]
    exact = [tuple(map(Fraction, column)) for column in columns]
    groups = find_groups(names, exact, tuple(map(Fraction, target)))
    matrix = sympy.Matrix(columns).T
    wanted = sympy.Matrix(target)
    rank = matrix.rank()
    assert len(groups.products) == len(columns) - rank
    if groups.products:
        basis = sympy.Matrix(groups.products).T
        assert basis.rank() == len(groups.products)
        assert (matrix * basis).is_zero_matrix
    solvable = matrix.row_join(wanted).rank() == rank
    assert (groups.prefactor is not None) == solvable
    if groups.prefactor is not None:
        assert (
            matrix * sympy.Matrix([sympy.Rational(e.numerator, e.denominator) for e in groups.prefactor])
            == wanted
        )


@pytest.mark.parametrize(
    ("units", "target", "text"),
    [
        ({"l": "m", "g": "m/s^2", "m": "kg"}, "s", "sqrt(l)/sqrt(g)"),
        ({"m": "kg", "c": "m/s", "v": "m/s"}, "J", "m*c^2 * f(c/v)"),
        ({"a": "m", "b": "m", "phi": "rad"}, "m^2", "a^2 * f(phi, a/b)"),
        ({"A": "m^2", "V": "m^3"}, "m", "V/A * f(A^3/V^2)"),
        ({"a": "m", "b": "1"}, "kg", "f(b)"),
        ({"a": "m"}, "1", "1"),
        ({"rho": "kg/m^3", "v": "m/s", "d": "m", "mu": "Pa s"}, "1", "f(rho*v*d/mu)"),
    ],
)
def test_known_groups(units: dict[str, str], target: str, text: str) -> None:
    known = Dimensions.read(units | {"y": target}, list(units))
    assert known.groups().text == text
    assert (known.groups().prefactor is None) == (target == "kg")


def test_a_law_found_in_numbers_without_unit_holds_in_the_columns() -> None:
    names = ["m", "c", "v"]
    known = Dimensions.read({"m": "kg", "c": "m/s", "v": "m/s", "E": "J"}, names, "E")
    groups = known.groups()
    X = np.random.default_rng(0).uniform(1, 2, (30, 3)) * [1, 3, 1]
    energy = X[:, 0] * X[:, 1] ** 2 / np.sqrt(1 - (X[:, 2] / X[:, 1]) ** 2)
    Z, w = groups.reduce(X, energy)
    np.testing.assert_allclose(w, 1 / np.sqrt(1 - 1 / Z[:, 0] ** 2))
    whole = groups.expand(read("1/sqrt(1 - 1/p^2)", ["p"]), ["p"])
    assert known.consistent(whole)
    tape = Tape(whole, names)
    np.testing.assert_allclose(tape.value(tape.start, X), energy)
    with pytest.raises(InputError, match="product of columns"):
        Dimensions.read({"m": "kg", "y": "s"}, ["m"]).groups().reduce(X[:, :1], energy)


def test_deep_formulas_take_no_time() -> None:
    text = "b"
    for _ in range(35):
        text = f"sin({text}^2)"
    assert Dimensions.read({"b": "1", "y": "1"}, ["b"]).consistent(read(text, ["b"]))


def test_many_columns_take_no_time() -> None:
    units: dict[str, object] = {f"x{at}": [(at * 7 + k * 5) % 5 - 2 for k in range(5)] for at in range(25)}
    known = Dimensions.read(units | {"y": [1, 2, 3, 1, 0]}, list(units))
    groups = known.groups()
    matrix = sympy.Matrix([list(column) for column in known.columns]).T
    assert (matrix * sympy.Matrix(groups.products).T).is_zero_matrix
    assert len(groups.products) == 25 - matrix.rank()
    assert all(len(render(tree)) < 200 for tree in groups.product_trees)
