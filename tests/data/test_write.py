"""What is written is read back the same."""

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import FileError, read_table
from edgewise.data import to_table, write_frame, write_table

NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60))
WORDS = st.text(st.characters(categories=["L"]), min_size=1, max_size=5)


@given(st.lists(st.tuples(NUMBERS, WORDS), min_size=1, max_size=8), st.sampled_from(["csv", "parquet"]))
def test_round_trip(tmp_path_factory, rows, kind):
    # A word in front keeps the text column text even where every drawn word happens to be a number's name.
    table = to_table({"number": [row[0] for row in rows], "word, quoted": [f"w {row[1]}" for row in rows]})
    path = tmp_path_factory.mktemp("round") / f"table.{kind}"
    write_table(table, path)
    again = read_table(path)
    assert again.names == table.names
    for name in table.names:
        np.testing.assert_array_equal(again.columns[name], table.columns[name])


def test_whole_numbers_are_written_the_way_people_write_them():
    stream = io.BytesIO()
    write_table(to_table({"n": [1, None, 3], "x": [0.5, 1.0, 2.0]}), stream)
    assert stream.getvalue().decode().splitlines()[1:] == ["1,0.5", ",1", "3,2"]


def test_a_place_that_cannot_be_written_is_answered(tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        write_table(to_table({"x": [1.0]}), tmp_path / "no" / "such" / "folder.csv")


@pytest.mark.parametrize("name", ["cells.csv", "cells.tsv"])
def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path, name):
    texts = ["=1+1", "+A1", "-A1", "@x", "\tx", "-5", "+1.5e3", "-", "a=b", None]
    frame = pa.table({"=cmd": texts, "n": list(range(-5, 5))})
    write_frame(frame, tmp_path / name)
    head, *rows = (tmp_path / name).read_text().splitlines()
    assert head.startswith('"\'=cmd"')
    expected = ["'=1+1", "'+A1", "'-A1", "'@x", "'\tx", "-5", "+1.5e3", "-", "a=b", ""]
    assert [row.rsplit("," if name.endswith("csv") else "\t", 1)[0].strip('"') for row in rows] == expected
    assert rows[0].endswith("-5")
