"""Checks give back clean values and refuse the rest in one sentence."""

import ast
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import edgewise
from edgewise._core.arguments import check_table, place_among
from edgewise._core.checks import (
    among,
    as_tuple,
    check_bool,
    check_choice,
    check_columns,
    check_float,
    check_int,
    check_matrix,
    check_names,
    check_vector,
    short,
)
from edgewise._core.errors import InputError

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
MATRICES = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=FINITE)


@given(st.integers(), st.integers(), st.integers())
def test_an_int_passes_exactly_when_it_is_in_range(value, low, high):
    if low <= value <= high:
        assert check_int(value, "n", low=low, high=high) == value
    else:
        with pytest.raises(InputError, match=r"The 'n' argument must be an int in the range"):
            check_int(value, "n", low=low, high=high)


def test_the_sentence_names_argument_range_and_value():
    with pytest.raises(InputError) as caught:
        check_int(7, "degree", low=0, high=5)
    expected = "The 'degree' argument must be an int in the range [0, 5]. Got 7 instead."
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


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_of_a_frame_are_taken_by_their_names(kind):
    """In whatever order they come, and whatever else the frame holds."""
    columns = {"word": ["p", "q"], "b": [3.0, 4.0], "a": [1.0, 2.0]}
    np.testing.assert_array_equal(check_table(kind(columns), ["a", "b"]), [[1, 3], [2, 4]])
    renamed = kind({"u": columns["a"], "v": columns["b"]})
    np.testing.assert_array_equal(check_table(renamed, ["a", "b"]), [[1, 3], [2, 4]])
    with pytest.raises(
        InputError, match=r"must have the columns 'a', 'bb'\. Got a table without 'bb' \(did you mean 'b'"
    ):
        check_table(kind(columns), ["a", "bb"])


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
    with pytest.raises(InputError) as refused:
        check_matrix(matrix, "X")
    assert refused.value.rows == (row,)
    assert f"(column {column}, 1 such entry)" in refused.value.got
    with pytest.raises(InputError, match=f"column 'c{column}'"):
        check_matrix(pd.DataFrame(matrix, columns=[f"c{i}" for i in range(matrix.shape[1])]), "X")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ([[1, 2], [3]], "different lengths"),
        ([[1, "a"]], r"'a' \(column 1\) in row 0"),
        ([[1, 2j]], r"2j \(column 1\) in row 0"),
        (np.array([["1", "2"]]), r"'1' \(column 0\) in row 0"),
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
    with pytest.raises(InputError, match=r"Got nan in row 1 \(counted from 0\) instead"):
        check_vector([0.0, np.nan], "y")


def test_tensors_keep_their_graph_and_low_precision_is_read():
    weight = torch.ones(2, 2, dtype=torch.bfloat16, requires_grad=True)
    assert check_matrix(weight * 2, "X").tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert weight.requires_grad


class _Broken:
    def __repr__(self):
        raise RuntimeError("no text")


def _own_tail():
    own = [1]
    own.append(own)
    return own


def _deep(depth):
    made = []
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize(
    "value",
    [
        *(_Broken(), _own_tail(), _deep(5000), object(), lambda: 0, 10**5000, "a" * 10**6, [0.5] * 10**6),
        *(ValueError("x"), np.zeros(10**6), {"a": _Broken()}, "\ud800", {1: [2] * 1000}, float("nan")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_is_written_on_one_short_line(value):
    text = short(value)
    assert len(text.splitlines()) == 1
    assert 0 < len(text) <= 100
    assert "0x" not in text
    assert len(short(value, 40)) <= 100


def test_plain_values_are_written_as_they_are():
    assert [short(value) for value in (7, 0.5, "a", None, (1, 2), [1, "b"], {"k": 3})] == [
        *("7", "0.5", "'a'", "None", "(1, 2)", "[1, 'b']", "{'k': 3}"),
    ]


def test_the_first_names_stand_for_many():
    assert among([]) == "nothing"
    assert among(["a", "b"]) == "'a', 'b'"
    assert among([f"x{k}" for k in range(1200)], 2) == "'x0', 'x1' and 1,198 more"
    assert len(among(["n" * 5000] * 9)) < 250


@pytest.mark.parametrize("value", [3, None, "ab", {"a": 1}, np.array(3), torch.tensor(1.0), object()])
def test_what_is_no_list_is_no_list(value):
    with pytest.raises(InputError) as caught:
        as_tuple(value, "edges", "edges")
    assert (caught.value.argument, caught.value.expected) == ("edges", "be a list of edges")


def test_lists_of_every_kind_are_lists():
    assert as_tuple((k for k in range(2)), "n", "ints") == (0, 1)
    assert as_tuple(np.array([1.0]), "n", "ints") == (1.0,)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (scipy.sparse.csr_matrix(np.eye(2)), r"a sparse matrix instead; convert it with \.toarray\(\)"),
        (pl.DataFrame({"a": [1]}).lazy(), r"a lazy frame instead; convert it with \.collect\(\)"),
        (torch.eye(2).to_sparse(), "a sparse_coo tensor"),
        (torch.eye(2).to("meta"), "a meta tensor"),
        ([[10**400, 1]], "too large for a float"),
        (_deep(100), "rows of different lengths|Got"),
        (np.zeros(2, dtype="V8"), "real numbers"),
        (np.array([np.datetime64("2020")]), "real numbers"),
    ],
    ids=str,
)
def test_numbers_in_strange_vessels_are_refused_without_a_warning(value, word):
    with pytest.raises(InputError, match=word):
        check_matrix(value, "X")


def test_masked_entries_are_missing_and_not_their_hidden_values():
    hidden = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    with pytest.raises(InputError, match=r"Got nan \(column 1, 1 such entry\) in row 0"):
        check_matrix(hidden, "X")
    assert check_matrix(np.ma.masked_array([[1.0]], mask=[[False]]), "X").tolist() == [[1.0]]


@pytest.mark.parametrize("value", [10**400, Fraction(10**400), np.longdouble("1e400")])
def test_a_number_beyond_floats_is_no_float(value):
    with pytest.raises(InputError, match="must be a finite number"):
        check_float(value, "w")


@pytest.mark.parametrize("value", [3, None, object(), torch.tensor(1.0)])
def test_names_must_be_a_list(value):
    with pytest.raises(InputError, match="'names' argument must be a list of names"):
        check_names(value, "names")


@pytest.mark.slow
def test_sentences_show_what_they_got_by_short():
    """The repr of what somebody passes may be long, of many lines, or fail."""
    raw: list[str] = []
    for path in Path(edgewise.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            raw += [
                f"{path.name}:{node.lineno}"
                for before, value in pairwise(parts)
                if isinstance(before, ast.Constant)
                and before.value.endswith("Got ")
                and isinstance(value, ast.FormattedValue)
                and value.conversion == ord("r")
                and isinstance(value.value, (ast.Name, ast.Attribute))
            ]
    assert [name for name in raw if not name.startswith("numpy_table.py")] == []


class Unwritable:
    def __repr__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "known", "place"),
    [
        ("b", ["a", "b"], 1),
        ("1", [0, 1], 1),
        (np.int64(1), [0, 1], 1),
        (1.0, [0, 1], 1),
        (1, ["1", 1], 1),
        (True, [False, True], 1),
        (0.5, [0, 1], None),
        (["b"], ["a", "b"], None),
        (np.zeros(3), ["a", "b"], None),
        (Unwritable(), ["a", "b"], None),
    ],
)
def test_a_name_is_found_among_those_known(value, known, place):
    assert place_among(value, known) == place


@pytest.mark.parametrize(
    ("error", "text"),
    [(IndexError, "an IndexError"), (KeyError, "a KeyError"), (UnboundLocalError, "an UnboundLocalError"),
     (UnicodeError, "a UnicodeError"), (UserWarning, "a UserWarning"), (EOFError, "an EOFError")],
)  # fmt: skip
def test_types_have_their_article(error: type[Exception], text: str) -> None:
    assert short(error()) == text
    assert short([error()]) == f"[{text}]"


@pytest.mark.parametrize("value", [1 + 2j, NotImplemented, object()])
def test_a_single_value_that_is_no_number_is_refused_as_one(value: object) -> None:
    with pytest.raises(InputError) as caught:
        check_matrix(value, "X")
    assert (caught.value.argument, caught.value.rows) == ("X", ())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x85", "\u2028"])
def test_a_sentence_is_one_line_whatever_names_it_quotes(end: str) -> None:
    with pytest.raises(InputError) as missing:
        edgewise.read_table(f"no{end}file.csv")
    for error in (missing.value, InputError(argument=f"a{end}b", expected="be an int", got=f"1{end}")):
        assert len(str(error).splitlines()) == 1
        assert repr(end)[1:-1] in str(error)
