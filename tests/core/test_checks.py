"""Checks give back clean values and refuse the rest in one sentence."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgewise._core import (
    InputError,
    check_bool,
    check_choice,
    check_columns,
    check_float,
    check_int,
    check_matrix,
    check_names,
    check_vector,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
MATRICES = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=FINITE)


@given(st.integers(), st.integers(), st.integers())
def test_an_int_passes_exactly_when_it_is_in_range(value, low, high):
    if low <= value <= high:
        assert check_int(value, "n", low=low, high=high) == value
    else:
        with pytest.raises(InputError, match=r"The 'n' argument must be an int in the range"):
            check_int(value, "n", low=low, high=high)


def test_the_sentence_names_function_argument_range_and_value():
    with pytest.raises(InputError) as caught:
        check_int(7, "degree", low=0, high=5, of="KANLinear")
    expected = "The 'degree' parameter of KANLinear must be an int in the range [0, 5]. Got 7 instead."
    assert str(caught.value) == expected


@pytest.mark.parametrize("value", [True, np.bool_(False), 2.0, "3", None, 1j])
def test_what_only_looks_like_an_int_is_refused(value):
    with pytest.raises(InputError, match="must be an int"):
        check_int(value, "n")


def test_numpy_numbers_become_python_numbers():
    assert type(check_int(np.int32(3), "n")) is int
    assert type(check_float(np.float32(0.5), "w")) is float


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, "1", None, True, 1j])
def test_a_float_is_finite_and_real(value):
    with pytest.raises(InputError, match="must be a finite number"):
        check_float(value, "w")


def test_an_open_range_excludes_its_ends():
    assert check_float(0.0, "w", low=0) == 0.0
    with pytest.raises(InputError, match=r"in the range \(0, 1\)"):
        check_float(0.0, "w", low=0, high=1, closed=False)


def test_bool_takes_no_stand_in():
    assert check_bool(np.True_, "flag") is True
    with pytest.raises(InputError, match="True or False"):
        check_bool(1, "flag")


def test_a_near_miss_of_a_choice_is_answered():
    assert check_choice("rbf", "basis", ["bspline", "rbf"]) == "rbf"
    with pytest.raises(InputError, match=r"did you mean 'bspline'\?"):
        check_choice("BSpine", "basis", ["bspline", "rbf"])
    with pytest.raises(InputError) as caught:
        check_choice("qqq", "basis", ["bspline", "rbf"])
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "count", "word"),
    [
        ("ab", None, "single string"),
        (["a", "a"], None, "distinct"),
        (["a", " "], None, "non-empty"),
        (["a"], 2, "2 names"),
    ],
)
def test_names(names, count, word):
    with pytest.raises(InputError, match=word):
        check_names(names, "input_names", count)
    assert check_names(["a", "b"], "input_names", 2) == ("a", "b")


@given(MATRICES)
def test_every_container_gives_the_same_fresh_matrix(matrix):
    names = [f"c{i}" for i in range(matrix.shape[1])]
    frame = pd.DataFrame(matrix, columns=names)
    for form in (matrix, torch.tensor(matrix), matrix.tolist(), frame, pa.Table.from_pandas(frame)):
        clean = check_matrix(form, "X")
        assert clean.dtype == np.float64
        np.testing.assert_array_equal(clean, matrix)
    copy = check_matrix(matrix, "X")
    copy += 1.0
    assert not np.shares_memory(copy, matrix)


@given(MATRICES, st.data())
def test_the_first_bad_entry_is_named(matrix, data):
    row = data.draw(st.integers(0, matrix.shape[0] - 1))
    column = data.draw(st.integers(0, matrix.shape[1] - 1))
    matrix[row, column] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    with pytest.raises(InputError, match=f"in row {row}, column {column} "):
        check_matrix(matrix, "X")
    with pytest.raises(InputError, match=f"column 'c{column}'"):
        check_matrix(pd.DataFrame(matrix, columns=[f"c{i}" for i in range(matrix.shape[1])]), "X")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ([[1, 2], [3]], "different lengths"),
        ([[1, "a"]], "'a' in row 0, column 1"),
        ([[1, 2j]], "2j in row 0, column 1"),
        (np.array([["1", "2"]]), "'1' in row 0"),
        ([1.0, 2.0], r"reshape\(-1, 1\)"),
        (np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
        (np.zeros((0, 2)), "at least 1 row"),
        (None, "Got None"),
        ("table.csv", "Got 'table.csv'"),
        (pd.DataFrame({"a": [1], "b": ["x"]}), "column 'b'"),
        (pa.table({"a": [1], "b": ["x"]}), "column 'b'"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(value, word):
    with pytest.raises(InputError, match=word):
        check_matrix(value, "X")


def test_widths_and_lengths():
    with pytest.raises(InputError, match=r"must have 3 columns\. Got 2 instead"):
        check_matrix(np.zeros((4, 2)), "X", columns=3)
    with pytest.raises(InputError, match=r"must have 5 rows\. Got 4 instead"):
        check_matrix(np.zeros((4, 2)), "X", rows=5)
    with pytest.raises(InputError, match=r"must have 2 entries\. Got 3 instead"):
        check_vector([1, 2, 3], "y", length=2)
    check_columns(torch.zeros(2, 7, 3), 3)
    with pytest.raises(InputError, match=r"\(2, 7, 3\)"):
        check_columns(torch.zeros(2, 7, 3), 7)


def test_a_vector_may_be_a_column_but_no_matrix():
    assert check_vector(np.ones((3, 1)), "y").shape == (3,)
    assert check_vector(pd.Series([1, 2]), "y").tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="vector of shape"):
        check_vector(np.ones((3, 2)), "y")
    with pytest.raises(InputError, match=r"Got nan in row 1 \(1 such entry\)"):
        check_vector([0.0, np.nan], "y")


def test_tensors_keep_their_graph_and_low_precision_is_read():
    weight = torch.ones(2, 2, dtype=torch.bfloat16, requires_grad=True)
    assert check_matrix(weight * 2, "X").tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert weight.requires_grad
