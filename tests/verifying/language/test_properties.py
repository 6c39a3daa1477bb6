"""Properties as data: what they refuse, and how they read."""

import pytest

from edgewise import KAN, InputError, properties
from edgewise.verifying.language.text import parse_property


def test_every_property_reads_back_from_its_text():
    for made in (
        properties.output_range(0, 1),
        properties.output_range(high=2.5),
        properties.output_range(low=-1e-7),
        properties.output_range(0.25, 0.75, probability=True),
        properties.linear({"age": 2, "output": -1}, 3),
        properties.linear({"a b": -0.5, "x": 1}, -3),
        properties.decides("good"),
        properties.monotone("income"),
        properties.monotone("flow rate", "decreasing", output="b"),
        properties.lipschitz("income", 0.01),
        properties.never_flips("sex"),
        properties.never_flips("sex", threshold=-2.0, output="y"),
        properties.changes_at_most("sex", 0.1, output="c"),
        properties.robust(5, 0.05),
        properties.robust(0, {"age": 2, "a b": 0.5}, change=1.5),
    ):
        assert parse_property(str(made)).property == made, str(made)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: properties.output_range(), "must not both be None"),
        (lambda: properties.output_range(2, 1), "must not exceed 'high'"),
        (lambda: properties.output_range(0.5, 1.0, probability=True), r"\(0.0, 1.0\)"),
        (lambda: properties.linear({}, 1), "map names to weights"),
        (lambda: properties.monotone("x", "incresing"), "did you mean 'increasing'"),
        (lambda: properties.monotone("", "increasing"), "must be a name"),
        (lambda: properties.lipschitz("x", -1), "range"),
        (lambda: properties.robust(-1, 0.1), "range"),
        (lambda: properties.changes_at_most("x", float("nan")), "finite"),
        (lambda: properties.equal(KAN([1, 1], seed=0), -1), "range"),
        (lambda: properties.formula_within("x", 0), "range"),
    ],
)
def test_what_makes_no_property_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
