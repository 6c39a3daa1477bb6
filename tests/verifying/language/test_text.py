"""The short text form: what it reads, and how it refuses."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.verifying.domain.conditions import Between, Missing, OneOf, conditions_of
from edgewise.verifying.language.properties import Decides, Linear, OutputRange, Robust
from edgewise.verifying.language.text import EXAMPLES, Statement, parse_conditions, parse_property


def test_examples_are_properties():
    for text in EXAMPLES.values():
        made = parse_property(text)
        assert parse_property(str(made)).conditions == ()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("output <= 3", OutputRange(None, 3.0)),
        ("-2 <= output", OutputRange(-2.0, None)),
        ("3 >= output >= -1.5e-3", OutputRange(-1.5e-3, 3.0)),
        ("-2*output <= 3", OutputRange(-1.5, None)),
        ("output + 1 <= 3", OutputRange(None, 2.0)),
        ("0.1 <= probability <= 0.9", OutputRange(0.1, 0.9, probability=True)),
        ("2*age - output <= 3 + age", Linear((("age", 1.0), ("output", -1.0)), 3.0)),
        ("`a b`*2 >= 3*output", Linear((("output", 3.0), ("a b", -2.0)), 0.0)),
        ("decision = good", Decides("good")),
        ("decision == 1", Decides(1.0)),
        ("robust(row 3, {age: 2, `a b`: 1}, 0.5)", Robust(3, (("age", 2.0), ("a b", 1.0)), 0.5)),
    ],
)
def test_comparisons(text, made):
    assert parse_property(text).property == made


def test_conditions():
    text = "range(0, 1) where 1 <= a <= 2, b in [-1, \"2020-01-01\"] and c = 'x, y', d in {1, two}"
    text += ", e is missing, f is not missing"
    assert parse_property(text).conditions == (
        Between("a", 1.0, 2.0),
        Between("b", -1.0, "2020-01-01"),
        OneOf("c", ("x, y",)),
        OneOf("d", (1.0, "two")),
        Missing("e"),
        Missing("f", False),
    )
    again = parse_property(str(parse_property(text)))
    assert again == parse_property(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected at its end"),
        ("monotone", r"monotone needs arguments, as in monotone\(income, increasing\)"),
        ("monotone()", "monotone needs arguments"),
        ("monotne(a, increasing)", "did you mean 'monotone'"),
        ("monotone(a, up)", "increasing or decreasing was expected in place of 'up' at character 13"),
        ("monotone(a, increasing", r"'\)' was expected at its end"),
        ("monotone(a, increasing) b", "the end or 'where' was expected in place of 'b'"),
        ("robust(5, 0.1)", "row and its number"),
        ("robust(row 1.5, 0.1)", "there is no row 1.5"),
        ("range(0, 1) where age", "in, =, <=, >= or is was expected"),
        ("range(0, 1) where age in [3, 2]", "must begin with its lower end"),
        ("range(0, 1) where", "the name of a column was expected"),
        ("1 <= 2", "it says nothing about the model"),
        ("0 <= a <= 1", "a range must be of output or probability"),
        ("0 <= output >= 1", "two comparisons must be one range"),
        ("exp(output) <= 1", "there is no 'exp'"),
        ("output <= 1; import os", "the end or 'where' was expected in place of ';'"),
        ("x" * 30_000, "at most 20,000 characters"),
    ],
)
def test_errors_say_where(text, words):
    with pytest.raises(InputError, match=words) as told:
        parse_property(text)
    assert len(str(told.value)) < 400


@given(st.text(alphabet="abrow<>=(){}[],.*+-1 '\"`\\é≤", max_size=40))
def test_any_text_is_read_or_refused_in_a_sentence(text):
    with contextlib.suppress(InputError):
        assert isinstance(parse_property(text), Statement)


names = st.text(min_size=1, max_size=8).filter(lambda s: s.strip() == s and "\n" not in s and s != "")


@given(names, st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_conditions_read_back(name, low, width):
    for made in (
        Between(name, low, low + width),
        Between(name, None, low),
        OneOf(name, (name, low)),
        Missing(name),
    ):
        assert parse_conditions(str(made)) == (made,)


def test_mappings_are_conditions():
    found = conditions_of(
        {"a": (1, 2), "b": "x", "c": ["y", "z"], "d": None, "e": 3, "f": (None, 4), "g": ("u", "v")}
    )
    assert found == (
        Between("a", 1, 2),
        OneOf("b", ("x",)),
        OneOf("c", ("y", "z")),
        Missing("d"),
        OneOf("e", (3,)),
        Between("f", None, 4),
        OneOf("g", ("u", "v")),
    )
    for bad in ({"a": (2, 1)}, {"a": []}, {"a": object()}, {1: 2}, [("a", 1)]):
        with pytest.raises(InputError):
            conditions_of(bad)


def test_strict_signs_leave_their_end_out() -> None:
    below, above = math.nextafter(3.0, -math.inf), math.nextafter(3.0, math.inf)
    assert parse_property("output < 3").property == OutputRange(None, below)
    assert parse_property("3 > output > -3").property == OutputRange(-below, below)
    assert parse_property("-2*output < -6").property == OutputRange(above, None)
    assert parse_property("2*age + output < 3").property == Linear((("age", 2.0), ("output", 1.0)), below)
    for text, low, high in (
        ("age < 3", None, below),
        ("3 < age", above, None),
        ("-3 < age <= 3", -below, 3.0),
    ):
        assert parse_conditions(text) == (Between("age", low, high),)
    with pytest.raises(InputError):
        parse_conditions("when < '2020-01-01'")
