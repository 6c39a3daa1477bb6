"""Tables, their features, the split, the shipped data."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError, load_example
from edgewise.data import EXAMPLES, split, to_table


def test_frames_of_every_kind_give_the_same_table():
    mapping = {"a": [1, 2], "b": [0.5, 1.5], "c": ["x", "y"]}
    tables = [to_table(form) for form in (mapping, pd.DataFrame(mapping), pa.table(mapping))]
    for table in tables:
        assert table.names == ("a", "b", "c")
        assert table.matrix(["a", "b"]).tolist() == [[1.0, 0.5], [2.0, 1.5]]
        assert not table.is_numeric("c")
    assert to_table(tables[0]) is tables[0]


def test_a_table_cannot_be_written_to_and_keeps_no_hold_on_its_source():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    table = to_table(frame)
    with pytest.raises(ValueError, match="read-only"):
        table.columns["a"][0] = 9.0
    frame.loc[0, "a"] = 7.0
    assert table.columns["a"][0] == 1.0
    X = table.matrix(["a"])
    X[0, 0] = 5.0
    assert table.columns["a"][0] == 1.0


def test_features_default_to_all_other_columns_in_order():
    table = to_table({"a": [1, 2], "y": [3, 4], "b": [5, 6]})
    X, y, names = table.features("y")
    assert names == ("a", "b")
    assert X.tolist() == [[1, 5], [2, 6]]
    assert y.tolist() == [3, 4]
    assert table.features("y", ["b"])[0].tolist() == [[5], [6]]


@pytest.mark.parametrize(
    ("columns", "target", "chosen", "word"),
    [
        ({"a": [1], "y": [2]}, "Y", None, r"did you mean 'y'\?"),
        ({"a": [1], "y": [2]}, "y", ["b"], "no column 'b'"),
        ({"a": [1], "y": [2]}, "y", ["a", "y"], "must not be among"),
        ({"a": [1], "y": [2]}, "y", ["a", "a"], "more than once"),
        ({"y": [2]}, "y", None, "at least one column besides"),
        ({"a": ["red"], "y": [2]}, "y", None, "Column 'a' of the table must be numeric. Got 'red'"),
        ({"a": [1], "y": ["red"]}, "y", None, "Column 'y'"),
        ({"a": [1, None], "y": [2, 3]}, "y", None, "1 missing in 2 rows"),
        ({"a": [1, np.inf], "y": [2, 3]}, "y", None, "1 infinite"),
    ],
)
def test_bad_features_end_in_one_sentence(columns, target, chosen, word):
    with pytest.raises(InputError, match=word):
        to_table(columns).features(target, chosen)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (3, "must be a data frame"),
        ({}, "at least one column"),
        ({"a": []}, "at least one row"),
        ({"a": [1], "b": [1, 2]}, "equal lengths"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' more than once"),
        (pl.LazyFrame({"a": [1]}), "call its .collect"),
    ],
)
def test_what_is_no_table_is_refused(data, word):
    with pytest.raises(InputError, match=word):
        to_table(data)


@pytest.mark.parametrize("name", [{}, ["y"], None, 3])
def test_a_column_is_asked_for_by_a_string(name):
    with pytest.raises(InputError, match="must be a string"):
        to_table({"a": [1], "y": [2]}).features(name)


def test_drop_missing_looks_only_at_the_columns_asked_for():
    table = to_table({"a": [1, None, 3], "s": ["u", "v", " "]})
    assert table.drop_missing(["a"]).columns["a"].tolist() == [1.0, 3.0]
    assert table.drop_missing().columns["a"].tolist() == [1.0]


@given(st.integers(2, 300), st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(0, 2**32))
def test_split_is_a_partition_of_the_asked_size(n, fraction, seed):
    train, held_out = split(n, fraction, seed)
    assert sorted([*train, *held_out]) == list(range(n))
    assert min(len(train), len(held_out)) >= 1
    if 1 <= n * fraction <= n - 1:
        assert abs(len(held_out) - n * fraction) <= 0.5
    again = split(n, fraction, seed)
    assert np.array_equal(train, again[0])
    assert np.array_equal(held_out, again[1])


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60), st.floats(0.05, 0.95), st.integers(0, 99))
def test_split_holds_out_every_class_by_its_share(classes, fraction, seed):
    labels = np.array(classes)
    train, held_out = split(len(labels), fraction, seed, classes=labels)
    assert sorted([*train, *held_out]) == list(range(len(labels)))
    assert len(held_out) == len(split(len(labels), fraction, seed)[1])
    for label in set(classes):
        expected = (labels == label).sum() * len(held_out) / len(labels)
        assert abs((labels[held_out] == label).sum() - expected) < 1


def test_split_wants_a_class_a_row():
    with pytest.raises(InputError, match="'classes'"):
        split(3, 0.5, classes=np.array(["a", "b"]))


def test_split_draws_every_row_equally_often():
    counts = np.zeros(10)
    for seed in range(1000):
        counts[split(10, 0.3, seed)[1]] += 1
    # Binomial(1000, 0.3) has a standard deviation of 14.5; five of them never happen by chance.
    assert np.all(np.abs(counts - 300) < 73)


@pytest.mark.parametrize(("n", "fraction"), [(1, 0.5), (10, 0.0), (10, 1.0), (10, np.nan), (2.5, 0.5)])
def test_split_refuses(n, fraction):
    with pytest.raises(InputError):
        split(n, fraction)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_what_they_say(name):
    example = EXAMPLES[name]
    table = load_example(name)
    assert {*example.columns, example.target} == set(table.names)
    assert set(example.units) <= set(table.names)
    assert f"{table.n_rows:,}" in example.title or str(table.n_rows) in example.title
    assert not any(table.missing(column).any() for column in table.names)
    if example.law:
        X, _, names = table.features(example.target, example.columns)
        assert names == example.columns
        assert np.isfinite(X).all()


def test_the_loans_are_those_of_the_repository():
    table = load_example("german_credit")
    assert sorted(set(table.columns["credit"])) == ["bad", "good"]
    assert (table.columns["credit"] == "bad").sum() == 300  # as its description says
    assert sum(table.is_numeric(name) for name in table.names) == 7


def test_the_measured_laws_hold_on_the_shipped_data():
    nuclei = load_example("nuclear_binding")
    Z, N, A, B = (nuclei.columns[name] for name in ("Z", "N", "A", "B"))
    np.testing.assert_array_equal(Z + N, A)
    tightest = (B / A).argmax()
    assert B[tightest] / A[tightest] == pytest.approx(8.7945, abs=1e-3)  # nickel-62 is the most tightly bound
    assert (Z[tightest], N[tightest]) == (28, 34)
    lines = load_example("moseley_ka1")
    light = lines.columns["Z"] < 40  # heavier elements feel relativity
    slope = np.polyfit(lines.columns["Z"][light], np.sqrt(lines.columns["E_eV"][light]), 1)[0]
    assert slope == pytest.approx(
        np.sqrt(0.75 * 13.6057), rel=0.03
    )  # Moseley: sqrt(3/4 Ry) per unit of charge


def test_an_unknown_example_is_answered():
    with pytest.raises(InputError, match=r"did you mean 'moseley_ka1'\?"):
        load_example("mosely_ka1")
