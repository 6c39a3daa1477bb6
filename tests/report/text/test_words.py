"""Numbers as people write them and curves in words."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.checks import plural
from edgewise.report.text.numbers import alike, listed, number, percent, seconds, signed
from edgewise.report.text.words import curve_words, level_words, turning_points

X = np.linspace(0.0, 10.0, 201)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234.5678, "1,235"),
        (-0.5, "\u22120.5"),
        (1.5e-7, "1.5\u00b710\u207b\u2077"),
        (2.5e12, "2.5\u00b710\u00b9\u00b2"),
        (123456.7, "123,457"),
        (math.nan, "\u2013"),
        (math.inf, "\u2013"),
        (None, "\u2013"),
    ],
)
def test_numbers_as_people_write_them(value, text):
    assert number(value) == text


def test_small_words():
    assert [seconds(v) for v in (0.001, 12.34, None)] == ["under 0.1", "12.3", "\u2013"]
    assert [signed(v) for v in (0.5, 0.0, -0.5)] == ["+0.5", "0", "\u22120.5"]
    assert [plural(n, "row") for n in (1, 2, 1200)] == ["1 row", "2 rows", "1,200 rows"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdef"), 2) == "a, b and 4 more"
    assert [percent(v) for v in (0, 1, 0.00001, 0.999999, 0.5, 0.0123)] == [
        "0 %",
        "100 %",
        "under 0.1 %",
        "over 99.9 %",
        "50 %",
        "1.2 %",
    ]


@given(
    st.lists(
        st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=2, max_size=6, unique=True
    )
)
def test_labels_of_an_axis_are_as_many_as_its_ticks(values):
    assert len(alike(sorted(values))) == len(values)


def test_labels_tell_neighbours_apart():
    assert alike((0.0, 0.25, 0.5)) == ("0.00", "0.25", "0.50")
    assert alike((0.0, 100000.0)) == ("0", "100,000")
    assert alike((1e9, 2e9)) == ("1\u00b710\u2079", "2\u00b710\u2079")


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (2 * X, "rises in a straight line"),
        (-X, "falls in a straight line"),
        (X**2, "rises, ever faster"),
        (-np.exp(-X), "rises, then levels off"),
        ((X - 4) ** 2, "falls to a low near 4, then rises"),
        (-((X - 4) ** 2), "rises to a peak near 4, then falls"),
        (np.full_like(X, 3.0), "is flat"),
        (np.full_like(X, np.nan), "has no values here"),
        (np.sin(X), "goes up and down 4 times, highest near 7.85 and lowest near 4.7"),
        (np.sin(0.7 * X), "rises to 2.25, falls to 6.75, then rises"),
    ],
)
def test_shapes_in_words(curve, words):
    assert curve_words(X, curve) == words


def test_ripples_are_not_told():
    assert curve_words(X, X + 0.05 * np.sin(20 * X)).startswith("rises")


def test_levels_in_words():
    assert level_words(("a", "b", "c"), np.array([0.0, 2.0, -1.0])) == "is highest for b and lowest for c"
    assert level_words(("a", "b"), np.array([1.0, 1.0])) == "is the same for every level"


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=40), st.floats(0.01, 5))
def test_between_turning_points_nothing_noticeable_turns(values, least):
    y = np.array(values)
    ends = turning_points(y, least)
    assert ends[0] == 0
    assert ends[-1] == len(y) - 1
    assert ends == sorted(set(ends))
    inner = ends[1:-1]
    for before, after in itertools.pairwise(inner):
        assert abs(y[after] - y[before]) >= least
    # Inside a leg no move against its way is larger than what counts as noticeable.
    for before, after in itertools.pairwise(ends):
        leg = y[before : after + 1] if y[after] >= y[before] else -y[before : after + 1]
        drops = np.maximum.accumulate(leg) - leg
        assert drops.max() < least + 1e-9 or len(ends) == 2 or after == ends[-1] or before == 0
