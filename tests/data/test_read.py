"""Tables from files, in the dialects they come in."""

import gzip
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError, read_table
from edgewise.data import read_frame

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def write(text, name="table.csv"):
    from pathlib import Path

    path = Path(name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_numbers_come_back_exactly_in_every_dialect(tmp_path_factory, rows, delimiter, headed, newline, mark):
    lines = [delimiter.join(repr(cell) for cell in row) for row in rows]
    text = mark + newline.join([delimiter.join(["a", "b"]), *lines] if headed else lines) + newline
    path = tmp_path_factory.mktemp("dialect") / "table.csv"
    path.write_bytes(text.encode())
    table = read_table(path)
    assert table.names == (("a", "b") if headed else ("x1", "x2"))
    np.testing.assert_array_equal(table.matrix(table.names), np.array(rows))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_decimal_commas(tmp_path_factory, rows):
    text = "\n".join(["a;b", *(";".join(f"{cell:.3f}".replace(".", ",") for cell in row) for row in rows)])
    path = tmp_path_factory.mktemp("decimal") / "table.csv"
    path.write_text(text)
    expected = [[float(f"{cell:.3f}") for cell in row] for row in rows]
    np.testing.assert_array_equal(read_table(path).matrix(["a", "b"]), expected)


def test_parquet_equals_csv(tmp_path):
    frame = pd.DataFrame(
        {"n": [1, 2, 3], "x": [0.5, np.nan, 2.0], "flag": [True, False, True], "s": ["u", "v", None]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    one, two = read_table(tmp_path / "t.parquet"), read_table(tmp_path / "t.csv")
    assert one.names == two.names == ("n", "x", "flag", "s")
    for name in one.names:
        np.testing.assert_array_equal(one.columns[name], two.columns[name])
    assert one.columns["flag"].tolist() == [1.0, 0.0, 1.0]
    assert one.missing("s").tolist() == [False, False, True]


def test_compressed_files_are_read():
    path = write(gzip.compress(b"a,b\n1,2\n"), "t.csv.gz")
    assert read_table(path).matrix(["a", "b"]).tolist() == [[1.0, 2.0]]


def test_the_fingerprint_is_that_of_the_file():
    import hashlib

    path = write("a,b\n1,2\n3,4\n")
    table = read_table(path)
    assert table.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()
    assert table.take(np.array([0])).fingerprint == table.fingerprint


def test_missing_markers_blank_lines_and_quoted_breaks():
    table = read_table(write('\n\n"two\nlines",b\n1,2\n\nNA,?\n ,"4"\n'))
    assert table.names == ("two lines", "b")
    np.testing.assert_array_equal(table.columns["two lines"], [1.0, np.nan, np.nan])
    np.testing.assert_array_equal(table.columns["b"], [2.0, np.nan, 4.0])


def test_a_nameless_index_column_gets_a_name():
    assert read_table(write(",b\n0,3\n1,4\n")).names == ("column_1", "b")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "empty file"),
        (" \n\n", "empty file"),
        ("a,b\n", "at least one row"),
        ("a,a\n1,2\n", "'a' more than once"),
        ("a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("a,b\n1,2,3\n4,5,6\n", "same number of cells"),
        ("é,b\n1,2\n".encode() + b"\xe9,3\n", "UTF-8"),
        (b"\x89PNG\r\n\x00\x00", "a picture"),
        (b"a\x00b\x01", "none of them"),
        (b"PAR1 and then nothing", "complete Parquet"),
    ],
)
def test_bad_files_end_in_one_sentence(content, word):
    with pytest.raises(InputError, match=word) as caught:
        read_table(write(content))
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"file\. Got a folder instead\.$"):
        read_table(tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_an_input_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "table.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except InputError:
        return
    assert table.n_rows >= 1
    assert all(len(values) == table.n_rows for values in table.columns.values())


@pytest.mark.parametrize("text", [",\n,\n", '""\n', ",,\n", '" "\n" "\n'])
def test_nothing_but_blank_cells_is_no_table(text):
    with pytest.raises(InputError, match="nothing but blank cells"):
        read_table(write(text))


@given(
    st.lists(st.dates(date(1500, 1, 1), date(2999, 12, 31)), min_size=5, max_size=20, unique=True),
    st.integers(0, 5),
)
def test_dates_of_eight_digits(tmp_path_factory, days, gap):
    path = tmp_path_factory.mktemp("days") / "days.csv"
    cells = [f"{day:%Y%m%d}" for day in days]
    cells.insert(gap, "")
    path.write_text("day,y\n" + "".join(f"{cell},1\n" for cell in cells))
    assert read_frame(path).column(0).to_pylist() == [*days[:gap], None, *days[gap:]]
    # One that is none, and they are numbers.
    path.write_text("day,y\n" + "".join(f"{cell},1\n" for cell in [*cells, "20010229"]))
    assert read_frame(path).column(0).to_pylist()[-1] == 20010229


@pytest.mark.parametrize(
    "text", ['[{"a": 1}]', '{"a": [1]}', "<!DOCTYPE html>\n<table>", "<?xml version='1.0'?>", ' [\n {"a":2}]']
)
def test_other_ways_to_hold_tables_are_named(tmp_path, text):
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(InputError) as error:
        read_frame(tmp_path / "t.txt")
    assert error.value.got in ("JSON", "HTML or XML")
