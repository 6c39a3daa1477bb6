"""The table that a search is given: checked, named and split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.symbolic.fitting.measurements import read_rows, target_name
from edgewise.symbolic.fitting.train_test import SplitRows

X = np.random.default_rng(0).uniform(1, 3, (200, 2))
Y = X[:, 0] * X[:, 1]


def split(X: np.ndarray, y: np.ndarray, names: list[str] | None, share: float, seed: int) -> SplitRows:
    rows, columns = read_rows(X, y, names)
    return SplitRows.split(columns, rows.X, rows.y, share, seed)


@given(st.integers(60, 200), st.floats(0.05, 0.5), st.integers(0, 99))
def test_every_row_is_either_fitted_or_held_out(count: int, share: float, seed: int) -> None:
    rows = split(X[:count], Y[:count], None, share, seed)
    assert rows.names == ("x1", "x2")
    assert rows.count == count
    assert not rows.short
    assert abs(len(rows.y_held) - share * count) <= 1
    together = np.concatenate([rows.y, rows.y_held])
    np.testing.assert_array_equal(np.sort(together), np.sort(Y[:count]))
    np.testing.assert_array_equal(rows.X.prod(axis=1), rows.y)


def test_a_short_table_is_judged_row_by_row() -> None:
    rows = split(X[:59], Y[:59], ["a", "b"], 0.2, 0)
    assert rows.short
    assert rows.count == len(rows.y) == len(rows.y_held) == 59


@given(st.integers(1, 160), st.integers(1, 40), st.integers(0, 99))
def test_a_sample_is_of_the_rows_and_the_same_for_the_same_seed(most: int, held: int, seed: int) -> None:
    rows = split(X, Y, None, 0.2, 0)
    sample = rows.sampled(most, held, seed)
    assert (len(sample.y), len(sample.y_held)) == (min(most, 160), min(held, 40))
    assert set(sample.y) <= set(rows.y)
    assert set(sample.y_held) <= set(rows.y_held)
    assert len(set(sample.y)) == len(sample.y)
    np.testing.assert_array_equal(sample.X.prod(axis=1), sample.y)
    np.testing.assert_array_equal(sample.y, rows.sampled(most, held, seed).y)


def test_columns_are_picked_by_name() -> None:
    rows = split(X, Y, ["a", "b"], 0.2, 0)
    np.testing.assert_array_equal(rows.named(("b",)).X_held[:, 0], rows.X_held[:, 1])
    assert rows.named(("a", "b")) is rows


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        (None, {"a": "m"}, "y"),
        ("E", None, "E"),
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
    assert read_rows(pd.DataFrame(X, columns=["m", 7]), Y, None)[1] == ("m", "7")


@pytest.mark.parametrize(
    ("table", "target", "match"),
    [
        (np.full((20, 2), np.nan), np.ones(20), r"at least 5 rows.* Got 0 instead: 20 rows of 20 left out"),
        (X, np.where(np.arange(200) == 7, np.inf, Y), "'y' .* Got inf in row 7"),
        (
            np.where(np.arange(200)[:, None] == 9, -np.inf, X),
            Y,
            r"'X' .* Got -inf \(column 0, .*\) in row 9",
        ),
        (np.zeros((20, 0)), np.ones(20), "at least 1 column"),
        (X, Y * 1e200, "other units"),
        (X, Y * 1e-200, "other units"),
    ],
)
def test_tables_that_cannot_be_searched_are_refused(table, target, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_rows(table, target, None)


@given(st.sets(st.integers(0, 199), max_size=60), st.sets(st.integers(0, 199), max_size=60))
def test_rows_with_missing_cells_are_left_out_and_counted(first: set[int], target: set[int]) -> None:
    table, y = X.copy(), Y.copy()
    table[list(first), 0], y[list(target)] = np.nan, np.nan
    rows, _ = read_rows(table, y, ["a", "b"])
    gone = first | target
    np.testing.assert_array_equal(rows.numbers, [at for at in range(200) if at not in gone])
    np.testing.assert_array_equal(rows.X, X[rows.numbers])
    np.testing.assert_array_equal(rows.y, Y[rows.numbers])
    said = " ".join(rows.notes)
    assert (f"{len(gone)} row" in said) == bool(gone)
    assert (f"'a' ({len(first)})" in said) == bool(first)
    assert (f"'y' ({len(target)})" in said) == bool(target)


def test_weights_are_relative_and_a_standard_deviation_is_one() -> None:
    sigma = np.linspace(0.5, 2, 200)
    told, _ = read_rows(X, Y, None, sigma=sigma)
    weighed, _ = read_rows(X, Y, None, sample_weight=7 / sigma**2)
    assert told.weight is not None
    assert weighed.weight is not None
    np.testing.assert_allclose(told.weight, weighed.weight, rtol=1e-14)
    assert told.weight.mean() == pytest.approx(1)
    # A row of weight w has the variance that was told.
    np.testing.assert_allclose(told.variance / told.weight, sigma**2, rtol=1e-13)
    assert weighed.variance is None


@pytest.mark.parametrize("sigma", [0.3, np.full(200, 0.3)])
def test_equal_standard_deviations_weigh_nothing_but_are_known(sigma) -> None:
    rows, _ = read_rows(X, Y, None, sigma=sigma)
    assert rows.weight is None
    assert rows.variance == pytest.approx(0.09, rel=1e-14)


def test_rows_of_no_weight_are_left_out() -> None:
    weight = np.ones(200)
    weight[[3, 8]], weight[11] = 0, np.nan
    rows, _ = read_rows(X, Y, None, sample_weight=weight)
    assert len(rows.y) == 197
    assert rows.weight is None
    assert rows.notes == (
        "1 row of 200 left out: cells are missing in 'sample_weight' (1).",
        "2 rows of 200 left out: of weight 0.",
    )


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"sigma": 0.0}, "'sigma' .* finite number"),
        ({"sigma": np.zeros(200)}, "'sigma' .* not all zero"),
        ({"sigma": np.arange(200)}, "'sigma' .* above 0. Got 0 in row 0"),
        ({"sigma": np.ones(3)}, "'sigma' .* 200 entries. Got 3"),
        ({"sample_weight": -np.ones(200)}, "'sample_weight' .* not negative"),
        ({"sample_weight": np.full(200, np.nan)}, "'sample_weight' .* Got no number"),
        ({"sample_weight": np.ones(200), "sigma": 1.0}, "must not both be given"),
    ],
)
def test_weights_that_are_none_are_refused(told, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_rows(X, Y, None, **told)


def test_rows_are_named_where_they_stand_in_the_whole_table():
    """Rows left out before them count."""
    holes, large = X.copy(), Y.copy()
    holes[[0, 4], 0], large[9] = np.nan, 1e200
    with pytest.raises(InputError) as refused:
        read_rows(holes, large, None)
    assert refused.value.rows == (9,)
