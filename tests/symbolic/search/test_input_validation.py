"""The table that a search is given: checked, named and split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.symbolic.search.input_validation import read_callbacks, read_rows, target_name

X = np.random.default_rng(0).uniform(1, 3, (200, 2))
Y = X[:, 0] * X[:, 1]


@given(st.integers(60, 200), st.floats(0.05, 0.5), st.integers(0, 99))
def test_every_row_is_either_fitted_or_held_out(count: int, share: float, seed: int) -> None:
    rows = read_rows(X[:count], Y[:count], None, share, seed)
    assert rows.names == ("x1", "x2")
    assert rows.count == count
    assert not rows.short
    assert abs(len(rows.y_held) - share * count) <= 1
    together = np.concatenate([rows.y, rows.y_held])
    np.testing.assert_array_equal(np.sort(together), np.sort(Y[:count]))
    np.testing.assert_array_equal(rows.X.prod(axis=1), rows.y)


def test_a_short_table_is_judged_row_by_row() -> None:
    rows = read_rows(X[:59], Y[:59], ["a", "b"], 0.2, 0)
    assert rows.short
    assert rows.count == len(rows.y) == len(rows.y_held) == 59


@given(st.integers(1, 160), st.integers(1, 40), st.integers(0, 99))
def test_a_sample_is_of_the_rows_and_the_same_for_the_same_seed(most: int, held: int, seed: int) -> None:
    rows = read_rows(X, Y, None, 0.2, 0)
    sample = rows.sampled(most, held, seed)
    assert (len(sample.y), len(sample.y_held)) == (min(most, 160), min(held, 40))
    assert set(sample.y) <= set(rows.y)
    assert set(sample.y_held) <= set(rows.y_held)
    assert len(set(sample.y)) == len(sample.y)
    np.testing.assert_array_equal(sample.X.prod(axis=1), sample.y)
    np.testing.assert_array_equal(sample.y, rows.sampled(most, held, seed).y)


def test_columns_are_picked_by_name() -> None:
    rows = read_rows(X, Y, ["a", "b"], 0.2, 0)
    np.testing.assert_array_equal(rows.named(("b",)).X_held[:, 0], rows.X_held[:, 1])
    assert rows.named(("a", "b")) is rows


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        (None, {"a": "m"}, "y"),
        ("E", None, "y"),
        ("E", {"E": "J"}, "E"),
        ("E", {"y": "J"}, "y"),
        ("a", {"a": "J"}, "y"),
    ],
)
def test_units_know_the_target_by_its_name_unless_a_column_has_it(name, units, expected: str) -> None:
    target = type("Series", (), {"name": name})()
    assert target_name(target, units, ("a", "b")) == expected


def test_names_come_from_the_data_frame() -> None:
    pd = pytest.importorskip("pandas")
    assert read_rows(pd.DataFrame(X, columns=["m", 7]), Y, None, 0.2, 0).names == ("m", "7")


@pytest.mark.parametrize(
    ("table", "target", "match"),
    [
        (np.zeros((20, 0)), np.ones(20), "at least 1 column"),
        (X, Y * 1e200, "other units"),
        (X, Y * 1e-200, "other units"),
    ],
)
def test_tables_that_cannot_be_searched_are_refused(table, target, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_rows(table, target, None, 0.2, 0)


def test_callbacks_are_functions() -> None:
    assert read_callbacks([print]) == (print,)
    with pytest.raises(InputError, match="'callbacks'"):
        read_callbacks([3])  # type: ignore[list-item]
